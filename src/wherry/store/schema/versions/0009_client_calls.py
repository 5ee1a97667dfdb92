"""PostgreSQL's functions for what clients write of one provider, and for what claims changed."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAMES = ("make_provider", "set_inventories", "set_traits", "set_aggregates", "use_since")


def upgrade() -> None:
    """Create the functions."""
    if op.get_context().dialect.name == "postgresql":
        for name in NAMES:
            file = Path(__file__).with_name(f"0009_{name}.sql")
            function = file.read_text(encoding="utf-8")
            # Bare: the text holds ":=", which is no parameter.
            op.execute(sa.text(function.replace(":", "\\:")))
