"""A waiting room: how many requests may stand and wait, so that the others are served.

Each request holds a thread while it waits.  The server has that many more threads than
places in all rooms, so a full one starves nobody.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from wherry.api.errors import Busy

T = TypeVar("T")

SLICE_S = 1.0
"""How long one wait goes on before it looks whether the service stops."""


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
        if not self._free.acquire(blocking=False):
            message = f"{self.places} requests wait already; try again later"
            raise Busy(message)
        try:
            yield
        finally:
            self._free.release()

    def wait(self, look: Callable[[float], T], wait_s: float) -> T:
        """Look until there is something, the time is over, or the service stops.

        Args:
            look: waits up to so many seconds and gives what there is; empty means nothing.
            wait_s: how long in all; 0 looks once.
        """
        until = time.monotonic() + wait_s
        while True:
            left = max(0.0, until - time.monotonic())
            found = look(min(left, SLICE_S))
            if found or left <= SLICE_S or self.stopping.is_set():
                return found
