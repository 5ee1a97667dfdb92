"""Columns that grow at their end while others read what they began with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]


class Room:
    """Keeps the room behind columns, by name.

    A longer column is the old one's memory where there was room behind it, so nobody who
    holds the old one sees it change; else it is a copy with an eighth more room.
    """

    __slots__ = ("_buffers",)

    def __init__(self) -> None:
        self._buffers: dict[str, Column] = {}

    def extend(self, name: str, column: Column, more: Column) -> Column:
        """Give a column with more at its end, wider where what comes is wider."""
        size, end = len(column), len(column) + len(more)
        width = np.promote_types(column.dtype, more.dtype)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.dtype != width or len(buffer) < end:
            buffer = np.empty((end + end // 8 + 16, *column.shape[1:]), width)
            buffer[:size] = column
            self._buffers[name] = buffer
        buffer[size:end] = more
        return buffer[:end]

    def widen(self, name: str, column: Column, most: int) -> Column:
        """Give a column that takes a number: the same one if it does already."""
        if most >> 8 * column.itemsize == 0:
            return column
        width = np.promote_types(column.dtype, np.min_scalar_type(most))
        buffer = np.empty(len(column) + len(column) // 8 + 16, width)
        buffer[: len(column)] = column
        self._buffers[name] = buffer
        return buffer[: len(column)]
