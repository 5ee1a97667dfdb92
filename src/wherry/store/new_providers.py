"""Inserts providers that were never there: all of a host with a few statements.

What a provider that is already there needs looking at (what is held of it, what it was) is
nothing here; so a host that reports for the first time costs no more for many devices.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table, insert, select, update

from wherry.model.inventory import PlannedProvider
from wherry.store import tables
from wherry.store.body import encode
from wherry.store.inventories import VIEW_ROW, limits_of
from wherry.store.rows import batches, intern
from wherry.store.transaction import Tx

provider, gone = tables.provider, tables.gone
TABLES = (
    tables.provider_plan,
    tables.inventory,
    tables.view,
    tables.provider_trait,
    tables.provider_device,
    tables.seen_instance,
)
"""All that hangs on a provider, in the order in which it is written."""


class Node(NamedTuple):
    """Where a provider stands: its id, and that of the root of its tree."""

    id: int
    root: int


def insert_providers(
    tx: Tx, plans: Sequence[PlannedProvider], host: str, nodes: Mapping[str, Node]
) -> dict[str, Node]:
    """Insert a host's new providers; gives where each stands.

    Args:
        plans: parents before children.
        nodes: uuid to place of those that are there, parents of these plans among them.
    """
    last = _last_generations(tx, [planned.uuid for planned in plans])
    placed: dict[str, Node] = {}
    for level in _levels(plans):
        rows = [_row(planned, host, {**nodes, **placed}, last) for planned in level]
        placed |= _insert_level(tx, level, rows)
    if placed:
        _insert_facts(tx, plans, {uuid: node.id for uuid, node in placed.items()})
    return placed


def _last_generations(tx: Tx, uuids: Sequence[str]) -> dict[str, int]:
    """Give the generations of those that were there once."""
    found: dict[str, int] = {}
    for batch in batches(uuids):
        query = select(gone.c.key, gone.c.generation)
        query = query.where(gone.c.kind == "provider", gone.c.key.in_(batch))
        found.update(tx.rows(query))
    return found


def _levels(plans: Sequence[PlannedProvider]) -> Iterator[list[PlannedProvider]]:
    """Cut plans so that parents stand in an earlier part than their children."""
    depth: dict[str | None, int] = {}
    levels: dict[int, list[PlannedProvider]] = {}
    for planned in plans:
        depth[planned.uuid] = depth.get(planned.parent, -1) + 1
        levels.setdefault(depth[planned.uuid], []).append(planned)
    yield from levels.values()


def _row(
    planned: PlannedProvider, host: str, nodes: Mapping[str, Node], last: Mapping[str, int]
) -> dict[str, Any]:
    above = None if planned.parent is None else nodes[planned.parent]
    generation = last.get(planned.uuid, 0)
    return {
        "uuid": planned.uuid,
        "name": planned.name,
        "host": host,
        "parent": None if above is None else above.id,
        "root": None if above is None else above.root,
        "owner": "report",
        "generation": generation,
        "facts_generation": generation + 1,
        "gone": False,
    }


def _insert_level(
    tx: Tx, level: Sequence[PlannedProvider], rows: Sequence[dict[str, Any]]
) -> dict[str, Node]:
    statement = insert(provider).returning(provider.c.uuid, provider.c.id)
    ids = {row.uuid: int(row.id) for row in tx.execute(statement, rows)}
    tops = [ids[row["uuid"]] for row in rows if row["root"] is None]
    if tops:
        tx.execute(update(provider).where(provider.c.id.in_(tops)).values(root=provider.c.id))
    return {
        planned.uuid: Node(ids[planned.uuid], row["root"] or ids[planned.uuid])
        for planned, row in zip(level, rows, strict=True)
    }


def _insert_facts(tx: Tx, plans: Sequence[PlannedProvider], ids: Mapping[str, int]) -> None:
    classes = intern(tx, tables.resource_class, {name for one in plans for name in _classes(one)})
    traits = intern(tx, tables.trait, {name for one in plans for name in one.traits})
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in TABLES}
    for one in plans:
        parts: tuple[Iterable[dict[str, Any]], ...] = (
            [{"plan": encode(one)}],
            _inventory_rows(one, classes),
            _view_rows(one, classes),
            [{"trait": traits[name]} for name in one.traits],
            [{"device": device, "rank": rank} for rank, device in enumerate(one.slots)],
            _seen_rows(one),
        )
        for table, part in zip(TABLES, parts, strict=True):
            rows[table] += [{"provider": ids[one.uuid], **row} for row in part]
    for table, several in rows.items():
        if several:
            tx.execute(insert(table), several)


def _classes(planned: PlannedProvider) -> set[str]:
    names = {*planned.inventories, *planned.views}
    names.update(*(view.units for view in planned.views.values()))
    names.update(*(instance.units for instance in planned.instances))
    return names


def _inventory_rows(
    planned: PlannedProvider, classes: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Give pools and views; instances on the host are nobody's yet, and count."""
    stray: Counter[str] = Counter()
    for one in planned.instances:
        stray.update(one.units)
    limits = {name: limits_of(each) for name, each in planned.inventories.items()}
    limits |= dict.fromkeys(planned.views, VIEW_ROW)
    for name, each in limits.items():
        held = 0 if each["cap"] is None else stray[name]
        yield {"class": classes[name], **each, "used": 0, "charged": 0, "stray": held}


def _view_rows(planned: PlannedProvider, classes: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for name, one in planned.views.items():
        for pool, units in one.units.items():
            yield {"class": classes[name], "pool": classes[pool], "units": units}


def _seen_rows(planned: PlannedProvider) -> Iterator[dict[str, Any]]:
    for one in planned.instances:
        yield {
            "device": one.id,
            "type": one.type,
            "units": encode(one.units),
            "exclusive": None if one.exclusive is None else encode(one.exclusive),
            "stray": True,
        }
