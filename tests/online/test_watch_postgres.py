"""A watch sees the same on PostgreSQL as on SQLite, and of a store that is away it says so."""

from pathlib import Path

import msgspec
import pytest

from monitoring.models import WatchedModel
from monitoring.settings import MonitoringParams
from monitoring.summary import Summary
from monitoring.watch import watch
from monitoring.windows import DAY
from problems.parts import find_problem
from store.database import Store, StoreAway
from tests.live import Live, rollout_of
from tests.online.postgres import postgres, programs

PARAMS = MonitoringParams()


def seen(store: Store, day: float) -> list[Summary]:
    """Let a week of the same answers come, and look at it."""
    live = Live(find_problem("service_time"), rollout_of(share=0.5), store)
    live.answer(7, n_rows=700, known=0.6)
    start = 1_767_571_200_000_000  # of tests.live
    model = WatchedModel(live.problem, "v1", "champion", "champion")
    found = watch(store, live.problem, [model], PARAMS, start + round(day * DAY))
    return [msgspec.structs.replace(one, made_at=0) for one in found.made]


@pytest.mark.slow
@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_both_databases_say_the_same(tmp_path: Path) -> None:
    local = Store(f"sqlite:///{tmp_path / 'store.db'}")
    local.upgrade()
    with postgres() as running:
        store = Store(running.url)
        store.upgrade()
        found = seen(store, 8)
        assert found == seen(local, 8)
        assert len(found) > 10
    with pytest.raises(StoreAway):  # it is gone
        watch(store, find_problem("service_time"), [], PARAMS)
