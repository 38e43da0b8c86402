"""The market that listings are drawn from: the vocabulary as arrays.

Everything here is the same for every seed and number of rows.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from problems.price.simulate import assumptions as a
from problems.price.simulate import tables

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KINDS = {
    "electronics": ("phone", "device", "game"),
    "beauty": ("makeup", "skin", "fragrance"),
    "children": ("kidswear", "gear", "toys"),
    "clothes": (
        "active", "apparel", "menswear", "shoes", "mens_shoes", "bags", "jewelry", "accessory",
    ),
}  # fmt: skip
UNNAMED = 10.0  # branded listings of a family that `families.csv` does not name
LUXURY_EFFECT = 0.8  # log-price; brands above it are copied, and sellers say that theirs is not


class Vocabulary:
    """Every phrase that a text can have, by number."""

    def __init__(self) -> None:
        self.phrases: list[str] = []
        self._number: dict[str, int] = {}

    def number(self, phrase: str) -> int:
        """Return the phrase's number, adding it when it is new."""
        if phrase not in self._number:
            self._number[phrase] = len(self.phrases)
            self.phrases.append(phrase)
        return self._number[phrase]

    def numbers(self, phrases: list[str]) -> Ints:
        """Return the numbers of `phrases`; an empty one is -1."""
        return np.array([self.number(p) if p else -1 for p in phrases], dtype=np.int64)


@dataclass(frozen=True)
class Choices:
    """One categorical distribution a row of `cumulative`; the last outcome is the remainder."""

    cumulative: Floats

    @staticmethod
    def of(weights: Floats) -> "Choices":
        """Build from non-negative weights, one distribution a row."""
        cumulative = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)
        cumulative[:, -1] = 1.0
        return Choices(cumulative)

    def draw(self, rng: np.random.Generator, rows: Ints) -> Ints:
        """Draw one outcome for each of `rows` (which distribution)."""
        width = self.cumulative.shape[1]
        flat = (self.cumulative + np.arange(len(self.cumulative))[:, None]).ravel()
        drawn = np.searchsorted(flat, rows + rng.random(len(rows)), side="right")
        outcome: Ints = np.minimum(drawn - rows * width, width - 1)
        return outcome


@dataclass(frozen=True)
class Attribute:
    """One attribute: options by number (the last is: nothing said), their words and effects."""

    name: str
    in_name: float
    in_description: float
    leads: Ints
    words: Ints
    effects: Floats
    choices: Choices  # row: (family * 5 + condition - 1) * 2 + luxury


@dataclass(frozen=True)
class Market:
    """Arrays over categories (c), families (f), brands (b) and lines (l)."""

    vocabulary: Vocabulary
    paths: list[str]
    families: list[str]
    category: Choices
    family: Ints  # c
    second: Ints  # c
    base: Floats  # c: log1p(dollars) of a plain item
    family_base: Floats  # f: the same, where the category is not given
    brand_missing: Floats  # c
    seller_ships: Floats  # c: logit
    nouns: Choices  # c
    noun_words: Ints
    noun_effect: Floats
    line: Choices  # c; the last outcome is: no line
    line_words: Ints
    line_brand: Ints  # -1: none
    line_value: Floats
    brand: Choices  # f
    brand_words: Ints
    brand_plain: NDArray[np.bool_]  # b: the name is a word with another meaning, too
    brand_effect: Floats
    brand_second: Floats  # b, second level: deviation
    condition: Choices  # f
    condition_effect: Floats  # f, condition
    style: Choices  # f
    style_words: Ints
    style_effect: Floats
    attributes: list[Attribute]
    openings: Ints
    chatter: Ints
    chatter_choice: Choices
    tag_leads: Ints
    noise: Floats  # f: log-sd


def to_log_price(value: Floats) -> Floats:
    """Return the mean of log1p(dollars) in the seller's mind for a listing's value."""
    above = value - a.CENTRE
    return a.LEVEL + np.where(above > 0, a.SLOPE_ABOVE, a.SLOPE_BELOW) * above


def to_value(log_price: Floats) -> Floats:
    """Return the value of which `to_log_price` is the log-price."""
    above = log_price - a.LEVEL
    return a.CENTRE + above / np.where(above > 0, a.SLOPE_ABOVE, a.SLOPE_BELOW)


@cache
def market() -> Market:
    """Build the market from the vocabulary."""
    rng = np.random.default_rng(a.MARKET_SEED)
    words = Vocabulary()
    phrases = tables.read_phrases()
    rows = _with_tail(tables.read_categories(), rng)
    families = sorted({row.family for row in rows})
    family = np.array([families.index(row.family) for row in rows])
    seconds = sorted({row.path.split("/")[1] for row in rows})
    second = np.array([seconds.index(row.path.split("/")[1]) for row in rows])
    weight = np.array([row.weight for row in rows])
    base = np.array([row.base for row in rows])
    pools = tables.read_lines()
    names, effects, brand_weight = _brands(families, pools, phrases, rng)
    said = tables.read_attributes()
    told = {option.text for row in said for group in row.groups for option in group.options}
    nouns, noun_weight = _nouns(phrases.nouns, [row.path for row in rows], told)
    taken = {*names, *map(str.title, nouns)}
    styles = _invented(len(families) * a.STYLES, phrases.syllables, [""], taken, rng)
    ships = np.array([row.seller_ships for row in rows])
    texts, line_brand, dollars, line_weight = _lines(pools, [row.path for row in rows], names)
    return Market(
        vocabulary=words,
        paths=[row.path for row in rows],
        families=families,
        category=Choices.of(weight[None, :]),
        family=family,
        second=second,
        base=base,
        family_base=np.bincount(family, base * weight) / np.bincount(family, weight),
        brand_missing=np.array([row.brand_missing for row in rows]),
        seller_ships=np.log(ships / (1 - ships)),
        nouns=Choices.of(noun_weight),
        noun_words=words.numbers(nouns),
        noun_effect=rng.normal(0, a.NOUN_SD, len(nouns)),
        line=Choices.of(line_weight),
        line_words=words.numbers(texts),
        line_brand=line_brand,
        line_value=to_value(np.log1p(dollars)),
        brand=Choices.of(brand_weight),
        brand_words=words.numbers(names),
        brand_plain=_among(names, told.union(nouns, texts)),
        brand_effect=effects,
        brand_second=rng.normal(0, a.BRAND_CATEGORY_SD, (len(names), len(seconds))),
        condition=Choices.of(np.array([a.CONDITION[_kind(name)] for name in families])),
        condition_effect=np.array([a.CONDITION_EFFECT[_kind(name)] for name in families]),
        style=_style_choices(len(families)),
        style_words=words.numbers(styles),
        style_effect=rng.normal(0, a.STYLE_SD, len(styles)),
        attributes=[_attribute(row, families, words) for row in said],
        openings=words.numbers(phrases.openings),
        chatter=words.numbers(phrases.chatter),
        chatter_choice=Choices.of(_chatter_weight(phrases.chatter)),
        tag_leads=words.numbers(phrases.tag_leads),
        noise=np.array([a.NOISE.get(name, a.NOISE_OTHER) for name in families]),
    )


def _style_choices(families: int) -> Choices:
    """Return the distribution of style names: every family has its own, a few of them common."""
    popularity = np.arange(2.0, a.STYLES + 2) ** -0.7
    weights: Floats = np.asarray(np.kron(np.eye(families), popularity), dtype=np.float64)
    return Choices.of(weights)


def _among(names: list[str], words: set[str]) -> NDArray[np.bool_]:
    """Return which names are also among `words`, whatever the case."""
    lower = {word.lower() for word in words}
    return np.array([name.lower() in lower for name in names])


def _chatter_weight(sentences: list[str]) -> Floats:
    """Weigh sentences: quotes and signs beyond ASCII are rarer than plain words; public rows."""
    plain = [sentence.isascii() and '"' not in sentence for sentence in sentences]
    return np.where(plain, 1.0, 0.2)[None, :]


def _kind(family: str) -> str:
    return next((kind for kind, members in KINDS.items() if family in members), "things")


def _with_tail(
    rows: list[tables.CategoryRow], rng: np.random.Generator
) -> list[tables.CategoryRow]:
    """Add rare categories, composed from the levels of the same first level, up to CATEGORIES."""
    known = {row.path for row in rows}
    spare = []
    for first in ("Handmade", "Vintage & Collectibles", "Sports & Outdoors", "Home", "Kids"):
        here = [row for row in rows if row.path.startswith(first + "/")]
        thirds = sorted({row.path.split("/", 2)[2] for row in here})
        heads = {row.path.split("/")[1]: row for row in here}
        for head in heads.values():
            paths = ("/".join((*head.path.split("/")[:2], third)) for third in thirds)
            spare.append([head._replace(path=path) for path in paths if path not in known])
    # Handmade and collectibles mix their levels the most, so that most of the tail is theirs.
    pool = [row for group in spare for row in group]
    share = np.array([1.0 if r.path.startswith(("Hand", "Vint")) else 0.12 for r in pool])
    count = a.CATEGORIES - len(rows)
    chosen = rng.choice(len(pool), size=count, replace=False, p=share / share.sum())
    weights = np.geomspace(*a.TAIL_CATEGORY_WEIGHT, count)
    offsets = rng.normal(0, a.TAIL_CATEGORY_SD, count)
    tail = [
        pool[i]._replace(weight=float(w), base=pool[i].base + float(offset))
        for i, w, offset in zip(chosen, weights, offsets, strict=True)
    ]
    return [
        row._replace(weight=row.weight if row.weight > 1 else a.SINGLE_CATEGORY_WEIGHT)
        for row in rows
    ] + tail


def _brands(
    families: list[str],
    pools: list[tables.PoolRow],
    phrases: tables.Phrases,
    rng: np.random.Generator,
) -> tuple[list[str], Floats, Floats]:
    """Return brand names, their log-price effects and their weight in each family."""
    totals = tables.read_family_sizes()
    named, luxury = tables.read_brands("brands.csv"), tables.read_brands("luxury.csv")
    effect: dict[str, float] = {}
    for table in (*named.values(), *luxury.values()):
        effect.update({name: value for name, (_, value) in table.items()})
    for pool in pools:
        effect.update(
            {row.brand: 0.1 for row in pool.lines if row.brand and row.brand not in effect}
        )
    names = list(effect)
    names += _invented(a.BRANDS - len(names), phrases.syllables, phrases.suffixes, set(names), rng)
    tail = len(names) - len(effect)
    weight = np.zeros((len(families), len(names)))
    share = np.array([totals.get(family, UNNAMED) for family in families])
    home = rng.choice(len(families), size=tail, p=np.sqrt(share) / np.sqrt(share).sum())
    rank = (np.arange(tail) + 12.0) ** -a.TAIL_BRAND_DECAY
    for i, family in enumerate(families):
        total = totals.get(family, UNNAMED)
        for name, (count, _) in named.get(family, {}).items():
            weight[i, names.index(name)] += count
        for name, (count, _) in luxury.get(family, {}).items():
            weight[i, names.index(name)] = count * total / 1000
        rest = max(total - weight[i].sum(), 0.08 * total)
        mine = (home == i) * rank + 0.01 * rank
        weight[i, len(effect) :] = rest * mine / mine.sum()
    values = np.array([*effect.values(), *rng.normal(-0.03, a.BRAND_TAIL_SD, tail)])
    return names, values, weight


def _lines(
    pools: list[tables.PoolRow], paths: list[str], brand_names: list[str]
) -> tuple[list[str], Ints, Floats, Floats]:
    """Return the lines' texts, brands and dollars, and their weight in each category."""
    rows = [row for pool in pools for row in pool.lines]
    weight = np.zeros((len(paths), len(rows) + 1))
    start = 0
    for pool in pools:
        w = np.array([row.weight for row in pool.lines])
        for c, path in enumerate(paths):
            if any(place in path for place in pool.places):
                weight[c, start : start + len(w)] = w / w.sum() * pool.share
        start += len(w)
    weight[:, -1] = np.maximum(1 - weight.sum(axis=1), 0.05)
    number = {name: i for i, name in enumerate(brand_names)}
    brand = np.array([number.get(row.brand, -1) for row in rows])
    return [row.text for row in rows], brand, np.array([row.dollars for row in rows]), weight


def _nouns(
    places: dict[str, list[str]], paths: list[str], told: set[str]
) -> tuple[list[str], Floats]:
    """Return the nouns and their weight in each category; none is one of the words `told`."""
    chosen = []
    for path in paths:
        third = path.split("/", 2)[2]
        plain = (third if third != "Other" else path.split("/")[1]).split(",")[0].split(" & ")[0]
        found = (nouns for place, nouns in places.items() if place in path)
        plain = plain.lower() + " item" * (plain.lower() in told)
        chosen.append(next(found, [plain]))
    nouns = sorted({noun for some in chosen for noun in some})
    weight = np.zeros((len(paths), len(nouns)))
    for c, some in enumerate(chosen):
        for rank, noun in enumerate(some):
            weight[c, nouns.index(noun)] = 1 / (rank + 1)
    return nouns, weight


def _attribute(row: tables.AttributeRow, families: list[str], words: Vocabulary) -> Attribute:
    options = [option for group in row.groups for option in group.options]
    weight = np.zeros((len(families), 5, 2, len(options) + 1))
    weight[..., -1] = 1.0
    taken = np.zeros(weight.shape[:3], dtype=bool)
    start = 0
    for group in row.groups:
        w = np.array([option.weight for option in group.options])
        stop = start + len(w)
        members = families if group.families == ("all",) else group.families
        for i in map(families.index, members):
            for condition in group.conditions:
                for luxury in (0, 1):
                    if taken[i, condition - 1, luxury] or (group.luxury and not luxury):
                        continue
                    taken[i, condition - 1, luxury] = True
                    weight[i, condition - 1, luxury, start:stop] = w / w.sum() * group.share
                    weight[i, condition - 1, luxury, -1] = 1 - group.share
        start = stop
    return Attribute(
        name=row.name,
        in_name=row.in_name,
        in_description=row.in_description,
        leads=words.numbers(list(row.leads)),
        words=words.numbers([*(option.text for option in options), ""]),
        effects=np.array([*(option.effect for option in options), 0.0]),
        choices=Choices.of(weight.reshape(-1, len(options) + 1)),
    )


def _invented(
    count: int,
    syllables: dict[str, str],
    suffixes: list[str],
    known: set[str],
    rng: np.random.Generator,
) -> list[str]:
    """Return `count` pronounceable names that are not `known`; `known` gets them."""
    start, middle, end = (syllables[part].split() for part in ("start", "middle", "end"))
    names: list[str] = []
    while len(names) < count:
        pick = rng.random(4)
        name = start[int(pick[0] * len(start))].capitalize()
        if pick[1] < 0.55:
            name += middle[int(pick[1] / 0.55 * len(middle))]
        name += end[int(pick[2] * len(end))]
        name = f"{name} {suffixes[int(pick[3] * len(suffixes))]}".strip()
        if name not in known:
            known.add(name)
            names.append(name)
    return names
