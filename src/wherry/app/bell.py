"""A bell that wakes those who wait for something to happen, and is never missed."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Bell:
    """Counts its rings, so that one between looking and waiting still wakes.

    A waiter takes `rings`, looks whether what it waits for is there, and waits for the next
    ring after the number that it took.
    """

    def __init__(self) -> None:
        self._rings = 0
        self._rung = threading.Condition()

    @property
    def rings(self) -> int:
        """How often it has rung so far."""
        return self._rings

    def ring(self) -> None:
        """Wake all who wait."""
        with self._rung:
            self._rings += 1
            self._rung.notify_all()

    def wait(self, after: int, timeout_s: float) -> None:
        """Wait for a ring after the number *after*, at most so many seconds."""
        with self._rung:
            self._rung.wait_for(lambda: self._rings > after, timeout=timeout_s)


class SharedLook(Generic[T]):
    """One look after each ring, shared by all whom it has woken."""

    def __init__(self) -> None:
        self._rings = -1
        self._seen: T | None = None
        self._looking = threading.Lock()

    def get(self, rings: int, look: Callable[[], T]) -> T:
        """Give what a look since the ring of this number has seen; look if nobody has."""
        with self._looking:
            if self._seen is None or self._rings < rings:
                self._seen = look()
                self._rings = rings
            return self._seen
