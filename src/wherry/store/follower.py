"""Keeps a process's picture of the fleet at the state of the store.

Source: design, section 6: reads see every write acknowledged before they began.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from wherry.model.inventory import PlannedProvider
from wherry.store.feed import Batch, Cursor, read_changes, read_fleet
from wherry.store.look import Look, look_since
from wherry.store.transaction import Store, Tx

PLANS = 8192


class Told(Protocol):
    """What a reader of the feed gets: whatever it asks for, and where to go on."""

    @property
    def cursor(self) -> Cursor:
        """Where to go on."""


B = TypeVar("B", bound=Told)
R_co = TypeVar("R_co", bound=Told, covariant=True)


class Reader(Protocol[R_co]):
    """Reads what a follower applies; called by one thread at a time."""

    def __call__(self, tx: Tx, cursor: Cursor | None) -> R_co:
        """Read what changed since a cursor; without one, all there is."""

    def glance(self, look: Look) -> R_co | None:
        """Make do with what one look tells; None: it is not all."""


class FleetReader:
    """Reads providers and hosts; keeps the plans of providers whose use alone changes.

    What is of no host is not read: a picture of hosts does not show it.
    """

    def __init__(self) -> None:
        self._plans: OrderedDict[str, PlannedProvider] = OrderedDict()
        self._homeless: set[str] = set()

    def glance(self, look: Look) -> Batch | None:
        """Say that nothing changed, where that is so."""
        return None if look.kinds != () else Batch((), (), look.cursor)

    def __call__(self, tx: Tx, cursor: Cursor | None) -> Batch:
        """Read what changed since a cursor; without one, the whole fleet."""
        if cursor is None:
            self._plans.clear()
            self._homeless.clear()
            return read_fleet(tx)
        batch = read_changes(tx, cursor, self._plans, self._homeless)
        while len(self._plans) > PLANS:
            self._plans.popitem(last=False)
        return batch


class Follower(Generic[B]):
    """Applies the change feed, once for all who ask at the same time.

    Whoever calls `catch_up` comes back when a pass that *began after the call* has been
    applied: a pass that was under way may have read before a write that the caller knows of.
    Callers who wait share the next pass; one of them carries it out.

    Args:
        store: where to read.
        read: reads what changed.
        apply: takes what changed; called by one thread at a time, and so is *read*.
            ``batch.reload`` says that it is all, and what was held before is void.
    """

    def __init__(self, store: Store, read: Reader[B], apply: Callable[[B], None]) -> None:
        self._store = store
        self._read = read
        self._apply = apply
        self._cursor: str | None = None
        self._state = threading.Condition()
        self._begun = 0
        self._done = 0
        self._running = False

    def catch_up(self) -> None:
        """Come back once every write acknowledged before this call has been applied.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with self._state:
            wanted = self._begun + 1
        while not self._is_done(wanted):
            self._pass()

    def _is_done(self, wanted: int) -> bool:
        """Wait while a pass runs; False makes the caller carry out the next one."""
        with self._state:
            while self._running and self._done < wanted:
                self._state.wait()
            if self._done >= wanted:
                return True
            self._running = True
            self._begun += 1
            return False

    def _glance(self, cursor: Cursor | None) -> B | None:
        """Look with one statement, in no transaction, where that saves trips."""
        if cursor is None or self._store.dialect == "sqlite":
            return None
        return self._read.glance(self._store.glance(lambda db: look_since(db, cursor)))

    def _pass(self) -> None:
        """Carry out the pass that this thread has begun; a failed one leaves the next to others."""
        done = False
        try:
            cursor = self._cursor
            batch = self._glance(cursor)
            if batch is None:
                batch = self._store.read(lambda tx: self._read(tx, cursor))
            self._apply(batch)
            self._cursor = batch.cursor
            done = True
        finally:
            if not done:
                # What was applied of it is not known: begin anew.
                self._cursor = None
            with self._state:
                self._running = False
                self._done = self._begun if done else self._done
                self._state.notify_all()
