"""Eighteen months of a shop's orders, as the event log of its systems would have recorded them.

    settings.py   what an experiment may change
    calendar.py   when orders come and when each kind of work is done
    parties.py    customers, suppliers and orders
    process.py    the steps, how often each follows, and how long it takes
    flow.py       all orders through the process, with the load that they make
    log.py        the log, and what the customer was promised
    truth.py      the oracle

An order is placed, validated, credit-checked, picked, dispatched, delivered and closed (complete).
Further activities: `customer_asked` (again when he does not answer) and `customer_answered`, after
which it is validated once more; `supplier_out_of_stock` and `restocked`; `picked` once more when
something was wrong; `delivery_failed`, then `dispatched` again; and `cancelled`, which ends the
order without completion. Every number is assumed, or stands beside its source.
"""

import numpy as np
import pandas as pd

from problems.contract import Change, Simulated, Simulator
from problems.orders.simulate.calendar import WorkCalendar, make_calendar
from problems.orders.simulate.flow import make_flow
from problems.orders.simulate.log import events_table, ids
from problems.orders.simulate.settings import SimulateSettings
from problems.orders.simulate.truth import make_truth

__all__ = ["SimulateSettings", "simulate"]


def simulate(settings: SimulateSettings) -> Simulated:
    """Return the log, and the truth of every snapshot after an event.

    Truth: `order_id`, `snapshot_at`, `remaining_hours_median`, `stuck_probability`.
    """
    calendar = make_calendar(settings)
    months = min(settings.recorded_months or settings.months, settings.months)
    end_hours = calendar.month_begins(months + 1)
    flow = make_flow(settings, calendar, "world", calendar.end_hours).until(end_hours)
    event, median, stuck = make_truth(settings, calendar, flow)
    names = ids("O", np.arange(flow.orders.count))
    truth = pd.DataFrame(
        {
            "order_id": names.take(flow.order[event]).array,
            "snapshot_at": calendar.timestamps(flow.at[event]),
            "remaining_hours_median": median.round(3),
            "stuck_probability": stuck.round(5),
        }
    )
    log = events_table(settings, calendar, flow)
    return Simulated({"events.parquet": log}, truth, _changes(settings, calendar, end_hours))


def _changes(
    settings: SimulateSettings, calendar: WorkCalendar, end_hours: float
) -> tuple[Change, ...]:
    """Return the changes of the process: credit checks of one segment, and picking for the regions
    that another warehouse takes over; and a month of slow carriers."""
    found = []

    def day(hours: float) -> str:
        local = calendar.timestamps(np.array([hours])).tz_convert(settings.time_zone)[0]
        return str(local.date().isoformat())

    hours, slow = calendar.month_begins(settings.change_month), settings.slow_carrier_month
    if hours < end_hours:
        what = f"some waits take {settings.change_factor:g} times as long"
        found.append(Change(day(hours), "sudden", what))
    if slow is not None and calendar.month_begins(slow) < end_hours:
        begins, ends = (day(calendar.month_begins(month)) for month in (slow, slow + 1))
        what = f"carriers take {settings.slow_carrier_factor:g} times as long"
        found.append(Change(begins, "seasonal", what, ends))
    return tuple(sorted(found, key=lambda change: change.at))


SIMULATOR = Simulator(SimulateSettings, simulate)
