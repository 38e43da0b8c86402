"""Airflow 3: one DAG for each problem of params.yaml, which runs `retrace cycle` in its copy.

Link or copy this file into Airflow's folder of DAGs. Airflow has an environment of its own: it
knows nothing of Retrace but the command. Where the copy is, how often, and who is told:

    RETRACE_HOME=/srv/retrace           a copy with its .venv
    RETRACE_SCHEDULE=@daily             most days a cycle has nothing to do, and says so
    RETRACE_STORE=postgresql://...      as for the server
    RETRACE_RETRY_MINUTES=10            between tries, while another cycle is at work
    RETRACE_AIRFLOW_ALERT=https://...   is sent a line when a task has failed

A cycle's exit statuses 0, 3 and 4 are a success: what it did is in its last lines. 5 (data refused)
and 1 fail the task at once, since another try finds the same; 6 (locked) is tried again.
"""

import os
import subprocess
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

import yaml
from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

HOME = Path(os.environ.get("RETRACE_HOME", "/srv/retrace"))
RETRY = timedelta(minutes=float(os.environ.get("RETRACE_RETRY_MINUTES", "10")))
SCHEDULE = os.environ.get("RETRACE_SCHEDULE", "@daily")
SAYS = {
    0: "nothing to do, or done",
    3: "the model in use is kept",
    4: "a challenger is on live traffic",
}
LOCKED = 6


def tell(context: dict[str, object]) -> None:
    """Tell of a task that failed: retrace has told its own receivers why; this is Airflow's own."""
    webhook = os.environ.get("RETRACE_AIRFLOW_ALERT")
    words = f"{context['task_instance']} failed: {context.get('exception')}"
    print(words)
    if webhook:
        urllib.request.urlopen(webhook, words.encode(), timeout=20).close()  # noqa: S310  (its own)


def cycle(problem: str) -> str:
    """Run a cycle; its lines are the task's log."""
    command = [str(HOME / ".venv/bin/retrace"), "cycle", problem]
    status = subprocess.run(command, cwd=HOME, check=False).returncode
    if status in SAYS:
        return SAYS[status]
    attempt = get_current_context()["ti"].try_number
    if status == LOCKED:
        raise AirflowException(f"another cycle of {problem} is at work (try {attempt})")
    raise AirflowFailException(f"retrace cycle {problem} ended with {status}; its words are above")


def dag_of(problem: str) -> DAG:
    with DAG(
        f"retrace_cycle_{problem}",
        description=f"new data of {problem} to a better model in use",
        schedule=SCHEDULE,
        start_date=datetime(2026, 1, 1),
        catchup=False,  # a cycle takes all that is new
        max_active_runs=1,
        default_args={
            "retries": 3,
            "retry_delay": RETRY,
            "execution_timeout": timedelta(hours=6),
            "on_failure_callback": tell,
        },
        tags=["retrace"],
    ) as dag:
        task(task_id="cycle")(cycle)(problem)
    return dag


for name in yaml.safe_load((HOME / "params.yaml").read_text("utf-8"))["problems"]:
    globals()[f"retrace_cycle_{name}"] = dag_of(name)
