"""The short form of the drill: the real Prometheus on what is deployed."""

from pathlib import Path

import pytest

from tests.drills.prometheus import N_ROWS, both, drifted, seen, told
from tests.online.prometheus import PROGRAMS, is_installed


@pytest.mark.slow
@pytest.mark.skipif(not is_installed(), reason=f"not installed: {' or '.join(PROGRAMS)}")
def test_faults_arrive_at_a_webhook_and_every_panel_has_data(
    reproduced: Path, tmp_path: Path
) -> None:
    found = seen(reproduced, tmp_path, 3.0)
    outcome = told(both(found, drifted(reproduced, tmp_path, 3.0, N_ROWS)))
    assert not outcome.failed, outcome.details
