"""How well the service times found from events agree with the true ones."""

import pandas as pd


def visit_table(rows: pd.DataFrame, truth: pd.DataFrame) -> pd.DataFrame:
    """Return one row for all clean stops and one a grade, against the simulator's truth.

    The columns are grade, stops, and those of `problems.service_time.ingest.agreement.accuracy`;
    `matched_share` is that of the true stops, of a grade that of its own. Figures are missing
    where no stop has a truth.
    """
    pairs = rows.merge(truth[["stop_id", "started_at", "ended_at"]], on="stop_id", how="left")
    error = pairs["service_seconds"] - (pairs["ended_at"] - pairs["started_at"]).dt.total_seconds()
    late, early = (
        pairs["arrived_at"] >= pairs["ended_at"],
        pairs["departed_at"] <= pairs["started_at"],
    )
    judged = pd.DataFrame(
        {
            "grade": pairs["grade"].astype("str"),
            "known": pairs["ended_at"].notna(),
            "error": error,
            "size": error.abs(),
            "apart": (late | early).where(pairs["ended_at"].notna()).astype("float64"),
        }
    ).sort_values("grade", kind="stable")
    by_grade = pd.concat([judged.assign(grade="all"), judged]).groupby("grade", sort=False)
    found = by_grade.agg(
        stops=("known", "size"),
        matched_share=("known", "max"),
        median_error_seconds=("size", "median"),
        p90_error_seconds=("size", lambda sizes: sizes.quantile(0.9)),
        bias_seconds=("error", "mean"),
        false_visit_share=("apart", "mean"),
    ).astype({"matched_share": "float64"})
    if len(rows) and len(truth):
        found.loc["all", "matched_share"] = judged["known"].sum() / len(truth)
    return found.reset_index()
