"""One AutoML library on the rows of bench.automl; runs in an environment of its own.

    python automl_peer.py autogluon regression price 120

Reads peer_train.parquet and peer_test.parquet, writes PEER.parquet, and prints the seconds.
"""

import sys
import time

import pandas as pd


def autogluon(
    train: pd.DataFrame, test: pd.DataFrame, task: str, target: str, seconds: int
) -> pd.DataFrame:
    from autogluon.tabular import TabularPredictor

    metric = "root_mean_squared_error" if task == "regression" else "log_loss"
    predictor = TabularPredictor(
        label=target, problem_type=task, eval_metric=metric, verbosity=0, path="autogluon"
    )
    predictor.fit(train, presets="medium_quality", time_limit=seconds)
    if task == "regression":
        return pd.DataFrame({"prediction": predictor.predict(test)})
    shares = predictor.predict_proba(test)
    return named(shares.to_numpy(), list(shares), task)


def flaml(
    train: pd.DataFrame, test: pd.DataFrame, task: str, target: str, seconds: int
) -> pd.DataFrame:
    from flaml import AutoML

    learner = AutoML()
    learner.fit(
        train.drop(columns=target),
        train[target],
        task="regression" if task == "regression" else "classification",
        metric="rmse" if task == "regression" else "log_loss",
        time_budget=seconds,
        seed=1,
        verbose=0,
    )
    if task == "regression":
        return pd.DataFrame({"prediction": learner.predict(test)})
    return named(learner.predict_proba(test), list(learner.classes_), task)


def named(shares: object, classes: list[object], task: str) -> pd.DataFrame:
    found = pd.DataFrame(shares, columns=[f"probability_{one}" for one in classes])
    return pd.DataFrame({"prediction": found.iloc[:, 1]}) if task == "binary" else found


def main() -> None:
    peer, task, target, seconds = sys.argv[1:5]
    train, test = pd.read_parquet("peer_train.parquet"), pd.read_parquet("peer_test.parquet")
    if task == "binary":
        train[target] = train[target].astype(int)
    start = time.perf_counter()
    fit = {"autogluon": autogluon, "flaml": flaml}[peer]
    found = fit(train, test.drop(columns=target), task, target, int(seconds))
    taken = time.perf_counter() - start
    found.reset_index(drop=True).to_parquet(f"{peer}.parquet")
    print(f"\n{taken:.1f}")


if __name__ == "__main__":
    main()
