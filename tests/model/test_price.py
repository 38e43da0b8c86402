"""How the price model behaves on simulated listings whose truth is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from problems import parts
from problems.predict import predict
from problems.price import rules
from problems.price.ingest import listings
from problems.price.problem import PROBLEMS
from retrace.fit.bundle import Bundle
from retrace.judge import metrics
from retrace.past.splits import WINDOWS, SplitParams, split
from stages.simulate import write_raw
from tests.model import fitting

PRICE = PROBLEMS["price"]
PARAMS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["price"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, dict[str, pd.DataFrame]]:
    """A bundle read back from disk, and the clean rows of each window."""
    folder = tmp_path_factory.mktemp("price")
    world = parts.simulator("price")
    simulated = world.simulate(world.settings(**{**PARAMS["simulate"], "rows": 8000}))
    write_raw(simulated.raw["train.tsv"], folder / "train.tsv")
    ingest = parts.reader("price")
    rows = ingest.ingest(folder / "train.tsv", ingest.settings(**PARAMS["ingest"])).clean
    windows = split(rows, SplitParams(**PARAMS["split"]), PRICE.key)
    bundle, _ = fitting.fit(PRICE, rows, windows)
    bundle.save(folder / "bundle")
    return Bundle.load(folder / "bundle"), {window: rows[windows == window] for window in WINDOWS}


FORM: dict[str, object] = {
    "train_id": 1,
    "name": "Nike running shoes",
    "item_condition_id": 2,
    "category_name": "Women/Shoes/Athletic",
    "brand_name": "Nike",
    "shipping": 0,
    "item_description": "Worn twice. Size 8.",
}


def priced(bundle: Bundle, **changes: object) -> pd.DataFrame:
    """Price one listing in the raw format."""
    raw = pd.DataFrame([{**FORM, **changes}]).astype("str")
    return predict(PRICE, bundle, listings(raw)).iloc[0]


def test_it_beats_rule_and_naive_by_more_than_noise(fitted: tuple) -> None:
    bundle, windows = fitted
    test = windows["test"].reset_index(drop=True)
    outcome = test[PRICE.target]
    error = metrics.rmsle(outcome, predict(PRICE, bundle, test)["prediction"])
    settings = parts.evaluation("price").settings(**PARAMS["evaluate"])
    for baseline in (rules.rule, rules.naive):
        guess = baseline(PRICE, windows["train"], test, settings)
        assert error < 0.9 * metrics.rmsle(outcome, guess)


def test_intervals_cover_and_contain_the_point(fitted: tuple) -> None:
    bundle, windows = fitted
    predicted = predict(PRICE, bundle, windows["test"])
    outcome = windows["test"][PRICE.target]
    assert (predicted["lower"] <= predicted["prediction"]).all()
    assert (predicted["prediction"] <= predicted["upper"]).all()
    assert metrics.coverage(outcome, predicted["lower"], predicted["upper"]) > 0.85


def test_a_row_is_priced_the_same_alone_and_among_others(fitted: tuple) -> None:
    bundle, windows = fitted
    rows = windows["test"].head(20)
    together = predict(PRICE, bundle, rows)
    alone = pd.concat([predict(PRICE, bundle, rows.iloc[[i]]) for i in range(len(rows))])
    pd.testing.assert_frame_equal(alone, together, rtol=1e-6)


def test_a_listing_that_cannot_be_read_is_refused_and_the_other_priced(fitted: tuple) -> None:
    bundle, _ = fitted
    raw = pd.DataFrame([FORM, {**FORM, "item_condition_id": "good"}]).astype("str")
    found = predict(PRICE, bundle, listings(raw))
    assert found["refused"].tolist() == ["", "condition is not a whole number from 1 to 5"]
    assert found["prediction"].notna().tolist() == [True, False]


def test_the_price_is_not_needed_and_not_used(fitted: tuple) -> None:
    bundle, windows = fitted
    rows = windows["test"].head(20)
    without = predict(PRICE, bundle, rows.drop(columns=PRICE.target))
    pd.testing.assert_frame_equal(without, predict(PRICE, bundle, rows))


@pytest.mark.parametrize(
    "changes",
    [
        {"category_name": "Spaceships/Used/Fast"},
        {"category_name": ""},
        {"brand_name": "never heard of"},
        {"brand_name": ""},
        {"item_description": ""},
        {"name": "x", "item_description": '\U0001f525 ""\'é\\\t<script>'},
        {"item_description": "word " * 20_000},
    ],
)
def test_unknown_and_odd_values_get_a_price(fitted: tuple, changes: dict) -> None:
    price = priced(fitted[0], **changes)
    assert np.isfinite(price).all()
    assert 1 < price["prediction"] < 2000


def test_a_better_brand_does_not_mean_a_lower_price(fitted: tuple) -> None:
    bundle, _ = fitted
    listing = {"name": "leather bag", "category_name": "Women/Women's Handbags/Shoulder Bag"}
    luxury = priced(bundle, **listing, brand_name="Louis Vuitton")["prediction"]
    assert luxury > 1.3 * priced(bundle, **listing, brand_name="FOREVER 21")["prediction"]


def test_words_carry_price(fitted: tuple) -> None:
    bundle, _ = fitted
    phone = {"category_name": "Electronics/Cell Phones & Accessories/Cell Phones & Smartphones"}
    phone |= {"brand_name": "Apple"}
    whole = priced(bundle, **phone, name="iPhone 6 64gb unlocked")["prediction"]
    broken = priced(
        bundle,
        **phone,
        name="iPhone 6 64gb cracked screen",
        item_description="Cracked screen, for parts",
        item_condition_id=5,
    )["prediction"]
    case = priced(
        bundle,
        category_name="Electronics/Cell Phones & Accessories/Cases, Covers & Skins",
        brand_name="Apple",
        name="iPhone 6 case",
    )["prediction"]
    assert whole > broken
    assert whole > 2 * case


def test_a_changed_file_is_refused(fitted: tuple, tmp_path: Path) -> None:
    bundle, _ = fitted
    replace(bundle).save(tmp_path / "bundle")
    path = tmp_path / "bundle" / "interval.json"
    path.write_text(path.read_text().replace("0.9", "0.8"))
    with pytest.raises(Exception, match="do not match the fingerprint"):
        Bundle.load(tmp_path / "bundle")


def test_the_same_bundle_has_the_same_bytes(fitted: tuple, tmp_path: Path) -> None:
    bundle, _ = fitted
    for name in ("one", "two"):
        Bundle.save(bundle, tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    assert len(files) >= 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
        assert file.suffix in {".json", ".txt", ".npz"}
    assert "num_threads" not in (tmp_path / "one" / "boosters" / "point.txt").read_text()
