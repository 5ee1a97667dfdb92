"""PostgreSQL: a pool of connections; several processes and machines share the fleet.

Writes run at READ COMMITTED: what they decide on they lock, or ask in the update itself.
Reads run at REPEATABLE READ, read only: one snapshot, taken at their first statement.
"""

import random
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg
import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from wherry.model.errors import StoreUnavailable
from wherry.store.transaction import Dialect, Tx

T = TypeVar("T")
ATTEMPTS = 10
AGAIN = frozenset({"40001", "40P01"})
"""Serialization failure, deadlock: the transaction may be run again."""


def postgresql_engine(url: str, *, pool_size: int = 16) -> Engine:
    """Make an engine; no connection is opened yet."""
    return sqlalchemy.create_engine(
        sqlalchemy.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        connect_args={"application_name": "wherry", "connect_timeout": 10},
    )


class PostgresqlStore:
    """A fleet in a PostgreSQL database."""

    dialect: Dialect = "postgresql"

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self._engine = engine
        self._snapshots = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def write(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* in a transaction of its own; see `Store.write`."""
        for attempt in range(ATTEMPTS):
            try:
                with self._engine.begin() as connection:
                    result = fn(Tx(connection, "postgresql"))
            except (DBAPIError, psycopg.Error) as error:
                if _sqlstate(error) not in AGAIN or attempt == ATTEMPTS - 1:
                    raise _unavailable(error) from error
            else:
                return result
            time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - no secret
        raise AssertionError("unreachable")

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* on one snapshot; see `Store.read`."""
        try:
            return self._read(fn)
        except StoreUnavailable:
            # Connections of the pool die with a server that was started anew; reads may repeat.
            return self._read(fn)

    def _read(self, fn: Callable[[Tx], T]) -> T:
        try:
            with self._snapshots.connect() as connection:
                return fn(Tx(connection, "postgresql"))
        except (DBAPIError, psycopg.Error) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close the pool."""
        self._engine.dispose()


def _driver_error(error: BaseException) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error


def _sqlstate(error: BaseException) -> str | None:
    return getattr(_driver_error(error), "sqlstate", None)


def _unavailable(error: Exception) -> Exception:
    """Tell a database that does not answer from a statement that is wrong."""
    cause = _driver_error(error)
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnavailable(f"the database does not answer: {cause}")
    return error
