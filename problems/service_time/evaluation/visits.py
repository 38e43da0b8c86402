"""How well the service times found from events agree with the true ones."""

import pandas as pd


def visit_table(rows: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return one row for all clean stops and one a grade, against the simulator's truth.

    The columns are those of `problems.service_time.ingest.agreement.accuracy`; a grade's own stops
    are all matched.
    """
    pairs = rows.merge(truth[["stop_id", "started_at", "ended_at"]], on="stop_id")
    error = pairs["service_seconds"] - (pairs["ended_at"] - pairs["started_at"]).dt.total_seconds()
    late, early = (
        pairs["arrived_at"] >= pairs["ended_at"],
        pairs["departed_at"] <= pairs["started_at"],
    )
    judged = pd.DataFrame(
        {
            "grade": pairs["grade"].astype("str"),
            "error": error,
            "size": error.abs(),
            "apart": late | early,
        }
    ).sort_values("grade", kind="stable")
    by_grade = pd.concat([judged.assign(grade="all"), judged]).groupby("grade", sort=False)
    found = by_grade.agg(
        stops=("error", "size"),
        median_error_seconds=("size", "median"),
        p90_error_seconds=("size", lambda sizes: sizes.quantile(0.9)),
        bias_seconds=("error", "mean"),
        false_visit_share=("apart", "mean"),
    )
    found.insert(1, "matched_share", 1.0)
    found.loc["all", "matched_share"] = len(pairs) / len(truth)
    return found.reset_index()
