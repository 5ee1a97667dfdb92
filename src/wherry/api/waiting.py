"""A waiting room: how many requests may stand and wait, so that the others are served.

Each request holds a thread while it waits.  The server has that many more threads than
places in all rooms, so a full one starves nobody.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
        if not self._free.acquire(blocking=False):
            message = f"{self.places} requests wait already; try again later"
            raise Busy(message)
        try:
            yield
        finally:
            self._free.release()
