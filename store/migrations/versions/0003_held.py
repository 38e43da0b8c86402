"""Facts that are held before they count, and the newest ones of each source."""

from alembic import op

from store.tables import held, newest

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    for table in (held, newest):
        table.create(op.get_bind(), checkfirst=True)


def downgrade() -> None:
    for table in (held, newest):
        table.drop(op.get_bind())
