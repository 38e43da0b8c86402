"""Stops of challengers."""

from alembic import op

from store.tables import stops

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    stops.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    stops.drop(op.get_bind())
