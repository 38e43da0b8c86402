"""Push and pull over a real S3 server on loopback: what comes back, and what is refused."""

import dataclasses
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from commands import storage
from commands.__main__ import main
from commands.storage import S3Server
from retrace.base.errors import RetraceError
from tests.s3 import local_s3

MODEL = "models/toy.txt"
TABLE = "data/raw/toy/table.txt"
DVC_YAML = """\
stages:
  toy:
    cmd: mkdir -p models && cat data/raw/toy/table.txt data/raw/toy/more.txt > models/toy.txt
    deps:
    - data/raw/toy
    outs:
    - models/toy.txt
"""


def use(repo: Any, server: S3Server, **other: str) -> None:
    """Point the repository's remote at the server, as `make storage` does."""
    settings = {
        "endpointurl": server.endpoint,
        "access_key_id": server.key,
        "secret_access_key": server.secret,
        **other,
    }
    lines = "".join(f"    {name} = {value}\n" for name, value in settings.items())
    repo.write(".dvc/config.local", f"['remote \"storage\"']\n{lines}")


def lose_everything(repo: Any) -> None:
    """Remove the cache and what it was linked to."""
    for name in (".dvc/cache", "data/raw/toy", "models"):
        shutil.rmtree(repo.path / name, ignore_errors=True)


def object_of(repo: Any, name: str) -> str:
    """Return the key of a file's object in the bucket."""
    digest = hashlib.md5((repo.path / name).read_bytes()).hexdigest()
    return f"files/md5/{digest[:2]}/{digest[2:]}"


@pytest.fixture(scope="module")
def pushed(new_repo: Callable[[Path], Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with one stage, push it, and keep both it and the server's folder."""
    folder = tmp_path_factory.mktemp("pushed")
    repo = new_repo(folder / "repo")
    repo.write("dvc.yaml", DVC_YAML)
    repo.write(TABLE, "".join(f"{row},{row * row}\n" for row in range(20_000)))
    repo.write("data/raw/toy/more.txt", "the last row\n")
    repo.dvc("add", "data/raw/toy")
    repo.dvc("repro")
    repo.git("add", ".")
    repo.git("commit", "--quiet", "-m", "A toy")
    with local_s3(folder / "s3") as server:
        use(repo, server)
        assert "4 files pushed" in repo.dvc("push")
    return folder


@pytest.fixture
def served(
    pushed: Path, tmp_path: Path, repo_at: Callable[[Path], Any]
) -> Iterator[tuple[Any, S3Server]]:
    """Yield a copy of the pushed repository, and a server with a copy of what was pushed."""
    shutil.copytree(pushed, tmp_path / "copy", symlinks=True)
    with local_s3(tmp_path / "copy/s3") as server:
        repo = repo_at(tmp_path / "copy/repo")
        use(repo, server)
        yield repo, server


# ---- push and pull -----------------------------------------------------------------------------


def test_a_pull_gives_back_what_was_pushed_and_goes_nowhere_else(served, loopback_only):
    repo, _ = served
    before = {name: (repo.path / name).read_bytes() for name in (MODEL, TABLE)}
    lose_everything(repo)
    env, log = loopback_only
    output = dataclasses.replace(repo, env=env).dvc("pull")
    assert "4 files fetched" in output
    assert {name: (repo.path / name).read_bytes() for name in before} == before
    assert "up to date" in repo.dvc("status")
    assert not log.exists(), log.read_text()


def test_the_guard_would_have_noticed(clean_env, loopback_only):
    env, log = loopback_only
    code = "import socket; socket.create_connection(('192.0.2.1', 80), 1)"
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False).returncode != 0
    assert "192.0.2.1" in log.read_text()


def test_a_second_clone_pulls(served, tmp_path):
    repo, server = served
    clone = repo.clone(tmp_path / "clone")
    assert not (clone.path / MODEL).exists()
    use(clone, server)
    clone.dvc("pull")
    assert (clone.path / MODEL).read_bytes() == (repo.path / MODEL).read_bytes()
    assert "didn't change, skipping" in clone.dvc("repro")


def test_a_wrong_secret_is_refused_in_clear_words(served):
    repo, server = served
    use(repo, server, secret_access_key="f" * 40)
    lose_everything(repo)
    output = repo.dvc("pull", fails=True)
    assert "failed to connect to s3" in output
    assert "403" in output
    assert "Forbidden" in output
    assert "Traceback" not in output


def test_a_damaged_object_is_refused(served):
    repo, server = served
    damaged = server.data / server.bucket / object_of(repo, MODEL)
    content = damaged.read_bytes()
    damaged.write_bytes(content.replace(b"100,10000", b"100,99999"))  # as long as it was
    lose_everything(repo)
    output = repo.dvc("pull", fails=True)
    assert MODEL in output
    assert not (repo.path / MODEL).exists()
    assert (repo.path / TABLE).exists()  # the others came back

    lose_everything(repo)  # without `verify: true`, it would have come through as if fine
    use(repo, server, verify="false")
    repo.dvc("pull")
    assert b"100,99999" in (repo.path / MODEL).read_bytes()


def test_a_missing_object_is_named(served):
    repo, server = served
    key = object_of(repo, MODEL)
    s3_client(server).delete_object(Bucket=server.bucket, Key=key)
    lose_everything(repo)
    output = repo.dvc("pull", fails=True)
    assert MODEL in output
    assert key.removeprefix("files/md5/").replace("/", "") in output
    assert not (repo.path / MODEL).exists()


def s3_client(server: S3Server) -> Any:
    return botocore.session.Session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.key,
        aws_secret_access_key=server.secret,
    )


# ---- make storage ------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Run in an empty DVC repository; end the server that a failed test leaves."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    shutil.copy(Path(__file__).parents[2] / ".dvc/config", tmp_path / ".dvc/config")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for process in storage.servers():
        process.kill()


def call(action: str) -> int:
    return main(["storage", action])


def test_start_and_stop(here, monkeypatch, capsys):
    local = here / ".dvc/config.local"
    local.write_text("[cache]\n    type = copy\n")
    (here / "data").mkdir()
    monkeypatch.chdir(here / "data")  # from a subfolder
    assert call("start") == 0
    (process,) = storage.servers()
    settings = local.read_text()
    output = capsys.readouterr().out
    for step in ("dvc push", "rm -rf .dvc/cache", "dvc pull", "make storage-stop"):
        assert step in output
    assert max(map(len, output.splitlines())) <= 100
    assert storage.remote_settings()["endpointurl"] in output
    assert "type = copy" in settings
    assert oct(local.stat().st_mode)[-3:] == "600"
    secret = storage.remote_settings()["secret_access_key"]
    assert secret not in " ".join(process.cmdline())
    assert secret not in output

    assert call("start") == 0
    assert "already runs" in capsys.readouterr().out
    assert storage.servers() == [process]

    assert call("stop") == 0
    assert storage.servers() == []
    assert "type = copy" in local.read_text()
    assert storage.remote_settings() == {}
    assert call("stop") == 0
    assert "nothing to stop" in capsys.readouterr().out


def test_a_server_that_died_is_replaced(here):
    assert call("start") == 0
    (first,) = storage.servers()
    endpoint = storage.remote_settings()["endpointurl"]
    first.kill()
    first.wait()
    assert call("start") == 0
    (second,) = storage.servers()
    assert second.pid != first.pid
    assert storage.remote_settings()["endpointurl"] != endpoint
    assert call("stop") == 0


def test_a_users_own_credentials_are_not_overwritten(here, capsys):
    local = here / ".dvc/config.local"
    own = "['remote \"storage\"']\n    secret_access_key = mine\n"
    local.write_text(own)
    assert call("start") == 1
    message = capsys.readouterr().err
    assert "your own secret_access_key" in message
    assert "dvc remote modify --local --unset storage" in message
    assert "mine" not in message
    assert call("stop") == 0
    assert local.read_text() == own
    assert storage.servers() == []


def test_another_kind_of_remote_is_refused(here, capsys):
    (here / ".dvc/config").write_text("['remote \"storage\"']\n    url = gs://elsewhere\n")
    assert call("start") == 1
    assert "gs://elsewhere" in capsys.readouterr().err


def test_a_program_that_cannot_start_says_why(here, monkeypatch):
    broken = here / "rclone"
    broken.write_text("#!/bin/sh\necho no room on this port; exit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(storage, "RCLONE", broken)
    with pytest.raises(RetraceError, match="no room on this port"):
        storage.launch(here, "retrace")
