"""Texts to tokens to one column: nothing crashes, and no row sees its own outcome."""

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from retrace.base.arrays import Arrays, take
from retrace.base.arrays import texts as as_texts
from retrace.encode.folds import FOLDS, folds_of
from retrace.encode.text import tokens
from retrace.encode.text.blocks import Block, TokenPlan
from retrace.encode.text.model import COLUMN, TextModel, TextParams
from retrace.encode.text.places import Places, are_places
from tests.tries import tries

PARAMS = TextParams(
    hash_bits=14,
    min_rows=1,
    alpha=1.0,
    signal_power=0.4,
    signal_floor=0.15,
    signal_prior_rows=3.0,
    max_iterations=200,
    seed=1,
)
WITH_NETS = PARAMS.model_copy(update={"nets": 2})
BOTH = pytest.mark.parametrize("params", [PARAMS, WITH_NETS], ids=["ridge", "with nets"])
BLOCKS = (
    Block("words", "words", 1.0, ("title", "body")),
    Block("pairs", "pairs", 0.5, ("title", "body")),
    Block("characters", "characters", 1.0, ("title",)),
    Block("kind", "values", 1.6, values=(("kind",), ("kind", "title"))),
    Block("crossed", "crossed", 0.5, ("title",), values=(("kind",),)),
)
texts = st.text(max_size=12)


def series(*values: str) -> np.ndarray:
    return as_texts(values)


def frame(titles: list[str], body: str = "") -> dict[str, np.ndarray]:
    n = len(titles)
    columns = {"title": titles, "body": [body] * n, "kind": ["ab"[i % 2] for i in range(n)]}
    return {name: as_texts(values) for name, values in columns.items()}


def counts(rows: Arrays, blocks: Sequence[Block], bits: int) -> dict[str, sp.csr_matrix]:
    found = TokenPlan(blocks).counts(rows, bits)
    return {block.name: matrix for block, matrix in zip(blocks, found, strict=True)}


def folds(n: int) -> np.ndarray:
    return folds_of({"id": np.arange(n)}, PARAMS.seed)


def fit(
    rows: Arrays, target: np.ndarray, blocks: Sequence[Block], params: TextParams = PARAMS
) -> tuple[TextModel, np.ndarray]:
    """Fit on rows that are named by their number; return the model and the column."""
    model, column = TextModel.fit(rows, target, folds(len(target)), blocks, params)
    return model, column[:, 0] if blocks else column


def listings(n: int, seed: int = 0) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Titles of three words, each with its own worth."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 12, (n, 3))
    titles = [" ".join(f"w{word}" for word in row) for row in words]
    return frame(titles, "as new"), words.mean(axis=1) + rng.normal(0, 0.1, n)


def by_row(bag: tokens.Bag, n_rows: int) -> list[list[int]]:
    return [sorted(bag.hashes[bag.row == i].tolist()) for i in range(n_rows)]


def words(texts: np.ndarray) -> tokens.Bag:
    return tokens.words([texts])[0]


def characters(texts: np.ndarray) -> tokens.Bag:
    return tokens.together([*tokens.characters(texts)])


# Tokens


def test_words_are_split_at_what_is_no_letter_or_digit() -> None:
    bag = words(series("Nike  AIR-max 90", "", "\n\n", "crème_brûlée 安い!"))
    expected = [["nike", "air", "max", "90"], [], [], ["crème_brûlée", "安い"]]
    assert by_row(bag, 4) == [sorted(tokens.hashed(row).tolist()) for row in expected]


@settings(deadline=None, max_examples=tries(20))
@given(st.lists(texts, max_size=6))
def test_the_tokens_of_a_text_do_not_depend_on_its_neighbours(values: list[str]) -> None:
    for kind in (words, characters):
        together = by_row(kind(series(*values)), len(values))
        assert together == [by_row(kind(series(value)), 1)[0] for value in values]


def test_tokens_are_the_same_everywhere_and_always() -> None:
    assert tokens.hashed(["nike", "安い", ""]).tolist() == [
        56333448576794191,
        2871909498487078864,
        1760245841805064774,
    ]


def test_characters_are_runs_of_three_to_five_inside_words() -> None:
    """The runs of " ab " are " ab", "ab " and " ab "; those of the next word are apart."""
    counts = [len(row) for row in by_row(characters(series("ab", "ab ab", "a", "")), 4)]
    assert counts == [3, 6, 1, 0]
    one, two = by_row(characters(series("ab", "ab ab")), 2)
    assert {*two} == {*one}


@pytest.mark.parametrize("text", ["", "a", "ab", " ", "\n", "é", "🔥", "İ", "a\x00b"])
def test_a_single_short_text_does_not_crash(text: str) -> None:
    rows = frame([text])
    assert {name: part.shape for name, part in counts(rows, BLOCKS, 14).items()} == {
        block.name: (1, 1 << 14) for block in BLOCKS
    }


def test_pairs_are_neighbours_within_a_row() -> None:
    pairs = tokens.mixed([tokens.neighbours([words(series("a b", "c"))])])
    assert [len(row) for row in by_row(pairs, 2)] == [1, 0]
    first, second = tokens.words([series("a b"), series("c")])
    both = tokens.mixed([tokens.neighbours([first, tokens.bar(np.arange(1)), second])])
    known = tokens.hashed(["a", "b", "c"])
    assert not np.isin(tokens.mix(known[1:2], known[2:]), both.hashes).any()


def test_the_order_of_a_pair_counts() -> None:
    a, b = tokens.hashed(["a"]), tokens.hashed(["b"])
    assert tokens.mix(a, b) != tokens.mix(b, a)


# Blocks


def test_counts_grow_by_their_logarithm() -> None:
    rows = frame(["a a b", "a"])
    matrix = counts(rows, BLOCKS[:1], 14)["words"]
    assert sorted(matrix[0].data.tolist()) == pytest.approx([1, 1 + np.log(2)])
    assert matrix[1].data.tolist() == [1]


def test_a_value_is_a_token_of_its_own_column_and_row() -> None:
    rows = {"x": series("a", "a", "b"), "y": series("b", "c", "a")}
    matrix = counts(rows, [Block("v", "values", 1.0, values=(("x",), ("y",)))], 14)["v"].toarray()
    assert matrix.sum(axis=1).tolist() == [2, 2, 2]
    assert (matrix[0] * matrix[1]).sum() == 1  # the same x
    assert (matrix[0] * matrix[2]).sum() == 0  # a and b, in other columns


def test_numbers_and_booleans_are_values_too() -> None:
    rows = {"x": np.array([1, 2, 1]), "y": np.array([True, False, True])}
    matrix = counts(rows, [Block("v", "values", 1.0, values=(("x", "y"),))], 14)["v"].toarray()
    assert (matrix[0] == matrix[2]).all()
    assert (matrix[0] != matrix[1]).any()


# The model


def test_it_learns_what_words_are_worth() -> None:
    rows, target = listings(400)
    model, column = fit(rows, target, BLOCKS)
    assert model.columns == [COLUMN]
    assert np.corrcoef(column, target)[0, 1] > 0.95
    unseen, worth = listings(200, seed=1)
    assert np.corrcoef(model.transform(unseen)[:, 0], worth)[0, 1] > 0.95


@BOTH
@settings(deadline=None, max_examples=tries(8))
@given(row=st.integers(0, 59), seed=st.integers(0, 100))
def test_no_row_sees_its_own_outcome(row: int, seed: int, params: TextParams) -> None:
    """All folds are solved together, but stop one by one."""
    rows, target = listings(60, seed)
    before = fit(rows, target, BLOCKS, params)[1]
    target[row] += 3
    after = fit(rows, target, BLOCKS, params)[1]
    fold = folds(60)
    same = fold == fold[row]
    assert after[same] == pytest.approx(before[same], abs=1e-6)
    assert np.abs(after - before)[~same].max() > 0.01


def reference(rows: Arrays, target: np.ndarray, unseen: Arrays) -> np.ndarray:
    """Ridge on TF-IDF words, solved densely: rows of unit length, the intercept is the mean."""
    known, new = (counts(part, BLOCKS[:1], 14)["words"].toarray() for part in (rows, unseen))
    idf = np.log((1 + len(target)) / (1 + (known > 0).sum(axis=0))) + 1
    weighted = [part * idf * (known.sum(axis=0) > 0) for part in (known, new)]
    x, z = (part / np.maximum(np.linalg.norm(part, axis=1), 1e-12)[:, None] for part in weighted)
    kernel = x @ x.T + PARAMS.alpha * np.eye(len(x))
    return target.mean() + z @ x.T @ np.linalg.solve(kernel, target - target.mean())


def test_without_signal_scaling_it_is_ridge_regression() -> None:
    plain = PARAMS.model_copy(update={"signal_power": 0.0})
    rows, target = listings(80)
    titles = listings(10, 1)[0]["title"]
    unseen = frame([*titles, "w1 unheard", "unheard", ""], "as new")
    model, _ = fit(rows, target, BLOCKS[:1], plain)
    found = model.transform(unseen)[:, 0]
    assert found == pytest.approx(reference(rows, target, unseen), abs=5e-3)


def test_out_of_fold_is_what_the_other_folds_give() -> None:
    """Word frequencies come from all rows, so a model of the other folds only comes near.

    Every title has a word of its own, which those folds do not know.
    """
    rows, target = listings(500)
    rows["title"] = as_texts(f"{title} only{i}" for i, title in enumerate(rows["title"]))
    _, column = fit(rows, target, BLOCKS[:1])
    fold_of = folds(500)
    for fold in range(FOLDS):
        out = fold_of == fold
        others, _ = fit(take(rows, ~out), target[~out], BLOCKS[:1])
        assert column[out] == pytest.approx(others.transform(take(rows, out))[:, 0], abs=0.3)


@BOTH
def test_a_row_is_the_same_alone_and_among_others(params: TextParams) -> None:
    rows, target = listings(60)
    model, _ = fit(rows, target, BLOCKS, params)
    alone = [model.transform(take(rows, slice(i, i + 1))) for i in range(60)]
    assert np.array_equal(np.concatenate(alone), model.transform(rows))


@BOTH
def test_arrays_give_the_same_model(params: TextParams) -> None:
    rows, target = listings(60)
    model, _ = fit(rows, target, BLOCKS, params)
    file = io.BytesIO()
    np.savez(file, **model.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = TextModel.from_arrays(arrays, BLOCKS)
        with pytest.raises(KeyError):
            TextModel.from_arrays(arrays, [replace(BLOCKS[0], name="others")])
    assert np.array_equal(again.transform(rows), model.transform(rows))


def test_the_same_nets_are_fitted_again() -> None:
    rows, target = listings(60)
    one, other = (fit(rows, target, BLOCKS, WITH_NETS)[0].to_arrays() for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_more_rows_than_nets_are_for_have_the_ridge_alone() -> None:
    rows, target = listings(60)
    for most, there in ((60, True), (59, False)):
        params = WITH_NETS.model_copy(update={"nets_most_rows": most})
        assert (fit(rows, target, BLOCKS, params)[0].nets is not None) == there


def test_nets_learn_words_that_mean_something_together() -> None:
    """Two words that each say nothing: a ridge on words cannot know, hidden layers can."""
    rng = np.random.default_rng(1)
    first, second = (rng.integers(0, 2, 2000) for _ in range(2))
    rows = frame([f"a{i} b{j}" for i, j in zip(first, second, strict=True)])
    target = (first != second).astype(np.float64)
    alone = WITH_NETS.model_copy(update={"nets_share": 1.0})
    ridge, nets = (fit(rows, target, BLOCKS[:1], params)[1] for params in (PARAMS, alone))
    errors = [float(np.square(column - target).mean()) for column in (ridge, nets)]
    assert errors[1] < 0.18 < 0.22 < errors[0]


@pytest.mark.parametrize(
    "changed",
    [
        {"nets.third_bias": np.zeros(0, np.float32)},
        {"nets.first": np.zeros((3, 5), np.float32)},
        {"nets.idf": np.zeros(0, np.float32)},
        {"nets.share": np.array("0.3")},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_nets_that_do_not_fit_together_are_refused(changed: dict[str, np.ndarray]) -> None:
    model, _ = fit(*listings(60), BLOCKS, WITH_NETS)
    with pytest.raises(ValueError, match="arrays of the nets have other types or shapes"):
        TextModel.from_arrays(model.to_arrays() | changed, BLOCKS)


def test_nets_with_buckets_beyond_the_blocks_are_refused() -> None:
    model, _ = fit(*listings(60), BLOCKS, WITH_NETS)
    arrays = model.to_arrays()
    arrays["nets.buckets"] = arrays["nets.buckets"] + (len(BLOCKS) << PARAMS.hash_bits)
    with pytest.raises(ValueError, match="the nets have buckets beyond"):
        TextModel.from_arrays(arrays, BLOCKS)


@pytest.mark.parametrize("bits", [-1, 0, 65, 10**9])
def test_arrays_with_another_number_of_hash_bits_are_refused(bits: int) -> None:
    model, _ = fit(*listings(60), BLOCKS)
    arrays = model.to_arrays() | {"hash_bits": np.array(bits)}
    with pytest.raises(ValueError, match=f"hash_bits is {bits}, expected"):
        TextModel.from_arrays(arrays, BLOCKS)


def test_a_block_with_an_empty_group_is_refused() -> None:
    model, _ = fit(*listings(60), BLOCKS)
    blocks = [replace(block, values=((),)) if block.values else block for block in BLOCKS]
    with pytest.raises(ValueError, match="a group without columns"):
        TextModel.from_arrays(model.to_arrays(), blocks)


@pytest.mark.parametrize(
    "titles",
    [["one"], ["one", "two"], ["", ""], [""] * 12, ["\n"] * 3, ["…", "!!!"], ["same"] * 7],
)
@BOTH
def test_few_rows_and_empty_texts_do_not_crash(titles: list[str], params: TextParams) -> None:
    rows, target = frame(titles), np.arange(len(titles), dtype=np.float64)
    for blocks in (BLOCKS, BLOCKS[:3]):
        model, column = fit(rows, target, blocks, params)
        found = model.transform(frame(["", "one", "unheard of"]))
        assert np.isfinite(column).all()
        assert ((found >= target.min() - 1) & (found <= target.max() + 1)).all()


def test_without_vocabulary_it_predicts_the_mean() -> None:
    target = np.array([1.0, 2.0, 6.0])
    model, _ = fit(frame(["", "", ""]), target, BLOCKS[:1])
    assert model.transform(frame(["", "new"])).tolist() == [[3], [3]]


def test_without_blocks_there_is_no_column() -> None:
    rows, target = listings(10)
    model, column = fit(rows, target, ())
    assert model.columns == []
    assert column.shape == model.transform(rows).shape == (10, 0)
    assert TextModel.from_arrays(model.to_arrays(), ()).columns == []


def test_rare_tokens_are_left_out_on_request() -> None:
    rows = frame(["a b", "a c", "a d"])
    twice = PARAMS.model_copy(update={"min_rows": 2})
    model, _ = fit(rows, np.array([1.0, 2.0, 3.0]), BLOCKS[:1], twice)
    assert len(model.weights[0].buckets) == 1


@given(st.sets(st.integers(0, 299)), st.integers(300, 1000))
def test_places_are_those_of_a_table(known: set[int], size: int) -> None:
    numbers = np.array(sorted(known), np.int64)
    table = np.full(size, len(known))
    table[numbers] = np.arange(len(known))
    np.testing.assert_array_equal(Places(numbers, size).find(np.arange(size)), table)


@pytest.mark.parametrize("numbers", [[-1, 2], [3, 2], [2, 2], [2, 10]])
def test_buckets_of_a_file_are_rising_and_not_beyond(numbers: list[int]) -> None:
    assert not are_places(np.array(numbers), 10)
    assert are_places(np.array(numbers[:0]), 10)
