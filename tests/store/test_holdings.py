"""What consumers hold is read as a claim would say it."""

import pytest

from builders import FB, a_uuid
from store_worlds import a_device, a_plan, claim, held, holding, occupant, report
from wherry.model.claims import Holding
from wherry.model.errors import ConsumerChanged
from wherry.store.holdings import read_holdings


@pytest.fixture
def fleet(store):
    report(store, a_plan("host1", a_device("gpu0"), a_device("gpu1", slots=("0.1", "0.2"))))
    return store


def test_a_holding_is_read_as_it_was_claimed(fleet):
    asked = holding(
        "guest",
        {"host1": {"VCPU": 4, "MEMORY_MB": 8192}, "gpu0": {FB: 4096}},
        occupant("gpu0", "a", exclusive=4096),
        project="tenant",
        user="somebody",
        consumer_type="INSTANCE",
    )
    claim(fleet, asked)

    found = held(fleet, "guest")

    assert found.allocations == asked.allocations
    assert found.occupants == asked.occupants
    assert (found.project, found.user, found.expected_generation) == ("tenant", "somebody", 1)


def test_a_holding_names_the_devices_that_were_given(fleet):
    claim(fleet, holding("guest", {"gpu1": {FB: 1}}, occupant("gpu1", "a")))

    assert [one.device for one in held(fleet, "guest").occupants] == ["0.1"]


def test_who_does_not_exist_holds_nothing_and_shall_not_exist(fleet):
    assert held(fleet, "nobody") == Holding(consumer=a_uuid("nobody"), expected_generation=None)


def test_a_holding_written_back_changes_nothing_but_the_consumers_generation(fleet):
    claim(fleet, holding("guest", {"gpu1": {FB: 1}}, occupant("gpu1", "a", exclusive="x")))
    before = held(fleet, "guest")

    outcome = claim(fleet, before)

    after = held(fleet, "guest")
    assert outcome.providers == {}
    assert after.expected_generation == 2
    assert (after.allocations, after.occupants) == (before.allocations, before.occupants)


def test_a_holding_that_is_no_longer_so_cannot_be_written_back(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))
    before = held(fleet, "guest")
    claim(fleet, holding("guest", {"gpu0": {FB: 2}}))

    with pytest.raises(ConsumerChanged):
        claim(fleet, before)


def test_an_exclusive_value_comes_back_as_the_kind_of_value_that_it_was(fleet):
    values = {"number": 1, "text": "1", "truth": True}
    for consumer, value in values.items():
        device = f"gpu-{consumer}"
        report(fleet, a_plan(f"host-{consumer}", a_device(device, host=f"host-{consumer}")))
        claim(fleet, holding(consumer, {}, occupant(device, "a", exclusive=value)))

    read = {name: held(fleet, name).occupants[0].exclusive for name in values}

    assert [(value, type(value)) for value in read.values()] == [(1, int), ("1", str), (True, bool)]


def test_several_holdings_are_read_at_once(fleet):
    guests = [f"guest{number}" for number in range(5)]
    for guest in guests:
        claim(fleet, holding(guest, {"host1": {"VCPU": 1}}))
    uuids = [a_uuid(guest) for guest in [*guests, "nobody"]]

    found = fleet.read(lambda tx: read_holdings(tx, uuids))

    assert set(found) == set(uuids)
    assert [found[uuid].expected_generation for uuid in uuids] == [1, 1, 1, 1, 1, None]
