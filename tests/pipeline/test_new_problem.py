"""A problem is one package and its blocks in params.yaml: nothing else changes."""

import json
from pathlib import Path

import yaml

from tests.conftest import change_params, run
from tests.pipeline.test_dag import ran

PARTS = {
    "checks.yaml": "rows_min: 10\n",
    "__init__.py": "",
    "problem.py": """
from problems.contract import Columns, Problem

PROBLEMS = {
    "toy": Problem(
        name="toy", world="toy", task="regression", target="height_cm", unit="cm", metric="mae",
        key=("plant_id",), columns=Columns(numeric=("days",), categorical=("soil",)),
        slices=("soil",),
    )
}
""",
    "schema.py": """
import pandera.pandas as pa

from problems.contract import World

CLEAN = pa.DataFrameSchema({"plant_id": pa.Column("int64", unique=True)})
WORLD = World("toy", CLEAN, ("plant_id",))
""",
    "simulate/__init__.py": """
import numpy as np
import pandas as pd

from problems.contract import Simulated, Simulator
from retrace.base.params import Params


class Settings(Params):
    rows: int
    seed: int


def simulate(settings):
    rng = np.random.default_rng(settings.seed)
    days = rng.uniform(1, 100, settings.rows)
    soil = rng.choice(["clay", "sand"], settings.rows)
    expected = 2 * days * np.where(soil == "clay", 1.0, 0.5)
    plants = pd.DataFrame({"plant_id": np.arange(settings.rows), "days": days, "soil": soil})
    raw = plants.assign(height_cm=expected + rng.normal(0, 5, settings.rows))
    return Simulated({"plants.csv": raw}, plants[["plant_id"]].assign(expected=expected))


SIMULATOR = Simulator(Settings, simulate)
""",
    "ingest/__init__.py": """
from problems.contract import Ingested, IngestParams, Reader
from retrace.raw import fingerprint, read_raw
from retrace.raw.values import as_integer, as_number, as_text


def ingest(source, settings):
    raw = read_raw(source, ["plant_id", "days", "soil", "height_cm"])
    rows = raw.rows.assign(
        plant_id=as_integer(raw.rows["plant_id"]).astype("int64"),
        soil=as_text(raw.rows["soil"]),
        days=as_number(raw.rows["days"]),
        height_cm=as_number(raw.rows["height_cm"]),
    )
    return Ingested(rows.drop(columns=["file", "row"]), raw.malformed, fingerprint(source))


READER = Reader(IngestParams, ingest)
""",
    "features/__init__.py": "",
    "rules.py": """
from problems.contract import Rules


def rule(problem, train, rows, settings):
    return 1.5 * rows["days"]


def oracle(problem, rows, truth):
    return rows["plant_id"].map(truth.set_index("plant_id")["expected"])


RULES = Rules(rule, oracle=oracle)
""",
    "evaluation/__init__.py": """
from problems.contract import Evaluation
from retrace.base.tables import Column, Table


def tables(problem, scored, settings, rows, truth):
    frame = scored.groupby("soil", as_index=False)["outcome"].mean()
    columns = {"soil": Column("soil"), "outcome": Column("mean height", "cm")}
    return {"by_soil": Table(frame, "By soil", columns)}


EVALUATION = Evaluation(tables=tables)
""",
}


def test_one_package_and_its_blocks_are_a_problem(prices: Path) -> None:
    for name, text in PARTS.items():
        path = prices / "problems" / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    simulators = yaml.safe_load((prices / "params.yaml").read_text())["simulators"]
    change_params(
        prices,
        {
            "simulators": [*simulators, "toy"],
            "worlds": {"toy": {"source": "data/raw/toy"}},
            "problems": {"toy": {"world": "toy"}},
            "toy": {
                "simulate": {"rows": 1500, "seed": 1},
                "ingest": {},
                "split": {},
                "features": {},
                "encode": {},
                "text": {},
                "train": {},
                "evaluate": {},
            },
        },
    )
    output = run(prices, "dvc", "repro")
    stages = ("simulate", "ingest", "validate", "featurize", "train", "evaluate", "page")
    assert ran(output) == [*(f"{stage}@toy" for stage in stages), "report"]
    figures = json.loads((prices / "metrics/toy.json").read_text())
    assert figures["oracle_mae_cm"] < figures["mae_cm"] < 0.6 * figures["rule_mae_cm"]
    assert ">toy<" in (prices / "reports/index.html").read_text()
    assert (prices / "models/toy/bundle.json").exists()
