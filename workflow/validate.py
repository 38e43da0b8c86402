"""Hold a clean table against its world's schema and the limits of checks.yaml."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pandera.errors

from problems.contract import World
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.checks import Check, ValidateParams, examples, measure, passes
from retrace.checks.columns import missing
from retrace.checks.screens import Roles


def check_schema(world: World, rows: pd.DataFrame, n_examples: int) -> None:
    """Raise RetraceError with column, check and example rows where the schema does not hold."""
    try:
        world.schema.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        lines = []
        # Of a column that is missing, pandera gives the name as the case.
        named = cases.assign(column=cases["column"].fillna(cases["failure_case"].astype(str)))
        for (column, check), group in named.groupby(["column", "check"], dropna=False, sort=False):
            index = [i for i in group["index"].dropna().head(n_examples) if i in rows.index]
            lines.append(f"column '{column}': {check}; {len(group):,} case(s)")
            lines += _indented(rows.loc[index]) if index else []
        raise RetraceError(
            f"{paths.clean(world.name)} breaks the schema of problems/{world.name}/schema.py:\n"
            + "\n".join(lines)
        ) from None


def run_checks(
    rows: pd.DataFrame, checks: Sequence[Check], world: World | None = None
) -> list[dict[str, object]]:
    """Return one record per check: column, check, level, found, limit, passed.

    A check of a column that is not there, or is empty, passes with nothing found where the world
    allows that; not so if the column has become one of another type (by the prefixes that name
    types), or if it is what another one cannot be without. So does one of two columns that are
    never there together.
    """
    optional = optional_columns(world) if world else []
    typed = world.typed_prefixes if world else ()
    owner = world.key[0] if world and len(world.key) > 1 else None
    may_be_empty = world.may_be_empty if world else ()
    empty = [one for one in may_be_empty if one in rows and missing(rows[one]).all()]
    gone = sorted({name for check in checks for name in check.columns} - set(rows.columns))
    unknown = [name for name in gone if not any(re.fullmatch(one, name) for one in optional)]
    if unknown:
        raise RetraceError(
            f"checks.yaml: `checks` names column(s) {', '.join(unknown)}; "
            f"the clean table has {', '.join(rows.columns)}."
        )
    records: list[dict[str, object]] = []
    for check in checks:
        needed = {check.column} if check.check == "without" else set(check.columns)
        there = needed.isdisjoint(gone)
        absent = not there and not any(_turned(name, rows, typed) for name in check.columns)
        seen = rows if check.other in (None, *rows) else rows.assign(**{str(check.other): np.nan})
        found = measure(seen, check, owner) if there else float("nan")
        nothing = there and check.other is not None and np.isnan(found)
        nothing |= not set(check.columns).isdisjoint(empty)
        records.append(
            {
                "column": check.column,
                "check": check.title,
                "level": check.level,
                "found": None if pd.isna(found) else round(found, 6),
                "limit": check.limit,
                "passed": bool(passes(check, found) or absent or nothing),
            }
        )
    return records


def _turned(name: str, rows: pd.DataFrame, typed: Sequence[str]) -> bool:
    """Whether a column that says its type first is there as another type."""
    kind, _, attribute = name.partition("_")
    others = typed if kind in typed else ()
    return name not in rows and any(f"{other}_{attribute}" in rows for other in others)


def stop_on_hard(
    rows: pd.DataFrame, params: ValidateParams, records: list[dict[str, object]], name: str
) -> None:
    """Raise RetraceError when a hard check failed."""
    lines = []
    for check, record in zip(params.listed(), records, strict=True):
        if check.level == "hard" and not record["passed"]:
            lines.append(
                f"column '{check.column}': {check.title} is {record['found']}, "
                f"expected {check.limit}"
            )
            lines += _indented(examples(rows, check, params.example_rows))
    if lines:
        raise RetraceError(
            f"{paths.clean(name)} fails {paths.checks(name)}:\n" + "\n".join(lines) + "\n"
            "Correct the source, or change the limit if the data is right."
        )


def optional_columns(world: World) -> list[str]:
    """Return patterns of the columns that a clean table need not have."""
    return [str(name) for name, column in world.schema.columns.items() if not column.required]


def roles(world: World) -> Roles:
    return Roles(world.key, world.time, world.outcomes, dict(world.exempt))


def _indented(rows: pd.DataFrame) -> list[str]:
    text = rows.to_string(max_cols=8, max_colwidth=28, index=False, line_width=96)
    return [f"    {line}" for line in text.splitlines()]
