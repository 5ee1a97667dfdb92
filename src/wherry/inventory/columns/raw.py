"""A fleet, or some trees of it, as plain columns in any order: what columns are made from.

It comes from values, from a database, or from columns that are to be made anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.interned import Interned, LimitsTable
from wherry.inventory.columns.keys import Keys, keys_of
from wherry.inventory.columns.shapes import Shape
from wherry.model.provider import Provider

Numbers = NDArray[np.int64]


@dataclass(slots=True)
class Tables:
    """The values that columns name by numbers."""

    shapes: Interned[Shape] = field(default_factory=Interned)
    shape_ids: dict[bytes, int] = field(default_factory=dict)
    """Parents' places as int32 to the number of the shape."""
    trait_sets: Interned[frozenset[str]] = field(default_factory=Interned)
    aggregate_sets: Interned[frozenset[str]] = field(default_factory=Interned)
    limits: dict[str, LimitsTable] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RawStock:
    """One class: int64[E] each, a row at most once."""

    rows: Numbers
    limits: Numbers
    """Number in the class's table."""
    used: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Whole trees; P providers in any order."""

    keys: Keys
    odd: Mapping[bytes, str]
    parent: Numbers
    """int64[P]; row of the parent, -1 for roots."""
    root: Numbers
    """int64[P]; row of the root."""
    traits: Numbers
    """int64[P]; number of the trait set."""
    aggregates: Numbers
    """int64[P]; number of the aggregate set."""
    stock: Mapping[str, RawStock]


def raw_of(providers: Iterable[Provider], tables: Tables) -> Raw:
    """Write values down as columns.

    Args:
        providers: whole trees.
        tables: where new sets and inventories get their numbers.

    Raises:
        ValueError: a root or parent is not among the providers, or a uuid comes twice.
    """
    listed = list(providers)
    rows = {each.uuid: row for row, each in enumerate(listed)}
    if len(rows) < len(listed):
        raise ValueError("a provider comes twice")
    try:
        parent = [-1 if each.parent is None else rows[each.parent] for each in listed]
        root = [rows[each.root] for each in listed]
    except KeyError as error:
        raise ValueError(f"provider {error} is not there, but stands above others") from error
    keys, odd = keys_of([each.uuid for each in listed])
    stock: dict[str, list[tuple[int, int, int]]] = {}
    for row, each in enumerate(listed):
        for name, inventory in each.inventories.items():
            table = tables.limits.get(name)
            if table is None:
                table = tables.limits[name] = LimitsTable()
            entry = (row, table.intern(inventory), each.used.get(name, 0))
            stock.setdefault(name, []).append(entry)
    traits, aggregates = tables.trait_sets.intern, tables.aggregate_sets.intern
    return Raw(
        keys=keys,
        odd=odd,
        parent=np.array(parent, np.int64),
        root=np.array(root, np.int64),
        traits=np.array([traits(each.traits) for each in listed], np.int64),
        aggregates=np.array([aggregates(each.aggregates) for each in listed], np.int64),
        stock={
            name: RawStock(*np.array(entries, np.int64).T.copy()) for name, entries in stock.items()
        },
    )
