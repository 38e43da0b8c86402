"""Run a stage as `python -m stages.NAME WHAT` does, and write down what it used.

    python tests/pipeline/trace.py OUT.json NAME [WHAT]

OUT.json gets the project's files that it imported, the keys of parameters that it read, as
`params.yaml:price.train`, and the files that it opened for reading.
"""

import atexit
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

HERE = Path.cwd()
sys.path.insert(0, str(HERE))


def main() -> None:
    out, stage, *rest = sys.argv[1:]
    import stages  # noqa: F401  (as -m does: it must come before NumPy)
    from retrace.base import params

    keys: set[str] = set()
    opened: set[Path] = set()
    read_key = params.read_key

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str) and not args[2] & os.O_ACCMODE:
            opened.add(Path(os.path.normpath(HERE / args[0])))

    def recording(key: str, path: Path = params.PATH) -> Any:
        keys.add(f"{path}:{key}")
        return read_key(key, path)

    params.read_key = recording  # type: ignore[assignment]

    def write() -> None:
        files = {Path(m.__file__) for m in sys.modules.values() if getattr(m, "__file__", None)}
        mine = {f.relative_to(HERE).as_posix() for f in files if f.is_relative_to(HERE)}
        mine.add(f"stages/{stage}.py")
        code = sorted(f for f in mine if f.endswith(".py") and (HERE / f).stat().st_size)
        read = {
            Path(f).relative_to(HERE).as_posix() for f in opened if Path(f).is_relative_to(HERE)
        }
        found = {"files": code, "keys": sorted(keys), "opened": sorted(read)}
        Path(out).write_text(json.dumps(found), encoding="utf-8")

    atexit.register(write)
    sys.addaudithook(watch)
    sys.argv = [str(HERE / "stages" / f"{stage}.py"), *rest]
    runpy.run_module(f"stages.{stage}", run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    main()
