"""Hold a clean table against its schema and checks.yaml; stop on a hard failure.

    python -m stages.validate price

reads   data/clean/price.parquet
        problems/price/checks.yaml     the limits
writes  metrics/validation/price.json  every check: found, limit, passed
        metrics/profile/price.json     types, missing values and distributions of the source
"""

from typing import Any

from problems import parts
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, read_table, write_json
from retrace.base.params import read_params
from retrace.checks import ValidateParams
from retrace.checks.advice import advice
from retrace.checks.profile import profile, ran_dry, scaled
from retrace.checks.screens import screen
from stages.runner import run_stage, say
from workflow.validate import check_schema, roles, run_checks, stop_on_hard


def main(name: str) -> None:
    world = parts.world(name)
    params = read_params(ValidateParams, "", paths.checks(name))
    rows = read_table(paths.clean(name))
    if len(rows) < params.rows_min:
        raise RetraceError(
            f"{paths.clean(name)} has {len(rows):,} row(s); rows_min of {paths.checks(name)} "
            f"is {params.rows_min:,}: fewer cannot be split, fitted and judged."
        )
    check_schema(world, rows, params.example_rows)
    records = run_checks(rows, params.listed(), world)
    stop_on_hard(rows, params, records, name)
    records += screen(rows, params.screens, roles(world))
    failed = [record for record in records if not record["passed"]]
    described, source = profile(rows), str(parts.source_of(name))
    last = last_profile(name, source)
    measured = [record for record in described if record["column"] not in world.key]
    for column, factor in scaled(last, measured):  # numbers of rows grow
        say(
            f"{name}: column '{column}' is {factor:.3g} times what it was in the last run, from "
            "its 5th to its 95th percentile. Was its unit or its currency changed?"
        )
    for column, values in ran_dry(last, described):
        say(
            f"{name}: column '{column}' has the same value in all rows, or none; in the last run "
            f"it had {values:,}. Did a part of the source not come?"
        )
    for record in failed:
        say(f"{name}: {advice(record, str(paths.checks(name)))}")
    write_json({"source": source, "columns": described}, paths.profile(name))
    outcome = {"checks": len(records), "failed": len(failed), "results": records}
    write_json(outcome, paths.validation_metrics(name))
    say(f"{name}: {len(records)} checks, {len(failed)} soft failure(s)")


def last_profile(name: str, source: str) -> list[dict[str, Any]]:
    """Return what the same source was like in the last run; nothing where that is not known."""
    path = paths.profile(name)
    last = read_json(path) if path.exists() else {}
    same = isinstance(last, dict) and last.get("source") == source  # a list: of earlier versions
    return list(last["columns"]) if same else []


if __name__ == "__main__":
    run_stage(main)
