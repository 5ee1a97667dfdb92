"""As `use` and `stock`, for the few rows of one claim: plain numbers are quicker than columns."""

from collections.abc import Sequence
from typing import NamedTuple

from wherry.inventory.columns.interned import number_like
from wherry.inventory.columns.keys import key_of
from wherry.inventory.columns.layout import MANY, MOST, ClassColumn, Columns
from wherry.inventory.columns.use import UnknownUse, UseRow

FEW = 48
"""Rows up to which this is quicker."""


class Step(NamedTuple):
    """One entry to write."""

    name: str
    column: ClassColumn
    tree: int
    start: int
    end: int
    entry: int
    limits: int
    used: int


def locate_few(columns: Columns, rows: Sequence[UseRow]) -> list[Step]:
    """Find where each row goes; as `locate`."""
    known: dict[str, tuple[int, int]] = {}
    steps = []
    for uuid, name, total, reserved, used in rows:
        place = known.get(uuid)
        if place is None:
            row = columns.index.row(key_of(uuid))
            if row is None:
                raise UnknownUse(uuid)
            tree = columns.tree_of(row)
            place = known[uuid] = (tree, row - columns.first.item(tree))
        column = columns.classes.get(name)
        if column is None:
            raise UnknownUse(name)
        tree, local = place
        start, end = column.start.item(tree), column.start.item(tree + 1)
        places = column.local[start:end].tolist()
        if local not in places:
            raise UnknownUse(f"{name} of {uuid}")
        entry = start + places.index(local)
        limits = number_like(column.table, column.limits.item(entry), total, reserved)
        steps.append(Step(name, column, tree, start, end, entry, limits, used))
    return steps


def fits(steps: Sequence[Step]) -> bool:
    """Whether the columns are wide enough for the numbers."""
    return all(
        step.limits >> 8 * step.column.limits.itemsize == 0
        and step.used >> 8 * step.column.used.itemsize == 0
        for step in steps
    )


def write_few(steps: Sequence[Step]) -> None:
    """Write entries, each with the summary of its tree; as `write_stock`."""
    for _, column, tree, start, end, entry, limits, used in steps:
        held = column.table.values[limits]
        column.limits[entry] = limits
        column.used[entry] = used
        column.eff[entry] = max(-1, min(held.capacity - used, held.max_unit, MOST))
        effs = column.eff[start:end].tolist()
        some = [eff for eff in effs if eff > 0]
        column.tmax[tree] = max(effs)
        column.tsum[tree] = min(sum(some), MOST)
        column.tcnt[tree] = min(len(some), MANY)
