"""What daily users of DVC do beside `dvc repro` goes on working, in places like theirs.

All on one project that has run, cut down to one world with times, so that a command takes a second.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from tests.conftest import commit, run
from tests.pipeline.test_dag import lock, ran

pytestmark = pytest.mark.xdist_group("habits")

RETRACE = (sys.executable, "-m", "commands")
FEWER = ("-S", "fraud.train.max_rounds=5")
OTHER = ("-S", "fraud.train.max_rounds=6")
TRAIN, MODEL = "train@fraud", "models/fraud"
STAGES = ("simulate@fraud", "ingest@fraud", TRAIN)
AGAIN = ("dvc", "repro", "--force", "--single-item")


@pytest.fixture
def alone(reproduced_fraud: Path) -> Path:
    """The reproduced project with payments alone. Clone it; do not change it."""
    return reproduced_fraud


def clone_of(source: Path, folder: Path, *options: str, checkout: bool = True) -> Path:
    """Clone a project; its cache is that of the first, and its remote a folder beside it."""
    run(source, "git", "clone", "--quiet", *options, source.as_uri(), str(folder))
    use_cache(folder, source / ".dvc/cache")
    if checkout:
        run(folder, "dvc", "checkout", "--quiet")
    return folder


def use_cache(folder: Path, cache: Path, more: str = "") -> None:
    remote = f"['remote \"storage\"']\n    url = {cache.parent / 'storage'}\n"
    text = f"[cache]\n    dir = {cache}\n{more}{remote}"
    (folder / ".dvc/config.local").write_text(text, "utf-8")


@pytest.fixture
def here(alone: Path, tmp_path: Path) -> Path:
    return clone_of(alone, tmp_path / "here")


def experiments(folder: Path) -> dict[str, str]:
    """Return the commits of experiments by name, as Git has them."""
    lines = run(folder, "git", "for-each-ref", "--format=%(refname) %(objectname)", "refs/exps")
    found = re.findall(r"^refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(\S+) (\S+)$", lines, re.MULTILINE)
    return dict(found)


# ---- experiments -------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_queue_of_experiments_runs_two_at_once(here: Path) -> None:
    before = run(here, "git", "status", "--porcelain")
    for name, setting in (("five", FEWER), ("six", OTHER)):
        run(here, "dvc", "exp", "run", "--queue", "--name", name, *setting, TRAIN)
    run(here, "dvc", "exp", "run", "--run-all", "--jobs", "2")
    assert run(here, "git", "status", "--porcelain") == before
    for name, rounds in (("five", 5), ("six", 6)):
        locked = yaml.safe_load(run(here, "git", "show", f"{experiments(here)[name]}:dvc.lock"))
        train = locked["stages"][TRAIN]["params"]["params.yaml"]["fraud.train"]
        assert train["max_rounds"] == rounds


def test_an_experiment_is_saved_renamed_and_taken_over_by_somebody_else(
    here: Path, tmp_path: Path
) -> None:
    hub = tmp_path / "hub.git"
    run(here, "git", "clone", "--quiet", "--bare", ".", str(hub))
    run(here, "git", "remote", "set-url", "origin", str(hub))
    other = clone_of(hub, tmp_path / "other", checkout=False)
    use_cache(other, other / ".dvc/cache")  # nothing is shared but Git and the remote
    storage = here / ".dvc/storage"
    for folder in (here, other):
        run(folder, "dvc", "remote", "modify", "--local", "storage", "url", str(storage))

    run(here, "dvc", "exp", "run", *FEWER, TRAIN)
    run(here, "dvc", "exp", "save", "--name", "draft")
    run(here, "dvc", "exp", "rename", "draft", "fewer")
    run(here, "dvc", "exp", "push", "origin", "fewer")
    run(other, "dvc", "exp", "pull", "origin", "fewer")
    assert experiments(other).keys() == {"fewer"}
    run(other, "dvc", "exp", "apply", "fewer")
    assert lock(other)[TRAIN] == lock(here)[TRAIN]
    bundles = [(folder / MODEL / "bundle.json").read_bytes() for folder in (here, other)]
    assert bundles[0] == bundles[1]
    run(other, "dvc", "exp", "branch", "fewer", "fewer-rounds")
    assert "max_rounds: 5" in run(other, "git", "show", "fewer-rounds:params.yaml")


def test_plots_stand_on_a_page_that_asks_no_network(here: Path) -> None:
    run(here, *RETRACE, "plots", "HEAD")
    page = (here / "dvc_plots/index.html").read_text("utf-8")
    assert re.findall(r"<[^>]*(?:src|href) *= *[\"']?(?:https?:)?//[^>]*>", page) == []
    assert "window.vegaEmbed=" in page
    assert page.count("vegaEmbed('#") >= 6


# ---- where a clone is, and what kind of clone --------------------------------------------------


@pytest.mark.slow
def test_from_a_subfolder(here: Path) -> None:
    folder = here / "docs"
    assert ran(run(folder, "dvc", "repro", "../dvc.yaml")) == []
    run(folder, "dvc", "--cd", "..", "exp", "run", "--name", "fewer", *FEWER, TRAIN)
    assert experiments(folder).keys() == {"fewer"}
    assert "fewer" in run(folder, *RETRACE, "compare", "fraud", "fewer")
    assert "average_precision" in run(folder, "dvc", "metrics", "show", "../metrics/fraud.json")


@pytest.mark.slow
def test_in_a_worktree(alone: Path, here: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    run(here, "git", "worktree", "add", "--quiet", "-b", "topic", str(tree))
    use_cache(tree, alone / ".dvc/cache")
    run(tree, "dvc", "checkout", "--quiet")
    assert ran(run(tree, "dvc", "repro")) == []
    run(tree, "dvc", "exp", "run", "--name", "fewer", *FEWER, TRAIN)
    assert experiments(here).keys() == {"fewer"}  # Git's references are of both
    assert run(here, "git", "status", "--porcelain") == ""


@pytest.mark.slow
def test_in_a_shallow_clone_on_a_detached_head(alone: Path, tmp_path: Path) -> None:
    shallow = clone_of(alone, tmp_path / "shallow", "--depth", "1")
    assert run(shallow, "git", "rev-parse", "--is-shallow-repository").strip() == "true"
    run(shallow, "git", "checkout", "--quiet", "--detach")
    assert ran(run(shallow, "dvc", "repro")) == []
    run(shallow, "dvc", "exp", "run", "--name", "fewer", *FEWER, "evaluate@fraud")
    assert "95 % interval" in run(shallow, *RETRACE, "compare", "fraud", "fewer")


# ---- the cache ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hardlink", pytest.param("symlink", marks=pytest.mark.slow)])
def test_outputs_that_are_links_into_the_cache(alone: Path, tmp_path: Path, kind: str) -> None:
    clone = clone_of(alone, tmp_path / "clone", checkout=False)
    cache = Path(shutil.copytree(alone / ".dvc/cache", tmp_path / "cache"))
    use_cache(clone, cache, f"    type = {kind}\n")
    run(clone, "dvc", "checkout", "--quiet")
    clean = clone / "data/clean/fraud.parquet"
    assert clean.is_symlink() if kind == "symlink" else clean.stat().st_nlink == 2
    assert ran(run(clone, "dvc", "repro")) == []
    run(clone, *AGAIN, "ingest@fraud")
    assert lock(clone) == lock(alone)
    shutil.rmtree(clone / "data/clean")
    run(clone, "dvc", "checkout", "--quiet")  # what stages wrote has left the cache whole
    assert "up to date" in run(clone, "dvc", "status")


def as_user(number: int) -> tuple[str, ...]:
    """Return the words before a command of another user, one of the group 12340."""
    own = ("--reuid", str(number), "--regid", str(number), "--groups", "12340")
    return ("setpriv", *own, "sh", "-c", 'umask 002; "$@"', "sh")


def can_be_another_user() -> bool:
    if not shutil.which("setpriv"):
        return False
    words = (*as_user(12341), sys.executable, "-c", "import dvc")
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_two_users_share_one_cache(alone: Path) -> None:
    """Each with a clone and an id of its own, and the cache's group in common."""
    if not can_be_another_user():
        pytest.skip("only root can be two users, with a Python that both may run")
    with tempfile.TemporaryDirectory(prefix="two-users-") as name:  # pytest's folders are root's
        place = Path(name)
        place.chmod(0o777)
        cache = Path(shutil.copytree(alone / ".dvc/cache", place / "cache"))
        run(alone, "git", "clone", "--quiet", "--bare", ".", str(place / "hub"))
        for path in (cache, *cache.rglob("*")):
            os.chown(path, -1, 12340)
            if path.is_dir():
                path.chmod(0o2770)

        def user(number: int, *words: str) -> str:
            folder, home = place / f"clone{number}", place / f"home{number}"
            env = {"HOME": str(home), "DVC_SITE_CACHE_DIR": str(home / "site")}
            env["LOGNAME"] = f"user{number}"  # the id has no account
            return run(folder, *as_user(number), *words, **env)

        dvc = (sys.executable, "-m", "dvc")
        for number in (12341, 12342):
            for folder in (place / f"clone{number}", place / f"home{number}"):
                folder.mkdir()
                os.chown(folder, number, number)
            (place / f"home{number}/.gitconfig").write_text("[safe]\n    directory = *\n")
            user(number, "git", "clone", "--quiet", "../hub", ".")
            settings = f"[cache]\n    dir = {cache}\n    shared = group\n"
            (place / f"clone{number}/.dvc/config.local").write_text(settings)
            user(number, *dvc, "checkout", "--quiet")
        user(12341, *dvc, "exp", "run", *FEWER, TRAIN)
        user(12342, "cp", "../clone12341/params.yaml", "../clone12341/dvc.lock", ".")
        user(12342, *dvc, "checkout", "--quiet")
        one, other = (place / f"clone{number}/{MODEL}/bundle.json" for number in (12341, 12342))
        assert one.read_bytes() == other.read_bytes()
        user(12342, *dvc, "exp", "run", *OTHER, TRAIN)  # into folders that the other one made


# ---- from elsewhere ----------------------------------------------------------------------------


@pytest.mark.slow
def test_another_repository_gets_and_imports_a_model(here: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    run(other, "git", "init", "--quiet")
    run(other, "dvc", "init", "--quiet")
    run(other, "dvc", "get", "--quiet", str(here), MODEL, "--out", "taken")
    run(other, "dvc", "import", "--quiet", str(here), MODEL, "--out", "model")
    bundle = (here / MODEL / "bundle.json").read_bytes()
    assert bundle == (other / "taken/bundle.json").read_bytes()
    assert bundle == (other / "model/bundle.json").read_bytes()
    run(here, "dvc", "exp", "run", *FEWER, TRAIN)
    commit(here, "Fewer rounds")
    run(here, "dvc", "push", "--quiet", TRAIN)
    run(other, "dvc", "update", "--quiet", "model.dvc")
    assert bundle != (other / "model/bundle.json").read_bytes()
    assert (here / MODEL / "bundle.json").read_bytes() == (other / "model/bundle.json").read_bytes()


API = """
import json, sys
import dvc.api
repo = sys.argv[1]
with dvc.api.open("models/fraud/bundle.json", repo, rev="HEAD") as file:
    bundle = json.load(file)
print(json.dumps({
    "bundle": bundle,
    "text": dvc.api.read("metrics/fraud.json", repo, rev="HEAD"),
    "params": dvc.api.params_show("params.yaml", repo=repo, rev="HEAD"),
    "metrics": dvc.api.metrics_show("metrics/fraud.json", repo=repo, rev="HEAD"),
    "experiments": dvc.api.exp_show(repo),
}, default=str))
"""


def test_python_reads_through_dvc_api(here: Path) -> None:
    found = json.loads(run(here.parent, "python", "-c", API, str(here)).splitlines()[-1])
    metrics = json.loads((here / "metrics/fraud.json").read_text())
    assert found["bundle"] == json.loads((here / MODEL / "bundle.json").read_text())
    assert json.loads(found["text"]) == found["metrics"] == metrics
    assert found["params"]["fraud"]["train"]["max_rounds"] == 60
    (commit_of,) = [row for row in found["experiments"] if row["rev"] == "main"]
    assert commit_of["average_precision"] == metrics["average_precision"]
