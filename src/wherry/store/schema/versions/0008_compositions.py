"""Composed devices that are set aside."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "composition",
        sa.Column("uuid", NAME, nullable=False),
        sa.Column("provider", NAME, nullable=False),
        sa.Column("host", NAME, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_composition")),
    )
    for column in ("provider", "host"):
        op.create_index(op.f(f"ix_composition_{column}"), "composition", [column])
