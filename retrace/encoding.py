"""What featurize fits: encoders and text models, and the scale that targets are fitted on."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrace.base.errors import RetraceError
from retrace.base.files import read_json, write_json
from retrace.encoders import Encoder
from retrace.text.blocks import Block
from retrace.text.model import TextModel


@dataclass(frozen=True)
class Encoding:
    """Everything fitted between features and boosters, and the settings the features go with."""

    encoder: Encoder
    text: TextModel
    feature_settings: dict[str, Any]

    @property
    def columns(self) -> list[str]:
        return [*self.encoder.columns, *self.text.columns]

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Encode a feature frame of shape (n_rows, n_features) into the boosters' columns."""
        return pd.concat([self.encoder.transform(features), self.text.transform(features)], axis=1)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        value = {
            "feature_settings": self.feature_settings,
            "text": [asdict(block) for block in self.text.blocks],
            **self.encoder.to_json(),
        }
        write_json(value, folder / "encoder.json")
        np.savez(folder / "text.npz", **self.text.to_arrays())

    @classmethod
    def load(cls, folder: Path) -> Self:
        value = read_json(folder / "encoder.json")
        path = folder / "text.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                text = TextModel.from_arrays(arrays, [_block(item) for item in value["text"]])
            return cls(Encoder.from_json(value), text, value["feature_settings"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RetraceError(
                f"{folder} does not hold a readable encoding ({error}). "
                "Make it again with `dvc repro`, or `dvc pull`."
            ) from None


def _block(item: dict[str, Any]) -> Block:
    values = tuple(map(tuple, item.pop("values")))
    return Block(texts=tuple(item.pop("texts")), values=values, **item)


def to_scale(values: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Map outcomes to the scale that models are fitted on."""
    return np.log1p(values) if scale == "log" else values


def from_scale(values: NDArray[np.float64], scale: str) -> NDArray[np.float64]:
    """Map fitted values back to the target's unit; a log target is never below 0."""
    return np.maximum(np.expm1(values), 0.0) if scale == "log" else values
