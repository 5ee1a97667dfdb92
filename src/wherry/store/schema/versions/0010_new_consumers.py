"""Claims on PostgreSQL lock consumers that are yet to be made."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put another function in the place of the one that claims call."""
    if op.get_context().dialect.name == "postgresql":
        file = Path(__file__).with_name("0010_new_consumers.sql")
        # Bare: the text holds ":=", which is no parameter.
        op.execute(sa.text(file.read_text(encoding="utf-8").replace(":", "\\:")))
        op.execute("DROP FUNCTION wherry_claims_0003(json, text[], text[])")
