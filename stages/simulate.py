"""Write one world's raw data as its source would, with the truth beside it.

    python -m stages.simulate price

reads   params.yaml               price.simulate
writes  data/raw/price/           the raw files, in the format of real ones
        data/raw/price/_truth/    what only a simulator knows: of each row, what changed in the
                                  simulated world and when, and the fingerprint of the raw data that
                                  it belongs to. No reader looks there.
"""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from problems import parts
from retrace.base import paths
from retrace.base.files import replacing, write_json, write_table
from retrace.base.params import read_params
from retrace.raw import TRUTH, fingerprint
from stages.runner import run_stage, say


def write_raw(frame: pd.DataFrame, path: Path) -> None:
    """Write one raw file in the format that its suffix names."""
    if path.suffix == ".parquet":
        write_table(frame, path)
    else:
        separator = {".tsv": "\t", ".csv": ","}[path.suffix]
        frame.to_csv(path, sep=separator, index=False, lineterminator="\n")


def main(name: str) -> None:
    world = parts.simulator(name)
    simulated = world.simulate(read_params(world.settings, f"{name}.simulate"))
    with replacing(paths.raw(name)) as folder:
        folder.mkdir()
        for file, frame in simulated.raw.items():
            write_raw(frame, folder / file)
        changes = simulated.changes
        about = {
            "raw": fingerprint(folder),
            "changes": None if changes is None else [asdict(change) for change in changes],
        }
        write_table(simulated.truth, folder / TRUTH / "truth.parquet")
        write_json(about, folder / TRUTH / "truth.json")
    rows = ", ".join(f"{len(frame):,} rows in {file}" for file, frame in simulated.raw.items())
    say(f"{name}: simulated {rows}")


if __name__ == "__main__":
    run_stage(main)
