"""PostgreSQL: a pool of connections; several processes and machines share the fleet.

Writes run at READ COMMITTED: what they decide on they lock, or ask in the update itself.
Reads run at REPEATABLE READ, read only: one snapshot, taken at their first statement.
"""

import random
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
import sqlalchemy
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from wherry.model.errors import StoreUnavailable
from wherry.store.added_hosts import add_hosts
from wherry.store.claim_rows import ClaimRows
from wherry.store.claims_postgresql import apply_claims
from wherry.store.gather import Gather
from wherry.store.report_rows import NewHost, Sight, Sighting
from wherry.store.reports_postgresql import see_hosts
from wherry.store.transaction import Dialect, Tx

T = TypeVar("T")
ATTEMPTS = 10
LANES = 2
"""Transactions of claims under way at once in this process, each with a connection of its own."""
KEPT = 8
"""Connections for single statements that stay open; others go back to the pool."""
GROUP = 32
"""Claims in one transaction, at most: the server keeps track of 64 blocks that may be undone."""
BUSY = "the database does not answer: every connection of this process is in use"
AGAIN = frozenset({"40001", "40P01", "23505", "23503"})
"""Serialization failure, deadlock, a key that another transaction has just taken, a row that it
has just removed or begun to refer to: when the transaction runs again, it sees what the other
one did."""


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
        self._closed = False
        self._snapshots = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        # A call of one statement is a transaction by itself: no trips to begin and end it.
        self._calls = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._idle: list[Connection] = []
        self._gather: Gather[ClaimRows, dict[str, Any]] = Gather(
            self._claim_all, lanes=LANES, most=GROUP
        )
        self._seeing: Gather[Sighting, Sight] = Gather(self._see_all, lanes=LANES, most=GROUP)
        # A group costs little more than one: who comes meanwhile waits for the next.
        self._adding: Gather[NewHost, bool] = Gather(self._add_all, lanes=1, most=GROUP)

    def write(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* in a transaction of its own; see `Store.write`."""
        attempt = 0
        while True:
            is_written = False
            try:
                with self._opened().begin() as connection:
                    result = fn(Tx(connection, "postgresql"))
                    is_written = True
            except NoConnection as error:
                raise StoreUnavailable(BUSY) from error
            except (DBAPIError, psycopg.Error) as error:
                attempt += 1
                # A connection of the pool died with a server that was started anew; where the
                # commit was not yet asked for, nothing can have been written through it.
                is_stale = attempt == 1 and not is_written and _is_unreachable(error)
                if attempt == ATTEMPTS or not (is_stale or _sqlstate(error) in AGAIN):
                    raise _unavailable(error) from error
            else:
                return result
            time.sleep(random.uniform(0, 0.002 * 2**attempt))  # noqa: S311 - no secret

    def call(self, fn: Callable[[Any], T]) -> T:
        """Write by one statement; see `Store.call`."""
        attempt = 0
        while True:
            try:
                with self._lane() as db:
                    return fn(db)
            except NoConnection as error:
                raise StoreUnavailable(BUSY) from error
            except (DBAPIError, psycopg.Error) as error:
                attempt += 1
                if attempt == ATTEMPTS or _sqlstate(error) not in AGAIN:
                    raise _unavailable(error) from error
            time.sleep(random.uniform(0, 0.001 * 2**attempt))  # noqa: S311 - no secret

    def glance(self, fn: Callable[[Any], T]) -> T:
        """Read by one bare statement; see `Store.glance`."""
        try:
            return self.call(fn)
        except StoreUnavailable as error:
            if not _is_unreachable(error.__cause__):
                raise
            # Connections died with a server that was started anew; reads may repeat.
            return self.call(fn)

    def claim(self, rows: ClaimRows) -> dict[str, Any]:
        """Make one claim together with those that wait; see `Store.claim`."""
        return self._gather(rows)

    def _claim_all(self, claims: Sequence[ClaimRows]) -> Sequence[dict[str, Any] | Exception]:
        try:
            return self.call(lambda db: apply_claims(db, claims))
        except (DBAPIError, psycopg.Error):
            if len(claims) == 1:
                raise
        # One of them cannot be taken at all: let that not be the trouble of the others.
        return [self._claim_alone(rows) for rows in claims]

    def _claim_alone(self, rows: ClaimRows) -> dict[str, Any] | Exception:
        try:
            return self._claim_all([rows])[0]
        except Exception as error:
            return error

    def see(self, sighting: Sighting) -> Sight:
        """Note that a host was seen, together with those that wait; see `Store.see`."""
        return self._seeing(sighting)

    def _see_all(self, sightings: Sequence[Sighting]) -> Sequence[Sight]:
        return self._if_simple(lambda db: see_hosts(db, sightings), ["differs"] * len(sightings))

    def add(self, host: NewHost) -> bool:
        """Write a host that was never there, together with those that wait; see `Store.add`."""
        return self._adding(host)

    def _add_all(self, hosts: Sequence[NewHost]) -> Sequence[bool]:
        return self._if_simple(lambda db: add_hosts(db, hosts), [False] * len(hosts))

    def _if_simple(
        self, act: Callable[["psycopg.Connection[Any]"], list[T]], otherwise: list[T]
    ) -> list[T]:
        """Give what *act* gives; *otherwise* where the database refuses it.

        What one of several asks for is then not the trouble of the others.
        """
        for is_last in (False, True):
            try:
                with self._lane() as db:
                    return act(db)
            except NoConnection as error:
                raise StoreUnavailable(BUSY) from error
            except (DBAPIError, psycopg.Error, ValueError) as error:
                if not _is_unreachable(error):
                    return otherwise
                if is_last:
                    raise _unavailable(error) from error
        return otherwise

    @contextmanager
    def _lane(self) -> Iterator["psycopg.Connection[Any]"]:
        """Give a connection on which each statement is a transaction by itself."""
        connection = self._next_connection(self._opened(self._calls))
        driver: Any = connection.connection.driver_connection
        try:
            yield driver
        except BaseException:
            if driver.closed:
                connection.invalidate()
            connection.close()
            raise
        if len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def _next_connection(self, engine: Engine) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not _is_hung_up(connection):
                return connection
            connection.invalidate()
            connection.close()
        return engine.connect()

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* on one snapshot; see `Store.read`."""
        try:
            return self._read(fn)
        except StoreUnavailable as error:
            if not _is_unreachable(error.__cause__):
                raise
            # Connections of the pool die with a server that was started anew; reads may repeat.
            return self._read(fn)

    def _read(self, fn: Callable[[Tx], T]) -> T:
        try:
            with self._opened(self._snapshots).connect() as connection:
                tx = Tx(connection, "postgresql")
                result = fn(tx)
                # After a rollback the driver forgets every statement that it has prepared.
                tx.driver.commit()
                return result
        except NoConnection as error:
            raise StoreUnavailable(BUSY) from error
        except (DBAPIError, psycopg.Error) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Close the pool."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
        self._engine.dispose()

    def _opened(self, engine: Engine | None = None) -> Engine:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return self._engine if engine is None else engine


def _is_hung_up(connection: Connection) -> bool:
    """Whether the server has ended a connection of which nothing is asked now."""
    driver: Any = connection.connection.driver_connection
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    # There is nothing to read but the end.
    return bool(driver.closed or poll.poll(0))


def _driver_error(error: BaseException) -> BaseException:
    return error.orig or error if isinstance(error, DBAPIError) else error


def _sqlstate(error: BaseException) -> str | None:
    return getattr(_driver_error(error), "sqlstate", None)


def _unavailable(error: Exception) -> Exception:
    """Tell a database that does not answer from a statement that is wrong."""
    if _is_unreachable(error):
        words = " ".join(str(_driver_error(error)).split())
        return StoreUnavailable(f"the database does not answer: {words}")
    return error


def _is_unreachable(error: BaseException | None) -> bool:
    cause = None if error is None else _driver_error(error)
    return isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
