"""A problem's part of the report: how good, against what, on which data, and where it is worse.

    python -m stages.page price

reads   metrics/, plots/price/     what the stages before it found of the problem and its world
        models/price/              card.json and bundle.json: rounds, rows by window, unit
        params.yaml                what it changes, with the comments that say why
        dvc.yaml                   the plots, drawn as `dvc plots` draws them, and what the model is
        .dvc/plots/                their templates
writes  reports/parts/price.json   for `stages.report`

DVC lets no stage depend on dvc.yaml. After a change of a plot's title or axes there, run
`dvc repro -f -s page@price`.
"""

from problems.parts import find_problem
from retrace.base import paths
from retrace.base.files import write_json
from retrace.report.page import problem_part
from stages.runner import run_stage, say
from workflow.sections import read_sections


def main(name: str) -> None:
    part = problem_part(name, read_sections(find_problem(name)))
    write_json(part, paths.part(name))
    say("\n".join(part["screen"]))


if __name__ == "__main__":
    run_stage(main)
