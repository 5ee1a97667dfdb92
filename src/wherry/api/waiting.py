"""A waiting room: how many requests may stand and wait, so that the others are served.

Each request holds a thread while it waits.  The server has that many more threads than
places in all rooms, so a full one starves nobody.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from wherry.api.errors import Busy


class WaitingRoom:
    """A room with so many places, that empties when the service stops."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.stopping = threading.Event()
        self._free = threading.BoundedSemaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for the time of the block.

        Raises:
            Busy: all are taken.
        """
        leave = self.enter()
        try:
            yield
        finally:
            leave()

    def wait_empty(self, within_s: float) -> bool:
        """Take all places, and say whether everybody had left in time."""
        until = time.monotonic() + within_s
        return all(
            self._free.acquire(timeout=max(0.0, until - time.monotonic()))
            for _ in range(self.places)
        )

    def enter(self) -> Callable[[], None]:
        """Take a place, and give what leaves it; leaving twice is leaving once.

        Raises:
            Busy: all are taken.
        """
        if not self._free.acquire(blocking=False):
            message = f"{self.places} requests wait already; try again later"
            raise Busy(message)
        taken = [None]

        def leave() -> None:
            # list.pop is atomic: of two who leave one place, one gives it back.
            with suppress(IndexError):
                taken.pop()
                self._free.release()

        return leave
