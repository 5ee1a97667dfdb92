"""Changes of use: where in the columns goes what claims do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from wherry.inventory.columns.interned import number_like
from wherry.inventory.columns.keys import keys_of
from wherry.inventory.columns.layout import ClassColumn, Columns
from wherry.inventory.columns.spans import Numbers
from wherry.inventory.columns.stock import Written, stretches_of

UseRow = tuple[str, str, int, int, int]
"""Provider, class, and what clients see of it now: total, reserved, used."""


class UnknownUse(LookupError):
    """Use of something that the columns do not have: read the providers as a whole."""


def locate(columns: Columns, rows: Sequence[UseRow]) -> Mapping[str, Written]:
    """Find where each row goes, by class; new inventories get numbers, nothing else is written.

    Args:
        rows: each provider and class at most once.

    Raises:
        UnknownUse: there is no such provider, or it has no inventory of the class.
    """
    return dict(_locate(columns, rows)) if rows else {}


def _locate(columns: Columns, rows: Sequence[UseRow]) -> Iterator[tuple[str, Written]]:
    uuids, names, *numbers = zip(*rows, strict=True)
    places = {uuid: place for place, uuid in enumerate(dict.fromkeys(uuids))}
    keys, _ = keys_of(list(places))
    found = columns.index.rows(keys)
    if (found < 0).any():
        raise UnknownUse(next(uuid for uuid, place in places.items() if found[place] < 0))
    at = found[_numbers_of(map(places.__getitem__, uuids), len(rows))]
    trees = columns.trees_of(at)
    local = at - columns.first[trees]
    told = np.stack([_numbers_of(each, len(rows)) for each in numbers])
    codes = {name: code for code, name in enumerate(dict.fromkeys(names))}
    code = _numbers_of(map(codes.__getitem__, names), len(rows))
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code)).tolist()
    for name, start, end in zip(codes, [0, *ends], ends, strict=False):
        column = columns.classes.get(name)
        if column is None:
            raise UnknownUse(name)
        some = order[start:end]
        stretches = stretches_of(column, trees[some])
        wanted = np.repeat(local[some], stretches.count)
        entries = stretches.members[column.local[stretches.members] == wanted]
        if len(entries) < len(some):
            raise UnknownUse(name)
        total, reserved, used = told[:, some]
        yield name, Written(stretches, entries, _numbers(column, entries, total, reserved), used)


def _numbers_of(values: Iterable[int], count: int) -> Numbers:
    """Much quicker than making an array of a list."""
    return np.fromiter(values, np.int64, count)


def _numbers(column: ClassColumn, entries: Numbers, total: Numbers, reserved: Numbers) -> Numbers:
    """Give numbers of inventories that differ from the present ones in total and reserved."""
    table = column.table
    limits = column.limits[entries].astype(np.int64)
    differs = (table.total[limits] != total) | (table.reserved[limits] != reserved)
    if not differs.any():
        return limits
    known: dict[tuple[int, int, int], int] = {}
    for place in np.flatnonzero(differs).tolist():
        key = (int(limits[place]), int(total[place]), int(reserved[place]))
        if key not in known:
            known[key] = number_like(table, *key)
        limits[place] = known[key]
    return limits
