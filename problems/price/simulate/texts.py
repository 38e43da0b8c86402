"""Write names and descriptions: texts are rows of phrase numbers, put together column by column."""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from problems.price.simulate.listings import Bools, Listings
from problems.price.simulate.market import Ints, market

NO_DESCRIPTION = "No description yet"  # what the site writes where a seller writes nothing
# Forms that a phrase can be written in.
PLAIN, LOWER, UPPER, TITLE, TYPO = range(5)
NAME_FORMS = (0.27, 0.12, 0.06, 0.55)  # plain, lower, upper, title case; assumed
TEXT_FORMS = (0.80, 0.15, 0.05)
TYPOS = 0.012  # share of phrases with a slip of the finger; assumed
# Orders of a name's parts: assumed.
NAME_ORDERS = """
praise state rarity brand line style colour material cut theme noun measure size count proof deal
praise count brand line style theme colour material cut noun size measure rarity state proof deal
proof praise brand colour line style noun cut material theme measure count size deal rarity state
size praise cut colour theme brand style line noun material measure state count rarity proof deal
"""
NAME_END = " flaw extra retail"
ENDS = (".", "", "!", ",", " -", "!!", "...", " *", " •", ";", " ✨", " ❤️")
END_SHARES = (0.46, 0.20, 0.12, 0.05, 0.05, 0.03, 0.03, 0.03, 0.01, 0.01, 0.005, 0.005)
# Sentences of chatter: 0, 1, ...; fitted to the lengths of the public rows.
CHATTER_SHARES = np.array(
    (0.29, 0.21, 0.16, 0.10, 0.06, 0.04, 0.026, 0.018, 0.016, 0.014, 0.014, 0.014, 0.018, 0.02)
)  # fmt: skip
MOST_CHATTER = len(CHATTER_SHARES) - 1
DESCRIPTION_CHARS = 1_000  # the site's limit; public rows
FREE_SHIPPING = ("free shipping", "free ship", "ships free", "FREE SHIPPING")


def write_names(rng: np.random.Generator, listings: Listings) -> pa.Array:
    """Return the listings' names."""
    rows = len(listings.value)
    parts = list(listings.name)
    orders = [f"{line}{NAME_END}".split() for line in NAME_ORDERS.strip().splitlines()]
    order = np.array([[parts.index(part) for part in line] for line in orders])
    numbers = np.column_stack([listings.name[part] for part in parts])
    numbers = np.take_along_axis(numbers, order[rng.integers(len(order), size=rows)], axis=1)
    form = rng.choice(len(NAME_FORMS), size=rows, p=NAME_FORMS)
    return _join(rng, numbers, form)


def write_descriptions(rng: np.random.Generator, listings: Listings) -> pa.Array:
    """Return the listings' descriptions: sentences in any order, the opening first."""
    rows = len(listings.value)
    sentences = _sentences(rng, listings)
    lead = np.column_stack([s[0] for s in sentences])
    body = np.column_stack([s[1] for s in sentences])
    place = rng.random(body.shape, dtype=np.float32)
    place[:, 0] *= 0.1  # openings open
    place[body < 0] = 2.0
    most = int((body >= 0).sum(axis=1).max())
    order = np.argsort(place, axis=1)[:, :most]
    lead, body = np.take_along_axis(lead, order, 1), np.take_along_axis(body, order, 1)
    ends = market().vocabulary.numbers([f"\0{end}" for end in ENDS])
    end = ends[rng.choice(len(ENDS), size=rows, p=END_SHARES)]
    numbers = np.stack([lead, body, np.where(body >= 0, end[:, None], -1)], axis=2)
    numbers = numbers.reshape(rows, -1)
    form = rng.choice(len(TEXT_FORMS), size=rows, p=TEXT_FORMS)
    text = _join(rng, numbers, form)
    return pc.if_else(pa.array(listings.described), text, NO_DESCRIPTION)


def _sentences(rng: np.random.Generator, listings: Listings) -> list[tuple[Ints, Ints]]:
    """Return (phrase before, phrase) of every sentence that a description can have."""
    goods, rows = market(), len(listings.value)
    opening = goods.openings[rng.integers(len(goods.openings), size=rows)]
    facts = list(listings.description.values())
    silent = np.all([body < 0 for _, body in facts], axis=0)
    opens = listings.described & (silent | (rng.random(rows) < 0.5))
    subject = np.where(listings.name["noun"] >= 0, listings.name["noun"], listings.name["line"])
    sentences = [(np.where(opens, opening, -1), np.where(opens, subject, -1)), *facts]
    free = goods.vocabulary.numbers(list(FREE_SHIPPING))[rng.integers(4, size=rows)]
    says = listings.described & listings.seller_ships & (rng.random(rows) < 0.16)
    sentences.append((np.full(rows, -1), np.where(says, free, -1)))
    sentences += _tags(rng, listings.described)
    return sentences + _chatter(rng, listings.described, sentences)


def _tags(rng: np.random.Generator, described: Bools) -> list[tuple[Ints, Ints]]:
    """Return sentences that name brands which the thing is not of: sellers want to be found."""
    goods, rows = market(), len(described)
    tagged = described & (rng.random(rows) < 0.05)
    lead = goods.tag_leads[rng.integers(len(goods.tag_leads), size=rows)]
    first, second = (
        goods.brand_words[(rng.random(rows) ** 2 * 300).astype(np.int64)] for _ in range(2)
    )
    return [
        (np.where(tagged, lead, -1), np.where(tagged, first, -1)),
        (np.full(rows, -1), np.where(tagged, second, -1)),
    ]


def _chatter(
    rng: np.random.Generator, described: Bools, sentences: list[tuple[Ints, Ints]]
) -> list[tuple[Ints, Ints]]:
    """Return sentences that tell nothing, as long as there is room."""
    goods, rows = market(), len(described)
    chars = np.array([*(len(phrase) + 1 for phrase in goods.vocabulary.phrases), 0])
    used = sum((chars[lead] + chars[body] + 3 for lead, body in sentences), np.zeros(rows, int))
    count = np.where(described, rng.choice(len(CHATTER_SHARES), size=rows, p=CHATTER_SHARES), 0)
    said = []
    for i in range(MOST_CHATTER):
        phrase = goods.chatter[goods.chatter_choice.draw(rng, np.zeros(rows, dtype=np.int64))]
        longer = used + chars[phrase] + 3
        fits = (i < count) & (longer <= DESCRIPTION_CHARS)
        used = np.where(fits, longer, used)
        said.append((np.full(rows, -1), np.where(fits, phrase, -1)))
    return said


def _join(rng: np.random.Generator, numbers: Ints, form: Ints) -> pa.Array:
    """Return the texts of rows of phrase numbers; `form` is how each row is written."""
    words, count = _written()
    there = numbers >= 0
    length = there.sum(axis=1)
    number = numbers[there]
    slips = rng.random(len(number), dtype=np.float32) < TYPOS
    written = number + count * np.where(slips, TYPO, np.repeat(form, length))
    offsets = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
    phrases = words.take(pa.array(written))
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), phrases), "")
    return pc.utf8_ltrim_whitespace(joined)


@cache
def _written() -> tuple[pa.Array, int]:
    """Return every phrase in every form, with the space before it, and the number of phrases."""
    vocabulary = market().vocabulary
    vocabulary.numbers([*FREE_SHIPPING, *(f"\0{end}" for end in ENDS)])
    phrases = vocabulary.phrases
    written = [f" {phrase}" for phrase in phrases]
    written += [f" {phrase.lower()}" for phrase in phrases]
    written += [f" {phrase.upper().replace('[RM]', '[rm]')}" for phrase in phrases]
    written += [
        " " + " ".join(w[:1].upper() + w[1:] for w in phrase.split(" ")) for phrase in phrases
    ]
    written += [f" {_slip(phrase)}" for phrase in phrases]
    return pa.array([text.replace(" \0", "") for text in written]), len(phrases)


def _slip(phrase: str) -> str:
    """Swap two letters in the middle of a phrase's longest word, if it is long enough."""
    word = max(phrase.split(" "), key=len)
    middle = len(word) // 2
    if len(word) < 5 or not word.isalpha():
        return phrase
    return phrase.replace(
        word, word[:middle] + word[middle + 1] + word[middle] + word[middle + 2 :]
    )
