"""Read the vocabulary: the files of `vocabulary/`, whose README says what they hold."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

FOLDER = Path(__file__).parent / "vocabulary"
ALL_CONDITIONS = (1, 2, 3, 4, 5)


class CategoryRow(NamedTuple):
    """One category; `base` is log1p(dollars) of a plain item there."""

    path: str
    family: str
    weight: float
    base: float
    brand_missing: float
    seller_ships: float


class LineRow(NamedTuple):
    """One product line of a pool; `brand` is '' for things without one."""

    brand: str
    text: str
    dollars: float
    weight: float


class PoolRow(NamedTuple):
    """Lines of one kind of thing, where it occurs, and how often a listing there names a line."""

    places: tuple[str, ...]
    share: float
    lines: tuple[LineRow, ...]


class OptionRow(NamedTuple):
    """Words for one state of an attribute, and their log-price effect."""

    text: str
    weight: float
    effect: float


class GroupRow(NamedTuple):
    """The options of one attribute for some families, conditions (1 to 5) or luxury brands."""

    families: tuple[str, ...]
    conditions: tuple[int, ...]
    luxury: bool
    share: float
    options: tuple[OptionRow, ...]


class AttributeRow(NamedTuple):
    """One attribute and where sellers mention it."""

    name: str
    in_name: float
    in_description: float
    leads: tuple[str, ...]
    groups: tuple[GroupRow, ...]


class Phrases(NamedTuple):
    """Words that carry no price; `nouns` by words of a category path, in order of precedence."""

    openings: list[str]
    chatter: list[str]
    tag_leads: list[str]
    nouns: dict[str, list[str]]
    syllables: dict[str, str]
    suffixes: list[str]


def read_categories() -> list[CategoryRow]:
    """Return the categories: those of `categories.csv` with what `sections.csv` says of them."""
    sections = {(row["first"], row["second"]): row for row in _rows("sections.csv")}
    return [
        CategoryRow(
            path=f"{row['first']}/{row['second']}/{row['third']}",
            family=row["own_family"] or section["family"],
            weight=float(row["weight"]),
            base=float(section["log_price"]) + float(row["offset"]),
            brand_missing=float(section["brand_missing"]),
            seller_ships=float(section["seller_ships"]),
        )
        for row in _rows("categories.csv")
        for section in [sections[row["first"], row["second"]]]
    ]


def read_family_sizes() -> dict[str, float]:
    """Return how many branded listings each family has."""
    return {row["family"]: float(row["branded"]) for row in _rows("families.csv")}


def read_brands(file: str) -> dict[str, dict[str, tuple[float, float]]]:
    """Return {family: {brand: (weight, log-price effect)}} of `brands.csv` or `luxury.csv`."""
    families: dict[str, dict[str, tuple[float, float]]] = {}
    for row in _rows(file):
        brands = families.setdefault(row["family"], {})
        brands[row["brand"]] = (float(row["weight"]), float(row["effect"]))
    return families


def read_lines() -> list[PoolRow]:
    """Return the pools of `pools.csv` with their lines of `lines.csv`."""
    lines: dict[str, list[LineRow]] = {}
    for row in _rows("lines.csv"):
        line = LineRow(row["brand"], row["line"], float(row["dollars"]), float(row["weight"]))
        lines.setdefault(row["pool"], []).append(line)
    return [
        PoolRow(tuple(row["places"].split(" + ")), float(row["share"]), tuple(lines[row["pool"]]))
        for row in _rows("pools.csv")
    ]


def read_attributes() -> list[AttributeRow]:
    """Return the attributes of `attributes.yaml`."""
    return [
        AttributeRow(
            name,
            attribute["in_name"],
            attribute["in_description"],
            tuple(attribute["leads"]),
            tuple(_group(**group) for group in attribute["groups"]),
        )
        for name, attribute in _load("attributes.yaml").items()
    ]


def _group(
    families: list[str],
    share: float,
    options: dict[str, list[float]],
    conditions: tuple[int, ...] = ALL_CONDITIONS,
    luxury: bool = False,
) -> GroupRow:
    rows = tuple(OptionRow(text, float(w), float(effect)) for text, (w, effect) in options.items())
    return GroupRow(tuple(families), tuple(conditions), luxury, share, rows)


def read_phrases() -> Phrases:
    """Return the phrases of `phrases.yaml`."""
    return Phrases(**_load("phrases.yaml"))


def _rows(file: str) -> Iterator[dict[str, str]]:
    with (FOLDER / file).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _load(file: str) -> dict[str, Any]:
    """Parse a YAML file by libyaml: ten times as fast as PyYAML's own parser."""
    with (FOLDER / file).open(encoding="utf-8") as text:
        loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return loaded
