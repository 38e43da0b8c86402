"""Tables that say themselves what they hold, so that the report needs to know no column's name."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "number", "share", "count", "money", "flag", "month", "chance"]
PictureKind = Literal["curves", "lines", "bars", "side by side", "intervals"]


@dataclass(frozen=True)
class Column:
    """What a column or a figure is, in words, with the unit of its values.

    `share` is written as per cent, `money` with two decimals, `flag` (0 or 1) as yes or no, `count`
    as a whole number, `month` (2025-10) by its name, `chance` is a probability such as a q-value.
    """

    words: str
    unit: str = ""
    kind: Kind = "number"


@dataclass(frozen=True)
class Picture:
    """How a table is drawn, by names of its columns; `caption` is a sentence on what to see.

    curves        `y` over the numbers in `x`; rows where `mark` is 1 have a dot, without it all
    lines         `y` over the months in `x`; months are shaded by the share `shade`
    bars          a panel for each of `y`, a bar a row; bars of fewer than 30 `rows` are faded
    side by side  the bars of all `y` together, a group a row
    intervals     `y` with its `lower` and `upper`, around zero; red where `mark` is 1
    """

    kind: PictureKind
    y: tuple[str, ...]
    x: str = ""
    caption: str = ""
    lower: str = ""
    upper: str = ""
    mark: str = ""
    rows: str = ""
    shade: str = ""
    log: bool = False  # the axis of `x`


@dataclass(frozen=True)
class Table:
    """A table of the report: `columns` has every column of `frame`, the first names the rows."""

    frame: "pd.DataFrame"
    title: str
    columns: Mapping[str, Column]
    picture: Picture | None = None

    def __post_init__(self) -> None:
        named = [*self.columns]
        if named != [*self.frame.columns]:
            raise ValueError(
                f"table '{self.title}' declares {', '.join(named)}; "
                f"it has {', '.join(map(str, self.frame.columns))}"
            )

    def declared(self) -> dict[str, Any]:
        """Return all but the rows, for a JSON file beside them."""
        return {
            "title": self.title,
            "columns": {name: asdict(column) for name, column in self.columns.items()},
            "picture": None if self.picture is None else asdict(self.picture),
        }
