"""Bytes that are kept as long as they are asked for."""

from collections.abc import Hashable

OVERHEAD = 200
"""Bytes that an entry takes besides its text."""


class Halves:
    """Texts by key, each with the sign of what it was made of.

    Two tables take turns: when the younger one is half full, the older one is dropped.  So
    nothing has to be put in order when it is used.

    Args:
        most: bytes to keep.
    """

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._young: dict[Hashable, tuple[Hashable, bytes]] = {}
        self._old: dict[Hashable, tuple[Hashable, bytes]] = {}
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        tables = (*self._young.values(), *self._old.values())
        return sum(len(text) + OVERHEAD for _, text in tables)

    def get(self, key: Hashable, sign: Hashable) -> bytes | None:
        """Give the text of a key, if it was made of the same."""
        kept = self._young.get(key)
        if kept is None:
            kept = self._old.get(key)
            if kept is not None and kept[0] == sign:
                self.put(key, sign, kept[1])
        return kept[1] if kept is not None and kept[0] == sign else None

    def put(self, key: Hashable, sign: Hashable, text: bytes) -> None:
        """Keep a text, in the place of an older one."""
        size = len(text) + OVERHEAD
        if self._size + size > self._half:
            self._old, self._young, self._size = self._young, {}, 0
        if size <= self._half:
            before = self._young.get(key)
            self._size -= 0 if before is None else len(before[1]) + OVERHEAD
            self._young[key] = (sign, text)
            self._size += size
