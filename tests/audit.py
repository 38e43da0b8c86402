"""Hold the locked versions against the public list of known holes, with pip-audit.

    python -m tests.audit

Ends with status 1 for a hole that is not in EXPLAINED. Where the list cannot be reached (no
network, a closed one), it says that nothing was checked, and ends with status 0: a line of code must
not depend on a service. CI that has a network checks.
"""

import json
import subprocess
import sys
from typing import Any

LOCKS = ("requirements.lock", "requirements-dev.lock")
EXPLAINED: dict[str, str] = {}  # id of the hole: why it does not concern Retrace
UNREACHABLE = ("ConnectionError", "ConnectTimeout", "Max retries", "ServiceError", "HTTPError",
               "timed out", "resolve host", "Name or service")  # fmt: skip
SECONDS = 120


def audit(lock: str) -> subprocess.CompletedProcess[str]:
    """Run pip-audit on a lock file as it is; nothing is installed or resolved."""
    words = ["--requirement", lock, "--require-hashes", "--disable-pip", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--timeout", "10"]
    return subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=SECONDS, check=False
    )


def holes(report: str) -> list[tuple[str, str, str]] | None:
    """Return package and version, id and the version that mends it; None where it is no report."""
    try:
        packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    return [
        (f"{one['name']} {one['version']}", hole["id"], ", ".join(hole["fix_versions"]) or "none yet")
        for one in packages
        for hole in one.get("vulns", [])
    ]


def main() -> int:
    found: set[tuple[str, str, str]] = set()
    for lock in LOCKS:
        try:
            done = audit(lock)
            report, told = holes(done.stdout), done.stderr
        except subprocess.TimeoutExpired:
            report, told = None, "timed out"
        if report is None:
            if any(word in told for word in UNREACHABLE):
                print(f"pip-audit: {lock} was NOT checked: the list of holes cannot be reached.")
                continue
            print(f"pip-audit failed on {lock}:\n{told[-2000:]}")
            return 1
        found |= set(report)
    open_ = sorted(hole for hole in found if hole[1] not in EXPLAINED)
    for package, hole, mended in open_:
        print(f"pip-audit: {package} has {hole}; mended in {mended}. `make lock ARGS=--upgrade`.")
    return 1 if open_ else 0


if __name__ == "__main__":
    sys.exit(main())
