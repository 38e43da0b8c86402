"""How many examples a property is tried with: `make test` affords few, `make drills` ten times."""

import os

TIMES = int(os.environ.get("RETRACE_TRIES", "1"))


def tries(few: int) -> int:
    return few * TIMES
