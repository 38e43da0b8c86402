"""Starts the server, and beside it the process that loads its log into the store."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import uvicorn

from retrace.base.errors import RetraceError
from retrace.base.tokens import Tokens, is_loopback
from serving.app import app_of
from serving.plan import PlannedModel, ServingPlan, read_plan
from serving.protocol import BoundedHttp
from serving.rollout import SHADOW
from serving.settings import serving_params
from store.database import STORE, Store
from store.forget import drop_old
from store.messages import say

RETRY_SECONDS = 1.0
MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60.0, 3600.0, 86_400.0


def run(plan: ServingPlan, host: str, port: int, beside: Callable[[], None] = lambda: None) -> None:
    """Serve until the process is told to end; `beside` starts what changes the plan meanwhile.

    Raises RetraceError for a host that others reach where nobody needs a token, a port that is
    taken, and for what `app_of` refuses.
    """
    Tokens.of().check_host(host)
    _check_port(host, port)
    store = Store(plan.store)
    if store.is_sqlite and not is_loopback(host):
        say(
            "SQLite is for one machine. Several replicas share one PostgreSQL: "
            "--store postgresql://USER@HOST/DATABASE",
            "serve",
            "warning",
        )
    if store.is_sqlite:
        store.upgrade()  # before its loader asks it
    plan = msgspec.structs.replace(plan, address=f"{host}:{port}")
    plan.export()
    plan.write()
    app = app_of(plan) if plan.workers == 1 else None  # first: the others would take its time
    _keep_loading(plan)
    beside()
    threading.Thread(target=_keep_shadows, args=(plan,), daemon=True).start()
    threading.Thread(target=_keep_tidy, args=(store,), daemon=True).start()
    options = {"host": host, "port": port, "log_level": "warning", "access_log": False}
    options |= {
        "loop": "uvloop",
        "http": BoundedHttp,
        "ws": "none",
        "lifespan": "on",
        "server_header": False,
        "proxy_headers": False,
    }
    options["timeout_keep_alive"] = 75  # seconds
    if app is None:
        folder = Path(plan.log) / "metrics"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.db"):
            old.unlink()
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        uvicorn.run("serving.app:create", factory=True, workers=plan.workers, **options)  # type: ignore[arg-type]  # of several types
        return
    say(f"Ready: http://{host}:{port}", "serve")
    uvicorn.run(app, **options)  # type: ignore[arg-type]  # likewise


def _check_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise RetraceError(
            f"{host}:{port} cannot be served: {error.strerror}. Name another with --port."
        ) from None


def _keep_loading(plan: ServingPlan) -> None:
    """Start the loader, and start it again when it ends; it ends itself when this process does."""
    command = [sys.executable, "-m", "store.loader", "--log", plan.log]
    command += ["--parent", str(os.getpid())]
    env = {**os.environ, STORE: plan.store}  # a password must not stand in the list of processes

    def keep() -> None:
        while True:
            subprocess.run(command, check=False, stdin=subprocess.DEVNULL, env=env)
            time.sleep(RETRY_SECONDS)

    threading.Thread(target=keep, daemon=True).start()


def _keep_shadows(plan: ServingPlan) -> None:
    """Have a process for the challengers in shadow, for as long as the plan has any."""
    command = [sys.executable, "-m", "serving.shadow", str(os.getpid())]
    while True:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            plan = read_plan(plan.file)
        if any(_is_in_shadow(plan, one) for one in plan.models):
            subprocess.run(command, check=False, stdin=subprocess.DEVNULL)
        time.sleep(RETRY_SECONDS)


def _is_in_shadow(plan: ServingPlan, model: PlannedModel) -> bool:
    arms = plan.rollouts.get(model.problem, {}).get("challengers", {})
    return model.arm in arms and arms[model.arm]["mode"] == SHADOW


def _keep_tidy(store: Store) -> None:
    """Drop what is older than `serving.retention_days`, once a day; not while all begins."""
    pause = MINUTE_SECONDS
    while True:
        time.sleep(pause)
        try:
            drop_old(store, serving_params().retention_days)
            pause = DAY_SECONDS
        except (RetraceError, OSError) as error:
            say(f"retention: {error}", "serve", "error")
            pause = HOUR_SECONDS
