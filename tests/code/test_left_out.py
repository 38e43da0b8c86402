"""`retrace storage complete` sends what `dvc push` has left out."""

import errno
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dvc.cli import main as dvc
from dvc_objects.fs.local import LocalFileSystem

from commands.__main__ import main

SHARED = hashlib.md5(b"two", usedforsecurity=False).hexdigest()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project of two folders that share a file, with a remote in a folder."""
    monkeypatch.chdir(tmp_path)
    assert dvc(["init", "-q", "--no-scm"]) == 0
    for folder, own in (("a", "one"), ("b", "three")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own").write_text(own)
        (tmp_path / folder / "shared").write_text("two")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    assert dvc(["add", "-q", "a", "b"]) == 0
    assert dvc(["remote", "add", "-q", "-d", "storage", str(tmp_path / "remote")]) == 0
    return tmp_path


def object_of(project: Path, oid: str) -> Path:
    return project / "remote/files/md5" / oid[:2] / oid[2:]


@pytest.fixture
def half_pushed(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return it after a push that had no room for the shared file, and one that ended well."""
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "put_file", refusing(LocalFileSystem.put_file))
        assert dvc(["push", "-q"]) == 1
    assert dvc(["push", "-q"]) == 0
    return project


def refusing(put: Callable[..., Any]) -> Callable[..., Any]:
    def put_file(fs: LocalFileSystem, source: str, target: str, **more: Any) -> Any:
        if SHARED[2:] in target:
            raise OSError(errno.ENOSPC, "No space left on device", target)
        return put(fs, source, target, **more)

    return put_file


def test_what_a_push_leaves_out_is_sent(
    half_pushed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left_out = object_of(half_pushed, SHARED)
    assert not left_out.exists(), "DVC leaves it out no more: the command need not be, either"
    assert dvc(["status", "-c", "-q"]) == 0  # and DVC does not see it
    capsys.readouterr()
    assert main(["storage", "complete"]) == 0
    assert "Sent 1 objects" in capsys.readouterr().out
    assert left_out.read_text() == "two"
    assert main(["storage", "complete"]) == 0
    assert "has all objects" in capsys.readouterr().out


def test_what_no_cache_has_is_named(half_pushed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cached = half_pushed / ".dvc/cache/files/md5" / SHARED[:2] / SHARED[2:]
    cached.unlink()
    assert main(["storage", "complete"]) == 1
    told = capsys.readouterr().err
    assert SHARED in told
    assert "not in .dvc/cache either" in told


def test_an_object_that_cannot_be_sent_is_named(
    half_pushed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(LocalFileSystem, "put_file", refusing(LocalFileSystem.put_file))
    assert main(["storage", "complete"]) == 1
    assert f"{SHARED}: [Errno 28] No space left" in capsys.readouterr().err
