"""A problem's replay as a part of the report: left alone, or retrained?

    python -m stages.story fraud

reads   metrics/backtest/, plots/fraud/backtest.csv   what `backtest` found
writes  reports/parts/fraud.story.json                for `stages.report`
"""

from retrace.base import paths
from retrace.base.files import write_json
from retrace.report.page import backtest_part
from stages.runner import run_stage, say


def main(name: str) -> None:
    write_json(backtest_part(name), paths.story(name))
    say(f"{name}: {paths.story(name)}")


if __name__ == "__main__":
    run_stage(main)
