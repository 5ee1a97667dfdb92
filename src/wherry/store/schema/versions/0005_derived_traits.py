"""Traits that reports see in clients' providers have a table of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "derived_trait",
        sa.Column("provider", ID, nullable=False),
        sa.Column("trait", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider"], ["provider.id"], name=op.f("fk_derived_trait_provider")
        ),
        sa.ForeignKeyConstraint(["trait"], ["trait.id"], name=op.f("fk_derived_trait_trait")),
        sa.PrimaryKeyConstraint("provider", "trait", name=op.f("pk_derived_trait")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_derived_trait_trait"), "derived_trait", ["trait"])
