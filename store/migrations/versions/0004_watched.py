"""What monitoring keeps, and the indexes that it asks by."""

from alembic import op
from sqlalchemy import inspect

from store.tables import (
    alarms,
    counts,
    loaded_days,
    outcomes,
    pages,
    passes,
    predictions,
    summaries,
)

revision, down_revision = "0004", "0003"
KEPT = (loaded_days, counts, summaries, alarms, pages, passes)
OLDER = {"predictions_by_time": ["problem", "fingerprint", "as_of"],
         "predictions_by_name": ["problem", "name"]}  # fmt: skip


def upgrade() -> None:
    bind = op.get_bind()
    for table in KEPT:
        table.create(bind, checkfirst=True)
    for table in (predictions, outcomes):
        there = {one["name"]: one["column_names"] for one in inspect(bind).get_indexes(table.name)}
        for index in table.indexes:
            name = str(index.name)
            if there.get(name) != [column.name for column in index.columns]:
                if name in there:
                    op.drop_index(name, table.name)
                index.create(bind)


def downgrade() -> None:
    for table in KEPT:
        table.drop(op.get_bind())
    for name, columns in OLDER.items():
        op.drop_index(name, "predictions")
        op.create_index(name, "predictions", columns)
    op.drop_index("outcomes_by_arrival", "outcomes")
