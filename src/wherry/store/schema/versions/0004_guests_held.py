"""Who lets go of allocations may hold the place of a guest: these are found by an index."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(op.f("ix_guest_migration"), "guest", ["migration"])
