"""Where boosters start from: the offset, the mean, or both, which is the average of one of each.

A linear model says with one number what trees need many steps for, and errs where nothing is a
line; the errors of both kinds of booster differ, so that their average is often better than either
(Breiman, "Stacked regressions", Machine Learning 1996, with weights of 0, 1/2 and 1). The average
is one booster, with the trees of both at half their height.

A booster from the mean has MEAN after its name while it is fitted; it does not see the offset.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from retrace.fit.boosters import Layout, Window, booster_to_text
from retrace.fit.learner import lgb
from retrace.fit.modeltext import END_OF_TREES

MEAN = ".mean"
SHARES = {"offset": 1.0, "both": 0.5, "mean": 0.0}  # of the offset


def base(name: str) -> str:
    return name.removesuffix(MEAN)


def named(name: str, start: str) -> tuple[str, ...]:
    """Return the boosters that a booster of this name is made of."""
    return {"offset": (name,), "mean": (name + MEAN,), "both": (name, name + MEAN)}[start]


def layout_for(name: str, layout: Layout) -> Layout:
    return replace(layout, share=0.0 if name.endswith(MEAN) else 1.0)


def seen_by(name: str, layout: Layout, window: Window) -> Window:
    """Return the rows as a booster of this name sees them: from the mean, without the offset."""
    if not layout.places or not name.endswith(MEAN):
        return window
    matrix = window[0].copy()
    matrix[:, layout.places] = 0.0
    return np.ascontiguousarray(matrix), window[1]


def averaged(boosters: Mapping[str, lgb.Booster]) -> tuple[dict[str, lgb.Booster], float]:
    """Return one booster a name, and the share of the offset that they start from."""
    from_mean = {base(name) for name in boosters if name.endswith(MEAN)}
    from_offset = {name for name in boosters if not name.endswith(MEAN)}
    if not from_mean:
        return dict(boosters), SHARES["offset"]
    if not from_offset:
        return {base(name): one for name, one in boosters.items()}, SHARES["mean"]
    found = {name: _half_of_each(boosters[name], boosters[name + MEAN]) for name in from_mean}
    return {name: found[name] for name in boosters if name in found}, SHARES["both"]


def _half_of_each(first: lgb.Booster, second: lgb.Booster) -> lgb.Booster:
    texts = [booster_to_text(one) for one in (first, second)]
    head, _, _ = texts[0].partition("Tree=0\n")
    head = re.sub(r"^tree_sizes=.*\n", "", head, flags=re.MULTILINE)  # LightGBM counts again
    trees: list[str] = []
    for text in texts:
        body = text[text.index("Tree=0\n") : text.index(END_OF_TREES)]
        trees += re.split(r"^Tree=\d+\n", body, flags=re.MULTILINE)[1:]
    body = "".join(f"Tree={place}\n{_halved(tree)}" for place, tree in enumerate(trees))
    return lgb.Booster(model_str=f"{head}{body}{END_OF_TREES}\n\npandas_categorical:[]\n")


def _halved(tree: str) -> str:
    def half(found: re.Match[str]) -> str:
        return found[1] + " ".join(repr(float(value) / 2) for value in found[2].split())

    return re.sub(r"^((?:leaf|internal)_value=)(.+)$", half, tree, flags=re.MULTILINE)
