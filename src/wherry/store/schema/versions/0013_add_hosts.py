"""PostgreSQL's function that writes hosts which report for the first time."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the function."""
    if op.get_context().dialect.name == "postgresql":
        file = Path(__file__).with_name("0013_add_hosts.sql")
        # Bare: the text holds ":=", which is no parameter.
        op.execute(sa.text(file.read_text(encoding="utf-8").replace(":", "\\:")))
