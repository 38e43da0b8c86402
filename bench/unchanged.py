"""`dvc repro` with nothing changed, beside bare DVC, and what takes the time.

Placeholders stand for the outputs, so that no stage has to run. Seconds are those of the processor,
which other load moves less than those of the clock.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

TIMES = 5
CODE = ("problems/", "retrace/", "stages/", "workflow/")
LIST_OUTPUTS = """
from dvc.repo import Repo
print(*(out.def_path for out in Repo().index.outs), sep="\\n")
"""
Stage = dict[str, Any]


def unchanged(project: Path, bare: Path) -> list[tuple[str, ...]]:
    """Measure a copy of the project, which changes, and a DAG of as many empty stages."""
    commit_placeholders(project)
    variants = {"ours": project, "bare": bare}
    for name, edit in EDITS.items():
        variants[name] = edited(project, project.with_name(edit.__name__), edit)
    best = dict.fromkeys(variants, float("inf"))
    for _ in range(TIMES):  # in turns, so that a busy moment meets all
        for name, folder in variants.items():
            best[name] = min(best[name], processor_seconds(folder))
    words = {
        "bare": "bare DVC, as many stages that pass a file on",
        "ours": "`dvc repro`, nothing changed",
    }
    return [
        (
            words.get(name, name),
            f"{best[name]:.2f} s",
            f"{best[name] / best['bare']:.2f} times bare",
        )
        for name in ("bare", "ours", *EDITS)
    ]


def commit_placeholders(project: Path) -> None:
    (project / "dvc.lock").unlink(missing_ok=True)
    for name in dvc(project, sys.executable, "-c", LIST_OUTPUTS).split():
        path = project / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name) if path.suffix else path.mkdir()
    dvc(project, "dvc", "commit", "--force")


def edited(project: Path, copy: Path, edit: Callable[[str, Stage], None]) -> Path:
    shutil.copytree(project, copy, symlinks=True)
    dag = yaml.safe_load((copy / "dvc.yaml").read_text())
    for name, stage in dag["stages"].items():
        edit(name, stage.get("do", stage))
    (copy / "dvc.yaml").write_text(yaml.safe_dump(dag, sort_keys=False))
    (copy / "dvc.lock").unlink()
    dvc(copy, "dvc", "commit", "--force")
    return copy


def without_params(_name: str, stage: Stage) -> None:
    stage.pop("params", None)


def without_code(name: str, stage: Stage) -> None:
    own = f"stages/{name}.py"  # a stage without any dependency runs always
    stage["deps"] = [one for one in stage["deps"] if one == own or not one.startswith(CODE)]


def without_both(name: str, stage: Stage) -> None:
    without_params(name, stage)
    without_code(name, stage)


def with_folders(_name: str, stage: Stage) -> None:
    code = [one for one in stage["deps"] if one.startswith(CODE)]
    folders = sorted({one.partition("/")[0] for one in code})
    stage["deps"] = [one for one in stage["deps"] if one not in code] + folders


def with_blocks(_name: str, stage: Stage) -> None:
    keys = [one for one in stage.get("params", []) if isinstance(one, str)]
    files = [one for one in stage.get("params", []) if not isinstance(one, str)]
    blocks = dict.fromkeys(re.sub(r"^(\$\{[\w.]+\})\.\w+$", r"\1", one) for one in keys)
    if "params" in stage:
        stage["params"] = [*blocks, *files]


EDITS = {
    "whole folders `problems`, `retrace`, `stages`, `workflow` as dependencies": with_folders,
    "whole blocks of a problem as parameters": with_blocks,
    "without `params`, for which each stage parses `params.yaml`": without_params,
    "without code as dependencies": without_code,
    "without both": without_both,
}


def processor_seconds(folder: Path) -> float:
    process = subprocess.Popen(["dvc", "repro", "--quiet"], cwd=folder, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"dvc repro failed in {folder}")
    return usage.ru_utime + usage.ru_stime


def dvc(folder: Path, *words: str) -> str:
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stderr}")
    return done.stdout


def environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
