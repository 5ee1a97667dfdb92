"""Writes what is had and used of one class, in place: many rows at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wherry.inventory.columns.assemble import effective, reduce
from wherry.inventory.columns.growing import Room
from wherry.inventory.columns.layout import ClassColumn
from wherry.inventory.columns.spans import Numbers, spread


@dataclass(frozen=True, slots=True)
class Stretches:
    """The entries of the trees that are written, tree by tree; a tree may come again."""

    trees: Numbers
    """int64[N]"""
    members: Numbers
    """int64[M]; entries of all trees, one after the other."""
    count: Numbers
    """int64[N]; entries of each."""
    at: Numbers
    """int64[N]; where each one's begin in *members*."""


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be written of one class: int64[N] each."""

    stretches: Stretches
    entries: Numbers
    """Each at most once."""
    limits: Numbers
    """Numbers in the class's table."""
    used: Numbers


def stretches_of(column: ClassColumn, trees: Numbers) -> Stretches:
    """List the entries of trees."""
    start = column.start[trees]
    count = (column.start[trees + 1] - start).astype(np.int64)
    return Stretches(trees, spread(start, count), count, np.cumsum(count) - count)


def written_of(column: ClassColumn, rows: Sequence[tuple[int, int, int, int]]) -> Written:
    """Make columns of tree, entry, limits and used of rows."""
    trees, entries, limits, used = np.array(rows, np.int64).T
    return Written(stretches_of(column, trees), entries, limits, used)


def room_for(room: Room, name: str, column: ClassColumn, limits: int, used: int) -> ClassColumn:
    """Give a class columns that take these numbers: the same object if they do already."""
    wide_limits = room.widen(f"{name} limits", column.limits, limits)
    wide_used = room.widen(f"{name} used", column.used, used)
    if wide_limits is column.limits and wide_used is column.used:
        return column
    return replace(column, limits=wide_limits, used=wide_used)


def write_stock(column: ClassColumn, written: Written) -> None:
    """Write entries, then the summaries of their trees."""
    column.limits[written.entries] = written.limits
    column.used[written.entries] = written.used
    column.eff[written.entries] = effective(column.table, written.limits, written.used)
    stretches = written.stretches
    summary = reduce(column.eff[stretches.members], stretches.at)
    trees = stretches.trees
    column.tmax[trees], column.tsum[trees], column.tcnt[trees] = summary
