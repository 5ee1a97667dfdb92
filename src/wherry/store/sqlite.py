"""SQLite: one process, one writer thread that commits in groups, readers beside it.

Every unit of work runs in a savepoint of one transaction, and the clients wait for its commit:
so sixty-four writers share one flush to disk, and each is told only what is on disk.  Claims
share their statements as well.  Readers see the last commit (WAL) and wait for nobody.

Source: notes on the stack: 2.2k claims a second one by one, 11.9k in groups of 64.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from wherry.model.errors import StoreInUse, StoreUnavailable
from wherry.store.claim_rows import ClaimRows
from wherry.store.claims_sqlite import apply_claims
from wherry.store.report_rows import NewHost, Seen, Sight, Sighting
from wherry.store.reports_sqlite import add_host, read_sight, see_host
from wherry.store.transaction import Dialect, Tx

T = TypeVar("T")
GROUP = 256
"""Units of work in one commit, at most."""
READING = ("query_only = ON", "cache_size = -65536")
WRITING = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "wal_autocheckpoint = 20000",
    "cache_size = -65536",
)
GATHER_S = 0.0005
"""So long the writer waits for more where the last group had several: those who were just told
come back at once, and would else share no flush with the first of them."""
IDLE_S = 1.0
"""After so long without work the log is copied into the database."""


class OwnerLock:
    """The file beside the database that says which process owns it."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            message = f"{database} cannot be used as a database: {error.strerror}"
            raise StoreUnavailable(message) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._fd, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            message = (
                f"{database} is owned by another process (pid {owner}): stop it,"
                " or use PostgreSQL for several processes"
            )
            raise StoreInUse(message) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process own the database; the file stays, its lock is what counts."""
        os.close(self._fd)


def sqlite_engine(path: Path, *, read_only: bool = False) -> Engine:
    """Make an engine whose connections are in WAL mode and flush every commit to disk."""
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(path)),
        # Transactions are begun and ended by hand: the driver would begin them too late.
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": 30},
        pool_size=32,
        max_overflow=32,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        for pragma in READING if read_only else WRITING:
            connection.execute(f"PRAGMA {pragma}")

    return engine


class _Unit:
    """One unit of work that waits for the writer: a function, or a claim."""

    __slots__ = ("_done", "error", "fn", "result", "rows")

    def __init__(
        self, fn: Callable[[Tx], Any] | None = None, rows: ClaimRows | None = None
    ) -> None:
        self.fn = fn
        self.rows = rows
        self.result: Any = None
        self.error: BaseException | None = None
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self) -> None:
        self._done.release()

    def wait(self) -> None:
        self._done.acquire()


class SqliteStore:
    """A fleet in one file, owned by this process."""

    dialect: Dialect = "sqlite"

    def __init__(self, url: str, path: Path, lock: OwnerLock) -> None:
        self.url = url
        self._lock = lock
        self._engine = sqlite_engine(path)
        self._queue: SimpleQueue[_Unit | None] = SimpleQueue()
        self._closed = False
        self._gate = threading.Lock()
        self._writer = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._writer.start()

    def write(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* in the writer's next transaction; see `Store.write`."""
        return cast("T", self._wait_for(_Unit(fn)))

    def _wait_for(self, unit: _Unit) -> Any:
        if threading.current_thread() is self._writer:
            raise RuntimeError("a unit of work cannot wait for another one")
        with self._gate:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            self._queue.put(unit)
        unit.wait()
        if isinstance(unit.error, DBAPIError | sqlite3.Error):
            raise unavailable(unit.error) from unit.error
        if unit.error is not None:
            raise unit.error
        return unit.result

    def call(self, fn: Callable[[Any], T]) -> T:
        """Write by bare statements; see `Store.call`."""
        return self.write(lambda tx: fn(tx.driver))

    def glance(self, fn: Callable[[Any], T]) -> T:
        """Read by one bare statement; see `Store.glance`."""
        return self.read(lambda tx: fn(tx.driver))

    def claim(self, rows: ClaimRows) -> dict[str, Any]:
        """Make one claim together with those that wait; see `Store.claim`."""
        answer: dict[str, Any] = self._wait_for(_Unit(rows=rows))
        return answer

    def see(self, sighting: Sighting) -> Sight:
        """Note that a host was seen; see `Store.see`."""
        found = self.read(lambda tx: read_sight(tx.driver, sighting))
        if not isinstance(found, Seen):
            return found
        return self.write(lambda tx: see_host(tx.driver, sighting))

    def add(self, host: NewHost) -> bool:
        """Write a host that was never there; see `Store.add`."""
        return self.write(lambda tx: add_host(tx.driver, host))

    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run *fn* on one snapshot; see `Store.read`."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        try:
            with self._engine.connect() as connection:
                tx = Tx(connection, "sqlite")
                tx.driver.execute("BEGIN")
                return fn(tx)
        except NoConnection as error:
            raise StoreUnavailable("too many read the database at once") from error
        except (DBAPIError, sqlite3.Error) as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Finish the work that waits, copy the log into the database, give up the file."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._engine.dispose()
        self._lock.release()

    def _work(self) -> None:
        with self._engine.connect() as connection:
            running, busy = True, False
            while running:
                units, running = self._next_units(connection, GATHER_S if busy else 0)
                busy = len(units) > 1
                if units:
                    _commit(connection, units)
            _checkpoint(connection)

    def _next_units(self, connection: Connection, gather_s: float) -> tuple[list[_Unit], bool]:
        """Wait for work, then a moment for more, then take all that waits."""
        try:
            unit = self._queue.get(timeout=IDLE_S)
        except Empty:
            _checkpoint(connection)
            unit = self._queue.get()
        if gather_s:
            time.sleep(gather_s)
        units = []
        while unit is not None:
            units.append(unit)
            if len(units) == GROUP or self._queue.empty():
                return units, True
            unit = self._queue.get()
        return units, False


def _commit(connection: Connection, units: list[_Unit]) -> None:
    """Run units of work in one transaction; each is told once it is on disk."""
    tx = Tx(connection, "sqlite")
    try:
        tx.driver.execute("BEGIN IMMEDIATE")
        _run_claims(tx, [unit for unit in units if unit.rows is not None])
        for unit in units:
            if unit.fn is not None:
                _run(tx, unit, unit.fn)
        tx.driver.execute("COMMIT")
    except BaseException as error:
        failure = StoreUnavailable(f"nothing was written: {error}")
        failure.__cause__ = error
        for unit in units:
            unit.error = unit.error or failure
        _roll_back(tx.driver)
    finally:
        for unit in units:
            unit.finish()


def _run_claims(tx: Tx, units: list[_Unit]) -> None:
    """Make claims together; one that cannot be taken at all is not the trouble of the others."""
    if not units:
        return
    tx.driver.execute("SAVEPOINT unit")
    try:
        answers = apply_claims(tx.driver, [unit.rows for unit in units if unit.rows])
        for unit, answer in zip(units, answers, strict=True):
            unit.result = answer
    except BaseException as error:
        if not tx.driver.in_transaction:
            raise
        tx.driver.execute("ROLLBACK TO unit")
        if len(units) == 1:
            units[0].error = error
    tx.driver.execute("RELEASE unit")
    if len(units) > 1 and units[0].result is None:
        for unit in units:
            _run_claims(tx, [unit])


def _run(tx: Tx, unit: _Unit, fn: Callable[[Tx], Any]) -> None:
    tx.driver.execute("SAVEPOINT unit")
    try:
        unit.result = fn(tx)
    except BaseException as error:
        if not tx.driver.in_transaction:
            # A full disk ends the whole transaction: nothing of the group is written.
            raise
        tx.driver.execute("ROLLBACK TO unit")
        unit.error = error
    tx.driver.execute("RELEASE unit")


def unavailable(error: Exception) -> Exception:
    """Tell a file that cannot be used as a database from a statement that is wrong."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    # A full disk, a lock, a damaged page; what is wrong with a statement has classes of its own.
    if isinstance(cause, sqlite3.OperationalError) or type(cause) is sqlite3.DatabaseError:
        return StoreUnavailable(f"the database cannot be used: {cause}")
    return error


def _roll_back(driver: Any) -> None:
    if driver.in_transaction:
        driver.execute("ROLLBACK")


def _checkpoint(connection: Connection) -> None:
    """Copy the log into the database without waiting for readers."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
