"""Another writer between two statements of a use case, after each of them in turn.

On PostgreSQL each statement of a transaction that writes sees what others have committed before
it.  Whatever comes of that, it has to be what comes of one after the other.
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import event
from sqlalchemy.pool import Pool

from databases import PostgresqlServer
from placement_wire import Told, Wire
from wherry.app.engine import open_engine
from wherry.app.settings import Settings
from wherry.model.errors import WherryError
from wherry.store import tables
from wherry.store.transaction import Tx

Act = Callable[[Wire], Any]
_thread = threading.local()
_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = %s"
_IDS = {
    "provider": (tables.provider, "uuid"),
    "parent": (tables.provider, "uuid"),
    "root": (tables.provider, "uuid"),
    "class": (tables.resource_class, "name"),
    "pool": (tables.resource_class, "name"),
    "trait": (tables.trait, "name"),
    "consumer": (tables.consumer, "uuid"),
}
"""Columns with ids of other tables, and what these are known by outside."""
_MOVES = {"id", "silent", "claims", "token", "due", "deadline", "last_seen", "at"}
"""Counters and times, besides those that are named for it."""


class Came(NamedTuple):
    """What came of it: the two answers, and what is stored then."""

    mine: Any
    other: Any
    stored: list[str]


class Pair:
    """A use case, and what another does meanwhile.

    Args:
        before: makes the fleet that both find.
        near: word of the statements after which the other comes; empty: all.
    """

    def __init__(self, before: Act, act: Act, other: Act, near: str = "") -> None:
        self.before, self.act, self.other, self.near = before, act, other, near

    def came(self, wire: Wire, mine: Any, other: Any) -> Came:
        return Came(_told(mine), _told(other), wire.engine.store.read(_stored))

    def one_after_the_other(self, wire: Wire, *, is_first: bool) -> Came:
        self.before(wire)
        if is_first:
            mine = _outcome(self.act, wire)
            return self.came(wire, mine, _outcome(self.other, wire))
        other = _outcome(self.other, wire)
        return self.came(wire, _outcome(self.act, wire), other)

    def cut(self, wire: Wire, number: int, waits: Callable[[], bool]) -> tuple[Came | None, str]:
        """Let the other come after so many statements; None where there are not so many.

        Who has to wait for the use case's locks goes on once it has them.
        """
        self.before(wire)
        left, at = number, ""
        going: Future[Any] | None = None
        with ThreadPoolExecutor(1) as pool:

            def after(statement: str) -> None:
                nonlocal left, at, going
                if going is not None or self.near not in statement:
                    return
                left -= 1
                if left >= 0:
                    return
                at, going = statement, pool.submit(_outcome, self.other, wire)
                while not going.done() and not waits():
                    sleep(0.005)

            _thread.after = after
            try:
                mine = _outcome(self.act, wire)
            finally:
                _thread.after = None
            if going is None:
                return None, at
            return self.came(wire, mine, going.result(60)), at


class Cutting:
    """Plays pairs, each on fleets of its own."""

    def __init__(self, server: PostgresqlServer, folder: Path, watcher: Any) -> None:
        self._server, self._folder, self._watcher = server, folder, watcher

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        name = self._server.lend()
        engine = open_engine(Settings(state_dir=self._folder, database=self._server.url(name)))
        before = self._watcher.execute(_DEADLOCKS, (name,)).fetchone()
        yield Wire(engine)
        engine.close()
        assert self._watcher.execute(_DEADLOCKS, (name,)).fetchone() == before
        self._server.take_back(name)

    def waits(self) -> bool:
        """Whether anybody waits for another's lock."""
        return bool(self._watcher.execute(_WAITS).fetchone()[0])

    def play(self, pair: Pair) -> int:
        """Let the other come wherever it can; says where that was."""
        orders = []
        for is_first in (True, False):
            with self.wire() as wire:
                orders.append(pair.one_after_the_other(wire, is_first=is_first))
        number = 0
        while True:
            with self.wire() as wire:
                came, at = pair.cut(wire, number, self.waits)
            if came is None:
                return number
            assert came in orders, f"after statement {number}: {at}"
            number += 1


@contextmanager
def cutting(server: PostgresqlServer, folder: Path) -> Iterator[Cutting]:
    """Have the connections that are opened meanwhile tell of their statements."""

    def watch(connection: Any, _record: object) -> None:
        if isinstance(connection, psycopg.Connection):
            connection.cursor_factory = _Watched

    event.listen(Pool, "connect", watch)
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as watcher:
            yield Cutting(server, folder, watcher)
    finally:
        event.remove(Pool, "connect", watch)


class _Watched(psycopg.Cursor[Any]):
    """A cursor that tells its thread of a statement once that was executed."""

    def execute(self, query: Any, *args: Any, **more: Any) -> Any:
        super().execute(query, *args, **more)
        _tell(query)
        return self

    def executemany(self, query: Any, *args: Any, **more: Any) -> None:
        super().executemany(query, *args, **more)
        _tell(query)


def _tell(query: Any) -> None:
    after = getattr(_thread, "after", None)
    if after is not None:
        after(str(query))


def _outcome(act: Act, wire: Wire) -> Any:
    try:
        return act(wire)
    except WherryError as error:
        return error


def _told(came: Any) -> Any:
    if isinstance(came, Told):
        assert came.status < 500, came.body
        return came.status
    return type(came).__name__ if isinstance(came, WherryError) else "done"


def _stored(tx: Tx) -> list[str]:
    """All that is stored, without what counts or tells the time.

    By bare statements: to put others together takes longer than to run them.
    """
    names = {
        column: dict(tx.driver.execute(f"SELECT id, {name} FROM {table.name}").fetchall())
        for column, (table, name) in _IDS.items()
    }
    skipped = {"claim", "change", "meta", "gone", "boot"}
    return sorted(
        f"{table.name} {_plain({key: names.get(key, {}).get(v, v) for key, v in row.items()})}"
        for table in tables.metadata.sorted_tables
        if table.name not in skipped
        for (row,) in tx.driver.execute(f"SELECT to_jsonb(t) FROM {table.name} t")
    )


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("{", "[")):
        return _plain(json.loads(value))
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if not _is_counter(key)}
        return {key: _plain(each) for key, each in sorted(kept.items())}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _is_counter(key: str) -> bool:
    return key in _MOVES or key.endswith(("generation", "_at", "_until"))
