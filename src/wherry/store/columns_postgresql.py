"""The whole fleet out of PostgreSQL: ``string_agg`` puts a column's binary numbers in a row.

Entries with equal limits are put together by the server, so that limits come once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.store.transaction import Tx

Numbers = NDArray[np.int64]

_TREE = (
    "SELECT count(*), string_agg(uuid, ','), string_agg(int8send(id), ''),"
    " string_agg(int8send(coalesce(parent, -1)), ''), string_agg(int8send(root), '') FROM provider"
)
_STOCK = (
    "SELECT c.name, i.total, i.reserved, i.min_unit, i.max_unit, i.step_size, i.allocation_ratio,"
    " i.cap, i.charged - i.used + i.stray,"
    " string_agg(int8send(i.provider), ''), string_agg(int8send(i.used), '')"
    " FROM inventory i JOIN resource_class c ON c.id = i.class WHERE i.cap IS NOT NULL"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9"
)
_TRAITS = (
    "SELECT string_agg(int8send(provider), ''), string_agg(int8send(trait), '') FROM"
    " (SELECT provider, trait FROM provider_trait"
    " UNION ALL SELECT provider, trait FROM derived_trait) told"
)


def read_tree(tx: Tx) -> tuple[Sequence[str], Numbers, Numbers, Numbers]:
    """Read uuid, id, parent (-1: none) and root of every provider."""
    count, uuids, *numbers = tx.driver.execute(_TREE, binary=True).fetchone()
    names = (uuids or "").split(",") if count else []
    if len(names) != count:
        rows = tx.driver.execute("SELECT id, uuid FROM provider").fetchall()
        by_id = dict(rows)
        names = [by_id[each] for each in _numbers(numbers[0]).tolist()]
    ids, parents, roots = (_numbers(each) for each in numbers)
    return names, ids, parents, roots


def read_stock(tx: Tx) -> Iterator[tuple[tuple[Any, ...], Numbers, Numbers]]:
    """Read inventories that are no views, those with equal limits together.

    Yields name, total, reserved, min_unit, max_unit, step_size, allocation_ratio, cap and units
    taken by no allocation of the class; then ids of providers, and units used.
    """
    for *limits, providers, used in tx.driver.execute(_STOCK, binary=True):
        yield tuple(limits), _numbers(providers), _numbers(used)


def read_traits(tx: Tx) -> tuple[Numbers, Numbers]:
    """Read pairs of a provider and a trait."""
    row = tx.driver.execute(_TRAITS, binary=True).fetchone()
    providers, traits = (_numbers(each) for each in row)
    return providers, traits


def _numbers(letters: bytes | None) -> Numbers:
    return np.frombuffer(letters or b"", ">i8").astype(np.int64)
