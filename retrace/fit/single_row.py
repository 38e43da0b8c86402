"""LightGBM's fast path for one row, by its C API: without it a call costs more than the trees.

`LGBM_BoosterPredictForMatSingleRowFastInit` makes a configuration once, and each prediction is then
one call of a C function. LightGBM's Python package does not use it. A configuration may be used by
one thread at a time, so that each thread has its own.
"""

import ctypes
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrace.encode.encoders import Matrix
from retrace.fit.learner import lgb

_LIBRARY: Any = lgb.basic.__dict__["_LIB"]
_NAMES = ("Init", "")  # of the functions
AVAILABLE = all(
    hasattr(_LIBRARY, f"LGBM_BoosterPredictForMatSingleRowFast{name}") for name in _NAMES
)
_FLOAT32, _RAW_SCORE = ctypes.c_int(0), ctypes.c_int(1)  # of c_api.h


class _Config:
    """What LightGBM keeps for the rows of one thread; `booster` must live as long."""

    def __init__(self, booster: lgb.Booster, n_columns: int) -> None:
        self.booster, self.handle = booster, ctypes.c_void_p()
        self.out = np.zeros(booster.num_model_per_iteration(), np.float64)
        self.n_out = ctypes.c_int64()
        lgb.basic._safe_call(
            _LIBRARY.LGBM_BoosterPredictForMatSingleRowFastInit(
                booster._handle,
                _RAW_SCORE,
                ctypes.c_int(0),
                ctypes.c_int(booster.best_iteration),
                _FLOAT32,
                ctypes.c_int32(n_columns),
                b"num_threads=1",
                ctypes.byref(self.handle),
            )
        )
        self._arguments = (
            ctypes.byref(self.n_out),
            self.out.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        )
        self._call = _LIBRARY.LGBM_BoosterPredictForMatSingleRowFast

    def __call__(self, address: int) -> NDArray[np.float64]:
        if self._call(self.handle, ctypes.c_void_p(address), *self._arguments):
            raise RuntimeError(_LIBRARY.LGBM_GetLastError().decode())
        return self.out

    def __del__(self) -> None:
        if self.handle:
            _LIBRARY.LGBM_FastConfigFree(self.handle)


class SingleRow:
    """Raw scores of a few rows, to the bit those of `Booster.predict(raw_score=True)`."""

    def __init__(self, booster: lgb.Booster, n_columns: int) -> None:
        self.booster, self.n_columns = booster, n_columns
        self._of_thread: Any = threading.local()

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """Return scores of shape (n_rows,), of several classes (n_rows, n_classes)."""
        if not AVAILABLE:
            return np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1))
        if matrix.shape[1] != self.n_columns:
            raise ValueError(f"{matrix.shape[1]} columns; the booster has {self.n_columns}")
        matrix = np.ascontiguousarray(matrix, np.float32)
        config = getattr(self._of_thread, "config", None)
        if config is None:
            config = self._of_thread.config = _Config(self.booster, self.n_columns)
        first, step = matrix.ctypes.data, matrix.strides[0]
        found = [config(first + place * step).copy() for place in range(len(matrix))]
        scores = np.array(found).reshape(len(matrix), -1)
        return scores[:, 0] if scores.shape[1] == 1 else scores
