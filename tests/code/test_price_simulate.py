"""Simulated listings: like the published ones, the same every time, and with a true expectation."""

import csv
import io
import re

import numpy as np
import pandas as pd
import pytest

from problems.contract import Simulated
from problems.price.simulate import SimulateSettings, simulate, tables
from problems.price.simulate.market import market

ROWS = 60_000
COLUMNS = [
    "train_id",
    "name",
    "item_condition_id",
    "category_name",
    "brand_name",
    "price",
    "shipping",
    "item_description",
]


@pytest.fixture(scope="module")
def made() -> Simulated:
    return simulate(SimulateSettings(rows=ROWS, seed=11))


@pytest.fixture(scope="module")
def raw(made: Simulated) -> pd.DataFrame:
    return made.raw["train.tsv"]


@pytest.fixture(scope="module")
def sold(made: Simulated) -> pd.DataFrame:
    """Listings with a price, with `log_price` and `expected`."""
    rows = made.raw["train.tsv"].merge(made.truth, on="train_id", validate="1:1")
    rows = rows[rows["price"] > 0]
    return rows.assign(
        log_price=np.log1p(rows["price"]),
        expected=rows["expected_log_price"],
        text=(rows["name"] + " | " + rows["item_description"]).str.lower(),
    )


def rmse(error: pd.Series) -> float:
    return float(np.sqrt((error**2).mean()))


def test_every_line_of_the_vocabulary_is_used() -> None:
    def lines(file: str) -> int:
        return len((tables.FOLDER / file).read_text().splitlines()) - 1

    families = {row.family for row in tables.read_categories()}
    assert set(tables.read_family_sizes()) <= families
    for file in ("brands.csv", "luxury.csv"):
        brands = tables.read_brands(file)
        assert set(brands) <= families
        assert sum(map(len, brands.values())) == lines(file)
    assert sum(len(pool.lines) for pool in tables.read_lines()) == lines("lines.csv")
    groups = [group for row in tables.read_attributes() for group in row.groups]
    assert {family for group in groups for family in group.families} <= {*families, "all"}
    text = (tables.FOLDER / "attributes.yaml").read_text()
    options = re.findall(r"^      \S.*: \[", text, flags=re.MULTILINE)
    assert sum(len(group.options) for group in groups) == len(options)


def test_columns_and_keys(made: Simulated, raw: pd.DataFrame) -> None:
    assert list(raw) == COLUMNS
    assert list(made.truth) == ["train_id", "expected_log_price"]
    assert len(raw) == ROWS
    assert raw["train_id"].is_unique
    assert raw["train_id"].max() > 1.1 * ROWS  # with gaps
    assert (raw["train_id"].to_numpy() == made.truth["train_id"].to_numpy()).all()
    assert np.isfinite(made.truth["expected_log_price"]).all()
    needed = [column for column in COLUMNS if column not in ("category_name", "brand_name")]
    assert not raw[needed].isna().any(axis=None)


def test_prices_are_like_the_published_ones(sold: pd.DataFrame, raw: pd.DataFrame) -> None:
    price = sold["price"]
    assert price.median() == pytest.approx(17, abs=1)
    assert price.quantile(0.25) == pytest.approx(10, abs=1)
    assert price.quantile(0.75) == pytest.approx(29, abs=1.5)
    assert price.mean() == pytest.approx(26.74, abs=1.5)
    assert price.std() == pytest.approx(38.59, abs=6)
    assert price.min() == 3
    assert price.max() <= 2009.5
    assert (price % 1 == 0).mean() > 0.999
    assert (raw["price"] == 0).mean() == pytest.approx(874 / 1_482_535, abs=0.0004)
    assert (price == 20).sum() > 1.5 * (price == 23).sum()  # sellers like round numbers


@pytest.mark.parametrize(
    ("share", "published", "tolerance"),
    [
        (lambda d: d["brand_name"].isna(), 0.427, 0.01),
        (lambda d: d["category_name"].isna(), 0.004, 0.002),
        (lambda d: d["shipping"] == 1, 0.45, 0.015),
        (lambda d: d["item_condition_id"] == 1, 0.43, 0.02),
        (lambda d: d["item_condition_id"] == 2, 0.25, 0.01),
        (lambda d: d["item_condition_id"] == 3, 0.29, 0.01),
        (lambda d: d["item_condition_id"] == 4, 0.02, 0.005),
        (lambda d: d["item_condition_id"] == 5, 0.002, 0.001),
        (lambda d: d["item_description"] == "No description yet", 0.058, 0.004),
        (lambda d: d["item_description"].str.contains("[rm]", regex=False), 0.09, 0.01),
    ],
)
def test_shares_are_like_the_published_ones(raw, share, published, tolerance) -> None:
    assert share(raw).mean() == pytest.approx(published, abs=tolerance)


def test_categories_have_three_levels_and_a_long_tail(raw: pd.DataFrame) -> None:
    counts = raw["category_name"].value_counts()
    assert 800 < len(counts) <= 1287
    assert counts.index.str.count("/").min() == 2
    assert counts.iloc[:50].sum() > 0.4 * ROWS
    assert 1200 < raw["brand_name"].nunique() <= 4809


def test_texts_look_like_texts(raw: pd.DataFrame) -> None:
    text, name = raw["item_description"], raw["name"]
    assert 70 < text.str.len().median() < 130
    assert text.str.len().quantile(0.99) > 600
    assert text.str.len().max() <= 1003
    assert name.str.len().between(2, 40).all()
    assert 0.02 < text.str.contains('"').mean() < 0.10
    assert 0.02 < text.str.contains("[^\x00-\x7f]").mean() < 0.15
    assert (
        not raw[["name", "item_description"]].map(lambda s: "\t" in s or "\n" in s).any(axis=None)
    )
    assert not (text.str.strip() == "").any()


def test_texts_survive_a_tab_separated_file(raw: pd.DataFrame) -> None:
    head = raw.head(3000)
    file = io.StringIO(head.to_csv(sep="\t", index=False))
    pd.testing.assert_frame_equal(pd.read_csv(file, sep="\t"), head, check_dtype=False)
    file = io.StringIO(
        head.to_csv(sep="\t", index=False, quoting=csv.QUOTE_NONE, quotechar=None)  # as Kaggle's
    )
    back = pd.read_csv(file, sep="\t", quoting=csv.QUOTE_NONE)
    assert (back["item_description"].to_numpy() == head["item_description"].to_numpy()).all()


def test_brands_hide_in_names(raw: pd.DataFrame) -> None:
    hidden = raw[raw["brand_name"].isna()]
    assert hidden["name"].str.contains("nike|lularoe|michael kors", case=False).mean() > 0.003


def test_same_settings_same_rows() -> None:
    a, b = (simulate(SimulateSettings(rows=1500, seed=3)) for _ in range(2))
    other = simulate(SimulateSettings(rows=1500, seed=4))
    pd.testing.assert_frame_equal(a.raw["train.tsv"], b.raw["train.tsv"])
    pd.testing.assert_frame_equal(a.truth, b.truth)
    assert not a.raw["train.tsv"]["name"].equals(other.raw["train.tsv"]["name"])


@pytest.mark.parametrize("seed", range(5))
def test_one_listing(seed: int) -> None:
    one = simulate(SimulateSettings(rows=1, seed=seed))
    assert len(one.raw["train.tsv"]) == len(one.truth) == 1
    assert list(one.raw["train.tsv"]) == COLUMNS


def test_rules_are_as_good_as_on_real_listings(sold: pd.DataFrame) -> None:
    assert sold["log_price"].std() == pytest.approx(0.745, abs=0.03)
    train, test = sold[sold["train_id"] % 2 == 0], sold[sold["train_id"] % 2 == 1]
    keys = ["category_name", "brand_name"]
    both = train.fillna("").groupby(keys)["log_price"].median()
    category = train.fillna("").groupby("category_name")["log_price"].median()
    test = test.fillna("")
    guess = pd.Series(both.reindex(pd.MultiIndex.from_frame(test[keys])).to_numpy(), test.index)
    guess = guess.fillna(test["category_name"].map(category)).fillna(train["log_price"].median())
    assert 0.60 < rmse(guess - test["log_price"]) < 0.67
    assert 0.42 < rmse(sold["expected"] - sold["log_price"]) < 0.45


def test_truth_is_the_mean_everywhere(sold: pd.DataFrame) -> None:
    error = sold["log_price"] - sold["expected"]
    groups = {
        "all": pd.Series(0, sold.index),
        "expected": pd.qcut(sold["expected"], 20, labels=False),
        "condition": sold["item_condition_id"],
        "shipping": sold["shipping"],
        "level": sold["category_name"].str.split("/").str[0].fillna(""),
        "described": sold["item_description"] == "No description yet",
        "branded": sold["brand_name"].notna(),
        "bundle": sold["text"].str.contains("bundle"),
    }
    for name, group in groups.items():
        of = error.groupby(group)
        z = of.mean() / (of.std() / np.sqrt(of.size()))
        assert z[of.size() > 30].abs().max() < 4.0, name


def test_truth_beats_its_perturbations(sold: pd.DataFrame) -> None:
    best = rmse(sold["log_price"] - sold["expected"])
    noise = np.random.default_rng(0).normal(0, 0.1, len(sold))
    mean = sold["expected"].mean()
    for other in (
        sold["expected"] + 0.03,
        sold["expected"] - 0.03,
        mean + 1.08 * (sold["expected"] - mean),
        mean + 0.92 * (sold["expected"] - mean),
        sold["expected"] + noise,
    ):
        assert rmse(sold["log_price"] - other) > best


@pytest.mark.parametrize(
    ("category", "more", "less", "least"),
    [
        ("Smartphones", "64gb", "16gb", 0.05),
        ("Smartphones", "iphone [67]", "iphone [45]", 0.7),
        ("Cell Phones", "unlocked", "icloud loc", 0.3),
        ("Jewelry", "14k gold", "gold plated", 0.5),
        ("Handbags", "leather", "faux leather", 0.1),
        ("Fragrance", r"3\.4 oz", "travel size", 0.4),
        ("Makeup", "lot of 10", "set of 2", 0.3),
        ("Women/", "nwt", "stain", 0.05),
    ],
)
def test_words_carry_price(
    sold: pd.DataFrame, category: str, more: str, less: str, least: float
) -> None:
    rows = sold[sold["category_name"].str.contains(category, na=False)]
    rest = rows["expected"] - rows.groupby("category_name")["expected"].transform("mean")
    has_less = rows["text"].str.contains(rf"\b{less}")
    has_more = rows["text"].str.contains(rf"\b{more}") & ~has_less
    assert has_more.sum() > 10
    assert has_less.sum() > 3
    assert rest[has_more].mean() - rest[has_less].mean() > least


def test_colours_carry_next_to_nothing(sold: pd.DataFrame) -> None:
    rows = sold[sold["category_name"].str.startswith("Women/Tops", na=False)]
    means = [
        rows.loc[rows["text"].str.contains(rf"\b{c}\b"), "expected"].mean() for c in ("blue", "red")
    ]
    assert abs(means[0] - means[1]) < 0.06


def test_no_description_and_collectibles_are_noisier(sold: pd.DataFrame) -> None:
    error = sold["log_price"] - sold["expected"]
    silent = sold["item_description"] == "No description yet"
    collectible = sold["category_name"].str.startswith("Vintage", na=False)
    assert rmse(error[silent]) > 1.1 * rmse(error[~silent])
    assert rmse(error[collectible]) > 1.1 * rmse(error[~collectible])


def test_no_phrase_of_a_family_has_two_meanings() -> None:
    """The truth is what a listing tells only where readers can tell line, noun and words apart."""
    goods = market()
    sources: dict[tuple[int, str], set[tuple[str, int]]] = {}

    def add(family: int, source: str, phrase: int, number: int = 0) -> None:
        text = goods.vocabulary.phrases[phrase].lower()
        sources.setdefault((family, text), set()).add((source, number))

    for attribute in goods.attributes:
        chance = np.diff(attribute.choices.cumulative, axis=1, prepend=0)[:, :-1]
        for row, option in np.argwhere(chance > 1e-12):
            add(int(row) // 10, attribute.name, attribute.words[option])
    for category, noun in np.argwhere(np.diff(goods.nouns.cumulative, axis=1, prepend=0) > 1e-12):
        add(goods.family[category], "noun", goods.noun_words[noun])
    chance = np.diff(goods.line.cumulative, axis=1, prepend=0)[:, :-1]
    for category, line in np.argwhere(chance > 1e-12):
        add(goods.family[category], "line", goods.line_words[line], int(line))
    for row, style in np.argwhere(np.diff(goods.style.cumulative, axis=1, prepend=0) > 1e-12):
        add(int(row), "style", goods.style_words[style], int(style))
    assert not {key: found for key, found in sources.items() if len(found) > 1}
