"""The change feed tells each reader all that changed since its cursor, and nothing older."""

import pytest

from builders import FB, a_uuid
from store_worlds import a_device, a_plan, claim, holding, report
from wherry.model.changes import Removed
from wherry.model.checks import Pack
from wherry.model.inventory import HostRecord, ProviderRecord
from wherry.store.changes import append_change
from wherry.store.feed import Event, prune_changes, read_changes, read_fleet, read_floor
from wherry.store.hosts import write_host_state
from wherry.store.packs import remove_pack, write_pack


@pytest.fixture
def fleet(store):
    report(store, a_plan("host1", a_device("gpu0"), a_device("gpu1")))
    return store


def start(store):
    return store.read(read_fleet).cursor


def since(store, cursor, plans=None):
    return store.read(lambda tx: read_changes(tx, cursor, plans))


def touch(store, ref):
    """Append one change of a kind that carries no state."""
    store.write(lambda tx: append_change(tx, "thing", ref, 1))


def told(batch):
    """What a batch says: names of providers with their generation, of hosts, and of the gone."""
    words = {a_uuid(word): word for word in ("host1", "gpu0", "gpu1")}
    found = {}
    for change in batch.changes:
        if isinstance(change, ProviderRecord):
            found[change.plan.name] = change.generation
        elif isinstance(change, HostRecord):
            found[f"host {change.name}"] = change.generation
        else:
            found[f"no {change.what} {words.get(change.key, change.key)}"] = change.generation
    return found


def test_a_fleet_is_read_whole_with_the_cursor_from_which_it_goes_on(fleet):
    batch = fleet.read(read_fleet)

    assert batch.reload
    assert told(batch) == {"host1": 1, "gpu0": 1, "gpu1": 1, "host host1": 1}
    assert since(fleet, batch.cursor).changes == ()


def test_parents_come_before_children(fleet):
    seen = set()
    for change in fleet.read(read_fleet).changes:
        if isinstance(change, ProviderRecord):
            assert change.plan.parent is None or change.plan.parent in seen
            seen.add(change.plan.uuid)


def test_nothing_new_is_an_empty_batch_with_a_cursor_that_serves_as_well(fleet):
    cursor = start(fleet)
    batch = since(fleet, cursor)
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))

    assert (batch.changes, batch.events, batch.reload) == ((), (), False)
    assert told(since(fleet, batch.cursor)) == told(since(fleet, cursor)) == {"gpu0": 2}


def test_many_changes_of_one_object_are_told_once_as_it_is_now(fleet):
    cursor = start(fleet)
    for units in (1, 2, 3):
        claim(fleet, holding("guest", {"gpu0": {FB: units}}))

    batch = since(fleet, cursor)

    assert batch.events == (Event("use", a_uuid("gpu0"), 4),)
    (change,) = batch.changes
    assert (change.generation, change.use.charged) == (4, {FB: 3})


def test_a_change_is_told_once_to_a_reader_that_goes_on(fleet):
    cursor = start(fleet)
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))
    first = since(fleet, cursor)
    claim(fleet, holding("guest", {"gpu0": {FB: 1}, "gpu1": {FB: 1}}))

    second = since(fleet, first.cursor)

    assert (told(first), told(second)) == ({"gpu0": 2}, {"gpu1": 2})


def test_a_write_that_failed_is_told_to_nobody(fleet):
    cursor = start(fleet)

    def fail(tx):
        append_change(tx, "thing", "x", 1)
        raise KeyError("x")

    with pytest.raises(KeyError):
        fleet.write(fail)

    assert since(fleet, cursor).events == ()


def test_providers_that_ended_leave_a_tombstone_above_their_generation(fleet):
    cursor = start(fleet)
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))
    claim(fleet, holding("guest"))
    report(fleet, a_plan("host1", a_device("gpu1")), sequence=2)

    batch = since(fleet, cursor)

    removed = [one for one in batch.changes if isinstance(one, Removed)]
    assert removed == [Removed(what="provider", key=a_uuid("gpu0"), generation=4)]
    assert told(batch)["host host1"] == 2


def test_a_provider_that_came_back_is_told_above_its_tombstone(fleet):
    report(fleet, a_plan("host1"), sequence=2)
    cursor = start(fleet)
    report(fleet, a_plan("host1", a_device("gpu0")), sequence=3)

    assert told(since(fleet, cursor))["gpu0"] == 3


def test_a_host_that_is_set_is_told(fleet):
    cursor = start(fleet)
    fleet.write(lambda tx: write_host_state(tx, "host1", state="maintenance"))

    (change,) = since(fleet, cursor).changes

    assert (change.name, change.state, change.generation) == ("host1", "maintenance", 2)


def test_packs_are_events_without_state(fleet):
    cursor = start(fleet)
    fleet.write(lambda tx: write_pack(tx, Pack(id="acme", rows=())))
    first = since(fleet, cursor)
    fleet.write(lambda tx: remove_pack(tx, "acme"))

    assert first.events == (Event("pack", "acme", 1),)
    assert since(fleet, first.cursor).events == (Event("pack", "acme", 2),)
    assert first.changes == ()


def test_a_reader_may_keep_plans_and_is_told_the_same(fleet):
    plans = {}
    cursor = start(fleet)
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))
    first = since(fleet, cursor, plans)
    claim(fleet, holding("guest", {"gpu0": {FB: 2}}))
    second = since(fleet, first.cursor, plans)
    assert [one.use.charged for one in (*first.changes, *second.changes)] == [{FB: 1}, {FB: 2}]
    assert plans == {a_uuid("gpu0"): a_device("gpu0")}

    report(fleet, a_plan("host1", a_device("gpu0", pool=7), a_device("gpu1")), sequence=2)
    third = since(fleet, second.cursor, plans)

    assert third.changes == since(fleet, second.cursor).changes
    assert plans[a_uuid("gpu0")] == a_device("gpu0", pool=7)


def test_a_cursor_that_is_older_than_what_was_dropped_means_the_whole_fleet(fleet):
    old = start(fleet)
    for number in range(10):
        touch(fleet, str(number))
    new = start(fleet)
    assert fleet.write(lambda tx: prune_changes(tx, keep=2)) > 0
    touch(fleet, "after")

    late, fresh = since(fleet, old), since(fleet, new)

    assert late.reload
    assert set(told(late)) == {"host1", "gpu0", "gpu1", "host host1"}
    assert not fresh.reload
    assert fresh.events == (Event("thing", "after", 1),)
    assert fleet.read(read_floor) > 0
    assert since(fleet, late.cursor).events == ()


def test_pruning_keeps_the_last_changes_and_needs_no_reload_for_who_saw_the_rest(fleet):
    for number in range(10):
        touch(fleet, str(number))
    cursor = start(fleet)
    for number in range(10, 15):
        touch(fleet, str(number))

    fleet.write(lambda tx: prune_changes(tx, keep=5))

    batch = since(fleet, cursor)
    assert not batch.reload
    assert [event.ref for event in batch.events] == ["10", "11", "12", "13", "14"]


def test_pruning_where_there_is_little_drops_nothing(fleet):
    cursor = start(fleet)

    assert fleet.write(lambda tx: prune_changes(tx, keep=1000)) == 0
    assert not since(fleet, cursor).reload
