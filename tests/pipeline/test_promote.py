"""Promotion and rollback with real dvc, git and GTO, on a small project with remotes."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import gto.api
import pytest

import commands.promote
from commands.__main__ import main
from experiments.promotion import plan, registry
from experiments.promotion.facts import check_data
from experiments.promotion.judgement import judge
from experiments.promotion.promote import Promotion, finish
from problems.parts import find_problem
from retrace.base.errors import RetraceError
from tests.conftest import change_params, commit, environment, run
from tests.forked import quick
from tests.pipeline.story import (
    RETRACE,
    bundle_objects,
    everything,
    make_champion,
    make_story,
    promote_price,
    refused,
    register,
    roll_back_price,
    take_model,
)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_story(tmp_path_factory.mktemp("story"))


@pytest.fixture(scope="module")
def plain(story: Path) -> Promotion:
    """What the gate says of the story as it is, on a dry run, which changes nothing."""
    project = story / "project"
    before = everything(project)
    with contextlib.chdir(project):
        outcome = promote_price(dry_run=True)
    assert everything(project) == before
    return outcome


@pytest.fixture
def here(story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the story that this test may change; the test runs in it."""
    shutil.copytree(story, tmp_path / "story", symlinks=True)
    project = tmp_path / "story" / "project"
    monkeypatch.chdir(project)
    for name, value in quick(environment()).items():
        monkeypatch.setenv(name, value)
    return project


# ---- the whole way -----------------------------------------------------------------------------


def test_a_better_model_takes_the_place_and_gives_it_back(here, capsys):
    output = run(here, *RETRACE, "promote", "price")
    assert "price v0.0.2 is in prod" in output
    assert max(map(len, output.splitlines())) <= 120
    path = "experiments/promotions/price/v0.0.2.md"
    record = run(here, "git", "show", f"price@v0.0.2:{path}")
    assert "Test <test@example.org>" in record
    assert "| champion v0.0.1 |" in record
    assert "- `text.alpha`: 1000.0 → 8.0" in record
    assert record == (here / path).read_text("utf-8")
    assert run(here, "git", "status", "--porcelain") == ""
    remote = run(here, "git", "ls-remote", "origin")
    assert "refs/tags/price@v0.0.2" in remote
    assert "refs/tags/price#prod#2" in remote
    assert run(here, "git", "rev-parse", "HEAD").strip() in remote
    assert registry.champion("price").version == "v0.0.2"

    refused("to the byte: there is nothing to promote")
    assert main(["champions"]) == 0
    table = capsys.readouterr().out
    assert "v0.0.2" in table
    assert "rmsle 0." in table
    assert max(map(len, table.splitlines())) <= 100

    (here / "notes.txt").write_text("something begun")  # does not stand in the way
    output = run(here, *RETRACE, "rollback", "price", "--reason", "too dear")
    assert "price v0.0.1 is back in prod" in output
    assert registry.champion("price").version == "v0.0.1"
    assert gto.api.show(".", "price#prod")[0]["version"] == "v0.0.1"
    record = (here / "experiments/promotions/price/rollback-3.md").read_text("utf-8")
    assert "too dear" in record
    assert "rollback-3.md" in run(here, "git", "tag", "--list", "-n9", "price#prod#3")
    assert "price#prod#3" in run(here, "git", "ls-remote", "origin")
    with pytest.raises(RetraceError, match=r"v0\.0\.1 was the first champion"):
        roll_back_price()


def test_a_dry_run_only_prints(here, plain, monkeypatch, capsys):
    before = everything(here)
    monkeypatch.setattr(commands.promote, "promote", lambda *_, **how: plain)
    assert main(["promote", "price", "--dry-run"]) == 0
    assert plain.tags == ()
    output = capsys.readouterr().out
    assert "Yes: it would be price v0.0.2" in output
    assert output.count("mean squared log error") == 1
    assert plain.text.startswith("# price v0.0.2")
    register(here, "v0.0.2")
    tagged = everything(here)
    assert tagged != before
    assert main(["rollback", "price", "--dry-run"]) == 0
    assert "It would put price v0.0.1 back" in capsys.readouterr().out
    assert everything(here) == tagged


def test_a_worse_model_is_refused_with_the_weightiest_reason_first(here, capsys):
    register(here, "v0.0.2")
    take_model(here, "price@v0.0.1")
    change_params(here, {"price": {"gate": {"coverage": {"least": 0.999, "most": 1.0}}}})
    commit(here, "The weak model again, and a narrow band")
    before = everything(here)
    assert main(["promote", "price"]) == 1
    lines = capsys.readouterr().out.splitlines()
    at = lines.index("No: price is not promoted.")
    assert re.match("  (worse|costs more) than the champion", lines[at + 1])
    assert "coverage is" in lines[-1]
    assert everything(here) == before
    assert not (here / "experiments/promotions/price/v0.0.3.md").exists()


def test_without_push_no_remote_is_asked(here):
    run(here, "git", "remote", "set-url", "origin", "/nowhere")
    shutil.rmtree(here.parent / "store")
    outcome = promote_price(push=False)
    assert outcome.tags == ("price@v0.0.2", "price#prod#2")
    run(here, "git", "remote", "set-url", "origin", "../origin.git")
    with pytest.raises(RetraceError, match="lacks what was promoted here with --no-push"):
        promote_price()


@pytest.mark.parametrize(("name", "words"), [("service_time", "route_id"), ("fraud", "day")])
def test_problems_with_time_are_judged_by_group_or_day(
    reproduced, tmp_path, monkeypatch, name, words
):
    monkeypatch.chdir(reproduced)
    found = judge(find_problem(name), None, tmp_path)
    assert found.blocks == words
    assert found.verdict.rule.n_blocks < found.rows


# ---- the champion ------------------------------------------------------------------------------


TRIPLED = """

own = predict


def predict(*words, **how):
    return own(*words, **how) * 3.0
"""


def test_the_champion_predicts_with_the_code_of_its_own_tag(here, plain):
    make_champion(here, "problems/predict.py", lambda text: text + TRIPLED)
    other = promote_price(dry_run=True)
    assert other.facts.champion.version == "v0.1.0"
    assert other.judgement.notes == ()
    assert other.judgement.losses["champion"] > 3 * plain.judgement.losses["champion"]
    assert other.judgement.losses["challenger"] == plain.judgement.losses["challenger"]


def test_stored_predictions_where_its_code_cannot_read_todays_table(here, plain):
    schema = "problems/price/schema.py"
    make_champion(here, schema, lambda text: text.replace('"brand":', '"maker":'))
    outcome = promote_price(dry_run=True)
    note = outcome.judgement.notes[0]
    assert "cannot read today's clean table (its schema does not know today's maker" in note
    assert all(note in outcome.text for note in outcome.judgement.notes)
    for name, loss in plain.judgement.losses.items():
        assert outcome.judgement.losses[name] == pytest.approx(loss)


def test_a_bundle_comes_from_the_remote_and_is_missed_when_gone(here):
    objects = bundle_objects(here, "price@v0.0.1")
    for path in objects:
        (here / ".dvc/cache" / path).unlink()
    assert promote_price(dry_run=True).facts.champion.version == "v0.0.1"
    for path in objects:
        (here.parent / "store" / path).unlink()
    refused("models/price of price#prod#1 is gone: neither the cache nor the DVC remote")


def test_a_corrupted_bundle_is_refused(here):
    path = here / ".dvc/cache" / bundle_objects(here, "price@v0.0.1")[1]
    path.chmod(0o644)
    path.write_text(path.read_text("utf-8").replace("leaf_value=", "leaf_value=1"), "utf-8")
    refused("models/price of price#prod#1 is corrupted")


def test_rollback_looks_at_the_bundle_first(here):
    register(here, "v0.0.2")
    for path in bundle_objects(here, "price@v0.0.1"):
        (here / ".dvc/cache" / path).unlink()
        (here.parent / "store" / path).unlink()
    refused("models/price of price#prod#1 is gone", roll_back_price)


# ---- what cannot be promoted -------------------------------------------------------------------


def test_uncommitted_changes(here):
    (here / "retrace/new.py").write_text("")
    refused(r"uncommitted changes.*\n.*retrace/new\.py")


def test_a_dag_that_is_not_up_to_date(here):
    change_params(here, {"price": {"train": {"max_rounds": 50}}})
    commit(here, "Not run")
    refused("the DAG is not up to date: train@price")


def test_failed_data_checks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "metrics/validation/price.json"
    path.parent.mkdir(parents=True)
    result = {"column": "brand", "check": "distinct", "found": 3, "limit": "at least 20"}
    outcome = {"checks": 1, "failed": 1, "results": [{**result, "level": "soft", "passed": False}]}
    path.write_text(json.dumps(outcome))
    with pytest.raises(RetraceError, match=r"brand: distinct is 3, expected at least 20"):
        check_data("price")
    outcome["results"][0]["passed"] = True
    path.write_text(json.dumps(outcome))
    check_data("price")


def test_artefacts_that_are_not_in_the_remote(here):
    shutil.rmtree(here.parent / "store")
    (here.parent / "store").mkdir()
    refused("not in the DVC remote: .*models/price")


def test_a_model_that_dvc_yaml_does_not_name(here):
    text = (here / "dvc.yaml").read_text("utf-8")
    (here / "dvc.yaml").write_text(text.replace("    path: models/price\n", "    path: models\n"))
    commit(here, "Another path")
    refused("no entry 'price' with path models/price")


def test_no_git_remote(here):
    run(here, "git", "remote", "remove", "origin")
    with pytest.raises(RetraceError, match="no Git remote to push the tags to"):
        promote_price()
    run(here, "git", "remote", "add", "origin", "/nowhere")
    with pytest.raises(RetraceError, match="--no-push is for work on this machine alone"):
        promote_price()


def test_a_detached_head(here):
    run(here, "git", "switch", "-q", "--detach")
    refused("HEAD is detached at")


def test_a_shallow_clone(here, monkeypatch):
    url = f"file://{here.parent / 'origin.git'}"
    run(here.parent, "git", "clone", "-q", "--depth", "1", url, "shallow")
    monkeypatch.chdir(here.parent / "shallow")
    refused("shallow clone")
    refused("shallow clone", roll_back_price)
    assert main(["champions"]) == 1


def test_a_repository_without_tags(here, capsys):
    tags = run(here, "git", "tag").split()
    run(here, "git", "push", "-q", "--delete", "origin", *tags)
    run(here, "git", "tag", "-d", *tags)
    assert main(["champions"]) == 0
    assert "No version is in any stage yet" in capsys.readouterr().out
    refused("nothing to roll back", roll_back_price)
    assert (
        promote_price(dry_run=True).facts.challenger.name == "v0.0.1"
    )  # it must only beat the rule


def test_a_clock_that_is_behind(here):
    future = {"GIT_COMMITTER_DATE": "2090-01-01T00:00:00Z"}
    run(here, "git", "tag", "-a", "price@v0.0.0", "-m", "later", **future)
    run(here, "git", "push", "-q", "origin", "--tags")
    refused("ahead of this machine's clock")


# ---- two at once, and killed in the middle -----------------------------------------------------


@pytest.fixture
def other(here: Path) -> Path:
    """Another person's copy."""
    return Path(shutil.copytree(here, here.parent / "other", symlinks=True))


def test_somebody_who_has_promoted_before(here, other):
    register(other, "v0.0.2")
    refused("origin has versions or stages of 'price' that are not here: price#prod#2, price@v0.")


def test_two_at_once_only_the_first_push_counts(here, other, monkeypatch):
    before = run(here, "git", "show-ref", "--head")
    wait = registry.wait_for_clock

    def meanwhile(problem: str) -> None:  # after all checks, before the push
        monkeypatch.setattr(registry, "wait_for_clock", wait)
        register(other, "v0.0.2")

    monkeypatch.setattr(registry, "wait_for_clock", meanwhile)
    with pytest.raises(RetraceError, match="somebody has promoted or pushed in the meantime"):
        promote_price()
    assert run(here, "git", "show-ref", "--head") == before
    assert run(here, "git", "status", "--porcelain") == ""
    assert finish("price", push=True) == ""
    theirs = run(other, "git", "rev-parse", "refs/tags/price@v0.0.2").strip()
    assert theirs in run(here, "git", "ls-remote", "origin")
    assert run(here, "git", "ls-remote", "origin", "main") == run(
        other, "git", "ls-remote", "origin", "main"
    )


HOOK = """#!/bin/sh
test "$1" = prepared || exit 0
grep -q "$WANTED" || exit 0
kill -9 $(ps -o ppid= -p $PPID)
exit 1
"""


@pytest.mark.parametrize(
    ("command", "moment", "push"),
    [
        ("promote", "refs/heads/main", True),
        pytest.param("rollback", "refs/heads/main", False, marks=pytest.mark.slow),
        pytest.param("rollback", "refs/tags/price", False, marks=pytest.mark.slow),
    ],
)
def test_killed_in_the_middle_a_rerun_completes(here, capsys, command, moment, push):
    if command == "rollback":
        register(here, "v0.0.2")
    new = {"promote": ["price#prod#2", "price@v0.0.2"], "rollback": ["price#prod#3"]}[command]
    record = {"promote": "v0.0.2.md", "rollback": "rollback-3.md"}[command]
    before = run(here, "git", "rev-parse", "HEAD")
    hook = here / ".git/hooks/reference-transaction"
    hook.write_text(HOOK)
    hook.chmod(0o755)
    words = [command, "price", *([] if push else ["--no-push"])]
    env = {**os.environ, "WANTED": moment}
    done = subprocess.run([*RETRACE, *words], cwd=here, env=env, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
    hook.unlink()
    assert run(here, "git", "tag", "--list", *new) == ""  # no tag without its record
    remote = run(here, "git", "ls-remote", "origin")
    assert [f"refs/tags/{tag}" in remote for tag in new] == [push] * len(new)

    assert main(words) == 0
    assert "it had been cut short, and is complete now" in capsys.readouterr().out
    assert run(here, "git", "tag", "--list", *new).split() == new
    title = run(here, "git", "show", f"HEAD:experiments/promotions/price/{record}").splitlines()[0]
    assert title == {"promote": "# price v0.0.2", "rollback": "# price: back to v0.0.1"}[command]
    assert run(here, "git", "status", "--porcelain") == ""
    assert run(here, "git", "rev-parse", "HEAD~1") == before
    assert finish("price", push=push) == ""


def test_a_push_that_never_came_is_made_again_or_given_up(here, other, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    register(here, "v0.0.2")
    run(other, "git", "pull", "-q", "--tags", "origin", "main")
    before = everything(here)
    with monkeypatch.context() as patch:
        patch.setattr(plan, "push", killed)
        with pytest.raises(KeyboardInterrupt):
            roll_back_price()
    assert everything(here) == before
    shutil.copytree(here, here.parent / "again", symlinks=True)
    assert finish("price", push=True) == "Roll price back to v0.0.1"
    assert "refs/tags/price#prod#3" in run(here, "git", "ls-remote", "origin")

    monkeypatch.chdir(here.parent / "again")  # where somebody was faster meanwhile
    run(here, "git", "push", "-q", "origin", "--delete", "price#prod#3")
    registry.assign(other, "price", "v0.0.1", "By hand")
    run(other, "git", "push", "-q", "origin", "price#prod#3")
    with pytest.raises(RetraceError, match="somebody has promoted or pushed in the meantime"):
        finish("price", push=True)
    assert finish("price", push=True) == ""
