"""Each screen is silent on clean rows and names the column that was damaged."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from retrace.checks import Check, ValidateParams, measure
from retrace.checks.advice import SCREENS, advice
from retrace.checks.screens import Roles, Screens, screen

ROLES = Roles(("id", "key"), "at", ("seconds",), {"jump": ("weather_*",), "dated": ("weather_*",)})
HALF = slice(1500, 3000)


@pytest.fixture
def rows() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    n = 6000
    size = rng.gamma(2.0, 2.0, n)
    customer = rng.integers(0, 300, n)
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "key": pd.Series([f"R{i:06}" for i in range(n)], dtype="str"),
            "at": pd.date_range("2024-01-01", periods=n, freq="90min", tz="UTC"),
            "customer": pd.Series([f"C{i:04}" for i in customer], dtype="str"),
            "kind": pd.Series(rng.choice(["House", "Block"], n, p=[0.7, 0.3]), dtype="str"),
            "note": pd.Series([f"please ring the {i % 7}th bell" for i in customer], dtype="str"),
            "size": size,
            "weight": size * 8 + rng.normal(0, 4, n),
            "weather_c": np.linspace(-10, 25, n),
            "flag": rng.random(n) < 0.03,
            "seconds": 100 + 20 * size + rng.normal(0, 60, n),
        }
    )


def failed(rows: pd.DataFrame) -> set[tuple[str, str]]:
    records = screen(rows, Screens(), ROLES)
    assert all(record["level"] == "soft" for record in records)
    return {(r["check"], r["column"]) for r in records if not r["passed"]}


def test_clean_rows_fail_nothing(rows: pd.DataFrame) -> None:
    assert failed(rows) == set()


def put(column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(rows: pd.DataFrame) -> pd.DataFrame:
        new = rows[column].copy()
        new.iloc[HALF] = value(rows[column].iloc[HALF]) if callable(value) else value
        return rows.assign(**{column: new})

    return change


@pytest.mark.parametrize(
    ("check", "column", "change"),
    [
        ("damaged", "note", put("note", lambda v: v.str.replace("e", "Ã¥"))),
        ("damaged", "kind", put("kind", lambda v: v + "&amp;")),
        ("damaged", "note", put("note", lambda v: v.str.replace("e", "\ufffd"))),
        ("repeated", "all but id, key",
         lambda r: pd.concat([r, r[:300].assign(id=range(9000, 9300))])),
        ("constant", "kind", lambda r: r.assign(kind="House")),
        ("jump", "size", put("size", lambda v: v * 3)),
        ("jump", "kind", put("kind", "Office")),
        ("jump", "customer", put("customer", lambda v: "X" + v.str[1:])),
        ("jump", "weight", put("weight", np.nan)),
        ("jump", "at", lambda r: r.assign(at=r["at"].dt.floor("D").where(r["id"] < 3000, r["at"]))),
        ("stuck", "weather_c", put("weather_c", 7.5)),
        ("volume", "at", lambda r: r[~r["id"].between(2000, 2400)]),
        ("volume", "at", lambda r: r.assign(at=r["at"].where(r["id"] % 100 > 0, r["at"].shift(-1)
                                            + pd.Timedelta(days=3650)))),
        ("missing_by", "weight", lambda r: r.assign(weight=r["weight"].where(r["kind"] > "C"))),
        ("leak", "size", lambda r: r.assign(size=r["seconds"] / 60)),
        ("told", "note", lambda r: r.assign(note=[f"it took {s:g} seconds at the door"
                                                  for s in r["seconds"]])),
        ("told", "note", lambda r: r.assign(note=[
            f"please ring the bell {s:.0f} times" if i % 10 == 0 else note
            for i, (s, note) in enumerate(zip(r["seconds"], r["note"], strict=True))])),
        ("cut", "note", lambda r: r.assign(note=[
            f"no {i} please ring {'again ' * (i % 23)} and wait"[:60] for i in range(len(r))])),
        ("spellings", "kind", put("kind", lambda v: v.str.lower())),
        ("volume", "at", lambda r: r[~r["id"].between(2000, 2250) | (r["id"] % 12 == 0)]),
        ("jump", "key", lambda r: r.assign(key=r["key"].where(r["id"] < 3000, "N" + r["key"]))),
        ("silent", "flag", put("flag", False)),
        ("silent", "kind", put("kind", lambda v: v.where(v == "House", "Flat"))),
    ],
)  # fmt: skip
def test_damage_is_found_in_its_column(
    rows: pd.DataFrame, check: str, column: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    assert (check, column) in failed(change(rows))


def test_a_log_that_begins_and_ends_slowly_has_no_gap(rows: pd.DataFrame) -> None:
    ramp = np.interp(rows["id"], [0, 1500, 4500, 6000], [0.02, 1, 1, 0.02])
    thinned = rows[np.random.default_rng(1).random(len(rows)) < ramp]
    assert ("volume", "at") not in failed(thinned)


def test_a_column_of_empty_texts_cannot_be_silent(rows: pd.DataFrame) -> None:
    late = np.arange(len(rows)) > 0.6 * len(rows)
    empty = pd.Series("", rows.index).where(~late)  # no order of the log's end is complete
    assert ("silent", "by") not in failed(rows.assign(by=empty))
    assert ("silent", "by") in failed(rows.assign(by=empty.replace("", "done")))


def test_ids_that_count_up_are_of_one_kind(rows: pd.DataFrame) -> None:
    counted = pd.Series([f"Case {i}" for i in range(len(rows))], dtype="str")
    assert ("jump", "key") not in failed(rows.assign(key=counted))
    other = counted.mask(rows.index >= 3000, "X" + counted)
    assert ("jump", "key") in failed(rows.assign(key=other))
    short = rows["key"].mask(rows.index >= 3000, rows["key"].str[:5] + counted.str[5:])
    assert ("jump", "key") in failed(rows.assign(key=short))  # padded ones have their length


def test_rows_of_one_order_count_for_one(rows: pd.DataFrame) -> None:
    silent = put("flag", False)(rows)
    many = silent.loc[silent.index.repeat(20)].reset_index(drop=True)
    found = [
        record["found"]
        for table, key in ((silent, ("id",)), (many, ("id", "at")))
        for record in screen(table, Screens(), Roles(key))
        if (record["check"], record["column"]) == ("silent", "flag")
    ]
    assert found[1] == pytest.approx(found[0], rel=0.01)


def test_what_changes_by_nature_is_left_alone(rows: pd.DataFrame) -> None:
    assert ("jump", "weather_c") not in failed(rows)
    told = {r["column"] for r in screen(rows, Screens(), Roles(("id",)))}
    assert "id" not in told


@pytest.mark.parametrize("n", [0, 1, 7, 300])
def test_few_rows_say_nothing_and_break_nothing(rows: pd.DataFrame, n: int) -> None:
    records = screen(rows.head(n), Screens(), ROLES)
    assert all(np.isfinite(record["found"]) for record in records)


def test_limits_are_those_of_params() -> None:
    params = ValidateParams(screens={"jump": 0.9})
    assert (params.screens.jump, params.screens.leak) == (0.9, Screens().leak)


def check_of(column: str, name: str, **limits: float) -> Check:
    """Return a soft check; `correlates_with size` is one of two columns."""
    kind, _, other = name.partition(" ")
    return Check(column, kind, "soft", other=other or None, **limits)


@pytest.mark.parametrize(
    ("column", "name", "low", "high"),
    [
        ("weight", "correlates_with size", 0.9, 1.0),
        ("seconds", "explained_by size", 0.2, 0.7),
        ("note", "related_to customer", 0.0, 1.0),
        ("note", "mentions note", 1.0, 1.0),
        ("note", "length", 24, 24),
        ("at", "hours_after at", 0, 0),
        ("at", "night_share", 0.24, 0.26),
        ("customer", "new_pairs_with note", 0.2, 0.3),
        ("note", "several customer", 1.0, 1.0),
        ("customer", "several note", 0.0, 0.0),
        ("size", "without flag", 0.96, 0.99),
        ("flag", "without size", 0.0, 0.0),
    ],
)
def test_what_two_columns_have_to_do_with_each_other(
    rows: pd.DataFrame, column: str, name: str, low: float, high: float
) -> None:
    check = check_of(column, name, least=low, most=high)
    assert low <= measure(rows, check) <= high
    assert check.title == name


@pytest.mark.parametrize(
    ("column", "name"), [("weight", "correlates_with size"), ("seconds", "explained_by size")]
)
def test_a_column_of_the_row_before_has_lost_its_relation(
    rows: pd.DataFrame, column: str, name: str
) -> None:
    check = check_of(column, name, least=0.0)
    shifted = rows[column].copy()
    shifted.iloc[HALF] = np.roll(shifted.iloc[HALF], 1)
    assert measure(rows.assign(**{column: shifted}), check) < measure(rows, check) - 0.2


def hourly(years: int = 2, seed: int = 5) -> pd.DataFrame:
    """An hourly table with a season, a daily profile and weather that lasts for days."""
    rng = np.random.default_rng(seed)
    at = pd.date_range("2021-01-01", periods=years * 365 * 24, freq="h", tz="UTC")
    days = np.arange(len(at)) / 24
    lasting = np.zeros(years * 365)
    for day, news in enumerate(rng.normal(0, 1, years * 365)):
        lasting[day] = 0.8 * lasting[day - 1] + news
    warm = 10 - 9 * np.cos(2 * np.pi * days / 365) + np.repeat(lasting, 24)
    working = (at.day_of_week < 5) & ~np.isin(at.day_of_year, [1, 100, 101, 145, 359, 360])
    rate = (10 + warm.clip(0)) * (1 + np.sin(2 * np.pi * at.hour / 24)) * (1 + days / 700)
    return pd.DataFrame(
        {
            "id": np.arange(len(at)),
            "at": at,
            "temperature": warm + rng.normal(0, 0.5, len(at)),
            "humidity": np.repeat(lasting, 24) * 5 + rng.normal(60, 6, len(at)),
            "workingday": working.astype(int),
            "holiday": ((at.day_of_week < 5) & ~working).astype(int),
            "rentals": rng.poisson(rate),
        }
    )


def test_a_season_growth_and_holidays_are_no_fault() -> None:
    roles = Roles(("id",), "at", ("rentals",))
    found = [r for r in screen(hourly(), Screens(), roles) if not r["passed"]]
    assert found == []


def test_a_fault_in_a_seasonal_table_is_seen() -> None:
    rows, roles = hourly(), Roles(("id",), "at", ("rentals",))
    unit = rows["humidity"].where(rows["id"] < 9000, rows["humidity"] / 100)
    found = screen(rows.assign(humidity=unit), Screens(), roles)
    assert ("jump", "humidity") in {(r["check"], r["column"]) for r in found if not r["passed"]}


def test_a_column_that_grows_with_time_is_named(rows: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    counted = rows.assign(seen=np.arange(len(rows)) // 10 + rng.integers(0, 60, len(rows)))
    assert ("dated", "seen") in failed(counted)
    rate = counted.assign(seen=counted["seen"] / (1 + np.arange(len(rows)) // 10))
    assert ("dated", "seen") not in failed(rate.iloc[1000:])


def test_what_comes_with_a_later_step_is_not_missing_in_a_group() -> None:
    rng = np.random.default_rng(2)
    order = np.repeat(np.arange(900), 3)
    step = np.tile(["placed", "tested", "closed"], 900)
    region = rng.choice(["north", "south"], 900, p=[0.7, 0.3])[order]
    asked = rng.random(900)[order] < np.where(region == "north", 0.95, 0.1)
    rows = pd.DataFrame(
        {
            "order": order,
            "at": pd.date_range("2024-01-01", periods=2700, freq="h", tz="UTC"),
            "step": pd.Series(step, dtype="str"),
            "region": pd.Series(region, dtype="str"),
            "result": np.where(asked & (step != "placed"), 1.5 + rng.random(2700), np.nan),
            "weight": 1.0 + rng.random(2700),
        }
    )
    roles = Roles(("order", "at"), "at")

    def named(table: pd.DataFrame) -> set[str]:
        found = screen(table, Screens(), roles)
        return {r["column"] for r in found if r["check"] == "missing_by" and not r["passed"]}

    assert named(rows) == set()
    lost = rows.assign(weight=rows["weight"].where(rows["region"] == "north"))
    assert named(lost) == {"weight"}


def test_each_screen_says_what_to_do() -> None:
    assert set(Screens.model_fields) == set(SCREENS)
    record = {"column": "seen", "check": "dated", "found": 0.81, "limit": "at most 0.5"}
    assert advice(record, "checks.yaml").startswith(
        "column 'seen': dated is 0.81, at most 0.5. It tells when a row was"
    )
    other = advice({**record, "check": "p50", "found": None}, "checks.yaml")
    assert other.endswith("if it is right, change the limit in checks.yaml.")
