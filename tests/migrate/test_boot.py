"""What PUT of a guest writes: contracts, what is in effect, and what its consumer holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import FB, RESOURCES, a_contract, a_fleet, a_host, a_host_view, a_uuid, an_offer
from guest_worlds import (
    GUEST,
    NOBODY,
    NOW,
    a_report,
    a_reported_view,
    a_request,
    a_slot_request,
    boot,
    held_after,
    provider_of,
    put,
)
from wherry.compat.life import keep
from wherry.model.checks import Configure, Needs
from wherry.model.claims import Holding, Occupant
from wherry.model.errors import AlreadyExists, InvalidRequest, NotFound
from wherry.model.inventory import View

GPU0, GPU1, ROOT = a_uuid("host1_gpu0"), a_uuid("host1_gpu1"), a_uuid("host1")

RICH = an_offer(
    supports="2.1.1",
    features={"X": {}, "Y": {}, "Z": {"maskable": False}},
    params={
        "heads": {"type": "int", "rule": "in", "allowed": ["1-4"], "settable": True, "value": 1},
        "ecc": {"type": "bool", "rule": "eq", "value": True},
    },
)
"""An offer with something to choose: version, features and parameters."""


def a_rich_host(**fields):
    return a_host_view(offers=[RICH], **fields)


def asking(**chosen):
    return a_request(slots={"gpu0": a_slot_request(chosen=chosen)})


# What is written


def test_a_guest_that_boots_holds_its_resources_and_its_devices_units():
    decision = put(a_request(), a_host_view())

    (holding,) = decision.claim.holdings
    assert holding.allocations == {ROOT: RESOURCES, GPU0: {FB: 4096}}
    assert holding.occupants == (Occupant(provider=GPU0, slot="gpu0", type="acme/gpu-a"),)
    assert holding.expected_generation is None
    assert decision.claim.facts == {GPU0: 1, ROOT: 1}


def test_a_slot_is_pinned_from_its_providers_offer_and_what_was_chosen():
    decision = put(asking(version="2.0.1", features=("X", "Z"), params={"heads": 2}), a_rich_host())

    slot = decision.guest.slots["gpu0"]
    contract = slot.contract
    assert (contract.consumer, contract.slot, contract.type) == (GUEST, "gpu0", "acme/gpu-a")
    assert contract.interface.version == "2.0.1"
    assert contract.features == ("X", "Z")
    assert contract.params == {"heads": 2, "ecc": True}
    assert contract.pinned_at == "2026-05-28T20:26:40.000Z"
    assert slot.in_effect == Configure(params={"heads": 2}, mask_features=("Y",))
    assert decision.pinned == ("gpu0",)


def test_what_is_not_chosen_is_the_offers():
    contract = put(asking(), a_rich_host()).guest.slots["gpu0"].contract

    assert contract.interface.version == "2.1.1"
    assert contract.features == ("X", "Y", "Z")
    assert contract.params == {"heads": 1, "ecc": True}


def test_a_contract_that_is_given_is_kept_as_given():
    given = a_contract(features=["X", "Z"], params={"heads": 3, "ecc": True}, version="2.0.0")
    request = a_request(slots={"gpu0": a_slot_request(contract=given)})

    decision = put(request, a_rich_host())

    slot = decision.guest.slots["gpu0"]
    assert slot.contract == given
    assert slot.in_effect == Configure(params={"heads": 3, "ecc": True}, mask_features=("Y",))
    assert decision.claim.holdings[0].allocations[GPU0] == {FB: 4096}


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (a_contract(consumer="another guest"), "$.slots.gpu0.contract.consumer"),
        (a_contract(slot="gpu7"), "$.slots.gpu0.contract.slot"),
        (a_contract(type="acme/gpu-b"), "$.slots.gpu0.contract.type"),
    ],
)
def test_a_contract_of_another_guest_slot_or_type_is_refused(given, path):
    with pytest.raises(InvalidRequest) as caught:
        put(a_request(slots={"gpu0": a_slot_request(contract=given)}), a_host_view())

    assert caught.value.path == path


def test_a_device_that_is_named_is_claimed_by_its_name():
    request = a_request(slots={"gpu0": a_slot_request(device="mdev-1")})

    decision = put(request, a_host_view())

    assert decision.claim.holdings[0].occupants[0].device == "mdev-1"
    assert decision.guest.slots["gpu0"].device == "mdev-1"


def test_what_instances_must_agree_in_is_claimed():
    offer = an_offer(exclusive={"by": "type", "in_use": []})

    decision = put(a_request(), a_host_view(offers=[offer]))

    assert decision.claim.holdings[0].occupants[0].exclusive == "acme/gpu-a"


def test_two_devices_on_one_provider_are_summed_up():
    slots = {"gpu0": a_slot_request(), "gpu1": a_slot_request()}

    decision = put(a_request(slots=slots), a_host_view())

    assert decision.claim.holdings[0].allocations[GPU0] == {FB: 8192}


# What the consumer holds already


def test_resources_left_out_are_what_the_consumer_holds_on_the_hosts_provider():
    held = Holding(consumer=GUEST, expected_generation=3, allocations={ROOT: {"VCPU": 7}})

    decision = put(a_request(resources=UNSET), a_host_view(), held=held)

    assert decision.guest.resources == {"VCPU": 7}
    (holding,) = decision.claim.holdings
    assert holding.allocations == {ROOT: {"VCPU": 7}, GPU0: {FB: 4096}}
    assert holding.expected_generation == 3


def test_a_device_held_in_the_words_of_a_view_is_not_claimed_twice():
    """Unchanged Nova holds ``VGPU: 1``: its own allocation stays as it wrote it."""
    views = {"VGPU": View(type="acme/gpu-a", units={FB: 4096})}
    host = _with_views(views)
    held = Holding(
        consumer=GUEST,
        project="demo",
        expected_generation=1,
        allocations={ROOT: RESOURCES, GPU0: {"VGPU": 1}},
        occupants=(Occupant(provider=GPU0, slot="gpu0", type="acme/gpu-a"),),
    )

    decision = put(a_request(resources=UNSET), host, held=held)

    assert decision.claim is None
    assert decision.guest.tenant == "demo"
    assert decision.guest.resources == RESOURCES


def _with_views(views):
    changes = [
        replace(change, plan=replace(change.plan, views=views))
        if getattr(change, "plan", None) is not None and change.plan.uuid == GPU0
        else change
        for change in a_host("host1")
    ]
    return a_fleet(changes).view.get("host1")


def test_a_view_of_too_few_devices_is_claimed_anew_in_pool_units():
    views = {"VGPU": View(type="acme/gpu-a", units={FB: 4096})}
    held = Holding(consumer=GUEST, allocations={GPU0: {"VGPU": 1}}, expected_generation=1)
    slots = {"gpu0": a_slot_request(), "gpu1": a_slot_request()}

    decision = put(a_request(slots=slots), _with_views(views), held=held)

    assert decision.claim.holdings[0].allocations[GPU0] == {FB: 8192}


def test_what_no_slot_takes_is_left_alone():
    """Shared storage, NUMA nodes, a device that is not on the record."""
    others = {a_uuid("storage"): {"DISK_GB": 20}, GPU1: {FB: 2048}}
    held = Holding(consumer=GUEST, allocations=others, expected_generation=1)

    decision = put(a_request(), a_host_view(devices=2), held=held)

    assert decision.claim.holdings[0].allocations == {
        **others,
        ROOT: RESOURCES,
        GPU0: {FB: 4096},
    }


# Again, and otherwise


def test_the_same_put_again_changes_nothing_even_where_the_offer_moved_on():
    """Contracts are pinned at boot, not at each PUT (R33)."""
    guest, held = boot(a_request(), a_host_view())
    newer = a_host_view(offers=[an_offer(supports="3.0.0")])

    again = put(a_request(), newer, stored=guest, held=held, now=NOW + 60)

    assert again.guest == guest
    assert not again.is_changed
    assert again.claim is None
    assert again.pinned == ()


def test_the_same_put_again_changes_nothing_where_the_provider_offers_nothing_any_more():
    guest, held = boot(a_request(), a_host_view())

    again = put(a_request(), a_host_view(offers=[]), stored=guest, held=held)

    assert (again.guest, again.claim) == (guest, None)


def test_a_put_after_the_allocations_were_lost_claims_them_again():
    guest, _ = boot(a_request(), a_host_view())

    again = put(a_request(), a_host_view(), stored=guest)

    assert not again.is_changed
    assert again.claim.holdings[0].allocations == {ROOT: RESOURCES, GPU0: {FB: 4096}}


def test_what_was_chosen_otherwise_is_pinned_anew():
    guest, held = boot(asking(features=("X", "Z")), a_rich_host())

    corrected = put(
        asking(features=("X", "Y", "Z")), a_rich_host(), stored=guest, held=held, now=NOW + 60
    )

    assert corrected.guest.slots["gpu0"].contract.features == ("X", "Y", "Z")
    assert corrected.pinned == ("gpu0",)
    assert corrected.claim is None


def test_a_slot_that_is_not_asked_any_more_ends_and_gives_its_units_back():
    host = a_host_view(devices=2)
    both = {"gpu0": a_slot_request(), "gpu1": a_slot_request("host1_gpu1")}
    guest, held = boot(a_request(slots=both), host)

    fewer = put(a_request(slots={"gpu0": both["gpu0"]}), host, stored=guest, held=held)

    assert set(fewer.guest.slots) == {"gpu0"}
    assert fewer.claim.holdings[0].allocations == {ROOT: RESOURCES, GPU0: {FB: 4096}}
    assert [each.slot for each in fewer.claim.holdings[0].occupants] == ["gpu0"]


def test_a_slot_on_another_provider_is_another_device():
    host = a_host_view(devices=2)
    request = a_request(slots={"gpu0": a_slot_request(device="mdev-1")})
    guest, held = boot(request, host)

    moved = put(
        a_request(slots={"gpu0": a_slot_request("host1_gpu1")}),
        host,
        stored=guest,
        held=held,
        now=NOW + 60,
    )

    slot = moved.guest.slots["gpu0"]
    assert (slot.provider, slot.device) == (GPU1, UNSET)
    assert slot.contract.pinned_at == "2026-05-28T20:27:40.000Z"
    assert moved.claim.holdings[0].allocations == {ROOT: RESOURCES, GPU1: {FB: 4096}}


def test_a_slot_that_was_left_without_an_offer_keeps_its_units_beside_a_new_one():
    """One type of a provider is gone: what its slot holds stays while the other slot comes."""
    other = an_offer(type="acme/gpu-b", units={FB: 2048})
    guest, held = boot(a_request(), a_host_view(offers=[an_offer(), other]))
    slots = {"gpu0": a_slot_request(), "gpu1": a_slot_request(type="acme/gpu-b")}

    more = put(a_request(slots=slots), a_host_view(offers=[other]), stored=guest, held=held)

    assert more.claim.holdings[0].allocations[GPU0] == {FB: 6144}
    assert {each.slot for each in more.claim.holdings[0].occupants} == {"gpu0", "gpu1"}
    assert more.guest.slots["gpu0"] == guest.slots["gpu0"]


def test_a_provisional_contract_is_pinned_anew_by_the_guests_record():
    """Pinned from an allocation alone it assumes what the offer does not have to."""
    guest, held = boot(a_request(), a_host_view())
    slot = guest.slots["gpu0"]
    assumed = replace(slot.contract, assumed=("interface.version",), interface=UNSET)
    provisional = replace(guest, slots={"gpu0": replace(slot, contract=assumed)})

    recorded = put(a_request(), a_host_view(), stored=provisional, held=held)

    contract = recorded.guest.slots["gpu0"].contract
    assert contract.assumed is UNSET
    assert contract.interface.version == "2.1.1"
    assert recorded.pinned == ("gpu0",)


def test_what_a_report_has_told_of_a_device_stands():
    guest, held = boot(a_request(), a_host_view())
    slot = guest.slots["gpu0"]
    told = replace(
        slot, device="mdev-1", contract=replace(slot.contract, guest_address="0000:00:05.0")
    )
    stored = replace(guest, process="17.1", slots={"gpu0": told})

    again = put(
        a_request(slots={"gpu0": a_slot_request(guest_address="0000:00:06.0")}),
        a_host_view(),
        stored=stored,
        held=held,
    )

    assert again.guest == stored


def test_the_mark_keep_is_put_on_and_taken_off_without_pinning():
    guest, held = boot(a_request(), a_host_view())

    marked = put(
        a_request(slots={"gpu0": a_slot_request(keep=True)}), a_host_view(), stored=guest, held=held
    )
    assert marked.guest.slots["gpu0"].contract.keep
    assert (marked.claim, marked.pinned) == (None, ())

    cleared = put(a_request(), a_host_view(), stored=marked.guest, held=held)
    assert cleared.guest == guest


def test_needs_and_tenant_change_without_a_claim():
    guest, held = boot(a_request(), a_host_view())

    changed = put(
        a_request(tenant="demo", needs=Needs(arch="x86_64")),
        a_host_view(),
        stored=guest,
        held=held,
    )

    assert (changed.guest.tenant, changed.guest.needs.arch) == ("demo", "x86_64")
    assert changed.is_changed
    assert changed.claim is None


# Refusals


def test_a_guest_that_a_migration_holds_is_refused():
    guest, held = boot(a_request(), a_host_view())

    with pytest.raises(AlreadyExists, match=a_uuid("migration")):
        put(
            a_request(),
            a_host_view(),
            stored=replace(guest, migration=a_uuid("migration")),
            held=held,
        )


def test_a_guest_that_is_on_record_elsewhere_is_refused():
    guest, held = boot(a_request(), a_host_view())

    with pytest.raises(AlreadyExists, match="on record on host host1; move it with a migration"):
        put(a_request("host2"), a_host_view("host2"), stored=guest, held=held)


def test_a_guest_whose_allocations_were_moved_by_their_owner_boots_there():
    guest, _ = boot(a_request(), a_host_view())
    moved = Holding(
        consumer=GUEST, expected_generation=5, allocations={a_uuid("host2"): dict(RESOURCES)}
    )
    there = replace(guest, process="17.1")

    decision = put(a_request("host2"), a_host_view("host2"), stored=there, held=moved)

    assert decision.guest.host == "host2"
    assert decision.guest.process is UNSET
    assert decision.guest.slots["gpu0"].provider == a_uuid("host2_gpu0")
    assert decision.guest.generation == guest.generation
    assert decision.claim.holdings[0].allocations[a_uuid("host2_gpu0")] == {FB: 4096}


def test_an_unknown_host_is_named():
    with pytest.raises(NotFound, match="no host host9"):
        put(a_request("host9"), None)


def test_a_provider_that_is_not_on_the_host_is_named():
    request = a_request(slots={"gpu0": a_slot_request("host2_gpu0")})

    with pytest.raises(NotFound, match=f"on host host1 with uuid {a_uuid('host2_gpu0')}"):
        put(request, a_host_view())


def test_a_type_that_is_not_offered_is_refused_with_those_that_are():
    offers = [an_offer(), an_offer(type="acme/gpu-b")]
    request = a_request(slots={"gpu0": a_slot_request(type="acme/gpu-c")})

    with pytest.raises(InvalidRequest, match="it offers: acme/gpu-a, acme/gpu-b") as caught:
        put(request, a_host_view(offers=offers))

    assert caught.value.path == "$.slots.gpu0.type"


def test_a_provider_that_offers_nothing_says_why():
    report = a_report("igb-novfs")
    host = a_reported_view(report)
    bare = next(p for p in host.providers if p.record.plan.note is not UNSET)
    request = a_request(slots={"nic0": a_slot_request(provider="x")})
    asked = replace(request.slots["nic0"], provider=bare.uuid)

    with pytest.raises(InvalidRequest, match=f"offers nothing: {bare.record.plan.note}"):
        put(replace(request, slots={"nic0": asked}), host)


@pytest.mark.parametrize(
    ("chosen", "path", "words"),
    [
        ({"version": "2.2.0"}, "version", "older: the guest has 2.2.0, the target 2.1.1"),
        ({"version": "3.0.0"}, "version", "major"),
        ({"version": "new"}, "version", "It supports 2.1.1"),
        ({"features": ("W", "Z")}, "features", "feature W.*It has: X, Y, Z"),
        ({"features": ("X",)}, "features", "feature Z.*cannot be masked"),
        ({"params": {"heads": 5}}, "params.heads", "heads"),
        ({"params": {"heads": "two"}}, "params.heads", "heads"),
        ({"params": {"ecc": False}}, "params.ecc", "ecc"),
        ({"params": {"speed": 5}}, "params.speed", "no parameter speed; there are: heads, ecc"),
    ],
)
def test_what_is_not_offered_cannot_be_chosen(chosen, path, words):
    with pytest.raises(InvalidRequest, match=words) as caught:
        put(asking(**chosen), a_rich_host())

    assert caught.value.path == f"$.slots.gpu0.chosen.{path}"


def test_everything_that_is_wrong_with_a_choice_is_told_at_once():
    with pytest.raises(InvalidRequest) as caught:
        put(asking(version="3.0.0", features=("W", "Z"), params={"heads": 9}), a_rich_host())

    assert all(word in str(caught.value) for word in ("3.0.0", "W", "heads"))


def test_an_address_that_no_record_can_hold_is_refused():
    request = a_request(slots={"gpu0": a_slot_request(guest_address="Bus 0, Device 5")})

    with pytest.raises(InvalidRequest) as caught:
        put(request, a_host_view())

    assert caught.value.path == "$.slots.gpu0"


def test_amounts_below_0_and_a_device_in_two_slots_are_refused():
    with pytest.raises(InvalidRequest, match="-1 of VCPU"):
        put(a_request(resources={"VCPU": -1}), a_host_view())
    slots = {name: a_slot_request(device="mdev-1") for name in ("gpu0", "gpu1")}
    with pytest.raises(InvalidRequest, match="in slot gpu0 already"):
        put(a_request(slots=slots), a_host_view())


def test_a_host_whose_own_provider_is_not_published_takes_nobody():
    record, _, gpu = a_host("host1")
    host = a_fleet([record, gpu]).view.get("host1")

    with pytest.raises(NotFound, match="root provider of host host1"):
        put(a_request(), host)


# A recorded host, and laws


def test_a_guest_boots_with_a_serial_port_of_a_recorded_host():
    """mtty-2 takes 2 of the 24 ports that the types of the parent share."""
    host = a_reported_view(a_report("mtty-fresh"))
    parent = provider_of(host, "mtty/mtty-2")
    slots = {"port0": replace(a_slot_request(type="mtty/mtty-2"), provider=parent)}

    guest, held = boot(a_request(slots=slots, resources={}), host)

    assert guest.slots["port0"].contract.params == {"nr_ports": 2}
    assert held.allocations == {parent: {"CUSTOM_MTTY_PORT": 2}}
    again = put(a_request(slots=slots, resources={}), host, stored=guest, held=held)
    assert (again.is_changed, again.claim) == (False, None)


choices = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from(("2.0.0", "2.1.1", "2.1.9", "2.2.0", "1.0", "x")),
        "features": st.lists(st.sampled_from("WXYZ"), unique=True).map(tuple),
        "params": st.dictionaries(
            st.sampled_from(("heads", "ecc", "speed")), st.sampled_from((0, 1, 4, 5, True, False))
        ),
    },
)


def is_given(chosen) -> bool:
    """Whether `RICH` gives what was chosen, said plainly."""
    features = set(chosen.get("features", "XYZ"))
    params = chosen.get("params", {})
    heads, ecc = params.get("heads", 1), params.get("ecc", True)
    return (
        chosen.get("version", "2.1.1") in {"2.0.0", "2.1.1", "2.1.9"}
        and {"Z"} <= features <= set("XYZ")
        and "speed" not in params
        and not isinstance(heads, bool)
        and 1 <= heads <= 4
        and ecc is True
    )


@given(choices)
def test_a_choice_is_refused_or_its_contract_meets_the_offer(chosen):
    host = a_rich_host()
    try:
        decision = put(asking(**chosen), host)
    except InvalidRequest:
        assert not is_given(chosen)
        return

    assert is_given(chosen)
    contract = decision.guest.slots["gpu0"].contract
    kept = keep(contract, host.offers[0].offer)
    assert kept.is_possible
    assert kept.reasons == ()


@given(
    st.lists(
        st.tuples(st.sampled_from((0, 1)), st.sampled_from(("acme/gpu-a", "acme/gpu-b"))),
        max_size=4,
    ),
    st.sampled_from((UNSET, {}, dict(RESOURCES))),
)
def test_a_put_twice_changes_nothing_and_the_sum_is_what_the_slots_take(devices, resources):
    offers = [an_offer(), an_offer(type="acme/gpu-b", units={FB: 1024})]
    host = a_host_view(devices=2, offers=offers)
    slots = {
        f"gpu{n}": a_slot_request(f"host1_gpu{place}", type=type_name)
        for n, (place, type_name) in enumerate(devices)
    }
    request = a_request(slots=slots, resources=resources)
    guest, held = boot(request, host)

    again = put(request, host, stored=guest, held=held, now=NOW + 1)

    assert (again.is_changed, again.claim) == (False, None)
    sums = [sum(u.get(FB, 0) for u in held.allocations.values())]
    assert sums == [sum(4096 if kind == "acme/gpu-a" else 1024 for _, kind in devices)]
    nothing = put(a_request(slots={}, resources={}), host, stored=guest, held=held)
    assert held_after(held, nothing.claim).allocations == {}


def test_a_guest_without_devices_or_resources_needs_no_claim():
    decision = put(a_request(slots={}, resources={}), a_host_view())

    assert decision.claim is None
    assert decision.is_changed
    assert NOBODY.allocations == {}
