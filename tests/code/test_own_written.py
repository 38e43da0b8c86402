"""What `retrace new` writes, the limits it sets, and the history of entities."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from experiments.new import lines, place
from experiments.new.limits import limits
from experiments.new.plan import Plan
from problems import defaults
from retrace.base.errors import RetraceError
from retrace.checks import ValidateParams, measure, passes
from retrace.past.entities import EntityParams, Followed, state_of
from retrace.past.state import NotKept
from tests.code.own_tables import N, frame, planned, write
from tests.conftest import ROOT

# ---- what is written ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    rng = np.random.default_rng(8)
    more = {f"measure_{i:02}": rng.normal(0, 1, N) for i in range(30)}
    times = pd.date_range("2022-01-01", periods=N, freq="2D").strftime("%d.%m.%Y %H:%M")
    rows = frame(**more, seen=times, owner_id=rng.integers(0, 90, N))
    return planned(write(tmp_path_factory.mktemp("wide"), rows), time=("seen",), zone="Europe/Oslo")


def test_a_package_is_short_and_formatted_as_the_rest(wide: Plan, tmp_path: Path) -> None:
    files = {name: text for name, text in wide.written.files.items() if name.endswith(".py")}
    assert sum(bool(line.strip()) for text in files.values() for line in text.splitlines()) < 60
    for name, text in files.items():
        path = tmp_path / "problems/homes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, "-m", "ruff", "--config", str(ROOT / "pyproject.toml")]
    for how in (["format", "--check"], ["check", "--extend-ignore", "I001"]):
        done = subprocess.run(
            [*command[:3], *how, "--config", command[4], str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_line_is_longer_than_others_have_them(tmp_path: Path) -> None:
    words = [f"w{one}" for one in range(60)]
    for letters in range(8, 30, 4):
        names = {"k" * letters: np.array(words)[np.arange(N) % 60], "c" * letters: np.arange(N) % 3}
        names |= {"n" * letters: np.linspace(0, 1, N) ** 2}
        files = planned(write(tmp_path, frame(**names))).written.files
        lines = [
            one for path, text in files.items() if path.endswith(".py") for one in text.split("\n")
        ]
        assert max(len(one.removesuffix("  # fmt: skip")) for one in lines) <= 100


def test_params_of_a_small_table_with_time_take_less_than_a_screen(wide: Plan) -> None:
    entries = [line for entry in wide.written.lists.values() for line in entry]
    assert len([*entries, *wide.written.block]) <= 27


def test_the_yaml_files_are_as_before_when_a_problem_is_gone() -> None:
    params = (ROOT / "params.yaml").read_text("utf-8")
    more = params
    for top in ("worlds", "problems", "backtests"):
        more = lines.put(more, top, ["  homes:", "    world: homes", "    left_out:", "      a: b"])
    more = lines.append(more, ["homes:    # a file", "  train: {}"])
    read_back = yaml.safe_load(more)
    assert read_back["problems"]["homes"] == {"world": "homes", "left_out": {"a": "b"}}
    assert [*read_back["problems"]][-1] == "homes"
    assert read_back["homes"] == {"train": {}}
    for top in ("worlds", "problems", "backtests"):
        more = lines.take(more, top, "homes")
    assert lines.take_block(more, "homes") == params


@pytest.mark.parametrize(
    "value", ["a: b", "# no", "yes", "1.5", "", "with 'quotes'", "100 %", "-", "é", "2024-01-01"]
)
def test_any_text_is_a_scalar(value: str) -> None:
    assert yaml.safe_load(f"key: {lines.scalar(value)}") == {"key": value}


def test_nothing_is_left_where_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path, frame())
    found = planned(source)
    (tmp_path / "clone").mkdir()
    monkeypatch.chdir(tmp_path / "clone")
    texts = {"params.yaml": "worlds:\n  a:\n    source: x\n", "dvc.yaml": "artifacts:\n"}
    for name, text in texts.items():
        Path(name).write_text(text)

    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(place.shutil, "copyfile", full)
    with pytest.raises(RetraceError, match=r"Cannot write data/external/homes\.csv: No space left"):
        place.write("homes", source, found.written)
    assert {path.name: path.read_text() for path in Path().iterdir() if path.is_file()} == texts
    assert not Path("problems").exists()
    assert not any(path.is_file() for path in Path(".dvc").rglob("*"))


# ---- limits ------------------------------------------------------------------------------------


def failed(checks: dict, rows: pd.DataFrame) -> list[str]:
    listed = ValidateParams.model_validate({"checks": checks}).listed()
    found = [(check, measure(rows, check)) for check in listed]
    return [f"{check.column} {check.title}" for check, value in found if not passes(check, value)]


def months(n: int = 24, rows: int = 200) -> pd.DataFrame:
    """Rows with a season, growth, and noise that is common to a month."""
    rng = np.random.default_rng(9)
    month = np.repeat(np.arange(n), rows)
    level = 1 + 0.02 * month + 0.3 * np.sin(2 * np.pi * month / 12) + rng.normal(0, 0.1, n)[month]
    day = pd.Timestamp("2022-01-01", tz="UTC") + pd.to_timedelta(month * 30.4, unit="D")
    return pd.DataFrame(
        {
            "at": day,
            "size": rng.lognormal(3, 0.5, len(month)),
            "town": rng.choice(["a", "b", "c", ""], len(month), p=[0.5, 0.3, 0.1, 0.1]),
            "y": rng.gamma(2, 10 * level),
            "month": month,
        }
    )


SORTS = {"size": "number", "town": "words", "y": "number"}


def test_limits_are_silent_on_the_next_month() -> None:
    table = months()
    wrong = 0
    for month in range(12, 24):
        before, now = table[table["month"] < month], table[table["month"] == month]
        checks = limits(before, SORTS, "y", "at")
        wrong += len(failed(checks, now)) + len(failed(checks, pd.concat([before, now])))
    assert wrong == 0


def test_parts_of_a_time_may_move_though_they_have_not_yet(tmp_path: Path) -> None:
    at = pd.date_range("2024-01-01", periods=N, freq="h")
    rows = frame(at=at, year=at.year, Season=1, day_of_week=at.day_of_week, birthday=at.month)
    schema = planned(write(tmp_path, rows)).written.files["schema.py"]
    assert '"dated": ("year", "day_of_week"' in schema or '"dated": ("day_of_week"' in schema
    assert "birthday" not in schema.partition("exempt")[2].partition("dated")[2].partition(")")[0]


def test_open_cases_need_no_outcome_but_any_other_group_needs_its_values(tmp_path: Path) -> None:
    is_open = np.arange(N) % 4 == 0
    rows = frame(status=np.where(is_open, "open", "sold"), days=np.arange(N) % 40)
    rows.loc[is_open, ["worth", "days", "size"]] = np.nan
    rows.loc[rows.index % 16 == 1, "size"] = np.nan  # not written down with the outcome
    schema = planned(write(tmp_path, rows)).written.files["schema.py"]
    exempt = re.search(r'"missing_by": \(([^)]*)\)', schema)
    assert exempt is not None
    assert sorted(exempt[1].split(", ")) == ['"days"', '"worth"']


@pytest.mark.parametrize(
    ("broken", "column"),
    [
        (lambda rows: rows.assign(y=rows["y"] * 100), "y quantile"),
        (lambda rows: rows.assign(y=rows["y"] / 100), "y quantile"),
        (lambda rows: rows.assign(size=-rows["size"]), "size quantile"),
        (
            lambda rows: rows.assign(size=np.where(rows.index % 2, np.nan, rows["size"])),
            "size missing",
        ),
        (lambda rows: rows.assign(town=""), "town missing_share"),
        (lambda rows: rows.assign(town="a"), "town top_share"),
        (lambda rows: rows.assign(y=rows["size"] * 1000, size=rows["y"]), "y quantile"),
        (lambda rows: rows.assign(y=12.0), "y top_share"),
    ],
)
def test_limits_catch_a_broken_file(broken, column: str) -> None:
    table = months()
    checks = limits(table, SORTS, "y", "at")
    assert any(one.startswith(column) for one in failed(checks, broken(table)))


# ---- history of entities -----------------------------------------------------------------------


def payments(n: int = 300) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    at = np.datetime64("2024-01-01", "us") + np.sort(rng.integers(0, 90, n)).astype("m8[D]")
    known = at + rng.integers(0, 20, n).astype("m8[D]")
    y = np.where(rng.random(n) < 0.1, np.nan, rng.normal(5, 2, n))
    who = np.array([f"c{one}" for one in rng.integers(0, 25, n)], dtype=object)
    return {"id": np.arange(n), "at": at, "known": known, "who": who, "y": y}


def test_history_row_by_row_has_the_bits_of_the_table() -> None:
    followed = Followed(("who",), "y", "id", "at", "known")
    rows, settings = payments(), EntityParams()
    together = followed.as_of(rows, rows, settings)
    state = state_of(followed).empty(settings)
    events = followed.events(rows)
    waiting = next(events, None)
    for number in range(len(rows["id"])):
        one = {name: column[number : number + 1] for name, column in rows.items() if name != "y"}
        while waiting is not None and waiting.at < one["at"][0]:
            state.update(waiting)
            waiting = next(events, None)
        for name, value in state.look_up(one).items():
            assert np.array_equal(value, together[name][number : number + 1], equal_nan=True), name
    table = followed.at_end(rows, settings).to_table()
    again = state_of(followed).from_table(table, settings)
    pd.testing.assert_frame_equal(again.to_table(), table)
    late = {**rows, "at": np.full(300, np.datetime64("2025-01-01", "us"))}
    asked = {name: column for name, column in late.items() if name != "y"}
    for name, value in again.look_up(asked).items():
        expected = followed.as_of(asked, rows, settings)[name]
        assert np.array_equal(value, expected, equal_nan=True), name


def test_the_past_is_told_as_it_was_or_refused() -> None:
    followed = Followed(("who",), "y", "id", "at", "known")
    rows, settings = payments(), EntityParams()
    state, right, refused = followed.at_end(rows, settings), 0, 0
    together = followed.as_of(rows, rows, settings)
    for number in range(len(rows["id"])):
        one = {name: column[number : number + 1] for name, column in rows.items() if name != "y"}
        try:
            found = state.look_up(one)
        except NotKept:
            refused += 1
            continue
        right += 1
        for name, value in found.items():
            assert np.array_equal(value, together[name][number : number + 1], equal_nan=True), name
    assert right > 5
    assert refused > 100


def test_history_says_what_was_there_before_and_nothing_of_the_future() -> None:
    followed = Followed(("who",), "y", "id", "at", "known")
    rows = payments()
    found = followed.as_of(rows, rows, EntityParams())
    frame = pd.DataFrame(rows)
    row = frame.iloc[200]
    before = frame[(frame["who"] == row["who"]) & (frame["at"] < row["at"])]
    assert found["who_rows"][200] == len(before)
    assert found["who_days_since"][200] == (row["at"] - before["at"].max()).days
    known = before[(before["known"] < row["at"]) & before["y"].notna()]
    assert found["who_known"][200] == len(known)
    changed = {**rows, "y": np.where(rows["known"] >= rows["at"][200], 99.0, rows["y"])}
    again = followed.as_of(changed, changed, EntityParams())
    for name in found:
        assert np.array_equal(found[name][:200], again[name][:200], equal_nan=True), name


def test_a_history_that_is_switched_off_says_nothing() -> None:
    rows, known = {"size": np.ones(3)}, {"who_known": np.arange(3), "who_mean": np.ones(3)}
    found = defaults.features(rows, known, EntityParams(history=False))
    assert list(found) == ["size", "who_known", "who_mean"]
    assert np.isnan(found["who_known"]).all()
    assert np.isnan(found["who_mean"]).all()
    assert defaults.features(rows, known, EntityParams())["who_known"] is known["who_known"]


def test_a_history_is_one_option(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    day = pd.date_range("2023-01-01", periods=N, freq="D")
    path = write(tmp_path, frame(day=day, owner=rng.integers(0, 40, N)))
    files = planned(path, entities=("owner",)).written.files
    assert (
        'history("owner", target="worth", key="row_id", time="day")'
        in files["features/__init__.py"]
    )
    assert '"owner_mean"' in files["problem.py"]
    with pytest.raises(RetraceError, match="a history needs a time"):
        planned(path, entities=("owner",), no_time=True)
