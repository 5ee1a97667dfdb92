"""Checks what must hold in every database, whatever happened to it.

Slow and obvious on purpose: it reads whole tables and counts.

Source: design, section 11.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from msgspec import UNSET
from sqlalchemy import select

from wherry.compat.query.labels import is_label
from wherry.inventory.labelling import Labeller
from wherry.model.checks import HostFacts
from wherry.model.inventory import PlannedProvider
from wherry.model.positions import bits_of
from wherry.store import tables
from wherry.store.body import decode
from wherry.store.labels import read_salt
from wherry.store.transaction import Tx

Key = tuple[int, int]


def audit(tx: Tx) -> list[str]:
    """List every sentence of the design that the stored rows break; empty is sound.

    Capacity below use is legal: an inventory may shrink under what is held.  So an overfull
    pool is no finding here; `overfull` lists them, for tests in which nothing shrinks.
    """
    return [
        *_units(tx),
        *_consumers(tx),
        *_occupants(tx),
        *_trees(tx),
        *_plans(tx),
        *_attached(tx),
        *_labels(tx),
    ]


def overfull(tx: Tx) -> list[str]:
    """List the inventories that hold more than they can."""
    p, c = tables.provider.c, tables.resource_class.c
    providers = dict(tx.rows(select(p.id, p.name)))
    classes = dict(tx.rows(select(c.id, c.name)))
    return [
        f"provider {providers[key[0]]} has {row.charged + row.stray} of {classes[key[1]]} in use"
        f" and {row.cap} in all"
        for key, row in _inventories(tx).items()
        if row.cap is not None and row.charged + row.stray > row.cap
    ]


def _inventories(tx: Tx) -> dict[Key, Any]:
    c = tables.inventory.c
    query = select(c.provider, c["class"].label("cls"), c.cap, c.used, c.charged, c.stray)
    return {(row.provider, row.cls): row for row in tx.rows(query)}


def _units(tx: Tx) -> Iterator[str]:
    """Used is the sum of allocations; charged is that and what views take."""
    rows = _inventories(tx)
    used = _allocated(tx)
    for key in used.keys() - rows.keys():
        yield f"allocation of provider {key[0]} class {key[1]} has no inventory"
    charged = Counter({key: row.used for key, row in rows.items() if row.cap is not None})
    v = tables.view.c
    views = set()
    for provider, cls, pool, units in tx.rows(select(v.provider, v["class"], v.pool, v.units)):
        views.add((provider, cls))
        for each in (cls, pool):
            if (provider, each) not in rows:
                yield f"view of provider {provider} class {cls} has no inventory of {each}"
        charged[provider, pool] += used[provider, cls] * units
    for key, row in rows.items():
        if row.used != used[key]:
            yield f"provider {key[0]} class {key[1]}: used {row.used}, allocated {used[key]}"
        if row.charged != charged[key]:
            yield f"provider {key[0]} class {key[1]}: charged {row.charged}, not {charged[key]}"
        # A view that is reported no more keeps its units, and has a cap of 0.
        if row.cap if key in views else row.cap is None:
            yield f"provider {key[0]} class {key[1]} is a pool and a view, or neither"
    yield from _strays(tx, rows)


def _allocated(tx: Tx) -> Counter[Key]:
    a = tables.allocation.c
    used: Counter[Key] = Counter()
    for provider, cls, units in tx.rows(select(a.provider, a["class"], a.used)):
        used[provider, cls] += units
    return used


def _strays(tx: Tx, rows: dict[Key, Any]) -> Iterator[str]:
    """Stray is the sum of the instances that count as stray, in classes that are pools."""
    names = dict(tx.rows(select(tables.resource_class.c.name, tables.resource_class.c.id)))
    s = tables.seen_instance.c
    stray: Counter[Key] = Counter()
    for provider, body in tx.rows(select(s.provider, s.units).where(s.stray)):
        for name, units in decode(body, dict[str, int]).items():
            if name in names:
                stray[provider, names[name]] += units
    for key, row in rows.items():
        if row.stray != (stray[key] if row.cap is not None else 0):
            yield f"provider {key[0]} class {key[1]}: stray {row.stray}, not {stray[key]}"
    yield from _holders(tx)


def _holders(tx: Tx) -> Iterator[str]:
    """An instance that does not count as stray has a holder, one that does has none by name."""
    o, s = tables.occupant.c, tables.seen_instance.c
    holders = tx.rows(select(o.provider, o.device, o.type))
    named = {(row.provider, row.device) for row in holders}
    nameless = Counter((row.provider, row.type) for row in holders if row.device is None)
    for provider, device, kind, stray in tx.rows(select(s.provider, s.device, s.type, s.stray)):
        if (provider, device) in named:
            if stray:
                yield f"instance {device} of provider {provider} is held and counts as stray"
        elif not stray:
            nameless[provider, kind] -= 1
    for (provider, kind), left in nameless.items():
        if left < 0:
            yield f"provider {provider}: {-left} of {kind} have no holder and do not count"


def _consumers(tx: Tx) -> Iterator[str]:
    """Consumers hold something, and whoever holds something is a consumer."""
    known = set(tx.execute(select(tables.consumer.c.id)).scalars())
    a, o = tables.allocation.c, tables.occupant.c
    holders = set(tx.execute(select(a.consumer)).scalars())
    holders |= set(tx.execute(select(o.consumer)).scalars())
    yield from (f"consumer {number} holds nothing" for number in sorted(known - holders))
    yield from (f"holder {number} is no consumer" for number in sorted(holders - known))
    providers = set(tx.execute(select(tables.provider.c.id)).scalars())
    held = set(tx.execute(select(a.provider)).scalars())
    held |= set(tx.execute(select(o.provider)).scalars())
    yield from (f"provider {number} is held and gone" for number in sorted(held - providers))


def _occupants(tx: Tx) -> Iterator[str]:
    """No device or position is held twice; instances agree in what they must agree in."""
    o = tables.occupant.c
    taken: defaultdict[int, int] = defaultdict(int)
    for provider, place in tx.rows(select(o.provider, o.place).where(o.place.is_not(None))):
        if taken[provider] & bits_of(place):
            yield f"place {place} of provider {provider} overlaps another"
        taken[provider] |= bits_of(place)
    devices: Counter[tuple[int, str]] = Counter()
    values: defaultdict[int, set[str]] = defaultdict(set)
    for provider, device, exclusive in tx.rows(select(o.provider, o.device, o.exclusive)):
        if device is not None:
            devices[provider, device] += 1
        if exclusive is not None:
            values[provider].add(exclusive)
    yield from (f"device {key} is held {n} times" for key, n in devices.items() if n > 1)
    yield from (f"provider {p} is used as {v}" for p, v in values.items() if len(v) > 1)


def _trees(tx: Tx) -> Iterator[str]:
    """Every provider's parent is there, and its root is the root of its parent."""
    p = tables.provider.c
    rows = {row.id: row for row in tx.rows(select(p.id, p.parent, p.root, p.uuid))}
    for row in rows.values():
        if row.parent is None and row.root != row.id:
            yield f"provider {row.uuid} has no parent and another root"
        elif row.parent is not None and row.parent not in rows:
            yield f"provider {row.uuid} has no such parent"
        elif row.parent is not None and rows[row.parent].root != row.root:
            yield f"provider {row.uuid} has another root than its parent"


def _attached(tx: Tx) -> Iterator[str]:
    """What a report adds to a client's provider goes with a device, and with a host."""
    p, body, derived = tables.provider.c, tables.provider_plan, tables.derived_trait.c
    name = tables.trait.c.name
    told = tx.rows(
        select(derived.provider, name).join(tables.trait, derived.trait == tables.trait.c.id)
    )
    marked = {number for number, name in told if not is_label(name)}
    query = select(p.id, p.uuid, p.host, p.owner, p.parent, body.c.plan)
    rows = tx.rows(query.outerjoin(body, body.c.provider == p.id))
    for number, uuid, host, owner, parent, text in rows:
        has_more = owner == "client" and text is not None
        device = decode(text, PlannedProvider).device if has_more else UNSET
        if number in marked and device is UNSET and (parent is not None or host is None):
            yield f"provider {uuid} has traits of a report that adds nothing to it"
        if device is not UNSET and host is None:
            yield f"provider {uuid} has device {device} and is of no host"


def _labels(tx: Tx) -> Iterator[str]:
    """A label on a provider is one that it publishes under the present salt."""
    labeller = Labeller(read_salt(tx))
    p, host, body = tables.provider.c, tables.host_report.c, tables.provider_plan.c
    derived, trait = tables.derived_trait.c, tables.trait.c
    stored: defaultdict[int, set[str]] = defaultdict(set)
    for number, name in tx.rows(
        select(derived.provider, trait.name).join(tables.trait, derived.trait == trait.id)
    ):
        if is_label(name):
            stored[number].add(name)
    query = (
        select(p.id, p.uuid, p.parent, body.plan, host.check_facts)
        .outerjoin(tables.provider_plan, body.provider == p.id)
        .outerjoin(tables.host_report, host.host == p.host)
    )
    for number, uuid, parent, plan, facts in tx.rows(query):
        names = frozenset[str]()
        if parent is None and facts is not None:
            names = labeller.of_host(decode(facts, HostFacts))
        elif plan is not None:
            names = labeller.of_offers(decode(plan, PlannedProvider).offers)
        if stored[number] - names:
            yield f"provider {uuid} has labels that it does not publish"


def _plans(tx: Tx) -> Iterator[str]:
    """Rows of a report's inventories are those of the plan, or give nothing any more."""
    p, i, body = tables.provider.c, tables.inventory.c, tables.provider_plan
    names = dict(tx.rows(select(tables.resource_class.c.id, tables.resource_class.c.name)))
    stored: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    for row in tx.rows(select(i.provider, i["class"].label("cls"), i.cap, i.used, i.charged)):
        stored[row.provider][names[row.cls]] = row
    query = select(p.id, p.uuid, body.c.plan).join(body, body.c.provider == p.id)
    for number, uuid, text in tx.rows(query.where(p.owner == "report")):
        plan = decode(text, PlannedProvider)
        caps = {name: inventory.capacity for name, inventory in plan.inventories.items()}
        for name, cap in {**caps, **dict.fromkeys(plan.views)}.items():
            if name not in stored[number] or stored[number][name].cap != cap:
                yield f"provider {uuid}: {name} is not stored as planned"
        for name, row in stored[number].items():
            planned = name in plan.inventories or name in plan.views
            if not planned and row.cap != 0:
                yield f"provider {uuid}: {name} is given out and not planned"
