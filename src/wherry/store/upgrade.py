"""The schema's revision, and the way from an older one to this program's.

Alembic is loaded only where something is to be done: importing it takes longer than a claim
on a cold disk.
"""

import io
import secrets
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from wherry.model.errors import StoreUnavailable
from wherry.store.tables import REVISION

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "schema"
LOCK = 0x77687279  # "whry"
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did, or would do.

    Attributes:
        before: revision found; None for an empty database.
        after: revision that the database has then.
        sql: the statements, where they were only asked for.
    """

    before: str | None
    after: str
    sql: str = ""

    @property
    def is_needed(self) -> bool:
        """Whether there was anything to do."""
        return self.before != self.after


def read_revision(connection: Connection) -> str | None:
    """Say which schema a database has; None where it has none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def require_revision(revision: str | None) -> None:
    """Refuse a database that this program cannot work with.

    Raises:
        StoreUnavailable: the schema is older or newer than this program's.
    """
    if revision == REVISION:
        return
    found = "no schema yet" if revision is None else f"schema {revision}"
    if revision is not None and revision > REVISION:
        message = f"the database has {found}, written by a newer Wherry than this (at {REVISION})"
    else:
        message = f"the database has {found} and needs {REVISION}: run `wherry db upgrade`"
    raise StoreUnavailable(message)


def upgrade(engine: Engine) -> Upgrade:
    """Bring a database to this program's schema; one process at a time does it.

    Raises:
        StoreUnavailable: the schema is newer than this program's.
    """
    with engine.connect() as connection:
        _lock(connection)
        before = read_revision(connection)
        if before is not None and before >= REVISION:
            require_revision(before)
            return Upgrade(before, before)
        _run(connection)
        connection.execute(text(_first_rows()))
        _commit(connection)
        return Upgrade(before, REVISION)


def _first_rows() -> str:
    """Write down what a fleet begins with: identity, a feed that has lost nothing, and a salt."""
    salt = new_salt().hex()
    rows = f"('fleet', '{uuid.uuid4()}'), ('feed_floor', '0'), ('salt', '{salt}')"
    return f"INSERT INTO meta (key, value) VALUES {rows} ON CONFLICT (key) DO NOTHING"  # noqa: S608 - no input


def new_salt() -> bytes:
    """Make a salt that nobody can guess."""
    return secrets.token_bytes(SALT_BYTES)


def plan_upgrade(engine: Engine) -> Upgrade:
    """Write down the statements of an upgrade, and change nothing."""
    with engine.connect() as connection:
        before = read_revision(connection)
    if before is not None and before >= REVISION:
        require_revision(before)
        return Upgrade(before, before)
    return Upgrade(before, REVISION, render_statements(engine.dialect.name, before))


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Of the transaction: gone with it, however it ends.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _commit(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("COMMIT")
    connection.commit()


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _run(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, REVISION)


def render_statements(dialect: str, before: str | None) -> str:
    """Write down what leads from a revision, or from nothing, to the present one."""
    from alembic import command  # noqa: PLC0415 - see above

    config = _config()
    config.attributes["dialect"] = dialect
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{before or 'base'}:{REVISION}", sql=True)
    return f"{config.output_buffer.getvalue()}{_first_rows()};\n"
