"""A host's first report is written at once; its twin writes each provider for itself.

The twin stores the bare providers first, so that all else comes the way that changes come.
"""

from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from reports import a_report
from store_worlds import report
from wherry.hosts import recordings
from wherry.inventory.derive import plan_host
from wherry.model.inventory import HostPlan, PlannedProvider
from wherry.profiles.builtin import profiles_with
from wherry.store.transaction import Store, Tx

PROFILES = profiles_with([])
ROWS = {
    "inventory": "SELECT p.name, c.name, i.total, i.reserved, i.min_unit, i.max_unit, i.step_size,"
    " i.allocation_ratio, i.cap, i.used, i.charged, i.stray FROM inventory i"
    " JOIN resource_class c ON c.id = i.class",
    "view": "SELECT p.name, c.name, q.name, i.units FROM view i"
    " JOIN resource_class c ON c.id = i.class JOIN resource_class q ON q.id = i.pool",
    "provider_trait": "SELECT p.name, t.name FROM provider_trait i JOIN trait t ON t.id = i.trait",
    "provider_device": "SELECT p.name, i.device, i.rank FROM provider_device i",
    "seen_instance": "SELECT p.name, i.device, i.type, i.units, i.exclusive, i.stray"
    " FROM seen_instance i",
    "provider": "SELECT p.name, a.name, r.name, p.gone, p.owner FROM provider i"
    " LEFT JOIN provider a ON a.id = i.parent JOIN provider r ON r.id = i.root",
}


def bare(planned: PlannedProvider) -> PlannedProvider:
    """A provider with nothing on it."""
    return PlannedProvider(uuid=planned.uuid, name=planned.name, parent=planned.parent)


def rows_of(store: Store, host: str) -> dict[str, list[Any]]:
    """All that is stored of a host's providers, its name left out."""

    def read(tx: Tx) -> dict[str, list[Any]]:
        found = {}
        for table, query in ROWS.items():
            key = "i.id" if table == "provider" else "i.provider"
            end = f" JOIN provider p ON p.id = {key} WHERE p.host = :host"
            rows = tx.execute(text(query + end), {"host": host})
            found[table] = sorted(
                (tuple(_nameless(value, host) for value in row) for row in rows), key=repr
            )
        return found

    return store.read(read)


def _nameless(value: Any, host: str) -> Any:
    return value.replace(host, "HOST") if isinstance(value, str) else value


def plan_of(recording: str, host: str) -> HostPlan:
    return plan_host(a_report(recording, host=host), PROFILES)


@pytest.mark.parametrize("recording", recordings.names())
def test_a_first_report_writes_what_changes_one_by_one_would(store, recording):
    """Inventories, views, traits, names of devices, and instances that nobody has allocated."""
    report(store, plan_of(recording, "at-once"))
    twin = plan_of(recording, "one-by-one")
    report(store, replace(twin, providers=tuple(map(bare, twin.providers))))
    report(store, twin, sequence=2)

    written = rows_of(store, "at-once")
    assert written == rows_of(store, "one-by-one")
    assert len(written["provider"]) == len(twin.providers)


def test_providers_come_below_those_that_are_there_and_those_that_are_new(store):
    """Ones of each among them, in one report: each stands where the plan says."""
    first = plan_of("constructed-nvidia-a6000", "host1")
    root, *others = first.providers
    board = others[-1]
    report(store, replace(first, providers=(root,)))
    moved = replace(board, parent=root.uuid)
    report(store, replace(first, providers=(root, moved)), sequence=2)
    report(store, first, sequence=3)

    report(store, plan_of("constructed-nvidia-a6000", "host2"))
    assert rows_of(store, "host1") == rows_of(store, "host2")
