"""The first tables."""

from alembic import op

from store.tables import METADATA

revision, down_revision = "0001", None


def upgrade() -> None:
    METADATA.create_all(op.get_bind())


def downgrade() -> None:
    METADATA.drop_all(op.get_bind())
