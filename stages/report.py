"""One page on every problem, put together from the parts of `stages.page` and `stages.story`.

    python -m stages.report

reads   reports/parts/       one file a problem, and one a backtest
        params.yaml          the problems, in the order of the page
writes  reports/index.html   self-contained: it opens without a network
"""

from pathlib import Path
from typing import Any

from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, replacing
from retrace.base.params import read_key
from retrace.report.page import page
from stages.runner import run_single, say

REPORT = Path("reports/index.html")


def read_part(path: Path, stage: str, name: str) -> dict[str, Any]:
    """Read a part that Git has, or that its stage has made."""
    if not path.exists():
        raise RetraceError(
            f"{path} is missing. `git checkout {path}`, or `dvc repro {stage}@{name}`."
        )
    part: dict[str, Any] = read_json(path)
    return part


def main() -> None:
    problems = [read_part(paths.part(name), "page", name) for name in read_key("problems")]
    stories = {
        name: read_part(paths.story(name), "story", name) for name in read_key("backtests") or {}
    }
    text = page(problems, stories)
    with replacing(REPORT) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    for part in problems:
        say("\n".join(part.get("screen", [])))
    say(f"{REPORT}: {len(text.encode()) / 1024:,.0f} kB")


if __name__ == "__main__":
    run_single(main)
