"""Run an experiment in a clone of its own, so that `dvc repro` may go on here meanwhile.

    retrace experiment -n wide -S price.train.num_leaves=63

`dvc exp run`, with --temp and --queue too, takes uncommitted files out of this folder for a moment:
a stage that runs here finds its outputs gone. The clone starts from the last commit and shares
DVC's cache; what comes back is one Git reference, which `dvc exp` and `retrace compare` know.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from dvc.config import Config
from dvc.repo import Repo

from experiments.git import git, git_or_empty
from retrace.base.errors import RetraceError

CLONES = Path(".dvc/tmp/retrace/experiments")  # a folder a process, named by its id
OUTPUTS = ("dvc.lock", "metrics", "plots", "reports", "trials")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets", nargs="*", default=[], help="stages, such as evaluate@price; without, all"
    )
    parser.add_argument("-n", "--name", help="without one, DVC makes one up")
    parser.add_argument(
        "-S",
        "--set-param",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="as of dvc exp run; may be repeated",
    )


def run(args: argparse.Namespace) -> int:
    commit = git("rev-parse", "HEAD")
    refs = f"refs/exps/{commit[:2]}/{commit[2:]}"
    if args.name and git_or_empty("rev-parse", "--verify", f"{refs}/{args.name}"):
        raise RetraceError(
            f"there is an experiment '{args.name}' of this commit already. Take another name, or "
            f"`dvc exp remove {args.name}`."
        )
    if changed := git("diff", "--name-only", "HEAD", "--", ".", *(f":!{o}" for o in OUTPUTS)):
        names = ", ".join(changed.splitlines())
        print(f"From the last commit, {commit[:7]}, so without your changes of {names}", flush=True)
    words = [*(["--name", args.name] if args.name else []), *args.targets]
    settings = [f"--set-param={setting}" for setting in args.set_param]
    with clone_of_last_commit() as folder:
        if dvc_in(folder, "exp", "run", "--temp", *words, *settings):
            raise RetraceError("dvc exp run failed; its words are above. Nothing came back.")
        git("fetch", "--quiet", str(folder), f"{refs}/*:{refs}/*")
    return 0


@contextmanager
def clone_of_last_commit() -> Iterator[Path]:
    """Yield a clone with this one's settings of Git and DVC, and with its cache; remove it then."""
    CLONES.mkdir(parents=True, exist_ok=True)
    for left in CLONES.iterdir():  # by a kill
        if not psutil.pid_exists(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)
    folder = CLONES / str(psutil.Process().pid)
    user = {key: git_or_empty("config", key) for key in ("user.name", "user.email")}
    try:
        given = [f"--config={key}={value}" for key, value in user.items() if value]
        git("clone", "--quiet", *given, ".", str(folder))
        with Repo() as here, Config(str((folder / ".dvc").resolve())).edit("local") as settings:
            settings |= here.config.read("local")
            settings["cache"] = {**settings["cache"], "dir": here.cache.local_cache_dir}
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def dvc_in(folder: Path, *words: str) -> int:
    return subprocess.run([sys.executable, "-m", "dvc", *words], cwd=folder, check=False).returncode
