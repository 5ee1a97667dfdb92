"""Finds the row of a uuid: open addressing in one array of row numbers.

A dict of keys takes 105 bytes a provider, this table eight.  One thread writes; others
look up at the same time without a lock and get a row that the key has or had.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.keys import Keys

FREE, DEAD = -1, -2
FEW = 48
"""Keys up to which one by one is quicker than all at once."""
_ONE, _TWO = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
_MASK = (1 << 64) - 1


class RowIndex:
    """Rows by key; the keys themselves stay in the column that they are in.

    Args:
        keys: the column; rows beyond its length are not known here.
        rows: those that can be found, each with a key of its own; None: none.
        slots: the table as `slots` gave it before, instead.
    """

    def __init__(
        self,
        keys: Keys,
        rows: NDArray[np.int32] | None = None,
        *,
        slots: NDArray[np.int32] | None = None,
    ) -> None:
        if slots is None:
            self._build(keys, np.empty(0, np.int32) if rows is None else rows)
        else:
            self._set_keys(keys)
            self._set_slots(slots, int((slots != FREE).sum()))

    @property
    def slots(self) -> NDArray[np.int32]:
        """The table itself: rows by the slots of their keys, or below 0."""
        return self._slots

    @property
    def nbytes(self) -> int:
        """Bytes of the table, without the keys."""
        return self._slots.nbytes

    def row(self, key: bytes) -> int | None:
        """Give the row of a key; None where there is none."""
        while True:
            # One read each: the writer puts others in their place.
            numbers, letters = self._numbers, self._letters
            slot = _probe(numbers, letters, key, _slot(key, len(numbers)))
            if slot >= 0:
                row: int = numbers[slot]
                return row
            # A key that moved meanwhile may stand in a row that these letters do not reach.
            if numbers is self._numbers and letters is self._letters:
                return None

    def rows(self, keys: Keys) -> NDArray[np.int32]:
        """Give the rows of many keys: int32[P], -1 where there is none."""
        slots = self._find(keys)
        return np.where(slots >= 0, self._slots[slots], np.int32(-1))

    def put(self, keys: Keys, rows: NDArray[np.int32]) -> None:
        """Let rows be found, new ones and those that keys moved to.

        Args:
            keys: the whole column as it is now.
            rows: rows whose keys are new, or were found in another row before.
        """
        if self._used + len(rows) > 0.8 * len(self._slots):
            live = self._slots[self._slots >= 0]
            moved = self.rows(keys[rows])
            kept = np.setdiff1d(live, moved)
            self._build(keys, np.concatenate([kept, rows]))
            return
        self._set_keys(keys)
        slots = self._find(keys[rows])
        old = slots >= 0
        self._slots[slots[old]] = rows[old]
        self._add(rows[~old])

    def drop(self, keys: Keys) -> None:
        """Let keys be found no more."""
        slots = self._find(keys)
        self._slots[slots[slots >= 0]] = DEAD

    def _build(self, keys: Keys, rows: NDArray[np.int32]) -> None:
        self._set_keys(keys)
        slots = np.full(max(8, 2 * len(rows)), FREE, np.int32)
        self._slots, self._used = slots, 0
        self._add(rows)
        self._set_slots(slots, len(rows))

    def _set_slots(self, slots: NDArray[np.int32], used: int) -> None:
        self._slots = slots
        self._used = used
        self._numbers = slots.data

    def _set_keys(self, keys: Keys) -> None:
        self._keys = keys
        self._letters = keys.reshape(-1).data

    def _find(self, keys: Keys) -> NDArray[np.int64]:
        """Give the slot of each key, -1 where there is none."""
        size = len(self._slots)
        found = np.full(len(keys), -1, np.int64)
        if not len(self._keys):
            return found
        left = np.arange(len(keys))
        slots = _slots(keys, size)
        pairs, wanted = self._keys.view("<u8"), np.ascontiguousarray(keys).view("<u8")
        while len(left) > FEW:
            rows = self._slots[slots]
            there, here = pairs[np.maximum(rows, 0)], wanted[left]
            same = (rows >= 0) & (there[:, 0] == here[:, 0]) & (there[:, 1] == here[:, 1])
            found[left[same]] = slots[same]
            on = ~same & (rows != FREE)
            left, slots = left[on], (slots[on] + 1) % size
        for place, slot in zip(left.tolist(), slots.tolist(), strict=True):
            found[place] = _probe(self._numbers, self._letters, keys[place].tobytes(), slot)
        return found

    def _add(self, rows: NDArray[np.int32]) -> None:
        """Put rows whose keys are not there into free slots, those that collide in turns."""
        size = len(self._slots)
        self._used += len(rows)
        slots = _slots(self._keys[rows], size)
        while len(rows):
            free = self._slots[slots] == FREE
            self._slots[slots[free]] = rows[free]
            on = self._slots[slots] != rows
            rows, slots = rows[on], (slots[on] + 1) % size


def _probe(numbers: Any, letters: Any, key: bytes, slot: int) -> int:
    """Give the slot of a key from some slot on; -1 where it is not there."""
    size = len(numbers)
    while (row := numbers[slot]) != FREE:
        if row >= 0 and letters[16 * row : 16 * row + 16] == key:
            return slot
        slot = slot + 1 if slot + 1 < size else 0
    return -1


def _slot(key: bytes, size: int) -> int:
    one, two = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    mixed = (one * _ONE ^ two * _TWO) & _MASK
    mixed = (mixed ^ mixed >> 32) * _ONE & _MASK
    return (mixed >> 32) * size >> 32


def _slots(keys: Keys, size: int) -> NDArray[np.int64]:
    """As `_slot`, of many keys."""
    pairs = np.ascontiguousarray(keys).view("<u8")
    mixed = pairs[:, 0] * np.uint64(_ONE) ^ pairs[:, 1] * np.uint64(_TWO)
    mixed = (mixed ^ mixed >> np.uint64(32)) * np.uint64(_ONE)
    return ((mixed >> np.uint64(32)) * np.uint64(size) >> np.uint64(32)).astype(np.int64)
