"""Each check of `retrace doctor`: what passes, what does not, and what it says then."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from commands import doctor
from commands.__main__ import main
from commands.doctor import Finding
from experiments import sections
from tests.s3 import local_s3

TOP = Path(__file__).resolve().parents[2]
CHECKS = [path.relative_to(TOP).as_posix() for path in TOP.glob("problems/*/checks.yaml")]
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
    for name in ("pyproject.toml", "params.yaml", "dvc.yaml", ".dvc/config", *CHECKS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
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
    subprocess.run(["git", "init", "--quiet"], check=True)
    return tmp_path


def stops(check: Finding, *words: str) -> None:
    """Assert that the check is a fault whose words are there, and that it says what to do."""
    assert check.status == "FAULT", check
    for word in words:
        assert word in check.found
    assert check.advice


# ---- the machine -------------------------------------------------------------------------------


def test_python(here):
    assert doctor.python((3, 12, 1), str(here / ".venv")) == Finding(
        "ok", "Python", "3.12.1 in .venv"
    )
    stops(doctor.python((3, 10, 2)), "3.10.2", ">=3.11")
    elsewhere = doctor.python((3, 11, 0), "/usr")
    assert elsewhere.status == "!"
    assert "activate" in elsewhere.advice


def test_disk():
    assert doctor.disk(int(50e9)).status == "ok"
    stops(doctor.disk(int(1.25e9)), "1.2 GB free", f"{doctor.DISK_GB} GB")


# ---- Git, the lock file and DVC ----------------------------------------------------------------


def test_git(here, monkeypatch):
    (here / ".git").rename(here / "elsewhere")
    stops(doctor.git(), "not in a Git repository")
    (here / "elsewhere").rename(here / ".git")
    unnamed = doctor.git()
    assert unnamed.status == "!"
    assert "no user.name and no user.email" in unnamed.found
    assert "git config --global user.name" in unnamed.advice
    for key, value in (("name", "A Tester"), ("email", "tester@example.org")):
        subprocess.run(["git", "config", f"user.{key}", value], check=True)
    assert doctor.git() == Finding("ok", "Git", "commits as A Tester <tester@example.org>")
    monkeypatch.setenv("PATH", str(here))
    stops(doctor.git(), "not installed")


def test_a_lock_file_is_read_for_this_machine(here):
    assert dict(doctor.locked_versions(LOCK)) == {"numpy": "2.4.6", "Ruamel.Yaml": "0.19.1"}


def test_packages(here, monkeypatch):
    stops(doctor.packages(), "requirements-dev.lock is missing")
    installed = {"numpy": "2.4.6", "scipy": "1.17.1"}
    monkeypatch.setattr(doctor, "_installed", installed.get)
    (here / "requirements.lock").write_text("numpy==2.4.6\nscipy==1.17.1\n")
    (here / "requirements-dev.lock").write_text("numpy==2.4.6\nscipy==1.17.1\npytest==9\nuv==1\n")
    assert doctor.packages() == Finding("ok", "packages", "2 as in requirements.lock")
    installed["pytest"] = "9"
    stops(doctor.packages(), "1 not as in requirements-dev.lock", "uv missing (locked 1)")
    installed["uv"] = "1"
    assert doctor.packages().status == "ok"
    installed["numpy"] = "2.5.0"
    stops(doctor.packages(), "numpy 2.5.0 (locked 2.4.6)")


def test_the_lock_files_agree_with_each_other_and_name_no_place():
    texts = [(TOP / name).read_text() for name in (doctor.RUN_LOCK, doctor.DEV_LOCK)]
    run, dev = (dict(doctor.locked_versions(text)) for text in texts)
    assert run.items() <= dev.items()
    for text in texts:
        assert not re.search(r"https?:|file:|^-[-a-z]", text, re.MULTILINE)


# ---- the remote --------------------------------------------------------------------------------


def local(here, **settings: str) -> None:
    lines = "".join(f"    {name} = {value}\n" for name, value in settings.items())
    (here / ".dvc/config.local").write_text(f"['remote \"storage\"']\n{lines}")


def test_a_machine_without_a_remote_is_no_fault():
    check = doctor.remote()
    assert check.status == "!"
    assert "none set on this machine" in check.found
    assert "make storage" in check.advice
    assert "docs/storage.md" in check.advice


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
        stops(wrong, "s3://retrace", "signature")
        assert "dvc remote modify --local storage" in wrong.advice

        local(here, **{**good, "access_key_id": "A" * 20})
        stops(doctor.remote(), "Access Key Id you provided does not exist")

        local(here, **good, url="s3://elsewhere/folder")
        stops(doctor.remote(), "s3://elsewhere/folder", "bucket does not exist")

        local(here, **good, url="s3://retrace/not/yet/pushed")
        assert doctor.remote().status == "ok"

        local(here, endpointurl=server.endpoint)
        stops(doctor.remote(), "credentials")


def test_a_remote_that_does_not_answer(here, monkeypatch):
    local(here, endpointurl="http://127.0.0.1:9", access_key_id="A", secret_access_key="b")
    monkeypatch.setattr(doctor, "ANSWER_SECONDS", 0.5)
    gone = doctor.remote()
    stops(gone, "no answer within")
    assert "make storage" in gone.advice


def test_remotes_that_are_not_s3(here):
    (here / "store").mkdir()
    local(here, url=str(here / "store"))
    assert doctor.remote().status == "ok"
    (here / "file").write_text("")
    local(here, url=str(here / "file/store"))
    stops(doctor.remote(), "Not a directory")


def test_dvc_settings_that_cannot_be_used(here):
    (here / ".dvc/config").write_text("")
    stops(doctor.remote(), "no remote")
    (here / ".dvc/config").write_text("[core]\n    remote = other\n")
    stops(doctor.remote(), "other")
    (here / ".dvc/config").write_text("[core\n")
    stops(doctor.remote(), "config")
    shutil.rmtree(here / ".dvc")
    stops(doctor.remote(), "not inside of a DVC repository")


# ---- databases ---------------------------------------------------------------------------------


def name_database(here, url: str) -> None:
    (here / ".dvc/config.local").write_text(f"['db \"shop\"']\n    url = {url}\n")


def test_databases(here):
    assert doctor.databases() == Finding("ok", "databases", "none set, and none needed")
    name_database(here, f"sqlite:///{here}/shop.db")
    assert doctor.databases() == Finding("ok", "databases", "shop: all answer")
    name_database(here, f"sqlite:///{here}/no/such/folder.db")
    stops(doctor.databases(), "shop: ", "unable to open database file")
    name_database(here, f"postgresql://someone:secret@/shop?host={here}")
    gone = doctor.databases()
    stops(gone, "shop: ", "No such file or directory")
    assert "secret" not in gone.found
    (here / ".dvc/config").write_text("[core\n")
    stops(doctor.databases(), "config")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("bigquery://project/dataset", "pip install sqlalchemy-bigquery"),
        ("mysql://host/shop", "pip install PyMySQL, and let the url begin with mysql+pymysql:"),
        ("cassandra://host/shop", "sqlalchemy.dialects:cassandra"),
    ],
)
def test_a_database_without_its_driver_says_what_to_install(here, url, words):
    name_database(here, url)
    stops(doctor.databases(), f"'{url.partition(':')[0]}' has no driver here", words)


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
        (lambda all_: all_["price"]["train"].update(num_leaves="3"), ["'price.train.num_leaves'"]),
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


def test_params_that_are_no_yaml(here):
    (here / "params.yaml").write_text("price: [\n")
    stops(doctor.params(), "not valid YAML")
    (here / "params.yaml").unlink()
    stops(doctor.params(), "not found")


def test_a_list_at_the_top_asks_for_the_section(here):
    edit(here, lambda all_: all_["price"].pop("simulate"))
    edit(here, lambda all_: all_["fraud"].pop("backtest"))
    edit(here, lambda all_: all_["price"].pop("tune"))  # nobody has to search
    stops(doctor.params(), "'price.simulate'", "'fraud.backtest'")
    assert "tune" not in doctor.params().found


def test_every_section_that_a_stage_reads_is_checked():
    text = "".join(path.read_text("utf-8") for path in sorted((TOP / "stages").glob("*.py")))
    read = set(re.findall(r'read_params\([^)]*?f"\{\w+\}\.(\w+)"', text))
    read |= set(re.findall(r'parts\.settings\(.*?, problem, "(\w+)"\)', text))
    assert read | sections.OPTIONAL == {*sections.WORLD, *sections.PROBLEM}


# ---- all together ------------------------------------------------------------------------------


def test_the_command_prints_a_line_a_check_from_a_subfolder(here, monkeypatch, capsys):
    (here / "data").mkdir()
    monkeypatch.chdir(here / "data")
    long = "word " * 60
    checks = [Finding("ok", "one", "fine"), Finding("!", "two", "[so] so", long)]
    monkeypatch.setattr(doctor, "CHECKS", [lambda check=check: check for check in checks])
    assert main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("ok    one         fine\n!     two         [so] so\n")
    assert "-> word" in output
    assert max(map(len, output.splitlines())) <= 100
    assert Path.cwd() == here

    monkeypatch.setattr(doctor, "CHECKS", [lambda: Finding("FAULT", "three", "bad", "do so")])
    assert main(["doctor"]) == 1
    assert capsys.readouterr().out.startswith("FAULT three")


def test_a_terminal_that_knows_only_ascii(here):
    for key, value in (("name", "José"), ("email", "jose@example.org")):
        subprocess.run(["git", "config", f"user.{key}", value], check=True)
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = "import sys; from commands import doctor; from commands.__main__ import main; "
    code += "doctor.CHECKS = (doctor.git, doctor.disk); sys.exit(main(['doctor']))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "commits as Jos" in done.stdout


def test_the_command_needs_a_clone(here, capsys):
    (here / "dvc.yaml").unlink()
    assert main(["doctor"]) == 1
    assert "no dvc.yaml" in capsys.readouterr().err
