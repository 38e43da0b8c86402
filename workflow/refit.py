"""Fit what was chosen on other rows, with nothing chosen any more."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from problems.contract import Problem
from retrace.encode.encoding import Encoding
from retrace.fit.beside import fit_beside
from retrace.fit.boosters import Window, fit_rounds
from retrace.fit.bundle import Bundle
from retrace.fit.learner import lgb
from retrace.fit.starts import averaged, base, layout_for, objective_for, seen_by
from workflow.train import TrainParams, layout_of, objectives


def settled(params: TrainParams, chosen: Bundle) -> TrainParams:
    """Return the parameters with the loss and the trees that were chosen."""
    trees = chosen.card.get("trees", {})
    return params.model_copy(update={"loss": chosen.card.get("loss"), **trees})


def refit(
    problem: Problem,
    chosen: Bundle,
    encoding: Encoding,
    rows: Window,
    params: TrainParams,
    *,
    names: Sequence[str] = (),
    num_threads: int = 0,
) -> Bundle:
    """Fit the boosters of `chosen` on other rows, with its rounds and its loss, and keep what it
    promises; `names` are those of some boosters, without it all."""
    return refits(
        problem, chosen, [(encoding, rows)], params, names=names, num_threads=num_threads
    )[0]


def refits(
    problem: Problem,
    chosen: Bundle,
    fits: Sequence[tuple[Encoding, Window]],
    params: TrainParams,
    *,
    names: Sequence[str] = (),
    num_threads: int = 0,
) -> list[Bundle]:
    """Fit the boosters of `chosen` on several encodings and rows, as `refit` does on one."""
    params = settled(params, chosen)
    found = objectives(problem, params, len(fits[0][0].classes))

    def fit(place: int, name: str, threads: int) -> lgb.Booster:
        encoding, rows = fits[place]
        layout = layout_for(name, layout_of(problem, encoding, found["point"]))
        seen, objective = seen_by(name, layout, rows), objective_for(name, found[base(name)])
        rounds = max(1, chosen.card["rounds"][name])
        return fit_rounds(seen, layout, params, objective, rounds, num_threads=threads)

    def bundle(place: int) -> Bundle:
        encoding, rows = fits[place]
        own = {name: booster for (of, name), booster in fitted.items() if of == place}
        boosters, share = averaged(own)
        card = {**chosen.card, "rows": {**chosen.card["rows"], "fitted": len(rows[1])}}
        return replace(chosen, encoding=encoding, boosters=boosters, share=share, card=card)

    asked = [name for name in chosen.card["rounds"] if not names or base(name) in names]
    wanted = {
        (place, name): partial(fit, place, name) for place in range(len(fits)) for name in asked
    }
    fitted = fit_beside(wanted, max(len(rows[1]) for _, rows in fits), num_threads)
    return [bundle(place) for place in range(len(fits))]
