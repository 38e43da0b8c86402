"""Write one world's raw data as its source would, with the truth beside it.

    python -m stages.simulate price

reads   params.yaml               price.simulate
writes  data/raw/price/           the raw files, in the format of real ones
        data/truth/price.parquet  what only a simulator knows; for `evaluate` alone
        data/truth/price.json     the fingerprint of the raw data that the truth belongs to, and
                                  what changed in the simulated world, and when
"""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from problems.contract import part
from retrace.base import paths
from retrace.base.files import replacing, write_json, write_table
from retrace.base.params import read_params
from retrace.raw import fingerprint
from stages.runner import run_stage, say


def write_raw(frame: pd.DataFrame, path: Path) -> None:
    """Write one raw file in the format that its suffix names."""
    if path.suffix == ".parquet":
        write_table(frame, path)
    else:
        separator = {".tsv": "\t", ".csv": ","}[path.suffix]
        frame.to_csv(path, sep=separator, index=False, lineterminator="\n")


def main(name: str) -> None:
    world = part(name, "simulate")
    simulated = world.simulate(read_params(world.Settings, f"{name}.simulate"))
    with replacing(paths.raw(name)) as folder:
        folder.mkdir()
        for file, frame in simulated.raw.items():
            write_raw(frame, folder / file)
    write_table(simulated.truth, paths.truth(name))
    changes = simulated.changes
    about = {
        "raw": fingerprint(paths.raw(name)),
        "changes": None if changes is None else [asdict(change) for change in changes],
    }
    write_json(about, paths.truth_fingerprint(name))
    rows = ", ".join(f"{len(frame):,} rows in {file}" for file, frame in simulated.raw.items())
    say(f"{name}: simulated {rows}")


if __name__ == "__main__":
    run_stage(main)
