"""What Placement's clients ask for besides: aggregates, and when something changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add a table and the times."""
    op.create_table(
        "provider_aggregate",
        sa.Column("provider", ID, nullable=False),
        sa.Column("aggregate", NAME, nullable=False),
        sa.ForeignKeyConstraint(
            ["provider"], ["provider.id"], name=op.f("fk_provider_aggregate_provider")
        ),
        sa.PrimaryKeyConstraint("provider", "aggregate", name=op.f("pk_provider_aggregate")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_provider_aggregate_aggregate"), "provider_aggregate", ["aggregate"])
    op.add_column(
        "provider", sa.Column("silent", sa.BigInteger(), nullable=False, server_default="0")
    )
    for table in ("provider", "inventory", "consumer"):
        op.add_column(table, sa.Column("changed_at", sa.Float(), nullable=True))
    for table in ("resource_class", "trait"):
        op.add_column(table, sa.Column("created_at", sa.Float(), nullable=True))
