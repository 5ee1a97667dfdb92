"""From a decision to the claim to write."""

import pytest
from hypothesis import given
from msgspec import UNSET
from msgspec.structs import replace

from builders import (
    FB,
    RESOURCES,
    a_contract,
    a_fleet,
    a_guest,
    a_holding,
    a_host,
    a_host_record,
    a_provider,
    a_root,
    a_uuid,
    an_offer,
)
from schedule_worlds import worlds
from wherry.model.errors import FactsChanged, NoTarget, NotFound
from wherry.model.inventory import Use
from wherry.model.targets import TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.plan_claim import (
    WHOLE_DEVICE,
    end,
    give_back,
    place_slots,
    plan_move,
    root_of,
    units_on,
)
from wherry.schedule.targets import find_targets

MIGRATION = a_uuid("migration")


def targets_of(guest, fleet):
    view = fleet.view
    request = TargetsRequest(limit=100)
    return find_targets(guest, view.get(guest.host), view, request, JudgementCache()).targets


def move(guest, fleet, held=None):
    """The claim on the best target."""
    target = targets_of(guest, fleet)[0]
    host = fleet.view.get(target.host)
    held = a_holding(guest) if held is None else held
    return plan_move(guest, target, host, claim_id=MIGRATION, migration=MIGRATION, held=held)


def test_a_move_hands_the_source_on_and_takes_devices_and_resources_there():
    """The migration's consumer is new; the guest's is at the generation that was read."""
    guest = a_guest()
    held = a_holding(guest, expected_generation=7, project="p", user="u")
    claim = move(guest, a_fleet(a_host("host1"), a_host("host2")), held)
    source, there = claim.holdings

    assert (source.consumer, source.consumer_type) == (MIGRATION, "MIGRATION")
    assert (source.expected_generation, source.allocations) == (None, held.allocations)
    assert (there.consumer, there.consumer_type) == (guest.uuid, "INSTANCE")
    assert (there.expected_generation, there.project, there.user) == (7, "p", "u")
    assert there.allocations == {a_uuid("host2"): RESOURCES, a_uuid("host2_gpu0"): {FB: 4096}}


def test_a_claim_names_the_facts_it_was_decided_on():
    """Those of the root and of the providers that it takes something of."""
    fleet = a_fleet(a_host("host1"), a_host("host2", devices=3))

    assert move(a_guest(), fleet).facts == {a_uuid("host2"): 1, a_uuid("host2_gpu0"): 1}


def test_two_devices_on_one_provider_are_added_up():
    """And each has a line of its own, by which values in use are told."""
    shared = an_offer(
        exclusive={"by": "fb_mb", "in_use": []}, params={"fb_mb": {"type": "int", "value": 4096}}
    )
    fleet = a_fleet(a_host("host1"), a_host("host2", offers=[shared]))
    pair = [a_contract(slot=name, params={"fb_mb": 4096}) for name in ("a", "b")]
    [_, there] = move(a_guest(*pair, resources={}), fleet).holdings

    assert there.allocations == {a_uuid("host2_gpu0"): {FB: 8192}}
    assert [(o.slot, o.provider, o.exclusive) for o in there.occupants] == [
        ("a", a_uuid("host2_gpu0"), 4096), ("b", a_uuid("host2_gpu0"), 4096),
    ]  # fmt: skip
    assert {o.device for o in there.occupants} == {UNSET}


def test_units_are_taken_where_the_pool_is():
    """A child that draws on its parent's pool has nothing of its own."""
    offer = an_offer(pools={FB: {"total": 8192, "provider": a_uuid("parent")}})

    assert units_on(a_contract(), offer) == {a_uuid("parent"): {FB: 4096}}


@pytest.mark.parametrize(
    ("contract", "offer"),
    [
        (a_contract(), an_offer(pools=UNSET)),
        (a_contract(units=UNSET), an_offer(units=UNSET)),
        (a_contract(units={}), an_offer()),
    ],
    ids=["no pools", "nothing to count", "counts nothing"],
)
def test_a_device_that_counts_nothing_is_taken_whole(contract, offer):
    """As one unit of a class of its own."""
    assert units_on(contract, offer) == {a_uuid("gpu"): {WHOLE_DEVICE: 1}}


def test_what_is_held_of_a_class_that_is_counted_no_more_is_the_providers_own():
    """A profile counts the same device otherwise now: what its guests hold stays as it is."""
    contract = a_contract(units={"CUSTOM_BEFORE": 2})

    assert units_on(contract, an_offer()) == {a_uuid("gpu"): {"CUSTOM_BEFORE": 2}}


def test_amounts_of_nothing_are_left_out():
    """An allocation of 0 is none."""
    fleet = a_fleet(a_host("host1"), a_host("host2"))
    [_, there] = move(a_guest(resources={"VCPU": 0, "MEMORY_MB": 1024}), fleet).holdings

    assert there.allocations[a_uuid("host2")] == {"MEMORY_MB": 1024}


def test_a_guest_without_devices_moves_with_its_resources():
    """Nothing but the root is claimed."""
    fleet = a_fleet(a_host("host1"), a_host("host2"))
    [_, there] = move(a_guest(slots={}), fleet).holdings

    assert there.allocations == {a_uuid("host2"): RESOURCES}
    assert there.occupants == ()


def test_an_offer_is_found_again_though_other_devices_came_and_went():
    """It is told by its provider and its place there, not by its number on the host."""
    fleet = a_fleet(a_host("host1"), a_host("host2", devices=2))
    guest = a_guest()
    [target] = targets_of(guest, fleet)
    chosen = target.providers[target.mapping[0].offer]
    fleet.apply([a_provider("aaa", host="host2", offers=[an_offer(type="acme/gpu-b")])])
    placed = place_slots(guest, target, fleet.view.get("host2"))

    assert placed["gpu0"][1].provider.uuid == chosen


def test_of_several_types_of_one_device_the_one_that_serves_is_taken():
    """Its recipe of units is claimed, not that of the type beside it."""
    small = an_offer(type="acme/gpu-s", units={FB: 2048})
    fleet = a_fleet(a_host("host1"), a_host("host2", offers=[small, an_offer()]))
    guest = a_guest()
    [target] = targets_of(guest, fleet)
    placed = place_slots(guest, target, fleet.view.get("host2"))

    assert placed["gpu0"][1].offer.type == "acme/gpu-a"


def test_an_offer_that_is_gone_says_which_facts_changed():
    """The next target may still stand."""
    fleet = a_fleet(a_host("host1"), a_host("host2"))
    guest = a_guest()
    [target] = targets_of(guest, fleet)
    fleet.apply([a_provider("host2_gpu0", host="host2", generation=2, facts_generation=2)])

    with pytest.raises(FactsChanged) as caught:
        place_slots(guest, target, fleet.view.get("host2"))
    assert (caught.value.provider, caught.value.expected) == (a_uuid("host2_gpu0"), 1)


def test_a_mapping_that_leaves_a_device_out_is_no_target():
    """A refusal is not claimed by mistake."""
    fleet = a_fleet(a_host("host1"), a_host("host2"))
    guest = a_guest()
    [target] = targets_of(guest, fleet)
    row = replace(target.mapping[0], offer=None, verdict="no")

    with pytest.raises(NoTarget, match="slot gpu0 has no offer on host host2"):
        place_slots(guest, replace(target, mapping=(row,)), fleet.view.get("host2"))


def test_a_host_without_a_root_cannot_be_claimed_on():
    """It is named."""
    host = a_fleet([a_host_record("host2")]).view.get("host2")

    with pytest.raises(NotFound, match="root provider of host host2"):
        root_of(host)


def test_giving_back_is_exactly_what_was_held():
    """The migration ends, and the guest's consumer has its allocations and devices again."""
    guest = a_guest()
    here = a_holding(guest)
    fleet = a_fleet(a_host("host1"), a_host("host2"))
    source, there = move(guest, fleet, here).holdings
    gone, again = give_back(source, there)

    assert gone == end(source)
    assert (gone.allocations, gone.occupants) == ({}, ())
    assert (again.consumer, again.allocations) == (guest.uuid, here.allocations)


@given(worlds())
def test_what_a_target_promises_fits_the_pools_it_is_claimed_from(world):
    """Capacity, and the values that must agree, for every target of every world."""
    fleet = a_fleet(*world.hosts)
    for target in targets_of(world.guest, fleet):
        host = fleet.view.get(target.host)
        held = a_holding(world.guest)
        claim = plan_move(
            world.guest, target, host, claim_id=MIGRATION, migration=MIGRATION, held=held
        )
        for uuid, units in claim.holdings[1].allocations.items():
            provider = host.find_provider(uuid)
            for name, amount in units.items():
                if provider is not None and name != WHOLE_DEVICE:
                    assert amount <= provider.free(name)
        for occupant in claim.holdings[1].occupants:
            in_use = host.find_provider(occupant.provider).record.use.exclusive
            if occupant.exclusive is not None:
                assert all(value == occupant.exclusive for value in in_use)


def test_the_fuller_of_equal_devices_is_taken():
    """Large holes stay whole for guests that need them."""
    fleet = a_fleet(a_host("host1"), a_host("host2", devices=2))
    fuller = Use(charged={FB: 8192})
    fleet.apply([
        a_provider("host2_gpu1", host="host2", offers=[an_offer()], use=fuller, generation=2)
    ])  # fmt: skip
    [_, there] = move(a_guest(resources={}), fleet).holdings

    assert there.allocations == {a_uuid("host2_gpu1"): {FB: 4096}}


def test_a_root_of_another_generation_is_claimed_on_at_its_own():
    """Facts generations are those of the moment of the decision."""
    fleet = a_fleet(a_host("host1"), [a_host_record("host2"), a_root("host2")])
    gpu = a_provider("host2_gpu0", host="host2", offers=[an_offer()], facts_generation=12)
    fleet.apply([gpu])

    assert move(a_guest(), fleet).facts[a_uuid("host2_gpu0")] == 12
