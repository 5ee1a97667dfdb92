"""A feed that was missed: the fleet becomes what the store says, at one moment for readers."""

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import a_fleet, a_host, a_host_record, a_provider, a_root
from schedule_worlds import fleets
from wherry.inventory.fleet import Fleet
from wherry.model.changes import Change


def _pictured(fleet: Fleet) -> dict[str, tuple[object, ...]]:
    return {
        host.name: (
            host.record,
            tuple(provider.record for provider in host.providers),
            tuple(placed.offer for placed in host.offers),
            host.room,
        )
        for host in fleet.view
    }


def test_a_reload_forgets_hosts_and_providers_that_are_not_in_it():
    fleet = a_fleet(a_host("host1", devices=2), a_host("host2"))

    touched = fleet.reload([*a_host("host1", devices=1), *a_host("host3")])

    assert {host.name for host in fleet.view} == {"host1", "host3"}
    assert touched == {"host1", "host2", "host3"}
    host1 = fleet.view.get("host1")
    assert host1 is not None
    assert [provider.record.plan.name for provider in host1.providers] == ["host1", "host1_gpu0"]


def test_a_reload_takes_what_is_older_than_what_was_held():
    """A database that was restored from a backup has lower generations: it is the truth."""
    fleet = a_fleet((a_host_record("host1", state="maintenance", generation=9),))

    fleet.reload([a_host_record("host1", generation=2)])
    fleet.apply([a_host_record("host1", state="disabled", generation=3)])

    host1 = fleet.view.get("host1")
    assert host1 is not None
    assert (host1.record.state, host1.record.generation) == ("disabled", 3)


def test_changes_after_a_reload_are_held_against_its_generations():
    fleet = a_fleet(a_host("host1"))

    fleet.reload([a_host_record("host1", generation=5)])
    touched = fleet.apply([a_host_record("host1", state="disabled", generation=4)])

    host1 = fleet.view.get("host1")
    assert touched == set()
    assert host1 is not None
    assert host1.record.state == "enabled"


def test_a_view_taken_before_a_reload_does_not_change():
    fleet = a_fleet(a_host("host1"), a_host("host2"))
    before = fleet.view

    fleet.reload([])

    assert {host.name for host in before} == {"host1", "host2"}
    assert len(fleet.view) == 0


def test_equal_shapes_and_facts_are_the_same_objects_after_a_reload():
    """Cached judgements are found by identity: a reload of the same fleet keeps them."""
    fleet = a_fleet(a_host("host1"))
    before = fleet.view.get("host1")

    fleet.reload(a_host("host1"))

    after = fleet.view.get("host1")
    assert before is not None
    assert after is not None
    assert after.facts is before.facts
    assert [offer.shape for offer in after.offers] == [offer.shape for offer in before.offers]
    assert after.islands == before.islands


def test_a_reload_that_breaks_off_leaves_the_old_view():
    fleet = a_fleet(a_host("host1"))

    def breaks_off() -> Iterator[Change]:
        yield a_host_record("host2")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        fleet.reload(breaks_off())
    assert {host.name for host in fleet.view} == {"host1"}

    fleet.reload(a_host("host2"))
    assert {host.name for host in fleet.view} == {"host2"}


def test_readers_see_the_fleet_before_or_after_but_never_less():
    """One host of two versions and fifty others: a reader finds all of one moment."""
    hosts = [f"host{number}" for number in range(50)]

    def fleet_at(generation: int) -> list[Change]:
        return [
            change
            for name in hosts
            for change in (
                a_host_record(name, generation=generation),
                a_root(name, generation=generation),
                a_provider(f"{name}_gpu0", host=name, generation=generation),
            )
        ]

    fleet = a_fleet(fleet_at(1))
    seen: list[tuple[int, set[int]]] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            view = fleet.view
            seen.append((len(view), {host.record.generation for host in view}))

    reader = threading.Thread(target=look)
    reader.start()
    for generation in range(2, 30):
        fleet.reload(fleet_at(generation))
    done.set()
    reader.join()

    assert seen
    assert {count for count, _ in seen} == {50}
    assert all(len(generations) == 1 for _, generations in seen)


@given(before=fleets(), after=fleets(), data=st.data())
def test_a_reload_is_a_new_fleet(before, after, data):
    """Whatever was held: after a reload the fleet is what a new one would be."""
    old = [change for host in before for change in host]
    new = [change for host in after for change in host]
    fleet = Fleet()
    fleet.apply(replace(change, generation=data.draw(st.integers(1, 9))) for change in old)

    fleet.reload(new)

    fresh = Fleet()
    fresh.apply(new)
    assert _pictured(fleet) == _pictured(fresh)
