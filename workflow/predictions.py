"""Prediction records: the columns that evaluate writes and serving logs."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from problems.contract import Problem
from retrace.fit.bundle import Bundle
from retrace.judge import metrics


def records(
    problem: Problem, bundle: Bundle, scored: pd.DataFrame, *, role: str, version: str = ""
) -> pd.DataFrame:
    """Return the prediction records, in the columns that serving logs too.

    role : why the model was asked: test, champion or challenger
    version : or commit of the model; empty in the DAG, whose bytes do not depend on commits
    """
    said = metrics.said(scored)
    classes: Any = said.add_prefix(metrics.prefix()) if isinstance(said, pd.DataFrame) else {}
    never = pd.Series(pd.NaT, index=scored.index, dtype="datetime64[us, UTC]")
    return pd.DataFrame(
        {
            "prediction_id": prediction_ids(problem, scored, bundle.fingerprint),
            "problem": problem.name,
            "version": version,
            "fingerprint": bundle.fingerprint,
            "role": role,
            **{name: scored[name] for name in problem.key},
            "as_of": scored[problem.time] if problem.time else never,
            **{
                name: scored.get(name, np.nan)  # probabilities have no interval
                for name in ("prediction", "lower", "upper", "outcome")
            },
            **classes,
            "known_at": scored[problem.known_at] if problem.known_at else never,
        }
    )


def prediction_ids(problem: Problem, rows: pd.DataFrame, fingerprint: str) -> pd.Series:
    """Name each prediction by what determines it: problem, key, time of prediction and bundle."""
    as_of = [problem.time] if problem.time else []
    keys = rows[[*problem.key, *as_of]].astype(str).agg("\x1f".join, axis=1)
    prefix = hashlib.blake2b(f"{problem.name}\x1f{fingerprint}".encode(), digest_size=16)
    ids = []
    for key in keys:
        digest = prefix.copy()
        digest.update(b"\x1f" + key.encode())
        ids.append(digest.hexdigest())
    return pd.Series(ids, index=rows.index, dtype="str")
