"""What featurize fits: encoders and text models, and the scale that targets are fitted on."""

import zipfile
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NotRequired, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter
from typing_extensions import TypedDict

from retrace.base.archive import write_arrays
from retrace.base.arrays import Arrays
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, write_json
from retrace.encode.classes import fit_classes
from retrace.encode.encoders import Encoder, Ints, Matrix
from retrace.encode.linear import COLUMN, LinearModel, of_classes
from retrace.encode.text.blocks import Block
from retrace.encode.text.model import TextModel


@dataclass(frozen=True)
class Encoding:
    """Everything fitted between features and boosters, and the settings the features go with."""

    encoder: Encoder
    text: TextModel
    feature_settings: dict[str, Any]
    fingerprint: str = ""  # of the code and the settings that made the features
    classes: tuple[str, ...] = ()  # of a target with several, by the number that is fitted
    linear: tuple[LinearModel, ...] = ()  # of the columns before its own; of several classes each

    @cached_property
    def columns(self) -> list[str]:
        linear = [COLUMN] if len(self.linear) == 1 else of_classes(COLUMN, len(self.linear))
        return [*self.encoder.columns, *self.text.columns, *linear]

    @property
    def start(self) -> str | None:
        """The column that estimates the target by itself, on the fitted scale: where boosters start
        from; of several classes what their columns' names begin with."""
        return COLUMN if self.linear else next(iter(self.text.columns), None)

    @cached_property
    def needs(self) -> list[str]:
        """The features that `transform` reads."""
        named = [*self.encoder.numeric, *self.encoder.categorical]
        for target in self.encoder.targets:
            named += target.columns
        for block in self.text.blocks:
            named += [*block.texts, *(name for group in block.values for name in group)]
        return list(dict.fromkeys(named))

    def transform(self, features: Arrays) -> Matrix:
        """Encode features, each of shape (n_rows,), into the boosters' columns: a C-contiguous
        matrix of shape (n_rows, n_columns).

        Raises RetraceError for columns that it does not have.
        """
        missing = [name for name in self.needs if name not in features]
        if missing:
            raise RetraceError(
                f"the model needs the column(s) {', '.join(missing)}; the features have "
                f"{', '.join(map(str, features))}. They are of another problem or another version."
            )
        matrix = self.encoder.transform(features)
        if self.text.columns:
            matrix = np.concatenate([matrix, self.text.transform(features)], axis=1)
        if self.linear:
            columns = [one.transform(matrix) for one in self.linear]
            matrix = np.concatenate([matrix, *columns], axis=1)
        return matrix

    def with_linear(
        self, matrix: Matrix, target: NDArray[np.float64], folds: Ints, *, binary: bool
    ) -> tuple[Self, Matrix]:
        """Fit a linear model of the other columns; return the encoding with it, and the matrix with
        what it says of its rows, out of fold.

        matrix : of training rows, shape (n_rows, n_columns); columns of an earlier linear model
            are replaced
        target : outcome on the fitted scale, 0 and 1, or the number of a class, shape (n_rows,)
        folds : of `folds_of`, shape (n_rows,)
        """
        matrix = matrix[:, : len(self.encoder.columns) + len(self.text.columns)]
        codes = [self.encoder.columns.index(name) for name in self.encoder.categorical]
        if self.classes:
            labels = target.astype(np.int64)
            linear, columns = fit_classes(matrix, labels, folds, codes, len(self.classes))
        else:
            model, columns = LinearModel.fit(matrix, target, folds, codes, binary=binary)
            linear = (model,)
        return replace(self, linear=linear), np.concatenate([matrix, columns], axis=1)

    def to_frame(self, matrix: Matrix, index: pd.Index | None = None) -> pd.DataFrame:
        """Return the boosters' columns with their names, the codes of categories as int32."""
        frame = pd.DataFrame(matrix, index=index, columns=self.columns)
        return frame.astype(dict.fromkeys(self.encoder.categorical, np.int32))

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        value = {
            "fingerprint": self.fingerprint,
            "feature_settings": self.feature_settings,
            "text": [asdict(block) for block in self.text.blocks],
            **self.encoder.to_json(),
            **({"classes": list(self.classes)} if self.classes else {}),
            **({"linear": [one.to_json() for one in self.linear]} if self.linear else {}),
        }
        write_json(value, folder / "encoder.json")
        write_arrays(folder / "text.npz", self.text.to_arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        path = folder / "text.npz"
        try:
            value = FILE.validate_python(read_json(folder / "encoder.json"))
            with open_arrays(path) as arrays:
                text = TextModel.from_arrays(arrays, value["text"])
            encoder, linear = Encoder.from_json(dict(value)), value.get("linear", [])
            n_columns = len(encoder.columns) + len(text.columns)
            return cls(
                encoder,
                text,
                value["feature_settings"],
                value["fingerprint"],
                tuple(value.get("classes", ())),
                tuple(LinearModel.from_json(dict(one), n_columns) for one in linear),
            )
        except (OSError, ValueError, KeyError, TypeError, MemoryError, zipfile.BadZipFile) as error:
            raise RetraceError(
                f"{folder} does not hold a readable encoding ({str(error)[:200]}). "
                "Make it again with `dvc repro`, or `dvc pull`."
            ) from None


class _Target(TypedDict):
    columns: Annotated[list[str], Field(min_length=1)]
    prior: float
    smoothing: float
    sums: dict[str, float]
    counts: dict[str, int]


class _Curve(TypedDict):
    at: list[float]
    counts: list[float]
    absent: float


class _Linear(TypedDict):
    intercept: float
    curves: dict[str, _Curve]
    codes: dict[str, list[float]]


class _File(TypedDict):
    """encoder.json"""

    fingerprint: str
    feature_settings: dict[str, Any]
    text: list[Block]
    numeric: list[str]
    categories: dict[str, list[str]]
    targets: list[_Target]
    classes: NotRequired[list[str]]
    linear: NotRequired[list[_Linear]]  # one, or one a class


FILE = TypeAdapter(_File)


def open_arrays(path: Path) -> Any:
    """Open an archive of arrays from anywhere: without objects, and with nothing that is packed.

    Raises OSError, ValueError or zipfile.BadZipFile.
    """
    _check_archive(path)
    return np.load(path, allow_pickle=False)


def _check_archive(path: Path) -> None:
    """Refuse members that are packed: a small file must not become a large one in memory."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or member.file_size > path.stat().st_size:
                raise ValueError(f"{path.name}: {member.filename:.60} is compressed")


def to_scale(values: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Map outcomes to the scale that models are fitted on."""
    return np.log1p(values) if scale == "log" else values


def from_scale(values: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Map fitted values back to the target's unit; a log target is never below 0."""
    return np.maximum(np.expm1(values), 0.0) if scale == "log" else values
