"""Groups of guests that keep together or apart."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "guest_group",
        sa.Column("id", NAME, nullable=False),
        sa.Column("claims", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_group")),
    )
    op.create_table(
        "guest_group_member",
        sa.Column("guest_group", NAME, nullable=False),
        sa.Column("guest", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["guest_group"],
            ["guest_group.id"],
            name=op.f("fk_guest_group_member_guest_group_guest_group"),
        ),
        sa.PrimaryKeyConstraint("guest_group", "guest", name=op.f("pk_guest_group_member")),
    )
    op.create_index(op.f("ix_guest_group_member_guest"), "guest_group_member", ["guest"])
