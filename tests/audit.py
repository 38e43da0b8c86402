"""Hold the locked versions against the public list of known holes, with pip-audit.

    python -m tests.audit

Ends with status 1 for a hole that is not in EXPLAINED. Where the list cannot be reached (no
network, or a closed one), it says that nothing was checked and ends with status 0.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

LOCK = "requirements-dev.lock"  # has all versions of requirements.lock as well
EXPLAINED: dict[str, str] = {}  # id of the hole: why it does not concern Retrace
UNREACHABLE = ("timed out", "ConnectionError", "ConnectTimeout", "Max retries", "ServiceError")
SECONDS = 120


def audit(lock: str) -> subprocess.CompletedProcess[str]:
    """Run pip-audit on a lock file as it is; nothing is installed or resolved."""
    words = ["--requirement", lock, "--require-hashes", "--disable-pip", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--timeout", "10"]
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=SECONDS, check=False
    )


@dataclass(frozen=True)
class Report:
    """What pip-audit says. holes: package, id, and the version that mends it."""

    holes: frozenset[tuple[str, str, str]]
    skipped: int
    packages: int


def read(text: str) -> Report | None:
    """Read pip-audit's JSON; None where it is none."""
    try:
        packages: list[dict[str, Any]] = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    found = frozenset(
        (f"{one['name']} {one['version']}", hole["id"], ", ".join(hole["fix_versions"]) or "none")
        for one in packages
        for hole in one.get("vulns", [])
    )
    return Report(found, sum("skip_reason" in one for one in packages), len(packages))


def main() -> int:
    try:
        done = audit(LOCK)
        report, told = read(done.stdout), done.stderr
    except subprocess.TimeoutExpired:
        report, told = None, UNREACHABLE[0]
    if report is None and not any(word in told for word in UNREACHABLE):
        print(f"pip-audit failed on {LOCK}:\n{told[-2000:]}")
        return 1
    if report is None:
        print(f"pip-audit: {LOCK} was NOT checked: the list of holes cannot be reached.")
        return 0
    if report.skipped:
        print(
            f"pip-audit: {report.skipped} of {report.packages} packages of {LOCK} were NOT "
            "checked: the list of holes that can be reached does not know them."
        )
    new = sorted(hole for hole in report.holes if hole[1] not in EXPLAINED)
    for package, hole, mended in new:
        print(f"pip-audit: {package} has {hole}; mended in {mended}. `make lock ARGS=--upgrade`.")
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
