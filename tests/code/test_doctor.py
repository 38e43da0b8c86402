"""Each check of `retrace doctor`: what passes, what does not, and what it says then."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from commands import doctor
from commands.__main__ import main
from commands.doctor import Check
from commands.storage import local_s3

TOP = Path(__file__).resolve().parents[2]
LOCK = """\
# This file is made by `make lock`
numpy==2.4.6 ; python_full_version >= '3.11' \\
    --hash=sha256:00
    # via pandas
old-thing==1.0 ; python_full_version < '3' \\
    --hash=sha256:01
Ruamel.Yaml==0.19.1 \\
    --hash=sha256:02
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Run in a folder with the project's own files, and nobody's settings of Git, DVC or AWS."""
    monkeypatch.chdir(tmp_path)
    for name in ("pyproject.toml", "params.yaml", "dvc.yaml", ".dvc/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(TOP / name, tmp_path / name)
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-aws-credentials"))
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(tmp_path / "global"))
    monkeypatch.setenv("DVC_SYSTEM_CONFIG_DIR", str(tmp_path / "system"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return tmp_path


def stops(check: Check, *words: str) -> None:
    """Assert that the check is a fault whose words are there, and that it says what to do."""
    assert check.status == "fault", check
    for word in words:
        assert word in check.found
    assert check.advice


# ---- the machine -------------------------------------------------------------------------------


def test_python(here):
    assert doctor.python((3, 12, 1), str(here / ".venv")) == Check(
        "ok", "Python", "3.12.1 in .venv"
    )
    stops(doctor.python((3, 10, 2)), "3.10.2", ">=3.11")
    elsewhere = doctor.python((3, 11, 0), "/usr")
    assert elsewhere.status == "limit"
    assert "activate" in elsewhere.advice


def test_disk():
    assert doctor.disk(int(50e9)).status == "ok"
    stops(doctor.disk(int(1.25e9)), "1.2 GB free", f"{doctor.DISK_GB} GB")


def test_cores_and_memory(here):
    assert doctor.cores_and_memory(int(16e9)).status == "ok"
    assert doctor.cores_and_memory(int(2e9)).status == "limit"
    limit = here / "memory.max"
    limit.write_text("1000000\n")
    assert doctor._memory_bytes(limit) == 1_000_000
    limit.write_text("max\n")
    assert doctor._memory_bytes(limit) > 1_000_000
    assert doctor._memory_bytes(here / "none") > 1_000_000


# ---- Git, the lock file and DVC ----------------------------------------------------------------


def test_git(here, monkeypatch):
    stops(doctor.git(), "not in a Git repository")
    subprocess.run(["git", "init", "--quiet"], check=True)
    unnamed = doctor.git()
    assert unnamed.status == "limit"
    assert "no user.name and no user.email" in unnamed.found
    assert "git config --global user.name" in unnamed.advice
    for key, value in (("name", "A Tester"), ("email", "tester@example.org")):
        subprocess.run(["git", "config", f"user.{key}", value], check=True)
    assert doctor.git() == Check("ok", "Git", "commits as A Tester <tester@example.org>")
    monkeypatch.setenv("PATH", str(here))
    stops(doctor.git(), "not installed")


def test_a_lock_file_is_read_for_this_machine(here):
    path = here / "some.lock"
    path.write_text(LOCK)
    assert doctor.read_lock(path) == {"numpy": "2.4.6", "ruamel-yaml": "0.19.1"}


def locks(here, run: str, dev: str) -> None:
    (here / "requirements.lock").write_text(run)
    (here / "requirements-dev.lock").write_text(dev)


def test_installed_versions(here, monkeypatch):
    stops(doctor.installed_versions(), "requirements.lock is missing")
    installed = {"numpy": "2.4.6", "scipy": "1.17.1", "pip": "24.0"}  # pip comes with the venv
    monkeypatch.setattr(doctor, "_installed", installed.get)
    run, dev = (
        "numpy==2.4.6\nscipy==1.17.1\n",
        "numpy==2.4.6\nscipy==1.17.1\npip==26\npytest==9\nuv==1\n",
    )
    locks(here, run, dev)
    without_tools = doctor.installed_versions()
    assert without_tools.status == "ok"
    assert "make test" in without_tools.advice + without_tools.found
    installed |= {"pytest": "9", "pip": "26"}
    stops(doctor.installed_versions(), "1 not as locked", "uv missing (locked 1)")
    installed["uv"] = "1"
    assert doctor.installed_versions().status == "ok"
    installed["numpy"] = "2.5.0"
    del installed["scipy"]
    stops(
        doctor.installed_versions(),
        "2 not as locked",
        "numpy 2.5.0 (locked 2.4.6)",
        "scipy missing (locked 1.17.1)",
    )
    locks(here, run, dev.replace("2.4.6", "2.5.0"))
    stops(doctor.installed_versions(), "disagree", "numpy")


def test_the_lock_files_agree_with_each_other_and_name_no_place():
    run, dev = (doctor.read_lock(TOP / name) for name in (doctor.RUN_LOCK, doctor.DEV_LOCK))
    assert run.items() <= dev.items()
    for name in (doctor.RUN_LOCK, doctor.DEV_LOCK):
        assert not re.search(r"https?:|file:|^-[-a-z]", (TOP / name).read_text(), re.MULTILINE)


def test_dvc_initialised(here):
    assert doctor.dvc_initialised().status == "ok"
    shutil.rmtree(here / ".dvc")
    stops(doctor.dvc_initialised(), ".dvc/config not found")


# ---- the remote --------------------------------------------------------------------------------


def local(here, **settings: str) -> None:
    lines = "".join(f"    {name} = {value}\n" for name, value in settings.items())
    (here / ".dvc/config.local").write_text(f"['remote \"storage\"']\n{lines}")


def test_a_machine_without_a_remote_is_no_fault():
    check = doctor.remote()
    assert check.status == "limit"
    assert "no remote configured on this machine" in check.found
    assert "make storage" in check.advice
    assert "README" in check.advice


def test_a_remote_that_works_or_refuses(here):
    with local_s3(here / "s3") as server:
        good = {
            "endpointurl": server.endpoint,
            "access_key_id": server.key,
            "secret_access_key": server.secret,
        }
        local(here, **good)
        assert doctor.remote().status == "ok"

        local(here, **{**good, "secret_access_key": "f" * 40})
        wrong = doctor.remote()
        stops(wrong, "the secret is wrong", server.endpoint)
        assert "secret_access_key" in wrong.advice

        local(here, **{**good, "access_key_id": "A" * 20})
        stops(doctor.remote(), "does not know the access key")

        local(here, **good, url="s3://elsewhere/folder")
        stops(doctor.remote(), "no bucket 'elsewhere'")

        local(here, endpointurl=server.endpoint)
        none = doctor.remote()
        stops(none, "no credentials")
        assert "access_key_id" in none.advice

        local(here, endpointurl=server.endpoint, profile="nobody")
        stops(doctor.remote(), "no credentials", "nobody")
    local(here, **good)
    gone = doctor.remote()
    stops(gone, "does not answer")
    assert "make storage" in gone.advice


def test_remotes_that_are_not_s3(here):
    (here / "store").mkdir()
    local(here, url=str(here / "store"))
    assert doctor.remote().status == "ok"
    local(here, url=str(here / "none"))
    stops(doctor.remote(), "not a folder")
    local(here, url="ssh://example.org/store")
    assert doctor.remote().status == "limit"


def test_dvc_settings_that_cannot_be_used(here):
    (here / ".dvc/config").write_text("")
    stops(doctor.remote(), "no default remote")
    (here / ".dvc/config").write_text("[core]\n    remote = other\n")
    stops(doctor.remote(), "no remote named 'other'")
    (here / ".dvc/config").write_text("[core\n")
    stops(doctor.remote(), "cannot read")


# ---- params.yaml -------------------------------------------------------------------------------


def edit(here, change) -> None:
    path = here / "params.yaml"
    values = yaml.safe_load(path.read_text())
    change(values)
    path.write_text(yaml.safe_dump(values))


def test_the_projects_own_parameters_are_valid():
    assert doctor.params().status == "ok", doctor.params().found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda all_: all_["price"]["train"].update(num_leafs=3), ["'price.train.num_leafs'"]),
        (lambda all_: all_["price"]["train"].pop("num_leaves"), ["'price.train.num_leaves'"]),
        (lambda all_: all_["price"]["simulate"].update(seed="x"), ["'price.simulate.seed'", "'x'"]),
        (lambda all_: all_["price"].pop("split"), ["'price.split'"]),
        (lambda all_: all_["price"].update(trane={}), ["'price.trane'", "train"]),
        (lambda all_: all_.update(prize={}), ["unknown key 'prize'"]),
        (lambda all_: all_.pop("price"), ["'price.train'"]),
        (lambda all_: all_["worlds"]["price"].update(sauce="x"), ["'worlds.price.sauce'"]),
        (lambda all_: all_["problems"]["price"].update(world="moon"), ["'moon'", "worlds"]),
        (lambda all_: all_.update(price=3), ["price"]),
        (lambda all_: all_.pop("worlds"), ["'worlds'"]),
    ],
)
def test_wrong_parameters_are_named(here, change, words):
    edit(here, change)
    stops(doctor.params(), *words)


def test_every_fault_is_told_not_only_the_first(here):
    edit(here, lambda all_: all_["price"]["train"].update(one=1))
    edit(here, lambda all_: all_["price"]["split"].update(two=2))
    stops(doctor.params(), "'price.train.one'", "'price.split.two'")


def test_a_model_that_does_not_load_is_told(monkeypatch):
    sections = {**doctor.PROBLEM_SECTIONS, "train": "stages.none TrainParams"}
    monkeypatch.setattr(doctor, "PROBLEM_SECTIONS", sections)
    stops(doctor.params(), "cannot check 'price.train'", "stages.none")


def test_params_that_are_no_yaml(here):
    (here / "params.yaml").write_text("price: [\n")
    stops(doctor.params(), "not valid YAML")
    (here / "params.yaml").unlink()
    stops(doctor.params(), "not found")


def test_every_section_that_a_stage_reads_is_checked():
    text = "".join(path.read_text("utf-8") for path in sorted((TOP / "stages").glob("*.py")))
    read = set(re.findall(r'read_params\([^)]*?f"\{\w+\}\.(\w+)"', text, re.DOTALL))
    assert read | doctor.OPTIONAL == {*doctor.WORLD_SECTIONS, *doctor.PROBLEM_SECTIONS}


# ---- all together ------------------------------------------------------------------------------


def test_the_command_prints_a_line_a_check(monkeypatch, capsys):
    long = "word " * 60
    checks = [Check("ok", "one", "fine"), Check("limit", "two", "[so] so", long)]
    monkeypatch.setattr(doctor, "CHECKS", [lambda check=check: check for check in checks])
    assert main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("✓ one")
    assert "! two" in output
    assert "[so] so" in output
    assert "→ word" in output
    assert max(map(len, output.splitlines())) <= 100

    monkeypatch.setattr(doctor, "CHECKS", [lambda: Check("fault", "three", "bad", "mend")])
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.startswith("✗ three")


def test_the_command_needs_the_top_folder(here, capsys):
    (here / "pyproject.toml").unlink()
    assert main(["doctor"]) == 1
    assert "top folder" in capsys.readouterr().err
