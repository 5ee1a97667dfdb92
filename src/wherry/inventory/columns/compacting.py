"""Makes columns anew from live ones: without dead slots, and with the shared values in use alone.

It reads columns while they are written in place, so a number may be a moment older or newer
than its neighbour: whoever swaps the result in writes once more what changed meanwhile.
"""

from typing import Any

import numpy as np

from wherry.inventory.columns.assemble import assemble
from wherry.inventory.columns.interned import Interned, LimitsTable
from wherry.inventory.columns.layout import ClassColumn, Columns, Ids
from wherry.inventory.columns.raw import Numbers, Raw, RawStock, Tables
from wherry.inventory.columns.spans import spread


def compact(columns: Columns) -> Columns:
    """Give columns of the same providers, with tables of their own; stamps begin anew."""
    tables = Tables()
    live = np.flatnonzero(columns.count)
    rows = spread(columns.first[live], columns.count[live])
    places = np.full(columns.rows, -1, np.int64)
    places[rows] = np.arange(len(rows))
    roots = np.repeat(places[columns.first[live]], columns.count[live])
    keys = columns.uuids[rows]
    raw = Raw(
        keys=keys,
        odd=_kept(columns, keys),
        parent=_parents(columns, live, roots),
        root=roots,
        traits=_renumber(columns.traits[rows], columns.trait_sets, tables.trait_sets),
        aggregates=_renumber(
            columns.aggregates[rows], columns.aggregate_sets, tables.aggregate_sets
        ),
        stock={
            name: stock
            for name, column in columns.classes.items()
            if len((stock := _stock(name, column, columns, places, tables)).rows)
        },
    )
    return assemble(raw, tables, classes=columns.known_classes, traits=columns.known_traits)


def _kept(columns: Columns, keys: Any) -> dict[bytes, str]:
    if not columns.odd:
        return {}
    live = {key.tobytes() for key in keys}
    return {key: text for key, text in columns.odd.items() if key in live}


def _parents(columns: Columns, live: Numbers, roots: Numbers) -> Numbers:
    """Give the new row of each one's parent, -1 for roots."""
    shapes = [each.parents for each in columns.shapes.values]
    sizes = np.array([len(each) for each in shapes], np.int64)
    flat = np.array([place for each in shapes for place in each], np.int64)
    of_shape = (np.cumsum(sizes) - sizes)[columns.shape[live]]
    above = flat[spread(of_shape, columns.count[live])]
    return np.where(above < 0, -1, roots + above)


def _renumber(ids: Ids, old: Interned[Any], new: Interned[Any]) -> Numbers:
    used, inverse = np.unique(ids, return_inverse=True)
    numbers = np.array([new.intern(old[each]) for each in used.tolist()], np.int64)
    return numbers[inverse] if len(ids) else np.empty(0, np.int64)


def _stock(
    name: str, column: ClassColumn, columns: Columns, places: Numbers, tables: Tables
) -> RawStock:
    count = np.diff(column.start)
    trees = np.repeat(np.arange(len(count)), count)
    rows = places[columns.first[trees] + column.local]
    some = rows >= 0
    table = tables.limits.setdefault(name, LimitsTable())
    limits = _renumber(column.limits[some], column.table, table)
    return RawStock(rows[some], limits, column.used[some].astype(np.int64))
