"""A fitted model on disk: text, JSON and plain arrays. Reading one runs no code that it brings.

bundle.json      what it is: task, unit, scale, features and settings, fingerprint
encoder.json     categories and target means
text.npz         text models (arrays, read with allow_pickle=False)
boosters/*.txt   LightGBM's own text: point, and for a regression lower and upper
interval.json    the conformal widening of a regression
calibration.json how a classifier's scores become probabilities
card.json        how it was fitted: rows, rounds, scores
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.errors import RetraceError
from retrace.base.files import read_json, write_json
from retrace.boosters import booster_from_text, booster_to_text
from retrace.calibration import Calibration
from retrace.encoding import Encoding, from_scale
from retrace.intervals import Interval

FORMAT = 1
BOOSTERS = {"regression": ("point", "lower", "upper"), "binary": ("point",)}  # by task


@dataclass(frozen=True)
class Bundle:
    """A model that predicts value and interval, or probability, from features; needs no DVC.

    `offset` is the column that the boosters' outputs are added to, on the fitted scale.
    """

    problem: str
    task: str
    unit: str
    scale: str
    encoding: Encoding
    boosters: dict[str, lgb.Booster]
    offset: str | None
    interval: Interval | None  # of a regression
    card: dict[str, Any]
    calibration: Calibration | None = None  # of a classifier
    fingerprint: str = ""  # of the files that it was read from

    def predict(self, features: pd.DataFrame, num_threads: int = 0) -> pd.DataFrame:
        """Return prediction, lower, upper, p50, p80 and p90 in the target's unit.

        A classifier returns `prediction` alone: the calibrated probability.
        """
        columns = self.encoding.transform(features)
        found = predict_scaled(self.boosters, self.offset, columns, num_threads)
        if self.calibration is not None:
            probability = self.calibration.apply(found["point"])
            return pd.DataFrame({"prediction": probability}, index=features.index)
        if self.interval is None:
            raise ValueError("a bundle has an interval or a calibration")
        point = found["point"]
        lower, upper = self.interval.apply(**found)
        scaled = {"prediction": point, "lower": lower, "upper": upper}
        scaled |= {name: point + above for name, above in self.interval.above.items()}
        return pd.DataFrame(
            {name: from_scale(values, self.scale) for name, values in scaled.items()},
            index=features.index,
        )

    def save(self, folder: Path) -> None:
        """Write the bundle; the same model gives the same bytes."""
        self.encoding.save(folder)
        (folder / "boosters").mkdir(exist_ok=True)
        for name, booster in self.boosters.items():
            (folder / "boosters" / f"{name}.txt").write_text(booster_to_text(booster), "utf-8")
        if self.interval is not None:
            write_json(self.interval.to_json(), folder / "interval.json")
        if self.calibration is not None:
            write_json(self.calibration.to_json(), folder / "calibration.json")
        write_json(self.card, folder / "card.json")
        about = {
            "format": FORMAT,
            "problem": self.problem,
            "task": self.task,
            "unit": self.unit,
            "scale": self.scale,
            "offset": self.offset,
            "columns": self.encoding.columns,
            "fingerprint": _fingerprint(folder),
        }
        write_json(about, folder / "bundle.json")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a bundle. Raises RetraceError when it is missing, damaged or of another format."""
        about = read_json(folder / "bundle.json")
        if about.get("format") != FORMAT:
            raise RetraceError(
                f"{folder / 'bundle.json'} has format {about.get('format')!r}; this code reads "
                f"format {FORMAT}. Use the code of the commit that made it."
            )
        if about["fingerprint"] != _fingerprint(folder):
            raise RetraceError(
                f"{folder} is not what was written: its files do not match the fingerprint in "
                "bundle.json. Get it again with `dvc checkout --force` or `dvc pull`."
            )
        binary = about["task"] == "binary"
        boosters = {}
        for name in BOOSTERS[about["task"]]:
            path = folder / "boosters" / f"{name}.txt"
            boosters[name] = booster_from_text(path.read_text("utf-8"), str(path))
        return cls(
            **{
                key: about[key]
                for key in ("problem", "task", "unit", "scale", "offset", "fingerprint")
            },
            encoding=Encoding.load(folder),
            boosters=boosters,
            interval=None if binary else Interval(**read_json(folder / "interval.json")),
            card=read_json(folder / "card.json"),
            calibration=(Calibration(**read_json(folder / "calibration.json")) if binary else None),
        )


def predict_scaled(
    boosters: dict[str, lgb.Booster],
    offset: str | None,
    columns: pd.DataFrame,
    num_threads: int = 0,
) -> dict[str, NDArray[np.float64]]:
    """Return each booster's values (point, lower, upper) on the fitted scale, shape (n_rows,).

    The scale of a classifier is log odds.
    """
    begin = columns[offset].to_numpy(np.float64) if offset else 0.0
    return {
        name: begin + np.asarray(booster.predict(columns, raw_score=True, num_threads=num_threads))
        for name, booster in boosters.items()
    }


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "bundle.json"):
        digest.update(json.dumps(path.relative_to(folder).as_posix()).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
