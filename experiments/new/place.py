"""Put a new problem into the repository, all of it or nothing, and take one out again.

A mark is there from the first change to the last: what a killed process left is taken out first.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments import dag
from experiments.git import git_or_empty
from experiments.new import lines
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import replacing
from retrace.base.params import PATH as PARAMS

EXTERNAL = Path("data/external")
MARKS = Path(".dvc/tmp/retrace/new")
DAG, LOCK = Path("dvc.yaml"), Path("dvc.lock")
THERE_BEFORE = "# was there before"  # of a source that is not taken out with its problem
LISTS = ("worlds", "problems", "backtests")
OF_WORLD = (
    paths.clean, paths.quarantine, paths.ingest_metrics, paths.validation_metrics, paths.profile,
)  # fmt: skip
OF_PROBLEM = (
    paths.features, paths.state, paths.bundle, paths.held, paths.serving, paths.predictions,
    paths.search,
    paths.metrics, paths.slices, paths.tables, paths.plots, paths.comparison,
    paths.backtest_metrics, paths.backtest_tables, paths.part, paths.story,
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """What a new problem is, as files: those of the package, and the entries of both YAML files."""

    files: Mapping[str, str]  # of problems/NAME/
    lists: Mapping[str, list[str]]  # entries of blocks of params.yaml
    block: list[str]  # of params.yaml
    artifact: list[str]  # of dvc.yaml


def package(name: str) -> Path:
    return Path("problems") / name


def is_there(source: Path) -> bool:
    """Whether DVC keeps a file, or folder, of this repository already."""
    return source.is_relative_to(Path.cwd()) and Path(f"{source}.dvc").is_file()


def target_of(name: str, source: Path) -> Path:
    """Return where the data comes to lie: where it is if DVC has it already, else in
    data/external/."""
    if is_there(source):
        return source.relative_to(Path.cwd())
    suffixes = "" if source.is_dir() else source.name[source.name.index(".") :]
    return EXTERNAL / f"{name}{suffixes.lower()}"


def write(name: str, source: Path, written: Written) -> None:
    """Put the problem into the repository; after an error nothing of it is there."""
    with _marked(name):
        target = target_of(name, source)
        if not Path(f"{target}.dvc").exists():
            with replacing(target) as partial:
                (shutil.copytree if source.is_dir() else shutil.copyfile)(source, partial)
            done = dag.dvc("add", "--quiet", str(target))
            if done.returncode != 0:
                raise RetraceError(f"dvc add {target} failed:\n{done.stderr.strip()[-2000:]}")
        with replacing(package(name)) as folder:
            for path, text in written.files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8", newline="\n")
        text = DAG.read_text("utf-8")
        _replace(DAG, lines.put(text, "artifacts", written.artifact))
        text = PARAMS.read_text("utf-8")
        for top, entry in written.lists.items():
            text = lines.put(text, top, entry)
        _replace(PARAMS, lines.append(text, written.block))


def remove(name: str) -> list[str]:
    """Take a problem out: its package, its entries, its data and all that stages made of it; return
    what there was."""
    found = []
    text = PARAMS.read_text("utf-8")
    match = re.search(rf"^  {re.escape(name)}:\n    source: (\S+)(.*)$", text, re.MULTILINE)
    sources = [Path(match[1])] if match else sorted(EXTERNAL.glob(f"{name}.*"))
    if match and THERE_BEFORE in match[2]:
        sources = []
    fewer = lines.take_block(text, name)
    for top in LISTS:
        fewer = lines.take(fewer, top, name)
    for path, new in (
        (PARAMS, fewer),
        (DAG, lines.take(DAG.read_text("utf-8"), "artifacts", name)),
    ):
        if new != path.read_text("utf-8"):
            _replace(path, new)
            found.append(str(path))
    _remove_data(name, sources, found)
    made = [package(name), *(of(name) for of in (*OF_WORLD, *OF_PROBLEM)), paths.truth(name).parent]
    for path in made:
        if path.is_dir():
            shutil.rmtree(path)
            found.append(str(path))
        elif path.exists():
            path.unlink()
            found.append(str(path))
    _forget(name)
    return found


def unfinished(name: str) -> bool:
    return (MARKS / name).exists()


def tidy(name: str) -> None:
    """Take out what a killed process left."""
    remove(name)
    (MARKS / name).unlink()


@contextmanager
def _marked(name: str) -> Iterator[None]:
    MARKS.mkdir(parents=True, exist_ok=True)
    (MARKS / name).touch()
    try:
        yield
    except BaseException:
        tidy(name)
        raise
    (MARKS / name).unlink()


def _remove_data(name: str, sources: list[Path], found: list[str]) -> None:
    for source in sources:
        own = source.parent == EXTERNAL and source.name.split(".")[0] == name
        tracked = source if source.suffix == ".dvc" else Path(f"{source}.dvc")
        data = tracked.with_suffix("")
        if not own:
            continue
        if tracked.exists():
            done = dag.dvc("remove", "--quiet", str(tracked))
            if done.returncode != 0:
                raise RetraceError(f"dvc remove {tracked} failed:\n{done.stderr.strip()[-2000:]}")
        if data.is_dir():
            shutil.rmtree(data)
        data.unlink(missing_ok=True)
        found.append(str(data))
    ignored = EXTERNAL / ".gitignore"
    if ignored.exists() and not ignored.read_text("utf-8").strip():
        ignored.unlink()


def _forget(name: str) -> None:
    """Take the problem's stages out of dvc.lock; the report's entry is then that of the last
    commit, if nothing else is another one."""
    if not LOCK.exists():
        return
    text = before = LOCK.read_text("utf-8")
    for stage in re.findall(rf"^  (\w+@{re.escape(name)}):$", text, re.MULTILINE):
        text = lines.take(text, "stages", stage)
    if text == before:
        return
    committed = git_or_empty("show", f"HEAD:{LOCK}") + "\n"
    if lines.take(text, "stages", "report") == lines.take(committed, "stages", "report"):
        text = committed
    _replace(LOCK, text)
    dag.dvc("checkout", "--quiet", "--force", "reports/index.html")


def _replace(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
