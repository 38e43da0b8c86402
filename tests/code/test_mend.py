"""`retrace mend` puts right what a kill has torn of DVC's own files, and nothing else."""

import subprocess
from pathlib import Path

import pytest
from dvc.cli import main as dvc

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
    stages = (ROOT / "dvc.lock").read_text().split("\n  ingest@")[0]  # the first ones
    (tmp_path / "dvc.lock").write_text(stages + "\n")
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "lock"], check=True)
    return tmp_path


def test_whole_files_stay(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / mend.AT_WORK).write_text('{"read": {}, "write": {}}')
    shorter = (here / "dvc.lock").read_text().rpartition("  simulate@")[0]
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


# ---- half a lock file that is YAML -------------------------------------------------------------

STAGES = """
stages:
  one:
    cmd: mkdir -p a b && cp from/x a/x && cp from/x b/y
    deps: [from]
    outs: [a, b]
  two:
    cmd: mkdir -p c && cp a/x c/x && cp a/x d
    deps: [a]
    outs: [c, d]
"""


@pytest.fixture
def ran(here: Path) -> Path:
    """Return a project of two stages that have run."""
    (here / ".dvc/tmp").rmdir()
    (here / ".dvc").rmdir()
    (here / "dvc.lock").unlink()
    (here / "from").mkdir()
    (here / "from/x").write_text("1")
    (here / "dvc.yaml").write_text(STAGES)
    assert dvc(["init", "-q"]) == 0
    assert dvc(["repro", "-q"]) == 0
    return here


def in_dvc_2s_place(project: Path) -> list[Path]:
    return list(project.glob(".dvc/cache/[0-9a-f][0-9a-f]/*"))


def test_a_stage_named_in_half_goes(ran: Path) -> None:
    """Wherever the kill came, the stages before stay and DVC can go on."""
    whole = (ran / "dvc.lock").read_text()
    second = whole.index("  two:")
    lines = whole[second:].splitlines(keepends=True)
    read = 0
    for number, line in enumerate(lines[1:], start=1):
        begun = whole[:second] + "".join(lines[:number])
        for cut in (begun, begun + line.rstrip()):
            (ran / "dvc.lock").write_text(cut)
            if not mend.torn(mend.LOCK):
                read += 1
                assert mend.named_in_half() == "two", cut
                assert (ran / "dvc.lock").read_text() == whole[:second]
    assert read > len(lines)  # DVC would have read these
    assert mend.named_in_half() is None


def test_a_first_stage_in_half_leaves_no_lock(ran: Path) -> None:
    whole = (ran / "dvc.lock").read_text()
    (ran / "dvc.lock").write_text(whole[: whole.index("    outs:")])
    assert main(["mend"]) == 0
    assert not (ran / "dvc.lock").exists()


def test_what_dvc_makes_of_half_a_stage_and_of_a_mended_one(ran: Path) -> None:
    whole = (ran / "dvc.lock").read_text()
    half = whole[: whole.index("    - path: b")]
    (ran / "dvc.lock").write_text(half)
    assert dvc(["repro", "-q"]) == 0
    assert in_dvc_2s_place(ran), "DVC takes a cut lock for a whole one no more: mend need not, too"
    subprocess.run(["rm", "-r", *in_dvc_2s_place(ran)], check=True)

    (ran / "dvc.lock").write_text(half)
    assert main(["mend"]) == 0
    assert dvc(["repro", "-q"]) == 0
    assert not in_dvc_2s_place(ran)
    assert (ran / "dvc.lock").read_text() == whole
