"""A fitted model on disk: text, JSON and plain arrays. Reading one runs no code that it brings.

bundle.json      what it is: task, unit, scale, features and settings, fingerprint
encoder.json     categories and target means
text.npz         text models (arrays, read with allow_pickle=False)
boosters/*.txt   LightGBM's own text: point, and for a regression lower and upper; of several
                 classes the point has a tree a class in each round
interval.json    the conformal widening of a regression
calibration.json how a classifier's scores become probabilities
card.json        how it was fitted: rows, rounds, scores
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NotRequired, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from retrace.base.errors import RetraceError
from retrace.base.files import read_json, write_json
from retrace.encode.encoding import Encoding, from_scale
from retrace.fit.boosters import booster_from_text, booster_to_text
from retrace.fit.calibration import CALIBRATIONS, Calibration, Temperature
from retrace.fit.intervals import Interval
from retrace.fit.learner import lgb

FORMAT = 1
Link = Literal["log"] | None
BOOSTERS = {  # by task
    "regression": ("point", "lower", "upper"),
    "binary": ("point",),
    "multiclass": ("point",),
}
MOST_CLASSES = 1000


@dataclass(frozen=True)
class Bundle:
    """A model that predicts value and interval, or probability, from features; needs no DVC.

    `offset` is the column that the boosters' outputs are added to, on the fitted scale. With the
    link `log` the point's booster gives the logarithm of its value on the fitted scale.
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
    calibration: Calibration | Temperature | None = None  # of a classifier
    fingerprint: str = ""  # of the files that it was read from
    link: Link = None

    def predict(self, features: pd.DataFrame, num_threads: int = 0) -> pd.DataFrame:
        """Return prediction, lower, upper, p50, p80 and p90 in the target's unit.

        A classifier returns `prediction` alone: the calibrated probability; one of several classes
        the most probable, and `probability_<class>` of each.
        """
        columns = self.encoding.transform(features)
        found = predict_scaled(self.boosters, self.offset, columns, num_threads, link=self.link)
        if self.calibration is not None:
            values = self._probabilities(self.calibration.apply(found["point"]))
            return pd.DataFrame(values, index=features.index)
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

    def _probabilities(self, found: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        classes = self.encoding.classes
        if not classes:
            return {"prediction": found}
        chosen = np.array(classes, dtype=object)[found.argmax(axis=1)]
        each = {f"probability_{name}": found[:, place] for place, name in enumerate(classes)}
        return {"prediction": chosen, **each}

    def point(self, features: pd.DataFrame, num_threads: int = 0) -> pd.Series | pd.DataFrame:
        """Return the prediction alone, of several classes with their probabilities, as `predict`
        has it; no other booster is needed."""
        columns = self.encoding.transform(features)
        only = {"point": self.boosters["point"]}
        found = predict_scaled(only, self.offset, columns, num_threads, link=self.link)["point"]
        if self.calibration is None:
            values = from_scale(found, self.scale)
        else:
            values = self.calibration.apply(found)
        if self.encoding.classes:
            return pd.DataFrame(self._probabilities(values), index=features.index)
        return pd.Series(values, index=features.index, name="prediction")

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
            **({"link": self.link} if self.link else {}),
            "columns": self.encoding.columns,
            "fingerprint": _fingerprint(folder),
        }
        write_json(about, folder / "bundle.json")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a bundle from anywhere; nothing in it is run, and what does not fit is refused.

        Raises RetraceError when it is missing, damaged or of another format.
        """
        about = read_json(folder / "bundle.json")
        found = about.get("format") if isinstance(about, dict) else None
        if found != FORMAT:
            raise RetraceError(
                f"{folder / 'bundle.json'} has format {found!r:.40}; this code reads "
                f"format {FORMAT}. Use the code of the commit that made it."
            )
        _check_files(folder)
        try:
            return cls._read(folder, ABOUT.validate_python(about))
        except (KeyError, TypeError, ValueError, OverflowError, MemoryError) as error:
            first = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise RetraceError(
                f"{folder} does not hold a bundle that fits together ({first}). "
                "Get it again with `dvc checkout --force` or `dvc pull`."
            ) from None

    @classmethod
    def _read(cls, folder: Path, about: "_About") -> Self:
        if about["fingerprint"] != _fingerprint(folder):
            raise RetraceError(
                f"{folder} is not what was written: its files do not match the fingerprint in "
                "bundle.json. Get it again with `dvc checkout --force` or `dvc pull`."
            )
        encoding = Encoding.load(folder)
        columns = encoding.columns
        if about["columns"] != columns or len(set(columns)) < len(columns):
            raise ValueError("the columns of bundle.json are not those of encoder.json")
        if about["offset"] is not None and about["offset"] not in columns:
            raise ValueError(f"the offset {about['offset']!r:.60} is no column")
        task, classes = about["task"], encoding.classes
        if (task == "multiclass") != bool(classes) or len(set(classes)) != len(classes):
            raise ValueError(f"the classes of encoder.json are none of a {task} problem")
        if classes and not 2 <= len(classes) <= MOST_CLASSES:
            raise ValueError(f"it has {len(classes)} classes")
        boosters = {}
        for name in BOOSTERS[about["task"]]:
            path = folder / "boosters" / f"{name}.txt"
            boosters[name] = booster_from_text(
                path.read_text("utf-8"), str(path), len(columns), outputs=len(classes) or 1
            )
        interval = calibration = None
        if task in CALIBRATIONS:
            reader = TypeAdapter(CALIBRATIONS[task])
            calibration = reader.validate_python(read_json(folder / "calibration.json"))
        else:
            interval = INTERVAL.validate_python(read_json(folder / "interval.json"))
        return cls(
            problem=about["problem"],
            task=about["task"],
            unit=about["unit"],
            scale=about["scale"],
            offset=about["offset"],
            fingerprint=about["fingerprint"],
            encoding=encoding,
            boosters=boosters,
            interval=interval,
            card=CARD.validate_python(read_json(folder / "card.json")),
            calibration=calibration,
            link=about.get("link"),
        )


class _About(TypedDict):
    """bundle.json"""

    format: int
    problem: str
    task: Literal["regression", "binary", "multiclass"]
    unit: str
    scale: Literal["log", "identity"]
    offset: str | None
    link: NotRequired[Link]
    columns: list[str]
    fingerprint: str


# What JSON from anywhere must look like, before code relies on it.
ABOUT = TypeAdapter(_About)
INTERVAL = TypeAdapter(Interval)
CARD = TypeAdapter(dict[str, Any])


def _check_files(folder: Path) -> None:
    """Refuse pipes and devices, which never end, and folders where files must be."""
    for path in folder.rglob("*"):
        if not path.is_file() and not path.is_dir():
            raise RetraceError(f"{path} is no file. A bundle has files and one folder, boosters/.")


def predict_scaled(
    boosters: dict[str, lgb.Booster],
    offset: str | None,
    columns: pd.DataFrame,
    num_threads: int = 0,
    *,
    link: Link = None,
    rounds: int | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Return each booster's values (point, lower, upper) on the fitted scale, shape (n_rows,).

    The scale of a classifier is log odds; several classes have scores of shape (n_rows, n_classes).
    `rounds` of the boosters are used, without it their best.
    """
    begin = columns[offset].to_numpy(np.float64) if offset else 0.0
    found = {
        name: begin
        + np.asarray(
            booster.predict(columns, raw_score=True, num_iteration=rounds, num_threads=num_threads)
        )
        for name, booster in boosters.items()
    }
    if link == "log":
        found["point"] = np.exp(found["point"])
    return found


def link_of(objective: Mapping[str, object]) -> Link:
    """Return the scale of a booster's scores beside the fitted one."""
    return "log" if objective["objective"] == "poisson" else None


def _fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "bundle.json"):
        digest.update(json.dumps(path.relative_to(folder).as_posix()).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
