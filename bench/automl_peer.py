"""One AutoML library on the rows of bench.automl; runs in an environment of its own.

    python automl_peer.py autogluon regression rmse price 120

Reads peer_train.parquet and peer_test.parquet, writes PEER.parquet, and prints the seconds. Where
errors are even on a log scale (rmsle) it learns the logarithm.
"""

import sys
import time

import numpy as np
import pandas as pd

NAMES = {  # of metrics
    "autogluon": {"mae": "mean_absolute_error", "log_loss": "log_loss"},
    "flaml": {"mae": "mae", "log_loss": "log_loss"},
}
SQUARED = {"autogluon": "root_mean_squared_error", "flaml": "rmse"}


def autogluon(
    train: pd.DataFrame, test: pd.DataFrame, task: str, metric: str, target: str, seconds: int
) -> pd.DataFrame:
    from autogluon.tabular import TabularPredictor

    predictor = TabularPredictor(
        label=target, problem_type=task, eval_metric=metric, verbosity=0, path="autogluon"
    )
    predictor.fit(train, presets="medium_quality", time_limit=seconds, num_cpus=2)
    if task == "regression":
        return pd.DataFrame({"prediction": predictor.predict(test)})
    shares = predictor.predict_proba(test)
    return named(shares.to_numpy(), list(shares), task)


def flaml(
    train: pd.DataFrame, test: pd.DataFrame, task: str, metric: str, target: str, seconds: int
) -> pd.DataFrame:
    from flaml import AutoML

    learner = AutoML()
    learner.fit(
        train.drop(columns=target),
        train[target],
        task="regression" if task == "regression" else "classification",
        metric=metric,
        time_budget=seconds,
        n_jobs=2,
        seed=1,
        verbose=0,
    )
    if task == "regression":
        return pd.DataFrame({"prediction": learner.predict(test)})
    return named(learner.predict_proba(test), list(learner.classes_), task)


def named(shares: object, classes: list[object], task: str) -> pd.DataFrame:
    found = pd.DataFrame(shares, columns=[str(one) for one in classes])
    return pd.DataFrame({"prediction": found.iloc[:, 1]}) if task == "binary" else found


def main() -> None:
    peer, task, metric, target, seconds = sys.argv[1:6]
    train, test = pd.read_parquet("peer_train.parquet"), pd.read_parquet("peer_test.parquet")
    if task == "binary":
        train[target] = train[target].astype(int)
    log = metric == "rmsle"
    train[target] = np.log1p(train[target]) if log else train[target]
    start = time.perf_counter()
    fit = {"autogluon": autogluon, "flaml": flaml}[peer]
    named_metric = NAMES[peer].get(metric, SQUARED[peer])
    found = fit(train, test.drop(columns=target), task, named_metric, target, int(seconds))
    taken = time.perf_counter() - start
    found = np.expm1(found).clip(lower=0) if log else found
    found.reset_index(drop=True).to_parquet(f"{peer}.parquet")
    print(f"\n{taken:.1f}")


if __name__ == "__main__":
    main()
