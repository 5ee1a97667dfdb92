"""The whole fleet out of SQLite: ``group_concat`` makes one text of a column.

A number costs a tenth of a microsecond so, a row of a cursor more than one.  Most entries are
plain, differ in total, reserved and ``max_unit`` alone, and are read in this way; others,
such as overcommitted classes and shared pools, come as rows.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.store.transaction import Tx

Numbers = NDArray[np.int64]
STEP = 500_000
"""Providers whose entries are read at once."""
CLASS, BITS = 20, 31
"""Bits of a class's number beside a provider's, and of one of two numbers in one."""
MASK = (1 << BITS) - 1
MIXER = 0x9E3779B97F4A7C15
CHUNK = 50_000
"""Rows of a cursor that are held at once."""

_TREE = (
    "SELECT count(*), group_concat(uuid), group_concat(id), group_concat(coalesce(parent, -1)),"
    " group_concat(root) FROM provider"
)
# Two numbers in one where both have 31 bits: what costs is the call for each.
_PLAIN_STOCK = (
    "SELECT group_concat(provider * 1048576 + class), group_concat(total << 31 | reserved),"
    " group_concat(max_unit << 31 | used) FROM inventory"
    " WHERE provider > ? AND provider <= ? AND cap = total - reserved AND min_unit = 1"
    " AND step_size = 1 AND allocation_ratio = 1.0 AND charged = used AND stray = 0"
    " AND class < 1048576 AND (total | reserved | max_unit | used) BETWEEN 0 AND 2147483647"
)
_OTHER_STOCK = (
    "SELECT provider, used, class, total, reserved, min_unit, max_unit, step_size,"
    " allocation_ratio, cap, charged - used + stray FROM inventory"
    " WHERE cap IS NOT NULL AND NOT (cap = total - reserved AND min_unit = 1"
    " AND step_size = 1 AND allocation_ratio = 1.0 AND charged = used AND stray = 0"
    " AND class < 1048576 AND (total | reserved | max_unit | used) BETWEEN 0 AND 2147483647)"
)
_TRAITS = (
    "SELECT group_concat(provider), group_concat(trait) FROM"
    " (SELECT provider, trait FROM provider_trait"
    " UNION ALL SELECT provider, trait FROM derived_trait)"
)


def read_tree(tx: Tx) -> tuple[Sequence[str], Numbers, Numbers, Numbers]:
    """Read uuid, id, parent (-1: none) and root of every provider."""
    count, uuids, *numbers = tx.driver.execute(_TREE).fetchone()
    names = (uuids or "").split(",") if count else []
    if len(names) != count:
        names = [uuid for (uuid,) in tx.driver.execute("SELECT uuid FROM provider")]
    ids, parents, roots = (_numbers(each) for each in numbers)
    return names, ids, parents, roots


def read_stock(tx: Tx) -> Iterator[tuple[tuple[Any, ...], Numbers, Numbers]]:
    """Read inventories that are no views, those with equal limits together.

    Yields name, total, reserved, min_unit, max_unit, step_size, allocation_ratio, cap and units
    taken by no allocation of the class; then ids of providers, and units used.
    """
    names = dict(tx.driver.execute("SELECT id, name FROM resource_class").fetchall())
    (last,) = tx.driver.execute("SELECT coalesce(max(id), 0) FROM provider").fetchone()
    for start in range(0, last, STEP):
        row = tx.driver.execute(_PLAIN_STOCK, (start, start + STEP)).fetchone()
        entries, units, most_used = (_numbers(each) for each in row)
        providers, used = entries >> CLASS, most_used & MASK
        columns = (entries & ((1 << CLASS) - 1), units, most_used >> BITS)
        for (number, both, most), some in _alike(columns):
            total, reserved = both >> BITS, both & MASK
            limits = (names[number], total, reserved, 1, most, 1, 1.0, total - reserved, 0)
            yield limits, providers[some], used[some]
    yield from _others(tx, names)


def _others(tx: Tx, names: dict[int, str]) -> Iterator[tuple[tuple[Any, ...], Numbers, Numbers]]:
    cursor = tx.driver.execute(_OTHER_STOCK)
    while rows := cursor.fetchmany(CHUNK):
        alike: dict[tuple[Any, ...], list[tuple[int, int]]] = {}
        for provider, used, *limits in rows:
            alike.setdefault(tuple(limits), []).append((provider, used))
        for (number, *limits), some in alike.items():
            providers, amounts = np.array(some, np.int64).T
            yield (names[number], *limits), providers, amounts


def _alike(columns: Sequence[Numbers]) -> Iterator[tuple[tuple[int, ...], Numbers]]:
    """Part rows by what stands in columns; gives the values, and which rows have them."""
    if not len(columns[0]):
        return
    mixed = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        mixed = (mixed ^ column.view(np.uint64)) * np.uint64(MIXER)
        mixed ^= mixed >> np.uint64(29)
    _, heads, kind = np.unique(mixed, return_index=True, return_inverse=True)
    if any((column[heads][kind] != column).any() for column in columns):
        # Two kinds that mix to one number: part them by the columns themselves.
        _, heads, kind = np.unique(
            np.stack(columns), axis=1, return_index=True, return_inverse=True
        )
    kind = kind.reshape(-1)
    order = np.argsort(kind, kind="stable")
    ends = np.cumsum(np.bincount(kind))
    for head, some in zip(heads.tolist(), np.split(order, ends[:-1]), strict=True):
        yield tuple(int(column[head]) for column in columns), some


def read_traits(tx: Tx) -> tuple[Numbers, Numbers]:
    """Read pairs of a provider and a trait."""
    providers, traits = (_numbers(each) for each in tx.driver.execute(_TRAITS).fetchone())
    return providers, traits


def _numbers(text: str | int | None) -> Numbers:
    """Read what ``group_concat`` made of numbers: nothing of none."""
    if text is None:
        return np.empty(0, np.int64)
    return np.fromstring(str(text), np.int64, sep=",")
