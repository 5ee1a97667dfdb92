"""Claims: all together or not at all, and never more than there is."""

import pytest
from msgspec.structs import replace

from builders import FB, a_uuid
from store_worlds import (
    NOW,
    a_claim,
    a_device,
    a_plan,
    claim,
    held,
    holding,
    names,
    occupant,
    report,
    stored,
    used,
)
from wherry.model.errors import (
    AlreadyExists,
    CapacityExceeded,
    ConsumerChanged,
    FactsChanged,
    InvalidRequest,
    NotFound,
    UnitsNotTaken,
)
from wherry.model.inventory import MAX_INT, Inventory
from wherry.store.claims import prune_claims, write_claim
from wherry.store.feed import read_fleet


@pytest.fixture
def fleet(store):
    """One host with two GPUs of 16384 MB."""
    report(store, a_plan("host1", a_device("gpu0"), a_device("gpu1")))
    return store


def refused(store, error, *holdings, **fields):
    """A claim that must be refused and leave nothing; gives its error."""
    before = (store.read(read_fleet).changes, [held(store, h) for h in ("guest", "other")])
    with pytest.raises(error) as caught:
        claim(store, *holdings, **fields)
    assert (store.read(read_fleet).changes, [held(store, h) for h in ("guest", "other")]) == before
    return caught.value


def test_a_claim_writes_all_that_it_says_and_names_what_changed(fleet):
    outcome = claim(
        fleet,
        holding("guest", {"host1": {"VCPU": 4}, "gpu0": {FB: 4096}}),
        holding("other", {"gpu1": {FB: 16384}}),
        name="the claim",
    )

    assert outcome.claim == a_uuid("the claim")
    assert outcome.consumers == {a_uuid("guest"): 1, a_uuid("other"): 1}
    assert outcome.providers == {a_uuid(name): 2 for name in ("host1", "gpu0", "gpu1")}
    assert not outcome.repeated
    assert (used(fleet, "host1", "VCPU"), used(fleet, "gpu0"), used(fleet, "gpu1")) == (
        4,
        4096,
        16384,
    )


def test_a_holding_replaces_what_the_consumer_held(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 4096}}))

    outcome = claim(fleet, holding("guest", {"gpu1": {FB: 8192}}))

    assert outcome.consumers == {a_uuid("guest"): 2}
    assert names(tuple(outcome.providers), "gpu0", "gpu1") == {"gpu0", "gpu1"}
    assert (used(fleet, "gpu0"), used(fleet, "gpu1")) == (0, 8192)


def test_what_stays_as_it_is_moves_no_provider(fleet):
    claim(fleet, holding("guest", {"host1": {"VCPU": 4}, "gpu0": {FB: 4096}}))

    outcome = claim(fleet, holding("guest", {"host1": {"VCPU": 4}, "gpu0": {FB: 8192}}))

    assert names(tuple(outcome.providers), "gpu0") == {"gpu0"}


def test_a_consumer_that_holds_nothing_ends(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 4096}}))

    outcome = claim(fleet, holding("guest"))

    assert outcome.consumers == {a_uuid("guest"): None}
    assert held(fleet, "guest").expected_generation is None
    assert used(fleet) == 0


def test_the_last_units_can_be_taken_and_not_one_more(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 16384}}))

    error = refused(fleet, CapacityExceeded, holding("other", {"gpu0": {FB: 1}}))

    assert (error.provider, error.resource_class, error.asked) == (a_uuid("gpu0"), FB, 1)


def test_a_claim_that_fits_in_part_leaves_nothing(fleet):
    claim(fleet, holding("guest", {"gpu1": {FB: 16384}}))

    error = refused(
        fleet,
        CapacityExceeded,
        holding("other", {"host1": {"VCPU": 1}, "gpu0": {FB: 1}, "gpu1": {FB: 1}}),
    )

    assert error.provider == a_uuid("gpu1")


def test_units_that_one_consumer_lets_go_another_takes_in_the_same_claim(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 16384}}))

    claim(fleet, holding("guest"), holding("other", {"gpu0": {FB: 16384}}))

    assert held(fleet, "other").allocations == {a_uuid("gpu0"): {FB: 16384}}


@pytest.mark.parametrize("allocation_ratio", [1.0, 2.0])
def test_capacity_leaves_out_what_is_reserved_and_counts_the_ratio(store, allocation_ratio):
    root = Inventory(total=10, reserved=2, allocation_ratio=allocation_ratio)
    report(store, a_plan("host1", a_device("gpu0", inventories={"VCPU": root})))

    claim(store, holding("guest", {"gpu0": {"VCPU": int(8 * allocation_ratio)}}))

    refused(store, CapacityExceeded, holding("other", {"gpu0": {"VCPU": 1}}))


@pytest.mark.parametrize("units", [1, 3, 10])
def test_units_outside_the_inventorys_steps_are_refused(store, units):
    stepped = Inventory(total=100, min_unit=2, max_unit=8, step_size=2)
    report(store, a_plan("host1", a_device("gpu0", inventories={FB: stepped})))

    error = refused(store, UnitsNotTaken, holding("guest", {"gpu0": {FB: units}}))

    assert (error.asked, error.min_unit, error.max_unit, error.step_size) == (units, 2, 8, 2)
    claim(store, holding("guest", {"gpu0": {FB: 8}}))


def test_a_class_that_nobody_has_is_no_room(fleet):
    error = refused(fleet, CapacityExceeded, holding("guest", {"gpu0": {"CUSTOM_NEW": 1}}))

    assert error.resource_class == "CUSTOM_NEW"


def test_a_class_that_only_others_have_is_no_room(fleet):
    refused(fleet, CapacityExceeded, holding("guest", {"gpu0": {"VCPU": 1}}))


def test_a_provider_that_is_not_there_is_not_found(fleet):
    error = refused(fleet, NotFound, holding("guest", {"nowhere": {FB: 1}}))

    assert str(error) == f"no resource provider {a_uuid('nowhere')}"


def test_a_provider_of_an_occupant_that_is_not_there_is_not_found(fleet):
    refused(fleet, NotFound, holding("guest", {}, occupant("nowhere")))


def test_a_decision_on_other_facts_is_refused(fleet):
    report(fleet, a_plan("host1", a_device("gpu0", pool=20000), a_device("gpu1")), sequence=2)

    error = refused(fleet, FactsChanged, holding("guest", {"gpu0": {FB: 1}}), facts={"gpu0": 1})

    assert (error.provider, error.expected, error.found) == (a_uuid("gpu0"), 1, 2)


def test_facts_are_asked_of_providers_of_which_nothing_is_taken_too(fleet):
    refused(fleet, FactsChanged, holding("guest", {"gpu0": {FB: 1}}), facts={"gpu1": 7})

    claim(fleet, holding("guest", {"gpu0": {FB: 1}}), facts={"gpu0": 1, "gpu1": 1, "host1": 1})


@pytest.mark.parametrize("where", ["gpu1", "elsewhere"])
def test_a_decision_on_a_provider_that_is_gone_is_refused_as_changed(fleet, where):
    report(fleet, a_plan("host1", a_device("gpu0")), sequence=2)

    error = refused(
        fleet, FactsChanged, holding("guest", {where: {FB: 1}}), facts={where: 1, "gpu0": 1}
    )

    assert (error.expected, error.found) == (1, None)


def test_other_claims_make_no_decision_stale(fleet):
    for number in range(4):
        claim(fleet, holding(f"guest{number}", {"gpu0": {FB: 4096}}), facts={"gpu0": 1})

    assert used(fleet) == 16384


@pytest.mark.parametrize(("expected", "found"), [(None, 1), (2, 1), (0, 1)])
def test_a_consumer_at_another_generation_is_refused(fleet, expected, found):
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}))

    error = refused(
        fleet,
        ConsumerChanged,
        holding("guest", {"gpu0": {FB: 2}}, expected_generation=expected),
    )

    assert (error.consumer, error.expected, error.found) == (a_uuid("guest"), expected, found)


def test_a_consumer_that_was_expected_and_does_not_exist_is_refused(fleet):
    error = refused(
        fleet, ConsumerChanged, holding("guest", {"gpu0": {FB: 2}}, expected_generation=1)
    )

    assert (error.expected, error.found) == (1, None)


def test_a_consumers_generation_that_is_right_is_taken(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}, expected_generation=None))

    outcome = claim(fleet, holding("guest", {"gpu0": {FB: 2}}, expected_generation=1))

    assert outcome.consumers == {a_uuid("guest"): 2}


def test_a_claim_said_twice_takes_effect_once(fleet):
    made = a_claim(holding("guest", {"gpu0": {FB: 4096}}, occupant("gpu0", device="m")))
    first = fleet.write(lambda tx: write_claim(tx, made, now=NOW))

    again = fleet.write(lambda tx: write_claim(tx, made, now=NOW + 1))

    assert again == replace(first, repeated=True)
    assert held(fleet, "guest").expected_generation == 1


def test_a_claim_said_twice_is_answered_though_it_would_no_longer_fit(fleet):
    made = a_claim(holding("guest", {"gpu0": {FB: 16384}}), facts={"gpu0": 1})
    fleet.write(lambda tx: write_claim(tx, made, now=NOW))
    claim(fleet, holding("guest"), holding("other", {"gpu0": {FB: 16384}}))
    report(fleet, a_plan("host1", a_device("gpu0", pool=1), a_device("gpu1")), sequence=2)

    assert fleet.write(lambda tx: write_claim(tx, made, now=NOW)).repeated
    assert held(fleet, "guest").allocations == {}


def test_an_id_that_another_claim_has_used_is_refused(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}), name="one")

    error = refused(fleet, AlreadyExists, holding("guest", {"gpu0": {FB: 2}}), name="one")

    assert "asked for something else" in str(error)


def test_a_refused_claims_id_may_be_used_again(fleet):
    claim(fleet, holding("other", {"gpu0": {FB: 16384}}))
    refused(fleet, CapacityExceeded, holding("guest", {"gpu0": {FB: 1}}), name="one")
    claim(fleet, holding("other"))

    assert not claim(fleet, holding("guest", {"gpu0": {FB: 1}}), name="one").repeated


def test_ids_of_old_claims_are_forgotten_when_they_are_pruned(fleet):
    old = a_claim(holding("guest", {"gpu0": {FB: 1}}))
    fleet.write(lambda tx: write_claim(tx, old, now=NOW))
    new = a_claim(holding("other", {"gpu0": {FB: 1}}))
    fleet.write(lambda tx: write_claim(tx, new, now=NOW + 100))

    assert fleet.write(lambda tx: prune_claims(tx, before=NOW + 50)) == 1
    assert fleet.write(lambda tx: write_claim(tx, new, now=NOW)).repeated
    assert not fleet.write(lambda tx: write_claim(tx, old, now=NOW)).repeated


def test_a_refused_claim_leaves_the_transaction_around_it_usable(fleet):
    def try_both(tx):
        with pytest.raises(CapacityExceeded):
            write_claim(tx, a_claim(holding("guest", {"gpu0": {FB: 99999}})), now=NOW)
        return write_claim(tx, a_claim(holding("guest", {"gpu1": {FB: 1}})), now=NOW)

    fleet.write(try_both)

    assert held(fleet, "guest").allocations == {a_uuid("gpu1"): {FB: 1}}


def test_a_claim_is_undone_with_the_transaction_around_it(fleet):
    def fail(tx):
        write_claim(tx, a_claim(holding("guest", {"gpu0": {FB: 1}})), now=NOW)
        raise NotFound(what="reason", name="to go on")

    with pytest.raises(NotFound, match="no reason to go on"):
        fleet.write(fail)

    assert held(fleet, "guest").expected_generation is None
    assert stored(fleet, "gpu0").generation == 1


@pytest.mark.parametrize(
    ("holdings", "path"),
    [
        ((), "$.holdings"),
        ((holding("guest"), holding("guest")), "$.holdings"),
        ((holding("guest", {"gpu0": {FB: 0}}),), "allocations"),
        ((holding("guest", {"gpu0": {FB: -1}}),), "allocations"),
        ((holding("guest", {"gpu0": {FB: MAX_INT + 1}}),), "allocations"),
        ((holding("guest", {"gpu0": {}}),), "allocations"),
        ((holding("guest", {}, occupant(slot="a"), occupant("gpu1", slot="a")),), "occupants"),
    ],
)
def test_a_claim_that_makes_no_sense_is_refused_with_its_place(fleet, holdings, path):
    error = refused(fleet, InvalidRequest, *holdings)

    assert path in error.path


def test_an_inventory_that_shrank_below_its_use_lets_go_and_takes_nothing(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 8192}}), holding("other", {"gpu0": {FB: 8192}}))
    report(fleet, a_plan("host1", a_device("gpu0", pool=4096), a_device("gpu1")), sequence=2)

    refused(fleet, CapacityExceeded, holding("third", {"gpu0": {FB: 1}}))
    refused(fleet, CapacityExceeded, holding("guest", {"gpu0": {FB: 8193}}))
    claim(fleet, holding("guest", {"gpu0": {FB: 6000}}))
    claim(fleet, holding("guest"))
    claim(fleet, holding("other", {"gpu0": {FB: 4096}}))

    assert used(fleet) == 4096
    refused(fleet, CapacityExceeded, holding("third", {"gpu0": {FB: 1}}))


def test_steps_that_changed_refuse_no_release_and_no_passing_on(store):
    report(store, a_plan("host1", a_device("gpu0", pool=10)))
    claim(store, holding("guest", {"gpu0": {FB: 5}}))
    stepped = Inventory(total=10, min_unit=4, max_unit=8, step_size=4)
    report(store, a_plan("host1", a_device("gpu0", inventories={FB: stepped})), sequence=2)

    claim(store, holding("guest"), holding("move", {"gpu0": {FB: 5}}, consumer_type="MIGRATION"))
    claim(store, holding("move", {"gpu0": {FB: 3}}))
    claim(store, holding("move"))

    assert used(store) == 0


def test_a_guest_passes_its_place_to_a_migration_and_gets_another(fleet):
    place = {"host1": {"VCPU": 4}, "gpu0": {FB: 16384}}
    claim(fleet, holding("guest", place, occupant("gpu0", "a", device="m1", exclusive=16384)))
    report(fleet, a_plan("host2", a_device("gpu2", host="host2")))
    target = {"host2": {"VCPU": 4}, "gpu2": {FB: 16384}}

    claim(
        fleet,
        replace(
            held(fleet, "guest"),
            consumer=a_uuid("move"),
            consumer_type="MIGRATION",
            expected_generation=None,
        ),
        holding("guest", target, occupant("gpu2", "a"), expected_generation=1),
        facts={"gpu2": 1},
    )

    assert held(fleet, "move").allocations == holding("", place).allocations
    assert held(fleet, "move").occupants[0].device == "m1"
    assert held(fleet, "move").consumer_type == "MIGRATION"
    assert held(fleet, "guest").allocations == holding("", target).allocations
    assert (used(fleet, "gpu0"), used(fleet, "gpu2")) == (16384, 16384)


def test_a_migration_gives_the_place_back(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 16384}}, occupant("gpu0", "a", device="m1")))
    source = held(fleet, "guest")
    claim(
        fleet,
        replace(source, consumer=a_uuid("move"), expected_generation=None),
        holding("guest", {"gpu1": {FB: 16384}}, occupant("gpu1", "a")),
    )

    claim(fleet, holding("move", expected_generation=1), replace(source, expected_generation=2))

    assert held(fleet, "move").expected_generation is None
    assert held(fleet, "guest").occupants == source.occupants
    assert (used(fleet, "gpu0"), used(fleet, "gpu1")) == (16384, 0)


def test_a_claim_says_who_the_consumer_is(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}, project="one", user="a"))
    claim(fleet, holding("guest", {"gpu0": {FB: 1}}, project="two", user="b"))

    assert (held(fleet, "guest").project, held(fleet, "guest").user) == ("two", "b")
