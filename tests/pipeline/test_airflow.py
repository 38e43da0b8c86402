"""The DAGs of deploy/airflow by Airflow itself, which has an environment of its own.

RETRACE_AIRFLOW names its command, such as /srv/airflow/bin/airflow.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, change_params, environment, made_once
from tests.pipeline.factory import NAME, Factory, in_prod, make_factory, receiver

AIRFLOW = os.environ.get("RETRACE_AIRFLOW", "airflow")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which(AIRFLOW) is None, reason="Airflow is not here: RETRACE_AIRFLOW names none"
    ),
]
DAG = f"retrace_cycle_{NAME}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Airflow's own folder, with its database."""
    folder = tmp_path_factory.mktemp("airflow")
    run_airflow(folder, "db", "migrate")
    return folder


def run_airflow(home: Path, *words: str, **env: str) -> str:
    done = subprocess.run(
        [AIRFLOW, *words],
        env={
            **environment(),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "deploy/airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONDONTWRITEBYTECODE": "1",
            **env,
        },
        cwd=home, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900,
        check=False,
    )  # fmt: skip
    return f"{done.stdout}\nstatus {done.returncode}"


def stand_in(folder: Path, script: str) -> Path:
    """Return a copy whose command is a script."""
    command = folder / "copy/.venv/bin/retrace"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    shutil.copy(ROOT / "params.yaml", folder / "copy")
    return folder / "copy"


def test_a_run_brings_new_data_into_use(home: Path, tmp_path_factory, tmp_path: Path) -> None:
    made = made_once(tmp_path_factory, "factory", make_factory)
    factory = Factory(Path(shutil.copytree(made, tmp_path / "factory", symlinks=True)))
    sooner = {"cycle": {"least_new_labels": 1000}}  # by the clock the model has just been made
    factory.push(lambda project: change_params(project, sooner), "Sooner")
    factory.tell("2025-08")
    command = factory.project / ".venv/bin/retrace"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m commands "$@"\n')
    command.chmod(0o755)
    said = run_airflow(home, "dags", "test", DAG, RETRACE_HOME=str(factory.project),
                       RETRACE_STORE=factory.store)  # fmt: skip
    assert "state=success" in said, said[-4000:]
    assert f"{NAME} v0.0.2 is in prod" in said
    assert "v0.0.2" in in_prod(factory)


def test_a_locked_run_is_tried_again(home: Path, tmp_path: Path) -> None:
    copy = stand_in(tmp_path, "test -e tried && exit 4; touch tried; exit 6")
    said = run_airflow(home, "dags", "test", DAG, RETRACE_HOME=str(copy),
                       RETRACE_RETRY_MINUTES="0.05")  # fmt: skip
    assert "new_state=up_for_retry" in said
    assert "state=success" in said, said[-4000:]


def test_refused_data_fails_at_once_and_is_told(home: Path, tmp_path: Path) -> None:
    copy = stand_in(tmp_path, "echo run >> runs; exit 5")
    with receiver() as (address, told):
        said = run_airflow(home, "dags", "test", DAG, RETRACE_HOME=str(copy),
                           RETRACE_AIRFLOW_ALERT=f"http://{address}/")  # fmt: skip
    assert "state=failed" in said, said[-4000:]
    assert (copy / "runs").read_text() == "run\n"
    assert f"retrace cycle {NAME} ended with 5" in told[0]
