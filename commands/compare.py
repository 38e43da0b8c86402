"""One problem's experiments side by side: what each changed, and what came of it.

    retrace compare price
    retrace compare price --commits 3     the experiments on the last three commits
    retrace compare price --csv           all metrics, all digits
    retrace compare price --md            a table for a merge request
    retrace compare price wide deep       these experiments only

`dvc exp show` has everything about every problem; this is the part of it that belongs to one, and
what it cannot say: whether a difference on the same test rows is more than chance.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.predictions import Compared, compare_predictions, predictions_at, read_context
from experiments.shown import Revision, exp_show, read_revisions
from problems.parts import find_problem
from retrace.base import paths
from retrace.base.errors import RetraceError
from retrace.base.params import ProblemEntry, read_params
from retrace.judge.comparison import plain

WIDTH = 100
MOST_METRICS = 8  # what fits beside a name and the changed parameters
ROOMY_METRICS = 5  # up to these, columns stand further apart
MANY = 10  # experiments on one test window: the best of them is partly luck
NARROWEST_NAME, WIDEST_NAME = 10, 20
SHORTEST_CUT = 7  # of a word in a header; as wide as a number with five digits
LONGEST_CUT = 30
COMPARED = (
    "loss_gain",
    "loss_gain_lower_95",
    "loss_gain_upper_95",
    "rows",
    "worse_slices",
    "better_slices",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("problem", help="a problem of params.yaml, such as price")
    parser.add_argument("experiments", nargs="*", default=[], help="names; without any, all")
    parser.add_argument("--commits", type=int, default=1, metavar="N", help="how many, from HEAD")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="comma-separated, with all digits")
    form.add_argument("--md", action="store_true", help="a Markdown table")


def run(args: argparse.Namespace) -> int:
    world = read_params(ProblemEntry, f"problems.{args.problem}").world
    rows = list(read_revisions(exp_show(args.commits), args.problem, world))
    rows = beside_baseline(chosen(rows, args.experiments), args.problem)
    if args.csv:
        print(as_csv(rows), end="")
    elif args.md:
        print(as_markdown(rows), end="")
    else:
        show(rows, args.problem)
    count = sum(row.is_experiment for row in rows)
    if count > MANY:
        print(
            f"retrace compare: {count} experiments have been compared on one test window; the best "
            "of many is partly luck. Choose on the validation window, and report on this one.",
            file=sys.stderr,
        )
    return 0


def chosen(rows: Sequence[Revision], names: Sequence[str]) -> list[Revision]:
    """Return the workspace, the commits, and of the experiments those that are named.

    Without names, experiments with another problem are left out: they changed nothing here.
    """
    known = [row.name for row in rows if row.is_experiment]
    for name in names:
        if name not in known:
            raise RetraceError(
                f"no experiment '{name}'; there are: {', '.join(known) or 'none'}. "
                "--commits N also looks at those of earlier commits."
            )
    found, base = [], None
    for row in rows:
        if not row.is_experiment:
            base = row
        elsewhere = not row.changed and base and row.metrics == base.metrics
        if not row.is_experiment or (row.name in names if names else not elsewhere):
            found.append(row)
    return found


def beside_baseline(rows: Sequence[Revision], name: str) -> list[Revision]:
    """Hold each experiment's predictions against those of the last commit, on the same rows."""
    base = next((row for row in rows if row.rev and not row.is_experiment), None)
    if base is None or not any(row.is_experiment for row in rows):
        return list(rows)
    try:
        problem = find_problem(name)
        baseline = predictions_at(name, base.rev)
    except RetraceError as error:
        return [replace(row, why_not=str(error) if row.is_experiment else "") for row in rows]
    try:
        context = read_context(problem)
    except RetraceError:
        context = None  # no clean rows here: no slices, and days for blocks
    found = []
    for row in rows:
        if row.is_experiment and row.metrics:
            try:
                there = predictions_at(name, row.rev)
                row = replace(row, compared=compare_predictions(problem, there, baseline, context))
            except RetraceError as error:
                row = replace(row, why_not=str(error))
        found.append(row)
    return found


# ---- how it looks ------------------------------------------------------------------------------


def show(rows: Sequence[Revision], problem: str) -> None:
    """Print the table, within 100 columns, and what to do where it says little."""
    console = Console(highlight=False, emoji=False)
    console.width = min(WIDTH, console.width) if console.is_terminal else WIDTH
    names = metric_names(rows)
    console.print(_table(rows, names[:MOST_METRICS]))
    for line in verdict_lines(rows):
        console.print(line, markup=False)
    if len(names) > MOST_METRICS:
        console.print(f"and {len(names) - MOST_METRICS} more metrics: --csv has them all")
    if not names:
        console.print(f"No {paths.metrics(problem)} yet: make repro makes it.")
    if not any(row.is_experiment for row in rows):
        console.print(f"No experiments yet: dvc exp run -S {problem}.SECTION.KEY=VALUE makes one.")


def verdict_lines(rows: Sequence[Revision]) -> Iterator[str]:
    """Yield, for each experiment, its difference to the last commit and where, or why none."""
    if any(row.compared for row in rows):
        yield "Mean loss less than that of the last commit, on the same test rows (95 % interval):"
    for row in rows:
        if row.cause:
            yield f"  {row.name}: {row.state.lower()}: {row.cause}"
        if row.why_not:
            yield f"  {row.name}: not compared: {row.why_not}"
        if row.compared is None:
            continue
        yield f"  {row.name}: {difference_text(row.compared)}"
        for item in row.compared.slices.to_dict("records"):
            word = "worse" if item["worse"] > 0 else "better"
            yield (
                f"    {word} beyond noise: {item['slice']} {item['value']}, "
                f"loss {item['worse']:+.1%} ({item['rows']} rows)"
            )


def difference_text(compared: Compared) -> str:
    found = compared.difference
    word = "no difference beyond chance"
    if found.certain:
        word = "better" if found.mean > 0 else "worse"
    mean, lower, upper = plain(found.mean, found.lower, found.upper, sign="+")
    text = f"{mean} ({lower} to {upper}), {found.n_rows} rows"
    if compared.rows_left_out:
        text += f", {compared.rows_left_out} not in both"
    return f"{text}: {word}"


def _table(rows: Sequence[Revision], names: Sequence[str]) -> Table:
    gap = 0 if len(names) > ROOMY_METRICS else 1
    table = Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0), pad_edge=False)
    changes = [_grouped(row) for row in rows]
    change_width = max(map(len, "\n".join([*changes, "changed"]).split("\n")))
    name_width = min(max(len(row.name) + 2 for row in rows), WIDEST_NAME)
    for cut in range(LONGEST_CUT, SHORTEST_CUT - 1, -1):
        headers = [short(name, cut) for name in names]
        widths = [
            max(
                map(
                    len,
                    [*header.split("\n"), *(five_digits(row.metrics.get(name)) for row in rows)],
                )
            )
            for name, header in zip(names, headers, strict=True)
        ]
        room = WIDTH - sum(width + gap + 1 for width in widths) - 2 * (gap + 1)
        if change_width + name_width <= room:
            break
    change_width = min(change_width, room - NARROWEST_NAME)
    name_width = min(room - change_width, WIDEST_NAME)
    table.add_column("experiment", overflow="fold", max_width=name_width)
    table.add_column("changed", overflow="fold", min_width=change_width)
    for header, width in zip(headers, widths, strict=True):
        table.add_column(header, justify="right", width=width)
    for row, change in zip(rows, changes, strict=True):
        label = Text(f"  {row.name}" if row.is_experiment else row.name)
        numbers = (five_digits(row.metrics.get(name)) for name in names)
        table.add_row(label, Text(change), *numbers, style="" if row.is_experiment else "bold")
    return table


def _grouped(row: Revision) -> str:
    """Return the changed parameters below the section that they share, and the state."""
    lines = []
    for section, names in groupby(
        row.parameters, lambda text: text.split("=")[0].rpartition(".")[0]
    ):
        texts = list(names)
        if section and len(texts) > 1:
            lines += [f"{section}:", *(text.removeprefix(f"{section}.") for text in texts)]
        else:
            lines += texts
    return "\n".join([*lines, *filter(None, [row.state])])


def metric_names(rows: Iterable[Revision]) -> list[str]:
    """Return all metrics in the order of their file; the workspace's comes first."""
    return list(dict.fromkeys(name for row in rows for name in row.metrics))


def short(name: str, cut: int) -> str:
    """Break a metric's name into words that stand below each other, those longer than `cut` cut."""
    words = name.replace(".", "_").split("_")
    return "\n".join(word if len(word) <= cut else f"{word[: cut - 1]}." for word in words)


def five_digits(value: Any) -> str:
    """Format with five significant digits and without an exponent."""
    if value is None:
        return "-"
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1e5 else plain(value, digits=5)[0]


def as_csv(rows: Sequence[Revision]) -> str:
    names = metric_names(rows)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    interval = COMPARED if any(row.compared for row in rows) else ()
    writer.writerow(["experiment", "rev", "state", "changed", *names, *interval])
    for row in rows:
        values = (row.metrics.get(name, "") for name in names)
        figures = _figures(row.compared) if interval else []
        state = ": ".join(filter(None, [row.state, row.cause]))
        writer.writerow([row.name, row.rev, state, "; ".join(row.parameters), *values, *figures])
    return text.getvalue()


def _figures(compared: Compared | None) -> list[Any]:
    if compared is None:
        return [""] * len(COMPARED)
    found, slices = compared.difference, compared.slices
    names = slices["slice"] + "=" + slices["value"]
    worse, better = ("; ".join(names[side]) for side in (slices["worse"] > 0, slices["worse"] < 0))
    return [found.mean, found.lower, found.upper, found.n_rows, worse, better]


def as_markdown(rows: Sequence[Revision]) -> str:
    names = metric_names(rows)[:MOST_METRICS]
    lines = [
        _cells(["experiment", "changed", *names]),
        _cells(["---", "---", *["---:"] * len(names)]),
    ]
    for row in rows:
        changes = "<br>".join(
            [*(f"`{text}`" for text in row.parameters), *filter(None, [row.state])]
        )
        lines.append(_cells([row.name, changes, *(five_digits(row.metrics.get(n)) for n in names)]))
    told = list(verdict_lines(rows))
    if told:
        lines += [
            "",
            *(f"{'  ' if line.startswith('    ') else ''}- {line.strip()}" for line in told),
        ]
    return "".join(f"{line}\n" for line in lines)


def _cells(texts: Iterable[str]) -> str:
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"
