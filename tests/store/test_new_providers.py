"""A host's first report is written at once; its twin writes each provider for itself.

The twin stores the bare providers first, so that all else comes the way that changes come.
"""

import pytest
from msgspec.structs import replace

from reports import a_report
from store_rows import rows_of
from store_worlds import report
from wherry.hosts import recordings
from wherry.inventory.derive import plan_host
from wherry.model.inventory import HostPlan, PlannedProvider
from wherry.profiles.builtin import profiles_with

PROFILES = profiles_with([])


def bare(planned: PlannedProvider) -> PlannedProvider:
    """A provider with nothing on it."""
    return PlannedProvider(uuid=planned.uuid, name=planned.name, parent=planned.parent)


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
