"""Predict today's rows with the code of an earlier commit. Runs in that commit's worktree.

    python -c "$(cat as_champion.py)" PROBLEM BUNDLE CLEAN KEYS TARGET

It is read from today's code, and all that it imports is the worktree's: only what every version
of Retrace has had. Status 3 means that today's clean table is none that the old code knows.
"""

import stages  # noqa: F401  first: it pins what would change the last bits of a result

# isort: split

import sys
from pathlib import Path

import pandera.errors

from problems import parts
from problems.parts import find_problem
from problems.predict import predict
from retrace.base.files import read_table, write_table
from retrace.fit.bundle import Bundle

UNREADABLE = 3


def main(name: str, bundle: str, clean: str, keys: str, target: str) -> None:
    problem = find_problem(name)
    schema = parts.world(problem.world).schema
    rows = read_table(Path(clean))
    rows = rows[[column for column in rows if column in schema.columns]]  # more columns do no harm
    try:
        schema.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        columns = cases["column"].fillna(cases["failure_case"].astype(str)) + " ("
        broken = list(dict.fromkeys(columns + cases["check"].astype(str) + ")"))
        print(f"its schema does not know today's {'; '.join(broken[:3])}", file=sys.stderr)
        sys.exit(UNREADABLE)
    key = list(problem.key)
    test = read_table(Path(keys)).merge(rows, how="left", on=key, validate="one_to_one")
    judged = Path(bundle) / "judged"  # what ships may have learnt from the rows that are asked for
    model = Bundle.load(judged if judged.exists() else Path(bundle))
    found = predict(problem, model, test.drop(columns=problem.target), past=rows)
    bounds = [name for name in ("lower", "upper") if name in found]
    write_table(test[key].join(found.drop(columns=bounds)), Path(target))


if __name__ == "__main__":
    main(*sys.argv[1:])
