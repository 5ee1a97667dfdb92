"""Keeps a process's picture of the fleet at the state of the store.

Source: design, section 6: reads see every write acknowledged before they began.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable

from wherry.model.inventory import PlannedProvider
from wherry.store.feed import Batch, read_changes, read_fleet
from wherry.store.transaction import Store

PLANS = 8192


class Follower:
    """Applies the change feed, once for all who ask at the same time.

    Whoever calls `catch_up` comes back when a pass that *began after the call* has been
    applied: a pass that was under way may have read before a write that the caller knows of.
    Callers who wait share the next pass; one of them carries it out.

    Args:
        store: where to read.
        apply: takes what changed; called by one thread at a time.  ``batch.reload`` says that
            it is the whole fleet and what was held before is void.
    """

    def __init__(self, store: Store, apply: Callable[[Batch], None]) -> None:
        self._store = store
        self._apply = apply
        self._plans: OrderedDict[str, PlannedProvider] = OrderedDict()
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

    def _pass(self) -> None:
        """Carry out the pass that this thread has begun; a failed one leaves the next to others."""
        done = False
        try:
            batch = self._read()
            self._apply(batch)
            self._cursor = batch.cursor
            done = True
        finally:
            if not done:
                # What was applied of it is not known: begin anew.
                self._cursor = None
                self._plans.clear()
            with self._state:
                self._running = False
                self._done = self._begun if done else self._done
                self._state.notify_all()

    def _read(self) -> Batch:
        cursor = self._cursor
        if cursor is None:
            return self._store.read(read_fleet)
        batch = self._store.read(lambda tx: read_changes(tx, cursor, self._plans))
        while len(self._plans) > PLANS:
            self._plans.popitem(last=False)
        return batch
