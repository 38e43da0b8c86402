"""`retrace mend` puts right what a kill has torn of DVC's own files, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from commands import mend
from commands.__main__ import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mend, "WRITTEN_SECONDS", 0.01)
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], check=True)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    (tmp_path / "dvc.lock").write_text((ROOT / "dvc.lock").read_text())
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "lock"], check=True)
    return tmp_path


def test_whole_files_stay(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / mend.AT_WORK).write_text('{"read": {}, "write": {}}')
    shorter = (here / "dvc.lock").read_text().split("  evaluate@")[0]
    (here / "dvc.lock").write_text(shorter)  # of stages that have run since the commit
    assert main(["mend"]) == 0
    assert capsys.readouterr().out == ""
    assert (here / "dvc.lock").read_text() == shorter
    assert (here / mend.AT_WORK).exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_torn_lock_comes_back_from_the_commit(here: Path, share: float) -> None:
    whole = (here / "dvc.lock").read_text()
    cut = whole[: int(share * len(whole))]
    (here / "dvc.lock").write_text(cut.rstrip("\n") + "\n    cm" if cut else "")
    assert main(["mend"]) == 0
    assert (here / "dvc.lock").read_text() == whole


def test_it_does_its_work_in_a_subfolder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (here / "dvc.lock").read_text()
    (here / "dvc.lock").write_text("")
    (here / "data").mkdir()
    monkeypatch.chdir(here / "data")
    assert main(["mend"]) == 0
    assert (here / "dvc.lock").read_text() == whole


def test_a_merge_is_left_to_whoever_merges(here: Path) -> None:
    merged = "<<<<<<< HEAD\n" + (here / "dvc.lock").read_text()
    (here / "dvc.lock").write_text(merged)
    assert main(["mend"]) == 0
    assert (here / "dvc.lock").read_text() == merged


def test_without_git_a_torn_lock_stays(here: Path) -> None:
    (here / ".git").rename(here / "elsewhere")
    (here / "dvc.lock").write_text("")
    assert main(["mend"]) == 1
    assert (here / "dvc.lock").exists()


def test_a_torn_lock_that_is_in_no_commit_goes(here: Path) -> None:
    subprocess.run(["git", "rm", "-q", "--cached", "dvc.lock"], check=True)
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, "commit", "-qm", "none"], check=True)
    (here / "dvc.lock").write_text("")
    assert main(["mend"]) == 0
    assert not (here / "dvc.lock").exists()


@pytest.mark.parametrize("text", ["", '{"read": {"/a', "[]"])
def test_a_torn_list_of_who_is_at_work_goes(here: Path, text: str) -> None:
    (here / mend.AT_WORK).write_text(text)
    assert main(["mend"]) == 0
    assert not (here / mend.AT_WORK).exists()
