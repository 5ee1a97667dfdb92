"""PostgreSQL asks no more whether what a row names is there where other rows say so already.

A view has inventories of its provider, one for its class and one for each pool, and these have
foreign keys to both.  A provider's root is at the end of its parents, and each of them has one to
the next.  SQLite looks for next to nothing, and would have to copy both tables.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FOLLOWING = {"view": ("provider", "class", "pool"), "provider": ("root",)}


def upgrade() -> None:
    """Drop the foreign keys that follow from others."""
    if op.get_context().dialect.name == "postgresql":
        for table, columns in FOLLOWING.items():
            for column in columns:
                op.drop_constraint(op.f(f"fk_{table}_{column}"), table, type_="foreignkey")
