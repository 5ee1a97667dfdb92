"""Puts plain columns in the order in which they are searched.

Cost: a few passes of numpy over all rows, and a dictionary look-up for each tree.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.index import RowIndex
from wherry.inventory.columns.interned import Interned, LimitsTable
from wherry.inventory.columns.layout import MANY, MOST, ClassColumn, Columns, Ids
from wherry.inventory.columns.raw import Numbers, Raw, RawStock, Tables, raw_of
from wherry.inventory.columns.shapes import make_shape
from wherry.inventory.columns.spans import part
from wherry.model.provider import SHARES, Provider


def build(
    providers: Iterable[Provider], *, classes: Iterable[str] = (), traits: Iterable[str] = ()
) -> Columns:
    """Make columns of whole trees.

    Args:
        providers: whole trees; in their order, parents first, they stand in the columns.
        classes: resource classes that are known, besides those in inventories.
        traits: traits that are known, besides those on providers.

    Raises:
        ValueError: a root or parent is not among the providers, or a uuid comes twice.
    """
    tables = Tables()
    raw = raw_of(providers, tables)
    return assemble(raw, tables, classes=classes, traits=traits)


def assemble(
    raw: Raw,
    tables: Tables,
    *,
    classes: Iterable[str] = (),
    traits: Iterable[str] = (),
    stamp: int = 1,
) -> Columns:
    """Make columns of whole trees, with the numbers that *tables* give.

    Raises:
        ValueError: a provider stands below itself, or in another tree than its parent.
    """
    order = _order(raw)
    first, count = order.first, order.count
    tree_count = len(first)
    trait_ids, aggregate_ids = raw.traits[order.rows], raw.aggregates[order.rows]
    columns = {
        name: class_column(stock, tables.limits[name], order)
        for name, stock in raw.stock.items()
        if len(stock.rows)
    }
    keys = raw.keys[order.rows]
    in_use = frozenset[str]().union(*(tables.trait_sets[each] for each in unique(trait_ids)))
    return Columns(
        first=first.astype(np.int32),
        count=count.astype(np.int32),
        shape=narrow(_shapes(order, tables)),
        stamp=np.full(tree_count, stamp, np.uint32),
        tree_traits=narrow(unite(trait_ids, first, count, tables.trait_sets)),
        tree_aggregates=narrow(unite(aggregate_ids, first, count, tables.aggregate_sets)),
        uuids=keys,
        traits=narrow(trait_ids),
        aggregates=narrow(aggregate_ids),
        sharing=find_sharing(trait_ids, tables.trait_sets),
        shapes=tables.shapes,
        trait_sets=tables.trait_sets,
        aggregate_sets=tables.aggregate_sets,
        classes=columns,
        known_classes=frozenset(classes) | frozenset(columns),
        known_traits=frozenset(traits) | in_use,
        index=RowIndex(keys, np.arange(len(keys), dtype=np.int32)),
        odd=dict(raw.odd),
    )


@dataclass(frozen=True, slots=True)
class Order:
    """Where rows go."""

    rows: Numbers
    """int64[P]; new row to old."""
    places: Numbers
    """int64[P]; old row to new."""
    trees: Numbers
    """int64[P]; tree of each new row."""
    parents: NDArray[np.int32]
    """int32[P]; place of the parent in the tree, -1 for roots; by new row."""
    first: Numbers
    """int64[T]; first new row of each tree."""
    count: Numbers
    """int64[T]; rows of each tree."""


def _order(raw: Raw) -> Order:
    """Order trees by their roots, and in a tree those nearer to the root first."""
    size = len(raw.parent)
    is_root = raw.parent < 0
    tree = (np.cumsum(is_root) - 1)[raw.root] if size else np.empty(0, np.int64)
    if not is_root[raw.root].all() or (tree[raw.parent] != tree)[~is_root].any():
        raise ValueError("a provider stands in another tree than its parent")
    rows = np.lexsort((_depths(raw.parent), tree))
    places = np.empty(size, np.int64)
    places[rows] = np.arange(size)
    count = np.bincount(tree, minlength=int(is_root.sum()))
    first = np.cumsum(count) - count
    trees = tree[rows]
    above = raw.parent[rows]
    parents = np.where(above < 0, -1, places[above] - first[trees]).astype(np.int32)
    return Order(rows, places, trees, parents, first, count)


def _depths(parent: Numbers) -> Numbers:
    """Count the providers above each."""
    depths = np.zeros(len(parent), np.int64)
    at = parent
    for _ in range(len(parent) + 1):
        below = at >= 0
        if not below.any():
            return depths
        depths += below
        at = np.where(below, parent[at], -1)
    raise ValueError("a provider stands below itself")


def _shapes(order: Order, tables: Tables) -> Numbers:
    heads, kind = part(order.parents, order.first, order.count)
    numbers = []
    for first, count in zip(order.first[heads].tolist(), order.count[heads].tolist(), strict=True):
        key = order.parents[first : first + count].tobytes()
        number = tables.shape_ids.get(key)
        if number is None:
            shape = make_shape(tuple(order.parents[first : first + count].tolist()))
            number = tables.shape_ids[key] = tables.shapes.intern(shape)
        numbers.append(number)
    return np.array(numbers, np.int64)[kind]


def unite(ids: Ids, first: Numbers, count: Numbers, sets: Interned[frozenset[str]]) -> Numbers:
    """Give the number of the union of the sets of each tree's rows."""
    trees = np.repeat(np.arange(len(count)), count)
    # Each number once in a tree, and in order: then fewer trees differ.
    codes = np.sort(trees * (1 << 32) + ids)
    codes = codes[np.flatnonzero(np.diff(codes, prepend=-1))]
    trees, members = codes >> 32, codes & 0xFFFFFFFF
    count = np.bincount(trees, minlength=len(count))
    first = np.cumsum(count) - count
    heads, kind = part(members, first, count)
    unions: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}
    numbers = []
    for start, size in zip(first[heads].tolist(), count[heads].tolist(), strict=True):
        united = frozenset[str]()
        for each in members[start : start + size].tolist():
            pair = united, sets[each]
            found = unions.get(pair)
            united = unions[pair] = united | sets[each] if found is None else found
        numbers.append(sets.intern(united))
    return np.array(numbers, np.int64)[kind]


def class_column(stock: RawStock, table: LimitsTable, order: Order) -> ClassColumn:
    """Order what is known of one class by rows, and sum it up for each tree."""
    rows = order.places[stock.rows]
    sorting = np.argsort(rows, kind="stable")
    rows, limits, used = rows[sorting], stock.limits[sorting], stock.used[sorting]
    trees = order.trees[rows]
    local = rows - order.first[trees]
    size = len(order.first)
    start = np.zeros(size + 1, np.int32)
    np.cumsum(np.bincount(trees, minlength=size), out=start[1:])
    eff = effective(table, limits, used)
    tmax, tsum, tcnt = summarize(start, eff)
    return ClassColumn(
        start=start, local=narrow(local), eff=eff, used=narrow(used, least=np.uint16),
        limits=narrow(limits), table=table, tmax=tmax, tsum=tsum, tcnt=tcnt,
    )  # fmt: skip


def effective(table: LimitsTable, limits: Numbers, used: Numbers) -> NDArray[np.int32]:
    """Say how much consumers could still have together: int32[E]."""
    room = np.minimum(table.capacity[limits] - used, table.max_unit[limits])
    eff: NDArray[np.int32] = np.clip(room, -1, MOST).astype(np.int32)
    return eff


Summary = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]


def summarize(start: NDArray[np.int32], eff: NDArray[np.int32]) -> Summary:
    """Give greatest, sum and count of what is free in each tree; see `ClassColumn`."""
    size = len(start) - 1
    tmax, tsum, tcnt = (
        np.full(size, -1, np.int32),
        np.zeros(size, np.int32),
        np.zeros(size, np.uint8),
    )
    some = np.flatnonzero(start[1:] > start[:-1])
    if len(some):
        tmax[some], tsum[some], tcnt[some] = reduce(eff, start[some])
    return tmax, tsum, tcnt


def reduce(eff: NDArray[np.int32], at: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Give greatest, sum and count of what is free in stretches that begin there; none is empty."""
    total = np.add.reduceat(np.maximum(eff, 0, dtype=np.int64), at)
    count = np.add.reduceat(eff > 0, at, dtype=np.int64)
    return np.maximum.reduceat(eff, at), np.minimum(total, MOST), np.minimum(count, MANY)


def find_sharing(ids: Ids, sets: Interned[frozenset[str]]) -> NDArray[np.int32]:
    """List the rows whose traits make them share."""
    shares = np.array([SHARES in each for each in sets.values], bool)
    return np.flatnonzero(shares[ids]).astype(np.int32) if len(ids) else np.empty(0, np.int32)


def narrow(numbers: Numbers, least: type[np.unsignedinteger] = np.uint8) -> Ids:
    """Store unsigned numbers in the least width that holds them."""
    most = int(numbers.max()) if len(numbers) else 0
    return numbers.astype(np.promote_types(least, np.min_scalar_type(most)))


def unique(ids: Ids) -> list[int]:
    """List the numbers that occur."""
    numbers: list[int] = np.unique(ids).tolist()
    return numbers
