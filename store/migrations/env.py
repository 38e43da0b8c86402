"""Alembic's entry: the steps run on the connection that `Store.upgrade` gives, in its transaction.

To change the tables: change store/tables.py, add a step to versions/, and set HEAD of
store/database.py to its number.
"""

from alembic import context

from store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
context.run_migrations()
