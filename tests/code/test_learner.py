"""Importing retrace changes nothing in the process; a stage leaves scikit-learn out of LightGBM."""

import subprocess
import sys

STAGE = """
import sys
import stages
from retrace.fit.learner import lgb
import experiments.tune.trial, stages.backtest, stages.evaluate, stages.train
assert "sklearn" not in sys.modules
assert not hasattr(lgb.compat, "sklearn") and not lgb.compat.SKLEARN_INSTALLED
from sklearn.linear_model import Ridge
assert Ridge().fit([[0.0], [1.0]], [0.0, 1.0]).predict([[1.0]])[0] > 0.5
"""
NOTEBOOK = """
import os, pkgutil, sys
import retrace
def told():  # scikit-learn sets those of its own threads
    return {k: v for k, v in os.environ.items() if not k.startswith("KMP_")}
before, path = told(), list(sys.path)
for module in pkgutil.walk_packages(retrace.__path__, "retrace."):
    __import__(module.name)
assert told() == before and sys.path == path
import lightgbm
model = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbosity=-1)
assert len(model.fit([[0.0], [1.0]] * 20, [0.0, 1.0] * 20).predict([[1.0]])) == 1
"""
PINNED = """
import os
import stages
assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
import sys
assert "numpy" not in sys.modules
"""


def run(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_stage_pays_for_scikit_learn_only_where_it_uses_it() -> None:
    run(STAGE)


def test_importing_retrace_changes_nothing_in_the_process() -> None:
    run(NOTEBOOK)


def test_stages_are_pinned_before_numpy_loads() -> None:
    run(PINNED)
