"""Read the vocabulary tables of this package: plain text in, rows out."""

import re
from collections.abc import Iterator
from typing import NamedTuple


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

    name: str
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


def blocks(table: str) -> Iterator[tuple[str, list[str]]]:
    """Yield (head, lines below it) of an indented table; a head ending in '+' goes on."""
    head, below = "", list[str]()
    for line in filter(str.strip, table.splitlines()):
        if head.endswith("+"):
            head += " " + line.strip()
        elif not line.startswith(" "):
            if head:
                yield head, below
            head, below = line.strip(), []
        else:
            below.append(line.strip())
    if head:
        yield head, below


def entries(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield (text, [numbers]) of `text=number,number; ...` that may wrap over lines."""
    for entry in filter(None, (part.strip() for part in " ".join(lines).split(";"))):
        text, _, numbers = entry.rpartition("=")
        yield text.strip(), numbers.split(",")


def read_categories(table: str) -> list[CategoryRow]:
    """Return the categories of `categories.TABLE`."""
    rows = []
    for head, lines in blocks(table):
        path, family, base, missing, ships = (part.strip() for part in head.split("|"))
        for text, (weight, offset) in entries(lines):
            third, _, own_family = text.partition("@")
            rows.append(
                CategoryRow(
                    path="/".join((*path.split(" / "), third)),
                    family=own_family or family,
                    weight=float(weight),
                    base=float(base) + float(offset),
                    brand_missing=float(missing),
                    seller_ships=float(ships),
                )
            )
    return rows


def read_brands(table: str) -> dict[str, tuple[float, dict[str, tuple[float, float]]]]:
    """Return {family: (all branded weight, {brand: (weight, effect)})}."""
    families = {}
    for head, lines in blocks(table):
        family, _, total = head.partition("|")
        named = {text: (float(w), float(effect)) for text, (w, effect) in entries(lines)}
        families[family.strip()] = (float(total or 0), named)
    return families


def read_lines(table: str) -> list[PoolRow]:
    """Return the pools of `lines.TABLE`."""
    pools = []
    for head, below in blocks(table):
        name, places, share = (part.strip() for part in head.split("|"))
        rows, brand = [], ""
        for entry in filter(None, (part.strip() for part in ";".join(below).split(";"))):
            text, _, numbers = entry.rpartition("=")
            if (named := re.match(r"([^:]+): (.+)", text)) is not None:
                brand, text = named[1].strip("-"), named[2]
            dollars, _, weight = numbers.partition("*")
            rows.append(LineRow(brand, text, float(dollars), float(weight or 1)))
        pools.append(PoolRow(name, tuple(places.split(" + ")), float(share), tuple(rows)))
    return pools


def read_attributes(table: str) -> list[AttributeRow]:
    """Return the attributes of `attributes.TABLE`."""
    attributes = []
    for head, below in blocks(table):
        name, in_name, in_description, leads = (part.strip() for part in head.split("|", 3))
        starts = [i for i, line in enumerate(below) if re.search(r" : \d", line)]
        groups = [
            _group(below[a], below[a + 1 : b])
            for a, b in zip(starts, [*starts[1:], len(below)], strict=True)
        ]
        attributes.append(
            AttributeRow(
                name,
                float(in_name),
                float(in_description),
                tuple(part.strip() for part in leads.split("/")),
                tuple(groups),
            )
        )
    return attributes


def _group(head: str, lines: list[str]) -> GroupRow:
    who, _, share = head.partition(" : ")
    conditions = re.search(r"@([\d ]+)", who)
    return GroupRow(
        families=tuple(re.sub(r"@[\d ]+|!luxury", "", who).split()),
        conditions=tuple(map(int, conditions[1].split())) if conditions else (1, 2, 3, 4, 5),
        luxury="!luxury" in who,
        share=float(share),
        options=tuple(
            OptionRow(text, float(weight), float(effect))
            for text, (weight, effect) in entries(lines)
        ),
    )


def read_sentences(text: str) -> list[str]:
    """Return the sentences of a text, one a line; an indented line goes on."""
    return text.strip().replace("\n    ", " ").splitlines()


def read_list(text: str) -> list[str]:
    """Return the parts of a list joined by ' / ' or line ends."""
    return [part.strip() for line in text.strip().splitlines() for part in line.split(" / ")]


def read_nouns(table: str) -> list[tuple[str, list[str]]]:
    """Return (words of a path, nouns) in the order in which they are tried."""
    found = []
    for entry in filter(None, (part.strip() for part in table.replace("\n", ";").split(";"))):
        place, _, nouns = entry.partition(" = ")
        found.append((place, [noun.strip() for noun in nouns.split(",")]))
    return found
