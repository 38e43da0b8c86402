"""Moments that cannot be yet: what is told of the future would be known before it is there.

An event of the year 2099, one typing error, would make everything that comes after it too late.
"""

import time
from collections.abc import Iterable

import numpy as np

from problems.row_columns import RefusedRow
from retrace.base.arrays import Arrays
from retrace.base.clock import DAY


def check_ahead(rows: Arrays, columns: Iterable[str | None], most_days: float) -> None:
    """RefusedRow for a row whose time is further ahead of the clock than `most_days`; clocks
    differ, and simulations may run ahead."""
    latest = np.datetime64(time.time_ns() // 1000 + round(most_days * DAY), "us")
    for name in columns:
        if name is None or name not in rows:
            continue
        ahead = rows[name] > latest
        if ahead.any():
            place = int(np.argmax(ahead))
            raise RefusedRow(
                place,
                name,
                f"{rows[name][place]}Z lies ahead of the server's clock by more than "
                f"`serving.ahead_days`, which is {most_days:g}",
            )
