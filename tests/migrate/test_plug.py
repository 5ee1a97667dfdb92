"""Devices plugged into a running guest, and unplugged from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import FB, RESOURCES, a_fleet, a_host, a_host_view, a_uuid, an_offer
from guest_worlds import GUEST, NOW, a_request, a_slot_request, boot, held_after
from wherry.migrate.plug import plan_plug, plan_unplug
from wherry.model.claims import Holding, Occupant
from wherry.model.errors import AlreadyExists, InvalidRequest, NotFound
from wherry.model.guests import Chosen
from wherry.model.inventory import View
from wherry.model.wire import PlugRequest

GPU0, GPU1, ROOT = a_uuid("host1_gpu0"), a_uuid("host1_gpu1"), a_uuid("host1")


def plug(guest, host, slot="gpu1", *, held, **device):
    return plan_plug(
        guest,
        host,
        PlugRequest(slot=slot, device=a_slot_request(**{"provider": "host1_gpu0", **device})),
        held=held,
        claim_id=a_uuid("plug"),
        now=NOW,
    )


def unplug(guest, host, slot="gpu1", *, held):
    return plan_unplug(guest, host, slot, held=held, claim_id=a_uuid("unplug"))


def test_a_plugged_device_is_pinned_and_the_claim_grows():
    host = a_host_view()
    guest, held = boot(a_request(), host)

    decision = plug(guest, host, held=held, device="mdev-2")

    slot = decision.guest.slots["gpu1"]
    assert (slot.contract.slot, slot.contract.interface.version) == ("gpu1", "2.1.1")
    assert decision.guest.slots["gpu0"] == guest.slots["gpu0"]
    (holding,) = decision.claim.holdings
    assert holding.allocations == {ROOT: RESOURCES, GPU0: {FB: 8192}}
    assert {(each.slot, each.device) for each in holding.occupants if each.slot == "gpu1"} == {
        ("gpu1", "mdev-2")
    }
    assert holding.expected_generation == held.expected_generation
    assert decision.claim.facts == {GPU0: 1, ROOT: 1}


def test_an_unplugged_device_gives_its_units_back_whatever_the_facts_are():
    host = a_host_view()
    slots = {name: a_slot_request() for name in ("gpu0", "gpu1")}
    guest, held = boot(a_request(slots=slots), host)

    decision = unplug(guest, a_host_view(offers=[]), held=held)

    assert set(decision.guest.slots) == {"gpu0"}
    (holding,) = decision.claim.holdings
    assert holding.allocations == {ROOT: RESOURCES, GPU0: {FB: 4096}}
    assert [each.slot for each in holding.occupants] == ["gpu0"]
    assert decision.claim.facts == {}


def test_unplugging_the_last_device_leaves_nothing_on_its_provider():
    host = a_host_view()
    guest, held = boot(a_request(), host)

    decision = unplug(guest, host, "gpu0", held=held)

    assert decision.claim.holdings[0].allocations == {ROOT: RESOURCES}


def test_the_next_device_in_a_slot_inherits_nothing():
    host = a_host_view(offers=[an_offer(features={"X": {}, "Y": {}})])
    guest, held = boot(
        a_request(slots={"gpu0": a_slot_request(chosen={"features": ("X",)}, keep=True)}), host
    )
    gone = unplug(guest, host, "gpu0", held=held)

    again = plug(gone.guest, host, "gpu0", held=held_after(held, gone.claim))

    slot = again.guest.slots["gpu0"]
    assert (slot.contract.features, slot.contract.keep) == (("X", "Y"), False)
    assert slot.chosen == Chosen()


def _viewed_host():
    views = {"VGPU": View(type="acme/gpu-a", units={FB: 4096})}
    record, root, gpu = a_host("host1")
    return a_fleet([record, root, replace(gpu, plan=replace(gpu.plan, views=views))]).view.get(
        "host1"
    )


def _nova_holding(count):
    return Holding(
        consumer=GUEST,
        expected_generation=1,
        allocations={ROOT: RESOURCES, GPU0: {"VGPU": count}},
        occupants=(Occupant(provider=GPU0, slot="gpu0", type="acme/gpu-a"),),
    )


def test_a_device_that_was_allocated_before_it_was_plugged_is_not_taken_twice():
    host = _viewed_host()
    guest, _ = boot(a_request(), host)

    decision = plug(guest, host, held=_nova_holding(2))

    (holding,) = decision.claim.holdings
    assert holding.allocations[GPU0] == {"VGPU": 2}
    assert {each.slot for each in holding.occupants} == {"gpu0", "gpu1"}


def test_a_device_held_in_the_words_of_a_view_is_given_back_in_pool_units():
    host = _viewed_host()
    slots = {name: a_slot_request() for name in ("gpu0", "gpu1")}
    guest, _ = boot(a_request(slots=slots), host)

    decision = unplug(guest, host, held=_nova_holding(2))

    assert decision.claim.holdings[0].allocations[GPU0] == {FB: 4096}


def test_unplugging_what_the_consumer_does_not_hold_needs_no_claim():
    host = a_host_view()
    guest, _ = boot(a_request(), host)

    decision = unplug(guest, host, "gpu0", held=Holding(consumer=GUEST))

    assert decision.guest.slots == {}
    assert decision.claim is None


def test_a_slot_or_a_device_that_the_guest_has_is_refused():
    host = a_host_view()
    request = a_request(slots={"gpu0": a_slot_request(device="mdev-1")})
    guest, held = boot(request, host)

    with pytest.raises(AlreadyExists, match="unplug that first"):
        plug(guest, host, "gpu0", held=held)
    with pytest.raises(AlreadyExists, match="in slot gpu0"):
        plug(guest, host, "gpu1", held=held, device="mdev-1")


def test_what_is_not_offered_is_refused_with_where_in_the_request():
    host = a_host_view(offers=[an_offer(features={"X": {}})])
    guest, held = boot(a_request(), host)

    with pytest.raises(InvalidRequest, match="it offers: acme/gpu-a") as caught:
        plug(guest, host, held=held, type="acme/gpu-z")
    assert caught.value.path == "$.device.type"
    with pytest.raises(InvalidRequest) as caught:
        plug(guest, host, held=held, chosen={"features": ("W",)})
    assert caught.value.path == "$.device.chosen.features"


def test_a_guest_that_a_migration_holds_is_neither_plugged_nor_unplugged():
    host = a_host_view()
    guest, held = boot(a_request(), host)
    held_by = replace(guest, migration=a_uuid("move"))

    with pytest.raises(AlreadyExists, match=a_uuid("move")):
        plug(held_by, host, held=held)
    with pytest.raises(AlreadyExists, match=a_uuid("move")):
        unplug(held_by, host, "gpu0", held=held)


def test_an_unknown_slot_provider_or_host_is_named():
    host = a_host_view()
    guest, held = boot(a_request(), host)

    with pytest.raises(NotFound, match="gpu7"):
        unplug(guest, host, "gpu7", held=held)
    with pytest.raises(NotFound, match=a_uuid("host2_gpu0")):
        plug(guest, host, held=held, provider="host2_gpu0")
    for act in (plug, unplug):
        with pytest.raises(NotFound, match="host host1"):
            act(guest, None, held=held)


KINDS = {"acme/gpu-a": 4096, "acme/gpu-b": 1024}


@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from(sorted(KINDS))), max_size=3),
    st.integers(0, 1),
    st.sampled_from(sorted(KINDS)),
    st.dictionaries(st.sampled_from(("DISK_GB", "CUSTOM_OTHER")), st.integers(1, 9)),
)
def test_plug_then_unplug_gives_back_the_same_holding(devices, place, type_name, elsewhere):
    offers = [an_offer(type=name, units={FB: units}) for name, units in KINDS.items()]
    host = a_host_view(devices=2, offers=offers)
    slots = {
        f"gpu{number}": a_slot_request(f"host1_gpu{where}", type=kind)
        for number, (where, kind) in enumerate(devices)
    }
    guest, held = boot(a_request(slots=slots), host)
    if elsewhere:
        held = replace(held, allocations={**held.allocations, a_uuid("storage"): elsewhere})

    more = plug(guest, host, "new", held=held, provider=f"host1_gpu{place}", type=type_name)
    between = held_after(held, more.claim)
    less = unplug(more.guest, host, "new", held=between)
    after = held_after(between, less.claim)

    grown = sum(units.get(FB, 0) for units in between.allocations.values())
    before = sum(units.get(FB, 0) for units in held.allocations.values())
    assert grown == before + KINDS[type_name]
    assert less.guest == guest
    assert after.allocations == held.allocations
    assert set(after.occupants) == set(held.occupants)
