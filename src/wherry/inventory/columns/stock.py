"""Writes what is had and used of one class, in place."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.assemble import effective, reduce
from wherry.inventory.columns.growing import Room
from wherry.inventory.columns.layout import MANY, MOST, ClassColumn
from wherry.inventory.columns.spans import Numbers, spread

FEW = 12
"""Rows up to which plain numbers are quicker than columns of them."""


def room_for(room: Room, name: str, column: ClassColumn, limits: int, used: int) -> ClassColumn:
    """Give a class columns that take these numbers: the same object if they do already."""
    wide_limits = room.widen(f"{name} limits", column.limits, limits)
    wide_used = room.widen(f"{name} used", column.used, used)
    if wide_limits is column.limits and wide_used is column.used:
        return column
    return replace(column, limits=wide_limits, used=wide_used)


def write_stock(
    column: ClassColumn, trees: Numbers, entries: Numbers, limits: Numbers, used: Numbers
) -> None:
    """Write entries, then the summaries of their trees.

    Args:
        trees: int64[N]; slot in which each entry stands.
        entries: int64[N]; each at most once.
        limits: int64[N]; numbers in the class's table.
        used: int64[N].
    """
    if len(entries) <= FEW:
        _write_few(column, *(each.tolist() for each in (trees, entries, limits, used)))
        return
    column.limits[entries] = limits
    column.used[entries] = used
    column.eff[entries] = effective(column.table, limits, used)
    _sum_up(column, np.unique(trees))


def _write_few(
    column: ClassColumn, trees: list[int], entries: list[int], limits: list[int], used: list[int]
) -> None:
    for entry, number, units in zip(entries, limits, used, strict=True):
        held = column.table.values[number]
        column.limits[entry] = number
        column.used[entry] = units
        column.eff[entry] = max(-1, min(held.capacity - units, held.max_unit, MOST))
    for tree in dict.fromkeys(trees):
        start, end = column.start[tree : tree + 2].tolist()
        effs = column.eff[start:end].tolist()
        some = [eff for eff in effs if eff > 0]
        column.tmax[tree] = max(effs)
        column.tsum[tree] = min(sum(some), MOST)
        column.tcnt[tree] = min(len(some), MANY)


def _sum_up(column: ClassColumn, trees: NDArray[Any]) -> None:
    """As `summarize`, of some trees that have entries."""
    start = column.start[trees]
    count = column.start[trees + 1] - start
    eff = column.eff[spread(start, count)]
    summary = reduce(eff, np.cumsum(count) - count)
    column.tmax[trees], column.tsum[trees], column.tcnt[trees] = summary
