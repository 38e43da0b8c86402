"""What LightGBM writes is accepted, whatever is in its trees."""

import lightgbm as lgb
import numpy as np
import pandas as pd

from retrace.modeltext import check_model_text


def test_a_split_of_missing_values_alone_has_an_infinite_threshold_and_is_accepted() -> None:
    rng = np.random.default_rng(1)
    gone = np.arange(400) % 2 == 0
    columns = pd.DataFrame({"x": np.where(gone, np.nan, rng.permutation(400) % 3)})
    data = lgb.Dataset(columns, gone.astype(float))
    booster = lgb.train({"objective": "regression", "verbose": -1, "num_leaves": 4}, data, 3)
    text = booster.model_to_string()
    assert "inf" in text.split("Tree=0")[1]
    check_model_text(text, columns=1)
