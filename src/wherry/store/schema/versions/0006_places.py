"""Where instances sit on parents with positions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add where a type may sit, and where instances do."""
    op.add_column("occupant", sa.Column("place", NAME, nullable=True))
    op.add_column("seen_instance", sa.Column("place", NAME, nullable=True))
    op.create_table(
        "placement",
        sa.Column("provider", ID, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("places", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["provider"], ["provider.id"], name=op.f("fk_placement_provider")),
        sa.PrimaryKeyConstraint("provider", "type", name=op.f("pk_placement")),
        sqlite_with_rowid=False,
    )
