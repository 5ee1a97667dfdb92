"""Opens a store by its URL."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy
from sqlalchemy import Engine, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from wherry.model.errors import BadConfiguration, StoreUnavailable
from wherry.store.sqlite import OwnerLock, SqliteStore, sqlite_engine
from wherry.store.tables import REVISION
from wherry.store.transaction import Dialect, Store, Tx
from wherry.store.upgrade import (
    Upgrade,
    plan_upgrade,
    read_revision,
    render_statements,
    require_revision,
    upgrade,
)

T = TypeVar("T")


def open_store(url: str, *, pool_size: int = 16) -> Store:
    """Open the database that holds a fleet.

    A SQLite file is created and brought to the present schema as needed, and belongs to this
    process until `Store.close`.  A PostgreSQL database must have the present schema.

    Args:
        url: ``sqlite:///PATH`` (four slashes for an absolute path) or ``postgresql://…``.
        pool_size: connections kept open, PostgreSQL only; twice as many at most.

    Raises:
        BadConfiguration: the URL names no database that Wherry works with.
        StoreInUse: another process owns the SQLite file.
        StoreUnavailable: it does not answer, or has another schema.
    """
    if _is_postgresql(url):
        return _open_postgresql(url, pool_size)
    path = _sqlite_path(url)
    lock = OwnerLock(path)
    try:
        _upgrade_sqlite(path)
        return SqliteStore(url, path, lock)
    except BaseException:
        lock.release()
        raise


def upgrade_store(url: str, *, dry_run: bool = False) -> Upgrade:
    """Bring a database to the present schema, or say with which statements that would be.

    Raises:
        BadConfiguration, StoreInUse, StoreUnavailable: as `open_store`.
    """
    if _is_postgresql(url):
        engine = _postgresql_engine(url, 1)
        return _answering(engine, plan_upgrade if dry_run else upgrade)
    path = _sqlite_path(url)
    if dry_run:
        if not path.exists():
            return Upgrade(None, REVISION, render_statements("sqlite", None))
        return _answering(sqlite_engine(path, read_only=True), plan_upgrade)
    lock = OwnerLock(path)
    try:
        return _upgrade_sqlite(path)
    finally:
        lock.release()


def read_schema(url: str) -> str | None:
    """Say which schema a database has, None where it has none; also while others use it."""
    if not _is_postgresql(url) and not _sqlite_path(url).exists():
        return None

    def read(engine: Engine) -> str | None:
        with engine.connect() as connection:
            return read_revision(connection)

    return _answering(_reading_engine(url), read)


def read_store(url: str, fn: Callable[[Tx], T]) -> T:
    """Run *fn* on one snapshot of a database, also while others use it; nothing is written.

    Raises:
        BadConfiguration: the URL names no database that Wherry works with.
        StoreUnavailable: it is not there, does not answer, or has another schema.
    """
    if not _is_postgresql(url) and not _sqlite_path(url).exists():
        raise StoreUnavailable(f"there is no database {_sqlite_path(url)}")

    def read(engine: Engine) -> T:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        if engine.dialect.name == "sqlite":
            options = {}
        with engine.connect().execution_options(**options) as connection:
            dialect: Dialect = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
            tx = Tx(connection, dialect)
            if dialect == "sqlite":
                tx.driver.execute("BEGIN")
            require_revision(read_revision(connection))
            return fn(tx)

    return _answering(_reading_engine(url), read)


def write_store(url: str, fn: Callable[[Tx], T]) -> T:
    """Run *fn* in one transaction of a database that is there; the owner of an SQLite file alone.

    Raises:
        BadConfiguration, StoreInUse: as `open_store`.
        StoreUnavailable: as `read_store`.
    """
    if not _is_postgresql(url) and not _sqlite_path(url).exists():
        raise StoreUnavailable(f"there is no database {_sqlite_path(url)}")
    store = open_store(url)
    try:
        return store.write(fn)
    finally:
        store.close()


def _reading_engine(url: str) -> Engine:
    if _is_postgresql(url):
        return _postgresql_engine(url, 1)
    return sqlite_engine(_sqlite_path(url), read_only=True)


def _is_postgresql(url: str) -> bool:
    return url.split(":", 1)[0].split("+", 1)[0] in {"postgresql", "postgres"}


def _sqlite_path(url: str) -> Path:
    try:
        parsed = sqlalchemy.make_url(url)
    except ArgumentError as error:
        message = f"{url!r} is no database URL: write sqlite:///PATH or postgresql://…"
        raise BadConfiguration(message) from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.query:
        message = (
            f"{parsed.render_as_string()} names no database that Wherry works with:"
            " write sqlite:///PATH or postgresql://…"
        )
        raise BadConfiguration(message)
    return Path(parsed.database).absolute()


def _upgrade_sqlite(path: Path) -> Upgrade:
    engine = sqlite_engine(path)
    try:
        with engine.connect() as connection:
            revision = read_revision(connection)
        if revision == REVISION:
            return Upgrade(revision, revision)
        return upgrade(engine)
    except (DBAPIError, sqlite3.Error) as error:
        raise StoreUnavailable(f"{path} cannot be used as a database: {_words(error)}") from error
    finally:
        engine.dispose()


def _postgresql_engine(url: str, pool_size: int) -> Engine:
    try:
        from wherry.store.postgresql import postgresql_engine  # noqa: PLC0415 - an extra

        return postgresql_engine(url, pool_size=pool_size)
    except ImportError as error:
        raise BadConfiguration("PostgreSQL needs `pip install 'wherry[postgresql]'`") from error
    except (ArgumentError, ValueError) as error:
        raise BadConfiguration(f"the database URL cannot be read: {error}") from error


def _open_postgresql(url: str, pool_size: int) -> Store:
    engine = _postgresql_engine(url, pool_size)
    from wherry.store.postgresql import PostgresqlStore  # noqa: PLC0415 - an extra

    try:
        with engine.begin() as connection:
            require_revision(read_revision(connection))
            # A database restored elsewhere brings transaction ids of the old server: what lies
            # in this one's future would be told again and again.
            connection.execute(
                text("DELETE FROM change WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())")
            )
    except DBAPIError as error:
        engine.dispose()
        raise StoreUnavailable(f"the database does not answer: {_words(error)}") from error
    except BaseException:
        engine.dispose()
        raise
    return PostgresqlStore(url, engine)


def _answering(engine: Engine, ask: Callable[[Engine], T]) -> T:
    try:
        return ask(engine)
    except (DBAPIError, sqlite3.Error) as error:
        raise StoreUnavailable(f"the database does not answer: {_words(error)}") from error
    finally:
        engine.dispose()


def _words(error: Exception) -> str:
    """Give what the database or its driver says, on one line."""
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
