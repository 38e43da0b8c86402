"""Stops of challengers, and servers."""

from alembic import op

from store.tables import servers, stops

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    for table in (stops, servers):
        table.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    for table in (stops, servers):
        table.drop(op.get_bind())
