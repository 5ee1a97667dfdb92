"""Guests as stored, each with its slots."""

import pytest
from msgspec.structs import replace

from builders import a_contract, a_guest, a_slot, a_uuid
from wherry.model.errors import ConsumerChanged
from wherry.model.guests import Guest
from wherry.store.feed import Event, read_changes, read_fleet
from wherry.store.guests import read_guest, read_guests, remove_guest, write_guest


def put(store, guest):
    return store.write(lambda tx: write_guest(tx, guest))


def get(store, name="guest"):
    return store.read(lambda tx: read_guest(tx, a_uuid(name)))


def find(store, **where):
    return store.read(lambda tx: read_guests(tx, **where))


def test_a_guest_is_read_as_it_was_written_at_its_first_generation(store):
    two = a_guest(a_contract(slot="b"), a_contract(slot="a"), tenant="t", migration=a_uuid("m"))

    written = put(store, two)

    assert written == replace(two, generation=1)
    assert get(store) == written
    assert list(get(store).slots) == ["a", "b"]


def test_each_write_moves_the_generation(store):
    first = put(store, a_guest())

    assert put(store, replace(first, tenant="other")).generation == 2
    assert get(store).generation == 2


@pytest.mark.parametrize("generation", [0, 2])
def test_a_guest_that_was_decided_on_as_another_is_not_overwritten(store, generation):
    """Nobody had seen it, or it has moved on: what is stored stays."""
    first = put(store, a_guest())

    with pytest.raises(ConsumerChanged):
        put(store, a_guest(tenant="other", generation=generation))

    assert get(store) == first


def test_a_slot_that_is_no_longer_there_is_forgotten(store):
    both = put(store, a_guest(a_contract(slot="a"), a_contract(slot="b")))

    put(store, a_guest(a_contract(slot="b"), generation=both.generation))

    assert list(get(store).slots) == ["b"]
    assert find(store, provider=a_uuid("host1_gpu1")) == []


def test_guests_are_found_by_what_is_asked_of_them(store):
    def other(name, **fields):
        slots = {"gpu0": a_slot(provider=fields.pop("provider", "host1_gpu0"))}
        return put(store, a_guest(uuid=a_uuid(name), slots=slots, **fields))

    one = other("one", tenant="red")
    two = other("two", tenant="red", host="host2", provider="host2_gpu0")
    three = other("three", tenant="blue")

    def ordered(*guests: Guest):
        return sorted(guests, key=lambda guest: guest.uuid)

    assert find(store) == ordered(one, two, three)
    assert find(store, tenant="red") == ordered(one, two)
    assert find(store, host="host1") == ordered(one, three)
    assert find(store, host="host1", tenant="red") == [one]
    assert find(store, provider=a_uuid("host2_gpu0")) == [two]
    assert find(store, uuids=[three.uuid, a_uuid("nobody")]) == [three]
    assert find(store, uuids=[]) == []


def test_a_guest_is_removed_with_its_slots_once(store):
    put(store, a_guest())

    assert store.write(lambda tx: remove_guest(tx, a_uuid("guest")))
    assert get(store) is None
    assert find(store, provider=a_uuid("host1_gpu0")) == []
    assert not store.write(lambda tx: remove_guest(tx, a_uuid("guest")))


def test_guests_are_told_to_the_feed(store):
    cursor = store.read(read_fleet).cursor
    put(store, put(store, a_guest()))
    first = store.read(lambda tx: read_changes(tx, cursor))
    store.write(lambda tx: remove_guest(tx, a_uuid("guest")))
    second = store.read(lambda tx: read_changes(tx, first.cursor))

    assert first.events == (Event("guest", a_uuid("guest"), 2),)
    assert second.events == (Event("guest", a_uuid("guest"), 3),)


def test_a_guest_that_comes_back_goes_on_above_the_generation_that_it_had(store):
    put(store, a_guest())
    store.write(lambda tx: remove_guest(tx, a_uuid("guest")))

    assert put(store, a_guest()).generation == 3


def test_two_who_decide_on_one_guest_follow_each_other(store):
    """Both read under lock and add to what they read: nothing is lost."""
    from concurrent.futures import ThreadPoolExecutor

    put(store, a_guest(resources={"VCPU": 0}))

    def add(_):
        def one_more(tx):
            guest = read_guest(tx, a_uuid("guest"), lock=True)
            write_guest(tx, replace(guest, resources={"VCPU": guest.resources["VCPU"] + 1}))

        store.write(one_more)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))

    assert get(store).resources == {"VCPU": 40}
    assert get(store).generation == 41
