"""Draw listings: what a seller offers, what of it the listing says, and what that makes it worth.

Only what can be read in a listing moves its value: words that did not fit into the name and are not
in the description count for nothing, so that the value is a function of the published row. Where
the category is missing, the noun in the name says what kind of thing it is, and the value starts
from the mean of that kind (assumed: the kind is plain to a reader).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from problems.price.simulate import assumptions as a
from problems.price.simulate.market import LUXURY_EFFECT, Floats, Ints, Market

Bools = NDArray[np.bool_]

NAME_CHARS = 40  # the site's limit; public rows
# Parts of a name, the most important first: what does not fit any more is left out.
NAME_PARTS = ("line", "noun", "brand", "count", "style")


@dataclass(frozen=True)
class Listings:
    """Columns of listings, by number; -1 is: not there."""

    category: Ints  # as published: -1 where it is missing
    brand: Ints  # as published
    condition: Ints  # 1 new ... 5 poor
    seller_ships: Bools
    described: Bools
    name: dict[str, Ints]  # part of the name: phrase
    description: dict[str, tuple[Ints, Ints]]  # part: (phrase before, phrase)
    value: Floats  # mean log1p(dollars) that the listing tells, before `prices.to_log_price`
    noise: Floats  # log-sd


def draw_listings(rng: np.random.Generator, rows: int, market: Market) -> Listings:
    """Draw `rows` listings."""
    category = market.category.draw(rng, np.zeros(rows, dtype=np.int64))
    family = market.family[category]
    condition = market.condition.draw(rng, family)
    line, brand, in_column, in_name = _goods(rng, category, family, market)
    described = rng.random(rows) >= a.NO_DESCRIPTION
    luxury = (brand >= 0) & (market.brand_effect[brand] > LUXURY_EFFECT)
    chosen = {
        attribute.name: attribute.choices.draw(rng, (family * 5 + condition) * 2 + luxury)
        for attribute in market.attributes
    }
    noun = market.nouns.draw(rng, category)
    style = np.where(
        (rng.random(rows) < a.STYLE_SHARE) & (line < 0), market.style.draw(rng, family), -1
    )
    category_missing = rng.random(rows) < a.CATEGORY_MISSING
    name = {
        "line": _take(market.line_words, line, line >= 0),
        "noun": _take(
            market.noun_words, noun, (rng.random(rows) < 0.8) | category_missing | (line < 0)
        ),
        "brand": _take(market.brand_words, brand, in_name),
    }
    description: dict[str, tuple[Ints, Ints]] = {}
    for attribute in market.attributes:
        words = attribute.words[chosen[attribute.name]]
        name[attribute.name] = np.where(rng.random(rows) < attribute.in_name, words, -1)
        said = described & (words >= 0) & (rng.random(rows) < attribute.in_description)
        lead = attribute.leads[rng.integers(len(attribute.leads), size=rows)]
        description[attribute.name] = (np.where(said, lead, -1), np.where(said, words, -1))
    name["style"] = _take(market.style_words, style, style >= 0)
    fit_name(name, market)

    value = _goods_value(
        category, category_missing, line, brand, in_column, noun, style, name, market
    )
    value += market.condition_effect[family, condition]
    for attribute in market.attributes:
        told = (name[attribute.name] >= 0) | (description[attribute.name][1] >= 0)
        value += np.where(told, attribute.effects[chosen[attribute.name]], 0.0)
    seller_ships = _seller_ships(rng, market.seller_ships[category], value)
    value += seller_ships * (
        a.SELLER_SHIPS_EFFECT + a.SELLER_SHIPS_EFFECT_SLOPE * (value - a.CENTRE)
    )
    noise = market.noise[family] * np.where(described, 1.0, a.NOISE_NO_DESCRIPTION)
    return Listings(
        category=np.where(category_missing, -1, category),
        brand=np.where(in_column, brand, -1),
        condition=condition + 1,
        seller_ships=seller_ships,
        described=described,
        name=name,
        description=description,
        value=value,
        noise=noise * np.where(name["line"] >= 0, a.NOISE_LINE, 1.0),
    )


def _goods(
    rng: np.random.Generator, category: Ints, family: Ints, market: Market
) -> tuple[Ints, Ints, Bools, Bools]:
    """Draw line and brand, and whether the brand is in the column and in the name."""
    rows = len(category)
    line = market.line.draw(rng, category)
    line[line == len(market.line_words)] = -1
    brand = np.where(line >= 0, market.line_brand[line], market.brand.draw(rng, family))
    odds = market.brand_missing[category] / np.maximum(1 - market.brand_missing[category], 1e-9)
    odds *= a.BRAND_MISSING_ODDS
    in_column = (rng.random(rows) >= odds / (1 + odds)) & (brand >= 0)
    named = (brand >= 0) & ~market.brand_plain[brand]  # "pink" alone would be a colour
    hidden = ~in_column & named & (rng.random(rows) < a.BRAND_ONLY_IN_NAME)
    in_name = hidden | (in_column & (rng.random(rows) < 0.68))
    return line, np.where(in_column | hidden, brand, -1), in_column, in_name


def _take(words: Ints, number: Ints, where: Bools) -> Ints:
    return np.where(where, words[number], -1)


def fit_name(name: dict[str, Ints], market: Market) -> None:
    """Leave out the parts of names that do not fit any more, in place."""
    chars = np.array([*(len(phrase) + 1 for phrase in market.vocabulary.phrases), 0])
    used = np.zeros(len(name["line"]), dtype=np.int64)
    for part in (*NAME_PARTS, *(key for key in name if key not in NAME_PARTS)):
        longer = used + chars[name[part]]
        fits = longer <= NAME_CHARS + 1
        name[part] = np.where(fits, name[part], -1)
        used = np.where(fits, longer, used)


def _goods_value(
    category: Ints,
    category_missing: Bools,
    line: Ints,
    brand: Ints,
    in_column: Bools,
    noun: Ints,
    style: Ints,
    name: dict[str, Ints],
    market: Market,
) -> Floats:
    """Return log1p(dollars) of the thing itself: its line, or its category, brand and style."""
    family = market.family[category]
    base = np.where(category_missing, market.family_base[family], market.base[category])
    base += np.where(name["noun"] >= 0, market.noun_effect[noun], 0.0)
    known = in_column | (name["brand"] >= 0)
    effect = market.brand_effect[brand]
    effect = effect + np.where(
        category_missing, 0.0, market.brand_second[brand, market.second[category]]
    )
    plain = base + np.where(known, effect, a.UNBRANDED)
    plain += np.where(name["style"] >= 0, market.style_effect[style], 0.0)
    shift = np.array([a.LINE_SHIFT.get(name, 0.0) for name in market.families])
    return np.where(name["line"] >= 0, market.line_value[line] + shift[family], plain)


def _seller_ships(rng: np.random.Generator, logit: Floats, value: Floats) -> Bools:
    """Draw whether the seller pays: more often for cheap things."""
    logit = (
        logit
        + a.SELLER_SHIPS_SHIFT
        + a.SELLER_SHIPS_SLOPE * np.minimum(value - a.SELLER_SHIPS_FLAT, 0)
    )
    chance = 1 / (1 + np.exp(-logit))
    return np.asarray(rng.random(len(value)) < chance)
