"""After new data: what changed in data, features and errors, and should the new model go into use?

The model in use is what GTO has in stage prod, or the last commit's. It predicts the same test rows
with the code of its own commit, as `retrace promote` has it.
"""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from experiments.git import git_or_empty, json_at
from experiments.promotion import record
from experiments.promotion.bundles import fetch, folder_hash, recorded_hash
from experiments.promotion.judgement import Judgement, judge
from experiments.promotion.registry import PROD, Assigned, champion
from problems.contract import Problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.files import read_json, read_table
from retrace.encode.encoding import Encoding
from retrace.judge.drift import feature_drift, rank

MOST_COLUMNS = 8
MOST_ROWS = 20_000  # of each sample: 0.01 of a PSI is far beyond chance then
COLUMNS = 100  # of a terminal


@dataclass(frozen=True)
class Retrained:
    """What `retrace retrain` found; `judgement` is None where the model is the same to the byte."""

    problem: Problem
    in_use: Assigned
    judgement: Judgement | None
    drift: pd.DataFrame

    @property
    def promote(self) -> bool:
        return self.judgement is not None and self.judgement.verdict.passed


def model_in_use(problem: str) -> Assigned:
    """Return the champion, or the model of the last commit where no stage has one."""
    found = champion(problem)
    if found is not None:
        return found
    commit = git_or_empty("rev-parse", "HEAD").strip()
    if not commit or recorded_hash(commit, paths.bundle(problem)) is None:
        raise RetraceError(
            f"there is no model of {problem} to compare with: nothing is in stage {PROD}, and the "
            f"last commit's dvc.lock has no {paths.bundle(problem)}. `dvc repro`, then commit "
            "dvc.lock; with new data after that, retrain."
        )
    return Assigned("last commit", "", commit, commit[:7], "", datetime.now(UTC))


def compare_models(problem: Problem, in_use: Assigned, scratch: Path) -> Retrained:
    """Compare the model in `models/` with the one in use; `scratch` is a folder to work in."""
    then = fetch(
        in_use.tag, in_use.commit, paths.window(problem.name, "train"), scratch / "then.parquet"
    )
    reference, current = read_table(then), read_table(paths.window(problem.name, "test"))
    columns = [
        name for name in Encoding.load(paths.features(problem.name)).columns if name in reference
    ]
    before, now = (_thinned(frame[columns]) for frame in (reference, current))
    drift = feature_drift(before, now, problem.columns.categorical)
    gain = pd.read_csv(paths.plots(problem.name) / "importance.csv").set_index("column")
    bundle = paths.bundle(problem.name)
    same = recorded_hash(in_use.commit, bundle) == folder_hash(bundle)
    return Retrained(
        problem,
        in_use,
        None if same else judge(problem, in_use, scratch),
        rank(drift, gain["gain_share"]),
    )


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:: max(1, -(-len(frame) // MOST_ROWS))]


def as_markdown(found: Retrained) -> str:
    """Return the page, in Markdown that is readable as it is."""
    lines = [
        f"# {found.problem.name}: retrained",
        "",
        f"In use until now: {_in_use(found.in_use)}.",
        "",
        *_decision(found),
        "",
        "## Data",
        "",
        *_data(found),
        "",
        "## Features",
        "",
        *_features(found),
        "",
        "## Errors",
        "",
        *_errors(found),
    ]
    return "\n".join(map(_wrapped, lines)) + "\n"


def _wrapped(line: str) -> str:
    """Break a long line of prose; the next ones are indented as a list's item is."""
    if line.startswith(("|", "    ")):
        return line
    return textwrap.fill(line, COLUMNS, subsequent_indent="  " if line.startswith("- ") else "")


def _in_use(model: Assigned) -> str:
    if model.stage:
        return f"{model.version} in stage {model.stage} ({model.commit[:7]})"
    return f"the model of the last commit ({model.commit[:7]})"


def _decision(found: Retrained) -> Iterator[str]:
    if found.judgement is None:
        yield "**Keep the model in use: the new one is the same to the byte.**"
        return
    reasons = found.judgement.verdict.reasons
    if reasons:
        yield "**Keep the model in use.** The gate says no:"
        yield ""
        yield from (f"- {reason}" for reason in reasons)
        yield ""
        yield "Make the report too, commit and push:"
    else:
        yield (
            "**Promote the new model.** The gate passes. Make the report too, commit, push, and "
            "hand over:"
        )
    yield ""
    yield "    dvc repro && git add -A && git commit -m 'New data' && dvc push && git push"
    if not reasons:
        yield f"    retrace promote {found.problem.name}"


def _data(found: Retrained) -> Iterator[str]:
    world = found.problem.world
    now = read_json(paths.ingest_metrics(world))
    then = json_at(found.in_use.commit, paths.ingest_metrics(world))
    yield "| | in use | new |"
    yield "|---|---:|---:|"
    for key in ("rows_in", "rows_out", "rows_quarantined"):
        if key in now:
            before = f"{then[key]:,}" if key in then else "not known"
            yield f"| {key.replace('_', ' ')} | {before} | {now[key]:,} |"
    yield ""
    same = then.get("fingerprint") == now["fingerprint"]
    yield f"The raw data {'is the same' if same else 'has changed'}, by its fingerprint."
    failed = [
        item for item in read_json(paths.validation_metrics(world))["results"] if not item["passed"]
    ]
    for item in failed:
        yield f"- Check failed: {item['column']} {item['check']} is {item['found']}"
    if not failed:
        yield "All checks of the clean table pass."


def _features(found: Retrained) -> Iterator[str]:
    yield "The new test window against what the model in use was trained on, by importance × PSI:"
    yield ""
    yield "| column | share of gain | PSI | q-value |"
    yield "|---|---:|---:|---:|"
    for row in found.drift.head(MOST_COLUMNS).to_dict("records"):
        q = f"{row['q_value']:.2g}" if row["q_value"] >= 1e-4 else "under 0.0001"
        yield f"| {row['column']} | {row['importance']:.1%} | {row['psi']:.3f} | {q} |"


def _errors(found: Retrained) -> Iterator[str]:
    name = found.problem.name
    if found.judgement is not None:
        model = found.in_use if found.in_use.stage else None
        yield from record.same_rows(found.problem, model, found.judgement)
        yield ""
        worse = found.judgement.verdict.worse
        for row in worse.to_dict("records"):
            where = f"{row['slice']} {row['value']}"
            yield f"- Worse: {where}, {row['worse']:.1%} ({row['rows']:,} rows)"
        if len(worse):
            yield ""
    now, then = read_json(paths.metrics(name)), json_at(found.in_use.commit, paths.metrics(name))
    yield "| each on its own test window | in use | new |"
    yield "|---|---:|---:|"
    for key, value in now.items():
        before = f"{then[key]:.5g}" if key in then else ""
        yield f"| {key} | {before} | {value:.5g} |"
