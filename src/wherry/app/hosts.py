"""Hosts: what is stored of them, and their state."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Literal

from wherry.app.engine import Engine
from wherry.migrate.signal import render_time
from wherry.model.errors import NotFound
from wherry.model.facts import Report
from wherry.model.inventory import HostRecord, PlannedProvider, ProviderRecord
from wherry.model.wire import Holder, HostDetail, HostList, HostPatch, HostSummary
from wherry.store.guests import count_guests, read_guest_names
from wherry.store.holdings import HeldRow, read_held, read_strays
from wherry.store.hosts import (
    read_host,
    read_hosts,
    read_last_seen,
    read_report,
    write_host_state,
)
from wherry.store.providers import count_by_host, read_providers
from wherry.store.transaction import Tx


def list_hosts(engine: Engine) -> HostList:
    """List all hosts, by name."""

    def read(tx: Tx) -> HostList:
        seen, guests, providers = read_last_seen(tx), count_guests(tx), count_by_host(tx)
        return HostList(
            hosts=tuple(
                HostSummary(
                    name=host.name,
                    state=host.state,
                    labels=host.labels,
                    observed_at=host.observed_at,
                    last_seen=_time(seen.get(host.name)),
                    generation=host.generation,
                    providers=providers.get(host.name, 0),
                    guests=guests.get(host.name, 0),
                    findings=len(host.findings),
                )
                for host in read_hosts(tx)
            )
        )

    return engine.store.read(read)


def get_host(engine: Engine, name: str) -> HostDetail:
    """Show a host with its provider tree and its guests.

    Raises:
        NotFound: there is no such host.
    """
    return engine.store.read(lambda tx: _detail(tx, name))


def get_report(engine: Engine, name: str) -> Report:
    """Give the report that a host stands on: what was read of it, and what could not be.

    Raises:
        NotFound: there is no such host.
    """
    report = engine.store.read(lambda tx: read_report(tx, name))
    if report is None:
        raise NotFound(what="host", name=name)
    return report


def patch_host(engine: Engine, name: str, patch: HostPatch) -> HostDetail:
    """Change a host's state or labels; a label set to null goes.

    Raises:
        NotFound: there is no such host.
    """

    def write(tx: Tx) -> HostDetail:
        labels = dict(require_host(tx, name, lock=True).labels)
        for label, value in patch.labels.items():
            if value is None:
                labels.pop(label, None)
            else:
                labels[label] = value
        write_host_state(tx, name, state=patch.state or None, labels=labels)
        return _detail(tx, name)

    return engine.store.write(write)


def require_host(tx: Tx, name: str, *, lock: bool = False) -> HostRecord:
    """Give a host as stored; with *lock*, held as it is until the transaction ends.

    Raises:
        NotFound: there is no such host.
    """
    host = read_host(tx, name, lock=lock)
    if host is None:
        raise NotFound(what="host", name=name)
    return host


def _detail(tx: Tx, name: str) -> HostDetail:
    providers = tuple(read_providers(tx, host=name))
    return HostDetail(
        host=require_host(tx, name),
        last_seen=_time(read_last_seen(tx, names=[name]).get(name)),
        providers=providers,
        guests=tuple(read_guest_names(tx, name)),
        holders=_holders(providers, read_held(tx, name)),
        strays={uuid: tuple(found) for uuid, found in read_strays(tx, name).items()},
    )


def _holders(
    providers: Iterable[ProviderRecord], rows: Iterable[HeldRow]
) -> dict[str, tuple[Holder, ...]]:
    plans = {each.plan.uuid: each.plan for each in providers}
    found: dict[str, list[Holder]] = {}
    for (uuid, _), held in groupby(rows, key=lambda row: (row.provider, row.consumer)):
        found.setdefault(uuid, []).append(_holder(plans[uuid], list(held)))
    return {uuid: tuple(held) for uuid, held in found.items()}


def _holder(plan: PlannedProvider, rows: list[HeldRow]) -> Holder:
    kind: Literal["guest", "migration", "other"] = "other"
    if rows[0].guest is not None:
        kind = "guest" if rows[0].guest == rows[0].consumer else "migration"
    units: dict[str, int] = {}
    for row in rows:
        for pool, each in _charge(plan, row.resource_class).items():
            units[pool] = units.get(pool, 0) + row.used * each
    return Holder(consumer=rows[0].consumer, kind=kind, guest=rows[0].guest, units=units)


def _charge(plan: PlannedProvider, resource_class: str) -> Mapping[str, int]:
    """Say what one unit of a class takes of the pools; of a pool, itself."""
    view = plan.views.get(resource_class)
    return {resource_class: 1} if view is None else view.units


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else render_time(seconds)
