"""LightGBM is imported without scikit-learn, which stays there for those who use it."""

import subprocess
import sys

SCRIPT = """
import sys
from retrace.fit.learner import lgb
import experiments.tune.trial, stages.backtest, stages.evaluate, stages.train
assert "sklearn" not in sys.modules
assert not hasattr(lgb.compat, "sklearn") and not lgb.compat.SKLEARN_INSTALLED
from sklearn.linear_model import Ridge
assert Ridge().fit([[0.0], [1.0]], [0.0, 1.0]).predict([[1.0]])[0] > 0.5
"""


def test_a_stage_pays_for_scikit_learn_only_where_it_uses_it() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
