"""Takes columns apart into arrays and plain values, and puts them together again."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wherry.inventory.columns.index import RowIndex
from wherry.inventory.columns.interned import Interned, LimitsTable
from wherry.inventory.columns.layout import ClassColumn, Columns
from wherry.inventory.columns.shapes import make_shape
from wherry.model.inventory import Inventory

FORMAT = 1
"""Moves whenever columns mean something else than before."""

Arrays = Mapping[str, NDArray[Any]]
_PLAIN = (
    "first", "count", "shape", "stamp", "tree_traits", "tree_aggregates", "uuids", "traits",
    "aggregates", "sharing",
)  # fmt: skip
_OF_CLASS = ("start", "local", "eff", "used", "limits", "tmax", "tsum", "tcnt")


class Values(Struct, frozen=True, kw_only=True):
    """What columns name by numbers; sets are numbers of names."""

    names: list[str]
    trait_sets: list[list[int]]
    aggregate_sets: list[list[int]]
    shapes: list[tuple[int, ...]]
    limits: dict[str, list[Inventory]]
    odd: dict[str, str]
    """Key, in hexadecimal, to text."""


def copy_arrays(columns: Columns) -> Arrays:
    """Copy all arrays; nobody may write meanwhile."""
    arrays = {name: getattr(columns, name).copy() for name in _PLAIN}
    for name, column in columns.classes.items():
        arrays |= {f"{name} {each}": getattr(column, each).copy() for each in _OF_CLASS}
    return {**arrays, "index": columns.index.slots.copy()}


def values_of(columns: Columns) -> Values:
    """Write down the values; those that came since the arrays were copied do no harm."""
    names: Interned[str] = Interned()
    return Values(
        trait_sets=_numbered(columns.trait_sets, names),
        aggregate_sets=_numbered(columns.aggregate_sets, names),
        names=names.values,
        shapes=[each.parents for each in columns.shapes.values],
        limits={name: list(each.table.values) for name, each in columns.classes.items()},
        odd={key.hex(): text for key, text in columns.odd.items()},
    )


def _numbered(sets: Interned[frozenset[str]], names: Interned[str]) -> list[list[int]]:
    return [sorted(map(names.intern, each)) for each in list(sets.values)]


def unpack(values: Values, arrays: Arrays) -> Columns:
    """Put columns together; no names are known but those in use, until they are told.

    Raises:
        KeyError: an array is not there.
    """
    names = values.names
    sets = [
        _interned(frozenset(names[each] for each in one) for one in some)
        for some in (values.trait_sets, values.aggregate_sets)
    ]
    classes = {}
    for name, inventories in values.limits.items():
        table = LimitsTable()
        for each in inventories:
            table.intern(each)
        own = {each: arrays[f"{name} {each}"] for each in _OF_CLASS}
        classes[name] = ClassColumn(table=table, **own)
    return Columns(
        **{name: arrays[name] for name in _PLAIN},
        shapes=_interned(make_shape(each) for each in values.shapes),
        trait_sets=sets[0],
        aggregate_sets=sets[1],
        classes=classes,
        known_classes=frozenset(classes),
        known_traits=frozenset[str]().union(*sets[0].values),
        index=RowIndex(arrays["uuids"], slots=arrays["index"]),
        odd={bytes.fromhex(key): text for key, text in values.odd.items()},
    )


def _interned(values: Iterable[Any]) -> Interned[Any]:
    table: Interned[Any] = Interned()
    for each in values:
        table.intern(each)
    return table


def is_whole(columns: Columns) -> bool:
    """Whether arrays go together in size: what a checksum alone does not say."""
    trees, rows = columns.trees, columns.rows
    of_trees = (columns.count, columns.shape, columns.stamp, columns.tree_traits)
    return (
        all(len(each) == trees for each in (*of_trees, columns.tree_aggregates))
        and columns.uuids.shape == (rows, 16)
        and len(columns.aggregates) == rows
        and all(
            len(each.start) == trees + 1
            and len(each.tmax) == len(each.tsum) == len(each.tcnt) == trees
            and len(each.local) == len(each.eff) == len(each.used) == len(each.limits)
            and int(each.start[-1]) == len(each.local)
            for each in columns.classes.values()
        )
        and bool(np.all(columns.first[1:] > columns.first[:-1]))
    )
