"""The one path from clean rows to predictions, in training, batch and serving alike."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from problems import parts
from problems.contract import Features, Problem, World
from problems.featurize import complete, features_of
from retrace.base.arrays import Arrays, to_frame
from retrace.base.errors import RetraceError
from retrace.base.params import Params, parse_section
from retrace.encode.encoders import Matrix
from retrace.fit.bundle import Bundle
from retrace.past.state import State

ENCODER = Path("encoder.json")  # of the bundle


@dataclass(frozen=True)
class Predictor:
    """A model that answers one request after the other, loaded once.

    `state` is what is known of the problem's entities until now; a problem without history has
    none. Its answers are to the bit those of `predict`.
    """

    problem: Problem
    bundle: Bundle
    part: Features
    settings: Params
    state: State | None = None

    @classmethod
    def of(cls, problem: Problem, bundle: Bundle, state: pd.DataFrame | None = None) -> Self:
        """Make one from a bundle and the table of data/state (without it nothing is known yet)."""
        part = parts.features(problem.world)
        settings = settings_of(part, bundle)
        kind = part.history.state if part.history else None
        if kind is None:
            return cls(problem, bundle, part, settings)
        known = kind.empty(settings) if state is None else kind.from_table(state, settings)
        return cls(problem, bundle, part, settings, known)

    def answer(self, rows: Arrays) -> dict[str, NDArray[Any]]:
        """Predict one clean row, or one whole group: arrays of length one, or of its rows.

        Texts are object arrays of str, times datetime64[us] in UTC. The outcome is not needed.
        """
        known = {} if self.state is None else self.state.look_up(rows)
        return self.answer_known(rows, known)

    def answer_known(self, rows: Arrays, known: Arrays) -> dict[str, NDArray[Any]]:
        """Predict clean rows of whose entities is known what `known` says."""
        scores = self.bundle.scores(self.encode(rows, known), num_threads=1)
        return self.bundle.answers(scores)

    def encode(self, rows: Arrays, known: Arrays) -> Matrix:
        """Return the boosters' columns of clean rows, (n_rows, n_columns)."""
        features = self.part.features(rows, known, self.settings)
        found = complete(self.problem.columns, features, self.bundle.encoding.encoder)
        return self.bundle.encoding.transform(found)


def settings_of(part: Features, bundle: Bundle) -> Params:
    """Return the settings of the features that the model was fitted on."""
    return parse_section(
        part.settings, bundle.encoding.feature_settings, "feature_settings", ENCODER
    )


def predict(
    problem: Problem,
    bundle: Bundle,
    clean_rows: pd.DataFrame,
    *,
    past: pd.DataFrame | None = None,
    num_threads: int = 0,
) -> pd.DataFrame:
    """Predict each clean row: prediction, lower, upper and p50 to p90 in the problem's unit;
    of a classifier the probability alone.

    The outcome need not be among the columns of `clean_rows`. `past` are clean rows with outcomes,
    for problems with history: a row uses those that were known at its own time of prediction.
    Rows with a column `refused`, as a reader may return them, are answered by `answer`.
    """
    if "refused" in clean_rows:
        return answer(problem, bundle, clean_rows, past=past)
    scores = scores_of(problem, bundle, clean_rows, past=past, num_threads=num_threads)
    return to_frame(bundle.answers(scores), clean_rows.index)


def scores_of(
    problem: Problem,
    bundle: Bundle,
    clean_rows: pd.DataFrame,
    *,
    past: pd.DataFrame | None = None,
    num_threads: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return each booster's scores of clean rows on the fitted scale, as `Bundle.scores` does."""
    settings = settings_of(parts.features(problem.world), bundle)
    found = features_of(problem.world, clean_rows, settings, past)
    found = complete(problem.columns, found, bundle.encoding.encoder)
    return bundle.scores(bundle.encoding.transform(found), num_threads)


def answer(
    problem: Problem, bundle: Bundle, rows: pd.DataFrame, *, past: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Predict rows that nobody has checked, as `predict` does checked ones.

    A further column, `refused`, says what a row breaks of the schema of the clean table, and "" of
    a row that is answered; a refused row has no prediction (NaN). `rows` may have that column
    already, as those of a reader have. Of rows that look at each other the others see no refused
    one. Outcomes are not asked for.

    Raises RetraceError where it is no single row that is bad, such as for a missing column.
    """
    index, rows = rows.index, rows.reset_index(drop=True)
    refused = pd.Series("", rows.index, dtype="str")
    if "refused" in rows:
        refused = rows.pop("refused").astype("str")
    usable, broken = usable_rows(parts.world(problem.world), rows[refused == ""])
    refused.update(broken)
    found = predict(problem, bundle, usable, past=past)
    return found.reindex(rows.index).assign(refused=refused).set_axis(index)


def usable_rows(world: World, rows: pd.DataFrame) -> "tuple[pd.DataFrame, pd.Series[str]]":
    """Return the rows that keep the world's schema, in its types, and what each other one breaks.

    The index must be unique.
    """
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    asked: dict[str, Any] = {
        str(name): pa.Column(column.dtype, column.checks, nullable=column.nullable)
        for name, column in world.schema.columns.items()
        if name in rows and name not in world.outcomes
    }
    schema = pa.DataFrameSchema(asked, coerce=True)
    broken = pd.Series("", rows.index[:0], dtype="str")
    while True:  # a value that cannot be read hides from the checks what is wrong in other rows
        try:
            return schema.validate(rows, lazy=True), broken
        except SchemaErrors as error:
            cases = error.failure_cases
        single = cases.dropna(subset="index").drop_duplicates("index")
        if single.empty:
            first = cases.iloc[0]
            raise RetraceError(
                f"{world.name}: column '{first['column']}' breaks the schema as a whole: "
                f"{first['check']} ({first['failure_case']})."
            )
        said = single["column"].astype(str) + ": " + single["check"].astype(str)
        found = pd.Series(said.to_numpy(), single["index"].to_numpy(), dtype="str")
        broken, rows = pd.concat([broken, found]), rows.drop(index=found.index)
