"""Values that many rows share, by small numbers.

A table only grows: a number means the same for as long as its table lives.  Readers take no
lock: a look-up made from a table a moment ago may be shorter than the numbers that rows hold
now, so it ends with the answer for those that it does not know.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from wherry.model.inventory import Inventory

T = TypeVar("T", bound=Hashable)


class Interned(Generic[T]):
    """Values by number, in the order in which they came.

    Attributes:
        values: number to value; only grows.
    """

    __slots__ = ("_ids", "values")

    def __init__(self) -> None:
        self.values: list[T] = []
        self._ids: dict[T, int] = {}

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, number: int) -> T:
        return self.values[number]

    def intern(self, value: T) -> int:
        """Give the number of a value, a new one to a new value."""
        number = self._ids.get(value)
        if number is None:
            number = len(self.values)
            self.values.append(value)
            self._ids[value] = number
        return number


class LimitsTable(Interned[Inventory]):
    """Inventories of one class by number, with what is asked of them as columns.

    Numbers beyond 62 bits are clipped in the columns; `values` holds them exactly.
    """

    __slots__ = ("_columns", "_filled")

    def __init__(self) -> None:
        super().__init__()
        self._columns = np.empty((6, 8), np.int64)
        self._filled = 0

    @property
    def min_unit(self) -> NDArray[np.int64]:
        """Least units that one group may ask."""
        return self._column(0)

    @property
    def step_size(self) -> NDArray[np.int64]:
        """What units that one group asks are multiples of."""
        return self._column(1)

    @property
    def max_unit(self) -> NDArray[np.int64]:
        """Most units that one consumer may have of one provider."""
        return self._column(2)

    @property
    def capacity(self) -> NDArray[np.int64]:
        """Units that can be held at once."""
        return self._column(3)

    @property
    def total(self) -> NDArray[np.int64]:
        """Units there are."""
        return self._column(4)

    @property
    def reserved(self) -> NDArray[np.int64]:
        """Units that are not given out."""
        return self._column(5)

    def intern(self, value: Inventory) -> int:
        """Give the number of a value, a new one to a new value."""
        number = self._ids.get(value)
        if number is None:
            number = len(self.values)
            if number == self._columns.shape[1]:
                self._columns = np.concatenate([self._columns, self._columns], axis=1)
            self._columns[:, number] = _numbers(value)
            number = super().intern(value)
            self._filled = number + 1
        return number

    def _column(self, which: int) -> NDArray[np.int64]:
        return self._columns[which, : self._filled]


MOST = 1 << 62


def _numbers(one: Inventory) -> tuple[int, ...]:
    numbers = (
        one.min_unit, one.step_size, one.max_unit, one.capacity, one.total, one.reserved
    )  # fmt: skip
    return tuple(max(-MOST, min(number, MOST)) for number in numbers)


def number_like(table: LimitsTable, number: int, total: int, reserved: int) -> int:
    """Give the number of an inventory that differs from another in total and reserved alone."""
    held = table.values[number]
    if held.total == total and held.reserved == reserved:
        return number
    return table.intern(msgspec.structs.replace(held, total=total, reserved=reserved))
