"""Claims write down when they changed providers and consumers, and for whom generations move."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put PostgreSQL's function for claims anew."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION wherry_claim_0001")
        function = Path(__file__).with_name("0003_claim.sql").read_text(encoding="utf-8")
        # Bare: the text holds ":=", which is no parameter.
        op.execute(sa.text(function.replace(":", "\\:")))
