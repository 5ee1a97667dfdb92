"""PostgreSQL's functions for claims."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the functions."""
    if op.get_context().dialect.name == "postgresql":
        for name in ("0003_claim.sql", "0003_claims.sql"):
            function = Path(__file__).with_name(name).read_text(encoding="utf-8")
            # Bare: the text holds ":=", which is no parameter.
            op.execute(sa.text(function.replace(":", "\\:")))
