"""make lint says what was not checked, and fails for a known hole."""

import json
import subprocess

import pytest

from tests import audit

HOLE = {"id": "PYSEC-1", "fix_versions": ["2.0"]}


def packages(*entries: dict) -> str:
    return json.dumps({"dependencies": list(entries), "fixes": []})


@pytest.mark.parametrize(
    ("printed", "told", "status", "words"),
    [
        (packages({"name": "a", "version": "1.0", "vulns": []}), "", 0, ""),
        (packages({"name": "a", "version": "1.0", "vulns": [HOLE]}), "", 1, "a 1.0 has PYSEC-1"),
        (packages({"name": "a", "skip_reason": "unknown"}), "", 0, "1 of 1 packages"),
        ("", "requests.exceptions.ConnectionError: refused", 0, "was NOT checked"),
        ("", "Traceback: something else", 1, "pip-audit failed"),
    ],
)
def test_status_and_words(
    printed: str,
    told: str,
    status: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = subprocess.CompletedProcess([], 1, printed, told)
    monkeypatch.setattr(audit, "audit", lambda lock: done)
    assert audit.main() == status
    assert words in capsys.readouterr().out


def test_an_explained_hole_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    text = packages({"name": "a", "version": "1.0", "vulns": [HOLE]})
    done = subprocess.CompletedProcess([], 1, text, "")
    monkeypatch.setattr(audit, "audit", lambda lock: done)
    monkeypatch.setattr(audit, "EXPLAINED", {"PYSEC-1": "never called"})
    assert audit.main() == 0
