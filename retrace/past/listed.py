"""A published split: files that list which groups, such as cases, are in which window."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from retrace.base.errors import RetraceError

Window = Literal["train", "valid", "calibration", "test"]


def windows_of(rows: pd.DataFrame, group: Sequence[str], files: Mapping[Window, str]) -> pd.Series:
    """Return the window of each row as text, None of some (index of `rows`).

    files : by window, a file with one value of the first column of `group` a line; where none lists
        the training rows, they are all that no other file lists

    Raises RetraceError for a file that cannot be read, for a value that two files list, and for a
    file of which the table has no value.
    """
    name = group[0]
    values = rows[name].astype("str")
    found = np.full(len(rows), None if "train" in files else "train", dtype=object)
    seen: dict[str, str] = {}
    for window, file in files.items():
        listed = _lines(file)
        twice = [one for one in listed if one in seen]
        if twice:
            raise RetraceError(f"{file} lists '{twice[0]}', which {seen[twice[0]]} lists as well.")
        seen |= dict.fromkeys(listed, file)
        here = values.isin(listed).to_numpy(bool)
        if not here.any():
            raise RetraceError(
                f"{file} lists {len(listed):,} value(s), such as '{next(iter(listed), '')}'; the "
                f"column '{name}' of the clean table has none of them, but '{values.iloc[0]}'. "
                f"Expected: one {name} a line."
            )
        found[here] = window
    return pd.Series(found, index=rows.index)


def _lines(file: str) -> dict[str, None]:
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RetraceError(
            f"{file}, which `split.files` names, cannot be read ({error}). Put it under "
            "data/splits/, and name it from the folder that has params.yaml."
        ) from None
    return dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
