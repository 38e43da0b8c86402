"""Archives of arrays: NumPy and zipfile read them, and no field of theirs depends on the Python."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from retrace.base import archive
from retrace.base.archive import write_arrays

ARRAYS = {
    "scalar": np.float64(3.5),
    "table": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "words": np.array(["a", "bcd", "é"]),
    "flags": np.array([True, False]),
    "days": np.array(["2025-01-01"], dtype="datetime64[ns]"),
    "none": np.empty((0, 3), dtype=np.int32),
    "every_second": np.arange(10)[::2],
}

# One member, the array [1, 2] of bytes: a 128-byte .npy header and two bytes.
NPY = b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }"
NPY += b" " * (127 - len(NPY)) + b"\n\x01\x02"
LOCAL = (
    b"PK\x03\x04\x14\x00\x00\x00\x00\x00\x00\x00\x21\x00"  # 2.0; no flags; stored; 1980-01-01
    b"CRC4\x82\x00\x00\x00\x82\x00\x00\x00"  # 130 bytes, packed and unpacked
    b"\x05\x00\x00\x00a.npy"  # the name's length, no extra field
)
CENTRAL = (
    b"PK\x01\x02\x14\x03\x14\x00\x00\x00\x00\x00\x00\x00\x21\x00"  # by 2.0 on Unix
    b"CRC4\x82\x00\x00\x00\x82\x00\x00\x00"
    b"\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xa4\x81"  # -rw-r--r--
    b"\x00\x00\x00\x00a.npy"
)
END = (
    b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00\x33\x00\x00\x00\xa5\x00\x00\x00\x00\x00"
    # one member; 51 bytes of directory, after 165 bytes
)


def check(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == [f"{name}.npy" for name in arrays]
        assert all(member.compress_type == zipfile.ZIP_STORED for member in opened.infolist())
    with np.load(path, allow_pickle=False) as read:
        for name, array in arrays.items():
            assert read[name].dtype == array.dtype
            assert read[name].shape == array.shape
            assert (read[name] == array).all()


def test_numpy_reads_what_was_written(tmp_path: Path) -> None:
    write_arrays(tmp_path / "all.npz", ARRAYS)
    check(tmp_path / "all.npz", ARRAYS)
    write_arrays(tmp_path / "none.npz", {})
    check(tmp_path / "none.npz", {})


def test_every_byte_is_fixed(tmp_path: Path) -> None:
    write_arrays(tmp_path / "one.npz", {"a": np.array([1, 2], dtype=np.uint8)})
    crc = archive.zlib.crc32(NPY).to_bytes(4, "little")
    expected = LOCAL.replace(b"CRC4", crc) + NPY + CENTRAL.replace(b"CRC4", crc) + END
    assert (tmp_path / "one.npz").read_bytes() == expected


@pytest.mark.parametrize("limit", [0, 100, 200, 400, 700])
def test_large_members_and_offsets_take_64_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """What is said of 4 GiB holds, with a smaller number called large."""
    arrays = {name: np.arange(n, dtype=np.uint8) for name, n in (("a", 1), ("b", 250), ("c", 9))}
    monkeypatch.setattr(archive, "LIMIT", limit)
    write_arrays(tmp_path / "large.npz", arrays)
    check(tmp_path / "large.npz", arrays)


def test_more_members_than_16_bits_can_count(tmp_path: Path) -> None:
    write_arrays(tmp_path / "many.npz", {str(i): np.uint8(0) for i in range(70_000)})
    with zipfile.ZipFile(tmp_path / "many.npz") as opened:
        assert len(opened.namelist()) == 70_000


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="object"):
        write_arrays(tmp_path / "a.npz", {"a": np.array([{}], dtype=object)})
    with pytest.raises(ValueError, match="ASCII"):
        write_arrays(tmp_path / "a.npz", {"é": np.zeros(1)})
