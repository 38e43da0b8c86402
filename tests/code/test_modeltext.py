"""What LightGBM writes is accepted, whatever is in its trees."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from retrace.fit.modeltext import ModelTextError, check_model_text


def test_a_split_of_missing_values_alone_has_an_infinite_threshold_and_is_accepted() -> None:
    rng = np.random.default_rng(1)
    gone = np.arange(400) % 2 == 0
    columns = pd.DataFrame({"x": np.where(gone, np.nan, rng.permutation(400) % 3)})
    data = lgb.Dataset(columns, gone.astype(float))
    booster = lgb.train({"objective": "regression", "verbose": -1, "num_leaves": 4}, data, 3)
    text = booster.model_to_string()
    assert "inf" in text.split("Tree=0")[1]
    check_model_text(text, columns=1)


def test_a_blank_line_within_a_tree_is_refused_since_lightgbm_stops_there() -> None:
    x = np.arange(200.0)
    data = lgb.Dataset(pd.DataFrame({"x": x}), x)
    text = lgb.train({"objective": "regression", "verbose": -1}, data, 1).model_to_string()
    check_model_text(text, columns=1)
    head, tree = text.split("\nsplit_feature=", 1)
    size = next(line for line in text.split("\n") if line.startswith("tree_sizes="))
    longer = f"tree_sizes={int(size.partition('=')[2]) + 1}"
    with pytest.raises(ModelTextError, match="tree 0: unexpected line ''"):
        check_model_text(f"{head}\n\nsplit_feature={tree}".replace(size, longer), columns=1)
