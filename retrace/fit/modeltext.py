"""Check a LightGBM model's text before LightGBM reads it.

Its parser is C++ and trusts what it reads: an index beyond an array reads or writes memory that is
not its own, and a loop in a tree never ends. So a model from anywhere is only handed over when it
has the shape that LightGBM itself writes: known keys, arrays of the right length, finite numbers,
indices inside their arrays, and trees in which every node has one parent.
"""

import re
import sys

import numpy as np
from numpy.typing import NDArray

HEADER = {
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx",
    "objective", "feature_names", "feature_infos", "tree_sizes",
}  # fmt: skip
FLAGS = {"average_output"}
TREE = {
    "num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type",
    "left_child", "right_child", "leaf_value", "leaf_weight", "leaf_count", "internal_value",
    "internal_weight", "internal_count", "cat_boundaries", "cat_threshold", "is_linear",
    "shrinkage",
}  # fmt: skip
WHOLE = {"num_leaves", "num_cat", "is_linear", "shrinkage"}
OBJECTIVES = r"(regression|regression_l1|quantile|poisson|binary|multiclass)( \w+:[-+.\de]+)*"
NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
NUMBERS = re.compile(rf"({NUMBER}( {NUMBER})*)?")
MOST_LEAVES = 1 << 17
END_OF_TREES = "end of trees"


LARGEST = repr(sys.float_info.max)


class ModelTextError(ValueError):
    """The text is not what LightGBM writes; the message says where it is not."""


def check_model_text(text: str, columns: int | None = None, outputs: int = 1) -> None:
    """Raise ModelTextError unless LightGBM can read `text` safely.

    columns: how many the model must have. outputs: trees a round, one a class of several.
    """
    head, found, rest = text.partition("\nTree=0\n")
    if not found or not text.startswith("tree\n"):
        raise ModelTextError("it does not begin as a model does, with `tree` and `Tree=0`")
    header = _pairs(head.removeprefix("tree\n"), HEADER, FLAGS, "the header")
    n_columns = _whole(header, "max_feature_idx", 0, 1 << 20) + 1
    _check_header(header, n_columns, columns, outputs)
    trees, end, _ = rest.partition(f"\n{END_OF_TREES}\n")
    if not end:
        raise ModelTextError(f"no line `{END_OF_TREES}`; it is cut off")
    blocks = re.split(r"\nTree=(\d+)\n", trees)
    numbers = [0, *map(int, blocks[1::2])]
    if numbers != list(range(len(numbers))):
        raise ModelTextError("trees are not numbered from 0")
    if len(numbers) % outputs:
        raise ModelTextError(f"{len(numbers)} trees are no whole rounds of {outputs}")
    sizes = _array(header, "tree_sizes", len(numbers), "the header")
    written = "Tree=0\n" + trees + "\n"
    starts = [0, *(found.start() + 1 for found in re.finditer(r"\nTree=\d+\n", written))]
    ends = [*starts[1:], len(written)]
    if [len(written[a:b].encode()) for a, b in zip(starts, ends, strict=True)] != sizes.tolist():
        raise ModelTextError("`tree_sizes` are not the sizes of the trees")
    for number, block in zip(numbers, blocks[::2], strict=True):
        _check_tree(_pairs(block, TREE, set(), f"tree {number}"), n_columns, f"tree {number}")


def _check_header(
    header: dict[str, str], n_columns: int, columns: int | None, outputs: int
) -> None:
    if header.get("version") != "v4":
        raise ModelTextError(f"version {header.get('version')!r}; this code reads v4")
    for key in ("num_class", "num_tree_per_iteration"):
        if header.get(key) != str(outputs):
            raise ModelTextError(f"`{key}` is {header.get(key)!r}, expected {outputs}")
    if header.get("label_index") != "0":
        raise ModelTextError(f"`label_index` is {header.get('label_index')!r}, expected 0")
    objective = header.get("objective", "")
    classes = re.fullmatch(r"multiclass num_class:(\d+)", objective)
    if not re.fullmatch(OBJECTIVES, objective) or (outputs > 1 and not classes):
        raise ModelTextError(f"unknown objective {objective!r:.60}")
    if classes and classes[1] != str(outputs):
        raise ModelTextError(f"the objective has {classes[1]:.20} classes, expected {outputs}")
    for key in ("feature_names", "feature_infos"):
        if len(header.get(key, "").split(" ")) != n_columns:
            raise ModelTextError(f"`{key}` does not have one entry a column ({n_columns})")
    if columns is not None and columns != n_columns:
        raise ModelTextError(f"it has {n_columns} columns; the encoder gives {columns}")


def _check_tree(tree: dict[str, str], n_columns: int, where: str) -> None:
    leaves = _whole(tree, "num_leaves", 1, MOST_LEAVES)
    categorical = _whole(tree, "num_cat", 0, leaves - 1)
    if tree.get("is_linear", "0") != "0":
        raise ModelTextError(f"{where} has linear leaves, which Retrace does not make")
    _array(tree, "leaf_value", leaves, where)
    _array(tree, "shrinkage", 1, where)
    if leaves == 1:
        for key in TREE - {"leaf_value", "leaf_weight", "leaf_count"} - WHOLE:
            _array(tree, key, 0, where)
        return
    nodes = leaves - 1
    for key in ("split_gain", "threshold", "internal_value", "internal_weight", "internal_count"):
        _array(tree, key, nodes, where)
    for key in ("leaf_weight", "leaf_count"):
        _array(tree, key, leaves, where)
    _indices(tree, "split_feature", nodes, 0, n_columns - 1, where)
    kinds = _indices(tree, "decision_type", nodes, 0, 15, where)
    _check_children(tree, leaves, where)
    of_category = kinds % 2 == 1
    if categorical != of_category.sum():
        raise ModelTextError(
            f"{where} has {of_category.sum()} categorical splits, not {categorical}"
        )
    if categorical:
        edges = _indices(tree, "cat_boundaries", categorical + 1, 0, 1 << 24, where)
        if edges[0] != 0 or (np.diff(edges) < 0).any():
            raise ModelTextError(f"{where}: `cat_boundaries` do not rise from 0")
        _indices(tree, "cat_threshold", int(edges[-1]), 0, (1 << 32) - 1, where)
        cuts = _array(tree, "threshold", nodes, where)[of_category]
        if not np.isin(cuts, np.arange(categorical)).all():
            raise ModelTextError(
                f"{where}: a categorical `threshold` is no number of a category set"
            )


def _check_children(tree: dict[str, str], leaves: int, where: str) -> None:
    """Every node but the first, and every leaf, is the child of one node above it.

    A child's number is above its parent's in what LightGBM writes: so there is no loop.
    """
    nodes = leaves - 1
    children = np.concatenate(
        [
            _indices(tree, key, nodes, -leaves, nodes - 1, where)
            for key in ("left_child", "right_child")
        ]
    )
    parents = np.tile(np.arange(nodes), 2)
    inner = children >= 0
    if (children[inner] <= parents[inner]).any():
        raise ModelTextError(f"{where} has a node below itself")
    expected = np.concatenate([np.arange(-leaves, 0), np.arange(1, nodes)])
    if not np.array_equal(np.sort(children), expected):
        raise ModelTextError(f"{where} has a node or a leaf with no parent, or with two")


def _pairs(block: str, known: set[str], flags: set[str], where: str) -> dict[str, str]:
    """Read the lines `key=value`; an unknown key and a doubled one are refused."""
    found: dict[str, str] = {}
    for line in block.rstrip("\n").split("\n"):  # LightGBM reads no further than a blank line
        key, equals, value = line.partition("=")
        if not equals and line in flags:
            continue
        if not equals or key not in known or key in found:
            raise ModelTextError(f"{where}: unexpected line {line[:60]!r}")
        found[key] = value
    return found


def _whole(pairs: dict[str, str], key: str, least: int, most: int) -> int:
    value = pairs.get(key, "")
    if not re.fullmatch(r"\d{1,9}", value) or not least <= int(value) <= most:
        raise ModelTextError(f"`{key}` is {value[:40]!r}; expected {least} to {most}")
    return int(value)


def _array(pairs: dict[str, str], key: str, size: int, where: str) -> NDArray[np.float64]:
    value = pairs.get(key, "")
    if key == "threshold":  # missing against not missing: LightGBM writes infinity, and reads this
        value = re.sub(r"(?<!\S)inf(?!\S)", LARGEST, value)
    if not NUMBERS.fullmatch(value):
        raise ModelTextError(f"{where}: `{key}` has something else than numbers")
    found = np.array(value.split(), dtype=np.float64)
    if len(found) != size:
        raise ModelTextError(f"{where}: `{key}` has {len(found)} numbers, not {size}")
    if not np.isfinite(found).all():
        raise ModelTextError(f"{where}: `{key}` has numbers that are too large")
    return found


def _indices(
    pairs: dict[str, str], key: str, size: int, least: int, most: int, where: str
) -> NDArray[np.int64]:
    found = _array(pairs, key, size, where)
    if re.search(r"[.eE]", pairs[key]) or ((found < least) | (found > most)).any():
        raise ModelTextError(f"{where}: `{key}` has values other than {least} to {most}")
    return found.astype(np.int64)
