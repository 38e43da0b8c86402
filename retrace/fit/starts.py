"""Where boosters start from: the offset, the mean, or both, which is the average of one of each;
and whether a booster of extremely random trees is averaged with each.

A linear model says with one number what trees need many steps for, and errs where nothing is a
line; the errors of both kinds of booster differ, so that their average is often better than either
(Breiman, "Stacked regressions", Machine Learning 1996, with weights that are all equal or 0). So it
is of trees whose thresholds are drawn (Geurts, Ernst & Wehenkel, "Extremely randomized trees",
Machine Learning 2006). The average is one booster, with the trees of all at a share of their
height.

A booster from the mean has MEAN after its name while it is fitted, and does not see the offset; one
of extremely random trees has EXTRA after it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from retrace.fit.boosters import Layout, Window, booster_to_text, weight_of, window_of
from retrace.fit.learner import lgb
from retrace.fit.modeltext import END_OF_TREES

MEAN, EXTRA = ".mean", ".extra"
SHARES = {"offset": 1.0, "both": 0.5, "mean": 0.0}  # of the offset
WITH_EXTRA = "+extra"  # after a start


def base(name: str) -> str:
    return name.partition(".")[0]


def share_of(start: str) -> float:
    return SHARES[start.removesuffix(WITH_EXTRA)]


def named(name: str, start: str) -> tuple[str, ...]:
    """Return the boosters that a booster of this name is made of; of the bounds of an interval,
    which have a name of their own, none has extremely random trees."""
    begins = {"offset": (name,), "mean": (name + MEAN,), "both": (name, name + MEAN)}
    plain = begins[start.removesuffix(WITH_EXTRA)]
    if name != "point" or not start.endswith(WITH_EXTRA):
        return plain
    return (*plain, *(one + EXTRA for one in plain))


def layout_for(name: str, layout: Layout) -> Layout:
    return replace(layout, share=0.0 if MEAN in name else 1.0)


def objective_for(name: str, objective: Mapping[str, object]) -> dict[str, object]:
    return {**objective, **({"extra_trees": True} if name.endswith(EXTRA) else {})}


def seen_by(name: str, layout: Layout, window: Window) -> Window:
    """Return the rows as a booster of this name sees them: from the mean, without the offset."""
    if not layout.places or MEAN not in name:
        return window
    matrix = window[0].copy()
    matrix[:, layout.places] = 0.0
    return window_of(np.ascontiguousarray(matrix), window[1], weight_of(window))


def averaged(boosters: Mapping[str, lgb.Booster]) -> tuple[dict[str, lgb.Booster], float]:
    """Return one booster a name, and the share of the offset that they start from."""
    found = {}
    for name in dict.fromkeys(map(base, boosters)):
        parts = [one for other, one in boosters.items() if base(other) == name]
        found[name] = parts[0] if len(parts) == 1 else _average(parts)
    of_point = [other for other in boosters if base(other) == base(next(iter(boosters)))]
    return found, float(np.mean([MEAN not in other for other in of_point]))


def _average(boosters: Sequence[lgb.Booster]) -> lgb.Booster:
    texts = [booster_to_text(one) for one in boosters]
    head, _, _ = texts[0].partition("Tree=0\n")
    head = re.sub(r"^tree_sizes=.*\n", "", head, flags=re.MULTILINE)  # LightGBM counts again
    trees: list[str] = []
    for text in texts:
        body = text[text.index("Tree=0\n") : text.index(END_OF_TREES)]
        trees += re.split(r"^Tree=\d+\n", body, flags=re.MULTILINE)[1:]
    parts = len(boosters)
    body = "".join(f"Tree={place}\n{_lower(tree, parts)}" for place, tree in enumerate(trees))
    return lgb.Booster(model_str=f"{head}{body}{END_OF_TREES}\n\npandas_categorical:[]\n")


def _lower(tree: str, parts: int) -> str:
    def part(found: re.Match[str]) -> str:
        return found[1] + " ".join(repr(float(value) / parts) for value in found[2].split())

    return re.sub(r"^((?:leaf|internal)_value=)(.+)$", part, tree, flags=re.MULTILINE)
