"""Hosts to store and claims to make on them, for tests that have a `Store`.

The default device is the GPU of `builders`: a pool of 16384 MB framebuffer.  Providers and
consumers are named by plain words; `a_uuid` of the word is their uuid.
"""

import itertools
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from builders import FB, ROOT_INVENTORIES, a_uuid
from wherry.model.checks import HostFacts
from wherry.model.claims import Claim, ClaimOutcome, Holding, Occupant
from wherry.model.facts import Facts, Report
from wherry.model.inventory import HostPlan, Inventory, PlannedProvider, ProviderRecord, View
from wherry.store.claims import write_claim
from wherry.store.holdings import read_holding
from wherry.store.providers import read_provider
from wherry.store.reports import ReportOutcome, store_report
from wherry.store.transaction import Store

NOW = 1_750_000_000.0
_numbers = itertools.count()


def a_device(
    name: str = "gpu0",
    *,
    host: str = "host1",
    pool: int = 16384,
    views: Mapping[str, int] | None = None,
    **fields: Any,
) -> PlannedProvider:
    """A device provider below the host.

    Args:
        pool: units of framebuffer in all.
        views: class of a view to the framebuffer that one of it takes.
    """
    shown = {
        view: View(type=f"acme/{view.lower()}", units={FB: units})
        for view, units in (views or {}).items()
    }
    defaults: dict[str, Any] = {"parent": a_uuid(host), "inventories": {FB: Inventory(total=pool)}}
    return PlannedProvider(uuid=a_uuid(name), name=name, views=shown, **{**defaults, **fields})


def a_plan(host: str = "host1", *devices: PlannedProvider, **fields: Any) -> HostPlan:
    """What a report of a host becomes: its root and its devices."""
    root = PlannedProvider(uuid=a_uuid(host), name=host, inventories=dict(ROOT_INVENTORIES))
    defaults: dict[str, Any] = {"check": HostFacts(arch="x86_64")}
    return HostPlan(host=host, providers=(root, *devices), **{**defaults, **fields})


def a_report(host: str = "host1", *, sequence: int = 1, boot: str = "boot-1") -> Report:
    """A report without devices: what it becomes is given beside it."""
    return Report(
        schema="wherry.report/1",
        host=host,
        boot_id=boot,
        sequence=sequence,
        observed_at=f"2026-01-01T00:00:{sequence % 60:02d}Z",
        facts=Facts(),
    )


def report(
    store: Store,
    plan: HostPlan,
    *,
    sequence: int = 1,
    boot: str = "boot-1",
    now: float = NOW,
) -> ReportOutcome:
    """Store a report that becomes a plan; equal plans are equal reports."""
    said = a_report(plan.host, sequence=sequence, boot=boot)
    digest = blake2b(msgspec.json.encode(plan), digest_size=16).hexdigest()
    return store.write(lambda tx: store_report(tx, said, digest, plan, now=now))


def holding(
    consumer: str,
    units: Mapping[str, Mapping[str, int]] | None = None,
    *occupants: Occupant,
    **fields: Any,
) -> Holding:
    """What a consumer shall hold: provider to class to units, and its occupants."""
    allocations = {a_uuid(name): dict(classes) for name, classes in (units or {}).items()}
    return Holding(
        consumer=a_uuid(consumer), allocations=allocations, occupants=occupants, **fields
    )


def occupant(provider: str = "gpu0", slot: str = "gpu0", **fields: Any) -> Occupant:
    """One device of a consumer on a provider."""
    return Occupant(provider=a_uuid(provider), slot=slot, **{"type": "acme/gpu-a", **fields})


def a_claim(*holdings: Holding, name: str | None = None, facts: Any = None) -> Claim:
    """A claim with an id of its own, or that of a name."""
    word = name or f"claim {next(_numbers)}"
    seen = {a_uuid(provider): number for provider, number in (facts or {}).items()}
    return Claim(id=a_uuid(word), holdings=holdings, facts=seen)


def claim(store: Store, *holdings: Holding, **fields: Any) -> ClaimOutcome:
    """Make a claim."""
    made = a_claim(*holdings, **fields)
    return store.write(lambda tx: write_claim(tx, made, now=NOW))


def held(store: Store, consumer: str) -> Holding:
    """What a consumer holds now."""
    return store.read(lambda tx: read_holding(tx, a_uuid(consumer)))


def stored(store: Store, provider: str) -> ProviderRecord:
    """A provider as stored; it must be there."""
    record = store.read(lambda tx: read_provider(tx, a_uuid(provider)))
    assert record is not None
    return record


def is_stored(store: Store, provider: str) -> bool:
    """Whether there is such a provider."""
    return store.read(lambda tx: read_provider(tx, a_uuid(provider))) is not None


def used(store: Store, provider: str = "gpu0", resource_class: str = FB) -> int:
    """Units of a class that claims take from a provider, views included."""
    return stored(store, provider).use.charged.get(resource_class, 0)


def names(uuids: Sequence[str], *words: str) -> set[str]:
    """Turn uuids back to the words they were made of."""
    known = {a_uuid(word): word for word in words}
    return {known.get(uuid, uuid) for uuid in uuids}
