"""Changes of use: what claims do to columns, all of it in place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from wherry.inventory.columns.interned import LimitsTable
from wherry.inventory.columns.keys import key_of, keys_of
from wherry.inventory.columns.layout import ClassColumn, Columns
from wherry.inventory.columns.spans import Numbers, find
from wherry.inventory.columns.stock import FEW

UseRow = tuple[str, str, int, int, int]
"""Provider, class, and what clients see of it now: total, reserved, used."""


class UnknownUse(LookupError):
    """Use of something that the columns do not have: read the providers as a whole."""


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be written of one class: int64[N] each."""

    trees: Numbers
    entries: Numbers
    limits: Numbers
    used: Numbers


def locate(columns: Columns, rows: Sequence[UseRow]) -> Mapping[str, Written]:
    """Find where each row goes, by class; new inventories get numbers, nothing else is written.

    Args:
        rows: each provider and class at most once.

    Raises:
        UnknownUse: there is no such provider, or it has no inventory of the class.
    """
    if len(rows) <= FEW:
        return _locate_few(columns, rows)
    return dict(_locate_many(columns, rows))


def _locate_few(columns: Columns, rows: Sequence[UseRow]) -> Mapping[str, Written]:
    known: dict[str, tuple[int, int]] = {}
    found: dict[str, list[tuple[int, int, int, int]]] = {}
    for uuid, name, total, reserved, used in rows:
        place = known.get(uuid)
        if place is None:
            row = columns.index.row(key_of(uuid))
            if row is None:
                raise UnknownUse(uuid)
            tree = columns.tree_of(row)
            place = known[uuid] = (tree, row - int(columns.first[tree]))
        column = columns.classes.get(name)
        entry = None if column is None else column.entry(*place)
        if column is None or entry is None:
            raise UnknownUse(f"{name} of {uuid}")
        number = _number(column.table, int(column.limits[entry]), total, reserved)
        found.setdefault(name, []).append((place[0], entry, number, used))
    return {name: Written(*np.array(each, np.int64).T) for name, each in found.items()}


def _number(table: LimitsTable, number: int, total: int, reserved: int) -> int:
    """Give the number of an inventory that differs from another in total and reserved."""
    held = table.values[number]
    if held.total == total and held.reserved == reserved:
        return number
    return table.intern(msgspec.structs.replace(held, total=total, reserved=reserved))


def _locate_many(columns: Columns, rows: Sequence[UseRow]) -> Iterator[tuple[str, Written]]:
    uuids, names, *numbers = zip(*rows, strict=True)
    keys, _ = keys_of(uuids)
    at = columns.index.rows(keys).astype(np.int64)
    if (at < 0).any():
        raise UnknownUse(uuids[int(np.argmin(at))])
    trees = columns.first.searchsorted(at, side="right") - 1
    local = at - columns.first[trees]
    told = np.array(numbers, np.int64)
    codes = {name: code for code, name in enumerate(dict.fromkeys(names))}
    code = np.array([codes[name] for name in names])
    order = np.argsort(code, kind="stable")
    for name, some in zip(
        codes, np.split(order, np.flatnonzero(np.diff(code[order])) + 1), strict=True
    ):
        column = columns.classes.get(name)
        if column is None:
            raise UnknownUse(name)
        there = trees[some]
        entries = find(column.local, column.start[there], column.start[there + 1], local[some])
        if (entries < 0).any():
            raise UnknownUse(f"{name} of {uuids[int(some[np.argmin(entries)])]}")
        total, reserved, used = told[:, some]
        yield name, Written(there, entries, _numbers(column, entries, total, reserved), used)


def _numbers(column: ClassColumn, entries: Numbers, total: Numbers, reserved: Numbers) -> Numbers:
    """As `_number`, of many entries; few of them differ in new ways."""
    table = column.table
    limits = column.limits[entries].astype(np.int64)
    differs = (table.total[limits] != total) | (table.reserved[limits] != reserved)
    known: dict[tuple[int, int, int], int] = {}
    for place in np.flatnonzero(differs).tolist():
        key = (int(limits[place]), int(total[place]), int(reserved[place]))
        if key not in known:
            known[key] = _number(table, *key)
        limits[place] = known[key]
    return limits
