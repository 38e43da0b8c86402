"""Files have the same bytes where Git would rather write another line end."""

from pathlib import Path

from tests.conftest import ROOT, run

CONVERTS = ("-c", "core.autocrlf=true")  # the default of Git for Windows


def test_a_clone_that_converts_line_ends_is_the_same(
    reproduced_price: Path, tmp_path: Path
) -> None:
    run(tmp_path, "git", "clone", "--quiet", *CONVERTS, str(reproduced_price), "clone")
    clone = tmp_path / "clone"
    assert run(clone, "git", "config", "core.autocrlf").strip() == "true"
    listed = run(clone, "git", "ls-files", "--eol").splitlines()
    ends = {line.partition("\t")[2]: line.split()[1] for line in listed}
    assert ends["dvc.yaml"] == "w/lf"
    assert {name for name, end in ends.items() if end in ("w/crlf", "w/mixed")} == set()
    run(clone, "dvc", "cache", "dir", "--local", str(reproduced_price / ".dvc/cache"))
    run(clone, "dvc", "checkout", "--quiet")
    assert "up to date" in run(clone, "dvc", "status")


def test_git_has_text_with_lf_only() -> None:
    listed = run(ROOT, "git", "ls-files", "--eol").splitlines()
    assert [line for line in listed if line.startswith(("i/crlf", "i/mixed"))] == []
