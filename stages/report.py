"""One page on every problem: how good, against what, on which data, and where it is worse.

    python -m stages.report

reads   metrics/, plots/     what the stages before it found
        models/*/            card.json and bundle.json: rounds, rows by window, unit
        params.yaml          the problems, and their parameters with comments
        dvc.yaml             the plots, drawn as `dvc plots` draws them
        .dvc/plots/          their templates
writes  reports/index.html   self-contained: it opens without a network

DVC lets no stage depend on dvc.yaml. After a change of a plot's title or axes there, run
`dvc repro -f -s report`.
"""

from pathlib import Path

from retrace.base.files import replacing
from retrace.report.page import render
from stages.runner import run_single, say

REPORT = Path("reports/index.html")


def main() -> None:
    page = render()
    with replacing(REPORT) as partial:
        partial.write_text(page, encoding="utf-8", newline="\n")
    say(f"{REPORT}: {len(page.encode()) / 1024:,.0f} kB")


if __name__ == "__main__":
    run_single(main)
