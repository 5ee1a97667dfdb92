"""Inserts providers that were never there: all of a host with a few statements.

What a provider that is already there needs looking at (what is held of it, what it was) is
nothing here; so a host that reports for the first time costs no more for many devices.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from msgspec import UNSET
from sqlalchemy import select

from wherry.model.inventory import PlannedProvider
from wherry.store import tables
from wherry.store.body import encode
from wherry.store.bulk import Rows, insert_rows, next_ids
from wherry.store.inventories import VIEW_ROW, limits_of
from wherry.store.places import placement_rows
from wherry.store.rows import batches, intern
from wherry.store.transaction import Tx

gone = tables.gone
_LIMITS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio", "cap")


class Node(NamedTuple):
    """Where a provider stands: its id, and that of the root of its tree."""

    id: int
    root: int


@dataclass(frozen=True, slots=True)
class Names:
    """Ids of the names that rows are written with."""

    classes: Mapping[str, int]
    traits: Mapping[str, int]


def insert_providers(
    tx: Tx,
    plans: Sequence[PlannedProvider],
    host: str,
    nodes: Mapping[str, Node],
    *,
    now: float | None,
) -> dict[str, Node]:
    """Insert a host's new providers and tell the feed; gives where each stands.

    Args:
        plans: parents before children.
        nodes: uuid to place of those that are there, parents of these plans among them.
        now: time to write down; None: none is known.
    """
    last = _last_generations(tx, [planned.uuid for planned in plans])
    placed = place(plans, next_ids(tx.driver, tx.dialect, len(plans)), nodes)
    names = Names(
        classes=intern(tx, tables.resource_class, classes_of(plans)),
        traits=intern(tx, tables.trait, traits_of(plans)),
    )
    rows = provider_rows(plans, host, {**nodes, **placed}, names, last=last, now=now)
    insert_rows(tx.driver, tx.dialect, rows)
    return placed


def place(
    plans: Sequence[PlannedProvider], ids: Sequence[int], nodes: Mapping[str, Node]
) -> dict[str, Node]:
    """Say where new providers stand.

    Args:
        plans: parents before children.
        ids: one for each.
        nodes: uuid to place of parents that are there already.
    """
    placed: dict[str, Node] = {}
    for planned, number in zip(plans, ids, strict=True):
        above = planned.parent
        top = None if above is None else placed.get(above) or nodes[above]
        placed[planned.uuid] = Node(number, number if top is None else top.root)
    return placed


def provider_rows(
    plans: Sequence[PlannedProvider],
    host: str,
    nodes: Mapping[str, Node],
    names: Names,
    *,
    last: Mapping[str, int],
    now: float | None,
) -> Rows:
    """Give all rows of new providers, and of the feed.

    Args:
        nodes: uuid to place of these providers and their parents.
        last: generations of those that were there once.
    """
    numbers = [nodes[one.uuid].id for one in plans]
    several = list(zip(plans, numbers, strict=True))
    return {
        tables.provider: [_row(one, host, nodes, last, now) for one in plans],
        tables.provider_plan: [(number, encode(one)) for one, number in several],
        tables.inventory: [
            row for one, number in several for row in _inventories(one, number, names.classes)
        ],
        tables.view: [row for one, number in several for row in _views(one, number, names.classes)],
        tables.provider_trait: [
            (number, names.traits[name]) for one, number in several for name in one.traits
        ],
        tables.provider_device: [
            (number, device, rank)
            for one, number in several
            for rank, device in enumerate(one.slots)
        ],
        tables.seen_instance: [row for one, number in several for row in _seen(one, number)],
        tables.placement: [
            (number, row["type"], row["places"])
            for one, number in several
            for row in placement_rows(one)
        ],
        tables.change: [("provider", one.uuid, last.get(one.uuid, 0) + 1) for one in plans],
    }


def classes_of(plans: Iterable[PlannedProvider]) -> set[str]:
    """Name all resource classes of new providers."""
    names: set[str] = set()
    for one in plans:
        names.update(one.inventories, one.views)
        names.update(*(view.units for view in one.views.values()))
        names.update(*(instance.units for instance in one.instances))
    return names


def traits_of(plans: Iterable[PlannedProvider]) -> set[str]:
    """Name all traits of new providers."""
    return {name for one in plans for name in one.traits}


def _last_generations(tx: Tx, uuids: Sequence[str]) -> dict[str, int]:
    """Give the generations of those that were there once."""
    found: dict[str, int] = {}
    for batch in batches(uuids):
        query = select(gone.c.key, gone.c.generation)
        query = query.where(gone.c.kind == "provider", gone.c.key.in_(batch))
        found.update(tx.rows(query))
    return found


def _row(
    planned: PlannedProvider,
    host: str,
    nodes: Mapping[str, Node],
    last: Mapping[str, int],
    now: float | None,
) -> tuple[Any, ...]:
    node = nodes[planned.uuid]
    parent = None if planned.parent is None else nodes[planned.parent].id
    generation = last.get(planned.uuid, 0) + 1
    name, uuid = planned.name, planned.uuid
    head = (node.id, uuid, name, host, parent, node.root, "report")
    return (*head, generation, generation, False, now)


def _inventories(
    planned: PlannedProvider, number: int, classes: Mapping[str, int]
) -> Iterator[tuple[Any, ...]]:
    """Give pools and views; instances on the host are nobody's yet, and count."""
    stray: Counter[str] = Counter()
    for one in planned.instances:
        stray.update(one.units)
    limits = {name: limits_of(each) for name, each in planned.inventories.items()}
    limits |= dict.fromkeys(planned.views, VIEW_ROW)
    for name, each in limits.items():
        held = 0 if each["cap"] is None else stray[name]
        yield (number, classes[name], *(each[limit] for limit in _LIMITS), 0, 0, held, None)


def _views(
    planned: PlannedProvider, number: int, classes: Mapping[str, int]
) -> Iterator[tuple[Any, ...]]:
    for name, one in planned.views.items():
        for pool, units in one.units.items():
            yield number, classes[name], classes[pool], units


def _seen(planned: PlannedProvider, number: int) -> Iterator[tuple[Any, ...]]:
    for one in planned.instances:
        exclusive = None if one.exclusive is None else encode(one.exclusive)
        place = None if one.place is UNSET else one.place
        yield number, one.id, one.type, encode(one.units), exclusive, True, place
