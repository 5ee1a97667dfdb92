"""Resource providers as stored: what was planned, their counters and their use."""

import json
from collections import defaultdict
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET
from sqlalchemy import ColumnElement, Row, func, select, true

from wherry.model.inventory import PlannedProvider, ProviderRecord, Use
from wherry.store import tables
from wherry.store.client_plans import read_client_plans
from wherry.store.places import has_positions, read_places
from wherry.store.plan_texts import read_plan
from wherry.store.rows import among, batches
from wherry.store.transaction import Tx

provider, inventory = tables.provider, tables.inventory
occupant, resource_class = tables.occupant, tables.resource_class
FEW = 64
"""Providers up to which looking into their plans is quicker than to ask for places."""
_root = provider.alias("root")
_columns = (
    provider.c.id,
    provider.c.uuid,
    provider.c.host,
    _root.c.uuid.label("root"),
    provider.c.owner,
    provider.c.generation,
    provider.c.facts_generation,
)


def read_providers(
    tx: Tx,
    *,
    uuids: Sequence[str] | None = None,
    host: str | None = None,
    plans: MutableMapping[str, PlannedProvider] | None = None,
) -> Iterator[ProviderRecord]:
    """Read providers with their use: those named, those of a host, or all; parents first.

    Args:
        plans: plans that are known to be current, by uuid; what is not there is read, and
            left there.
    """
    plans = {} if plans is None else plans
    if uuids is None:
        yield from _read(tx, true() if host is None else provider.c.host == host, plans)
        return
    for batch in batches(uuids):
        yield from _read(tx, among(tx, provider.c.uuid, batch), plans)


def read_providers_of_hosts(tx: Tx) -> Iterator[ProviderRecord]:
    """Read all providers that are of a host, with their use; parents first."""
    yield from _read(tx, provider.c.host.is_not(None), {})


def find_homeless(tx: Tx, uuids: Sequence[str]) -> Iterator[str]:
    """Name those of some providers that are of no host."""
    for batch in batches(uuids):
        query = select(provider.c.uuid).where(among(tx, provider.c.uuid, batch))
        yield from tx.execute(query.where(provider.c.host.is_(None))).scalars()


def read_provider(tx: Tx, uuid: str) -> ProviderRecord | None:
    """Read one provider with its use; None where there is none."""
    return next(read_providers(tx, uuids=[uuid]), None)


def count_by_host(tx: Tx) -> dict[str, int]:
    """Count the providers of each host."""
    query = select(provider.c.host, func.count()).where(provider.c.host.is_not(None))
    return dict(tx.rows(query.group_by(provider.c.host)))


def count_providers(tx: Tx, *, host: str) -> int:
    """Count the providers of one host."""
    query = select(func.count()).select_from(provider).where(provider.c.host == host)
    return tx.execute(query).scalar() or 0


def exclusive_by(tx: Tx, uuid: str) -> str:
    """Name what a provider's instances must agree in, for messages."""
    record = read_provider(tx, uuid)
    offers = record.plan.offers if record else ()
    named = (offer.exclusive.by for offer in offers if offer.exclusive is not UNSET)
    return next(named, "exclusive")


def _read(
    tx: Tx, where: ColumnElement[bool], plans: MutableMapping[str, PlannedProvider]
) -> Iterator[ProviderRecord]:
    query = select(*_columns).join(_root, _root.c.id == provider.c.root).where(where)
    rows = tx.execute(query.order_by(provider.c.id)).all()
    if not rows:
        return
    _read_plans(tx, where, rows, plans)
    # What writes reads what others have written between two of its statements: these have gone.
    rows = [row for row in rows if row.uuid in plans]
    uses = _read_uses(tx, where)
    if len(rows) > FEW or any(has_positions(plans[row.uuid]) for row in rows):
        for number, places in read_places(tx, where).items():
            uses[number].places = places
    for row in rows:
        use = uses.get(row.id)
        yield ProviderRecord(
            plan=plans[row.uuid],
            host=row.host,
            root=row.root,
            owner=row.owner,
            generation=row.generation,
            facts_generation=row.facts_generation,
            use=use.value() if use else Use(),
        )


def _read_plans(
    tx: Tx,
    where: ColumnElement[bool],
    rows: Sequence[Row[Any]],
    plans: MutableMapping[str, PlannedProvider],
) -> None:
    unknown = [row for row in rows if row.uuid not in plans]
    clients = read_client_plans(tx, [row.id for row in unknown if row.owner == "client"])
    plans.update((row.uuid, clients[row.id]) for row in unknown if row.id in clients)
    missing = [row for row in unknown if row.id not in clients]
    body = tables.provider_plan
    query = select(body.c.provider, body.c.plan)
    if len(missing) <= len(rows) // 2:
        if not missing:
            return
        query = query.where(among(tx, body.c.provider, [row.id for row in missing]))
    else:
        query = query.join(provider, provider.c.id == body.c.provider).where(where)
    texts = dict(tx.rows(query))
    plans.update((row.uuid, read_plan(texts[row.id])) for row in missing if row.id in texts)


@dataclass(slots=True)
class _UseRows:
    used: dict[str, int] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)
    stray: dict[str, int] = field(default_factory=dict)
    exclusive: dict[str, str | int | bool] = field(default_factory=dict)
    devices: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def value(self) -> Use:
        return Use(
            used=self.used,
            charged=self.charged,
            stray=self.stray,
            exclusive=tuple(value for _, value in sorted(self.exclusive.items())),
            devices=tuple(sorted(self.devices)),
            places=tuple(sorted(self.places)),
        )


def _read_uses(tx: Tx, where: ColumnElement[bool]) -> defaultdict[int, _UseRows]:
    """Read the use of the providers that have any."""
    uses: defaultdict[int, _UseRows] = defaultdict(_UseRows)
    i = inventory.c
    query = (
        select(i.provider, resource_class.c.name, i.used, i.charged, i.stray)
        .join(resource_class, resource_class.c.id == i["class"])
        .join(provider, provider.c.id == i.provider)
        .where(where, (i.used > 0) | (i.charged > 0) | (i.stray > 0))
    )
    for number, name, used, charged, stray in tx.rows(query):
        use = uses[number]
        for amounts, amount in ((use.used, used), (use.charged, charged), (use.stray, stray)):
            if amount:
                amounts[name] = amount
    query = (
        select(occupant.c.provider, occupant.c.exclusive, occupant.c.device)
        .join(provider, provider.c.id == occupant.c.provider)
        .where(where)
    )
    for number, exclusive, device in tx.rows(query):
        if exclusive is not None:
            uses[number].exclusive[exclusive] = json.loads(exclusive)
        if device is not None:
            uses[number].devices.append(device)
    seen = tables.seen_instance.c
    query = (
        select(seen.provider, seen.exclusive)
        .join(provider, provider.c.id == seen.provider)
        .where(where, seen.stray, seen.exclusive.is_not(None))
    )
    for number, exclusive in tx.rows(query):
        uses[number].exclusive[exclusive] = json.loads(exclusive)
    return uses
