"""What the bundle keeps for monitoring, and the name of the code that made its features."""

from pathlib import Path

import numpy as np
import pytest

from problems import parts
from problems.featurize import feature_fingerprint
from retrace.base.params import read_params
from retrace.fit.reference import MOST_ROWS, sampled


def test_a_sample_by_hash_changes_by_one_row_at_most() -> None:
    keys = {"id": np.arange(3 * MOST_ROWS)}
    before = sampled(keys)
    assert len(before) == MOST_ROWS
    assert np.all(np.diff(before) > 0)
    after = sampled({"id": np.append(keys["id"], -1)})
    assert len(np.setdiff1d(before, after)) <= 1
    assert sampled({"id": np.arange(7)}).tolist() == list(range(7))


def settings(world: str = "fraud"):
    return read_params(parts.features(world).settings, f"{world}.features")


def test_the_fingerprint_is_of_the_settings() -> None:
    one = settings()
    other = one.model_copy(update={"prior_rows": one.prior_rows + 1})
    assert feature_fingerprint("fraud", one) == feature_fingerprint("fraud", settings())
    assert feature_fingerprint("fraud", other) != feature_fingerprint("fraud", one)


@pytest.mark.parametrize(
    "name", ["problems/fraud/problem.py", "retrace/encode/text/tokens.py", "retrace/past/state.py"]
)
def test_the_fingerprint_is_of_the_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = feature_fingerprint("fraud", settings())
    read = Path.read_bytes

    def changed(path: Path) -> bytes:
        return read(path) + (b"#" if path.as_posix().endswith(name) else b"")

    monkeypatch.setattr(Path, "read_bytes", changed)
    assert feature_fingerprint("fraud", settings()) != before
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read(path).replace(b"\n", b"\r\n")
    )  # line ends are no change
    assert feature_fingerprint("fraud", settings()) == before
