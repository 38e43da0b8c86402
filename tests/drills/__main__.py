"""Run drills and write tests/DRILLS.md; end with status 1 where more was lost than may be."""

import argparse
import importlib
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.drills import DRILLS, SIZES, Outcome, Size
from tests.drills.repo import reproduced, spread, worlds
from tests.drills.report import save, write_report

SERVED = ("skew", "lost", "away", "strangers")
KEEPING = threading.Lock()


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
    asked = args.drills or DRILLS
    if not args.drills:
        spread(lambda world: reproduced(args.size, world), [None, *worlds(args.size)], args.size)
    failed = 0
    for name in [name for name in asked if name not in SERVED]:
        failed += tell(name, args.size)
    with ThreadPoolExecutor(2) as pool:  # server and client of each take turns, on one processor
        served = [name for name in asked if name in SERVED]
        failed += sum(pool.map(lambda name: tell(name, args.size), served))
    return 1 if failed else 0


def tell(name: str, size: Size) -> int:
    """Run a drill, print and keep what came of it; return how many of its rows failed."""
    start = time.perf_counter()
    outcome = run(name, size)
    seconds = time.perf_counter() - start
    lines = [f"{name}: {outcome.figure} ({seconds:.0f} s)"]
    for row in outcome.rows:
        mark = "FAILED" if row.failed else "ok"
        lines.append(f"  {mark:<6} {row.tried}: {row.times:,} times, {row.lost:,} lost")
    print("\n".join(lines), flush=True)
    if size != "short":
        with KEEPING:
            save(name, size, outcome, seconds)
            write_report()
    return len(outcome.failed)


if __name__ == "__main__":
    sys.exit(main())
