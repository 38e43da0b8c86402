"""Feed hostile input to what reads from outside, case by case; run as a process of its own.

    python -m tests.drills.fuzz delimited,tables 0 1000 FOLDER      cases 0 to 999 of two readers

A case is made from its number alone, so that it can be run again. Good ends are a result and a
clear error (RetraceError, or argparse's exit). Each other end is printed as a line of JSON. The
number of the running case is kept in FOLDER/case: C++ code that crashes can say nothing. A case has
SECONDS, and the process MEMORY.
"""

import contextlib
import io
import json
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from retrace.base.errors import RetraceError

SECONDS = 10
MEMORY = 6 << 30  # of addresses, of which libraries reserve more than 2 GB; a bomb wants more
Rng = np.random.Generator
READ, REFUSED = "read", "refused"
Reader = Callable[[Rng, Path], None]

TOKENS = [
    *(b"\t", b"\n", b"\r", b"\r\n", b",", b";", b'"', b'""', b"'", b"\\", b"\0", b"\xef\xbb\xbf"),
    *(b"\xff\xfe", b"\x80", b"\xc3", b"\xe2\x80\xa8", "\U0001f600".encode(), b"&", b"*a", b"&a "),
    *(b"nan", b"NaN", b"inf", b"-inf", b"-1", b"0", b"-0", b"1e400", b"9" * 40, b"1e-400", b"0x1f"),
    *(b"null", b"true", b"~", b"{}", b"[]", b"- ", b": ", b"!!python/object:os.system ", b"<<: *a"),
    *(b"../../../etc/passwd", b"/dev/zero", b"$HOME", b"`id`", b"%s%n", b"\x1b[2J", b" " * 50),
    *(b"[" * 2000, b"{" * 500, b"(" * 5000, b"=", b"Tree=0\n", b"2147483648", b"-2147483649"),
    *(b"9999-12-31", b"0000-00-00", b"2024-02-30T25:61:61Z", b"1677-09-21", b"PAR1", b"\x1f\x8b"),
]  # fmt: skip


def mutated(data: bytes, rng: Rng) -> bytes:
    """Change a few places: bytes, tokens, lost and doubled pieces, the end."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        size = len(changed)
        at = int(rng.integers(0, size + 1))
        kind = int(rng.integers(0, 7))
        if kind == 0 and size:
            changed[at % size] = int(rng.integers(0, 256))
        elif kind == 1:
            changed[at:at] = TOKENS[int(rng.integers(0, len(TOKENS)))]
        elif kind == 2:
            del changed[at : at + int(rng.integers(1, 40))]
        elif kind == 3:
            changed[at:at] = changed[at : at + int(rng.integers(1, 200))]
        elif kind == 4:
            changed[at : at + int(rng.integers(1, 10))] = TOKENS[int(rng.integers(0, len(TOKENS)))]
        elif kind == 5 and rng.random() < 0.2:
            del changed[at:]
        else:  # a number for a number
            digits = [i for i in range(at, min(at + 60, size)) if 48 <= changed[i] <= 57]
            for i in digits[: int(rng.integers(1, 4))]:
                changed[i] = int(rng.integers(48, 58))
    return bytes(changed)


def cell(rng: Rng, usual: str) -> str:
    """Return a value as someone careless or hostile writes it."""
    kind = int(rng.integers(0, 4))
    if kind == 0:
        return TOKENS[int(rng.integers(0, len(TOKENS)))].decode(errors="replace").replace("\0", "")
    if kind == 1:
        return mutated(usual.encode(), rng).decode(errors="replace").replace("\0", "")
    if kind == 2:
        return str(rng.choice(["", " ", "-", "N/A", "1,5", "1 000", "1e9", "-7", "0.0", "12:30"]))
    return "".join(map(chr, rng.integers(32, 0x2FFF, int(rng.integers(0, 30)))))


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"more than {seconds} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def run_case(reader: Reader, name: str, number: int, folder: Path) -> dict[str, Any] | str:
    """Run one case; return READ, REFUSED, or what is wrong with how it ended."""
    seed = [sum(map(ord, name)), number]
    printed = io.StringIO()
    try:
        with (
            limited(SECONDS),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            reader(np.random.default_rng(seed), folder)
    except RetraceError as error:
        if len(str(error)) > 20_000:
            return {"case": number, "found": f"a message of {len(str(error)):,} characters"}
        return REFUSED
    except Exception:  # whatever else it is, it is a finding: that is what is looked for
        lines = traceback.format_exc().strip().splitlines()
        where = [line.strip() for line in lines if "File" in line and "site-packages" not in line]
        return {"case": number, "found": lines[-1][:300], "where": where[-1] if where else ""}
    return READ


def main() -> None:
    from tests.drills.readers import READERS

    names, first, count = sys.argv[1].split(","), int(sys.argv[2]), int(sys.argv[3])
    folder = Path(sys.argv[4])
    places = {name: folder / name for name in names}
    for place in places.values():
        place.mkdir(parents=True)
    readers = {name: READERS[name](place) for name, place in places.items()}
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    read = 0
    mark = (folder / "case").open("wb", buffering=0)
    for name, reader in readers.items():
        for number in range(first, first + count):
            mark.seek(0)
            mark.write(b"%d\n" % number)
            found = run_case(reader, name, number, places[name])
            if isinstance(found, dict):
                print(json.dumps({"reader": name} | found), flush=True)
            read += found == READ
    print(json.dumps({"read": read}), flush=True)


if __name__ == "__main__":
    main()
