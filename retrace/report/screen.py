"""The first screen of the report as lines for a terminal."""

from retrace.report.inputs import ProblemInputs
from retrace.report.numbers import MINUS, THIN, number, percent
from retrace.report.verdicts import headline_of, judge_coverage, verdicts, warnings_of


def first_screen(problem: ProblemInputs) -> list[str]:
    """Return the model beside each baseline, the interval, and what the model must not see."""
    _, value, words = headline_of(problem)
    unit = f", {words.unit}," if words.unit else ""
    lines = [f"{problem.name}: {words.words}{unit} on rows that nothing was chosen on"]
    lines.append(f"  {'model':<8} {number(value):>10}")
    for one in verdicts(problem):
        shown = "" if one.value is None else number(one.value)
        lines.append(f"  {one.baseline:<8} {shown:>10}   the model is {one.short}")
    if (covered := judge_coverage(problem)) is not None:
        lines.append(f"  {'interval':<8} {percent(covered.share, 1):>10}   {covered.words}")
    if problem.left_out:
        lines.append(f"  left out: {', '.join(problem.left_out)}")
    lines += [f"  WARNING: {warning}" for warning in warnings_of(problem)]
    return [line.replace(THIN, " ").replace(MINUS, "-") for line in lines]
