"""The files of deploy/prometheus: Prometheus' own tools read them, and what they name is there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from monitoring.gauges import text
from serving.numbers import Numbers
from tests.conftest import ROOT
from tests.online.watched import HOUR, NOW, alarm, summary

FOLDER = ROOT / "deploy/prometheus"
ALERTS = [
    rule
    for group in yaml.safe_load((FOLDER / "alerting.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]


def checked(*command: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_configuration_and_rules() -> None:
    checked("promtool", "check", "config", "prometheus.yml")


def test_each_alert_is_raised_at_its_limit_and_not_below() -> None:
    checked("promtool", "test", "rules", "tests.yml")


def test_alertmanager_takes_its_configuration() -> None:
    checked("amtool", "check-config", "alertmanager.yml")


def test_each_alert_has_a_test_in_which_it_is_raised_and_one_in_which_it_is_not() -> None:
    tests = yaml.safe_load((FOLDER / "tests.yml").read_text("utf-8"))["tests"]
    told = [one for test in tests for one in test["alert_rule_test"]]
    names = {rule["alert"] for rule in ALERTS}
    assert {one["alertname"] for one in told if "exp_alerts" in one} == names
    assert {one["alertname"] for one in told if "exp_alerts" not in one} == names


def names_of_metrics() -> set[str]:
    """What servers, watch and the recording rules make."""
    page = text([summary()], [alarm()], NOW, passed_at=NOW, every=HOUR).decode()
    page += _described(Numbers())
    found = set(re.findall(r"(?m)^# TYPE (\S+) ", page))
    found |= {f"{name}_bucket" for name in re.findall(r"(?m)^# TYPE (\S+) histogram", page)}
    for group in yaml.safe_load((FOLDER / "recording.yml").read_text("utf-8"))["groups"]:
        found |= {rule["record"] for rule in group["rules"]}
    return found


def _described(numbers: Numbers) -> str:
    lines = (
        f"# TYPE {one.name}{'_total' if one.type == 'counter' else ''} {one.type}"
        for one in numbers.registry.collect()
    )
    return "\n".join(lines)


@pytest.mark.parametrize(
    "path",
    [*FOLDER.glob("*ing.yml"), *(ROOT / "deploy/grafana").glob("*.json")],
    ids=lambda path: path.name,
)
def test_every_metric_that_is_asked_is_made(path: Path) -> None:
    asked = set(re.findall(r"\b(?:problem:)?retrace_\w+(?::\w+)?", path.read_text("utf-8")))
    assert asked
    assert asked <= names_of_metrics()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_says_what_to_do_and_the_guide_knows_it(rule: dict) -> None:
    assert set(rule["annotations"]) == {"summary", "description", "action"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    guide = (ROOT / "docs/monitoring.md").read_text("utf-8")
    assert f"`{rule['alert']}`" in guide
