"""Run drills and write tests/DRILLS.md; end with status 1 where more was lost than may be."""

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

from tests.drills import DRILLS, SIZES, Outcome, Size
from tests.drills.report import save, write_report


def run(name: str, size: Size) -> Outcome:
    """Run one drill in a folder of its own."""
    module = importlib.import_module(f"tests.drills.{name}")
    with tempfile.TemporaryDirectory(prefix=f"drill-{name}-", ignore_cleanup_errors=True) as folder:
        outcome: Outcome = module.run(size, Path(folder))
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills")
    parser.add_argument("drills", nargs="*", metavar="DRILL", help=", ".join(DRILLS))
    parser.add_argument("--size", choices=SIZES, default="drill")
    args = parser.parse_args()
    if unknown := set(args.drills) - set(DRILLS):
        parser.error(f"no drill {', '.join(sorted(unknown))}; there are {', '.join(DRILLS)}")
    failed = 0
    for name in args.drills or DRILLS:
        start = time.perf_counter()
        outcome = run(name, args.size)
        seconds = time.perf_counter() - start
        print(f"{name}: {outcome.figure} ({seconds:.0f} s)", flush=True)
        for row in outcome.rows:
            mark = "FAILED" if row.failed else "ok"
            print(f"  {mark:<6} {row.tried}: {row.times:,} times, {row.lost:,} lost", flush=True)
        failed += len(outcome.failed)
        if args.size != "short":
            save(name, args.size, outcome, seconds)
            write_report()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
