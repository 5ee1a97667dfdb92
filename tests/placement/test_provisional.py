"""A guest that unchanged Nova boots has contract, targets and record by its allocations alone."""

import pytest

from builders import FB, a_uuid, an_offer
from placement_wire import C1, C2, Wire, holds
from store_worlds import a_device, a_plan, held, report
from wherry.app.guests import get_guest, list_guests, put_guest
from wherry.app.targets import find
from wherry.model.errors import NotFound
from wherry.model.guests import Chosen, Guest, GuestRequest, SlotRequest
from wherry.model.targets import TargetsRequest

GUEST, MIGRATION = a_uuid("guest"), a_uuid("migration")
SMALL, LARGE = "CUSTOM_ACME_4", "CUSTOM_ACME_8"
SMALL_TYPE, LARGE_TYPE = "acme/custom_acme_4", "acme/custom_acme_8"
VIEWS = {SMALL: 4096, LARGE: 8192}
ROOT = {"resources": {"VCPU": 2}}


def a_gpu(name: str, host: str, **fields):
    """A GPU of two types that share its framebuffer, the smaller with something to choose."""
    heads = {"type": "int", "rule": "in", "allowed": ["1-4"], "settable": True, "value": 1}
    params = {"heads": heads}
    chosen = {"features": {"X": {"maskable": True}}, "params": params}
    offers = (
        an_offer(provider=name, type=SMALL_TYPE, supports="2.1.1", **chosen),
        an_offer(provider=name, type=LARGE_TYPE, units={FB: 8192}),
    )
    return a_device(name, host=host, views=VIEWS, offers=offers, **fields)


@pytest.fixture
def cloud(wire: Wire) -> Wire:
    """A client on a fleet of two hosts, each with one such GPU."""
    for host, gpu in (("host1", "gpu0"), ("host2", "gpu1")):
        report(wire.engine.store, a_plan(host, a_gpu(gpu, host)))
    return wire


def on(host: str, gpu: str, **units: int):
    """Allocations of a guest: processors of its host, and of a GPU there."""
    return {a_uuid(host): ROOT, a_uuid(gpu): {"resources": units}}


def boot(cloud: Wire, **units: int) -> Guest:
    """What is on record once a client has allocated on the first host."""
    told = cloud("PUT", f"/allocations/{GUEST}", holds(on("host1", "gpu0", **units)))
    assert told.status == 204
    return get_guest(cloud.engine, GUEST)


def pass_on(cloud: Wire) -> None:
    """Move all that the guest holds to a migration, as Nova does before it looks for a target."""
    held_ = on("host1", "gpu0", **{SMALL: 1})
    moved = {GUEST: holds({}, 1), MIGRATION: holds(held_, None)}
    assert cloud("POST", "/allocations", moved).status == 204


def record(cloud: Wire) -> Guest:
    return get_guest(cloud.engine, GUEST)


def test_an_allocation_of_a_types_class_pins_a_contract(cloud):
    guest = boot(cloud, **{SMALL: 1})
    assert (guest.host, guest.tenant, guest.resources) == ("host1", "project", {"VCPU": 2})
    [(name, slot)] = guest.slots.items()
    assert (slot.provider, slot.type) == (a_uuid("gpu0"), SMALL_TYPE)
    contract = slot.contract
    assert (contract.consumer, contract.slot) == (GUEST, name)
    assert contract.units == {FB: 4096}
    assert contract.assumed == ("interface.version", "features", "params.heads")


@pytest.mark.parametrize(
    ("units", "types"),
    [
        ({FB: 4096}, [SMALL_TYPE]),
        ({FB: 8192}, [LARGE_TYPE]),
        ({FB: 16384}, [LARGE_TYPE, LARGE_TYPE]),
        ({FB: 12288}, [SMALL_TYPE] * 3),
        ({SMALL: 2}, [SMALL_TYPE, SMALL_TYPE]),
        ({SMALL: 1, LARGE: 1}, [SMALL_TYPE, LARGE_TYPE]),
        ({SMALL: 1, FB: 8192}, [SMALL_TYPE, LARGE_TYPE]),
    ],
)
def test_units_are_told_apart_into_devices(cloud, units, types):
    guest = boot(cloud, **units)
    assert [slot.type for slot in guest.slots.values()] == types
    holding = held(cloud.engine.store, "guest")
    assert {each.slot for each in holding.occupants} == guest.slots.keys()
    assert holding.allocations[a_uuid("gpu0")] == units


def test_a_type_that_pool_units_alone_tell_is_assumed(cloud):
    assert "type" in boot(cloud, **{FB: 4096}).slots["device0"].contract.assumed


def test_units_that_are_no_number_of_instances_tell_of_no_device(cloud):
    allocations = on("host1", "gpu0", **{FB: 5000})
    assert cloud("PUT", f"/allocations/{GUEST}", holds(allocations)).status == 204
    with pytest.raises(NotFound):
        record(cloud)


def test_a_guest_without_devices_is_not_on_record(cloud):
    cloud.ok("PUT", f"/allocations/{GUEST}", holds({a_uuid("host1"): ROOT}))
    assert list_guests(cloud.engine).guests == ()


def test_such_a_guest_has_targets_with_a_verdict(cloud):
    boot(cloud, **{SMALL: 1})
    answer = find(cloud.engine, GUEST, TargetsRequest())
    assert [each.host for each in answer.targets] == ["host2"]


def test_the_same_allocations_again_change_nothing_of_it(cloud):
    before = boot(cloud, **{SMALL: 1})
    again = holds(on("host1", "gpu0", **{SMALL: 1}), 1)
    assert cloud("PUT", f"/allocations/{GUEST}", again).status == 204
    assert record(cloud) == before


def test_one_device_more_leaves_the_others_contract_as_it_is(cloud):
    before = boot(cloud, **{SMALL: 1}).slots["device0"]
    more = holds(on("host1", "gpu0", **{SMALL: 1, LARGE: 1}), 1)
    assert cloud("PUT", f"/allocations/{GUEST}", more).status == 204
    slots = record(cloud).slots
    assert slots["device0"] == before
    assert slots["device1"].type == LARGE_TYPE


def test_the_record_ends_with_the_allocations(cloud):
    boot(cloud, **{SMALL: 1})
    assert cloud("DELETE", f"/allocations/{GUEST}").status == 204
    with pytest.raises(NotFound):
        record(cloud)


def test_what_is_refused_leaves_no_record(cloud):
    allocations = on("host1", "gpu0", **{SMALL: 5})
    assert cloud("PUT", f"/allocations/{GUEST}", holds(allocations)).status == 409
    assert list_guests(cloud.engine).guests == ()


def test_the_contract_goes_to_a_migration_and_back(cloud):
    before = boot(cloud, **{SMALL: 1})
    pass_on(cloud)
    waiting = record(cloud)
    assert (waiting.host, waiting.migration, waiting.slots) == ("host1", MIGRATION, before.slots)
    held_ = on("host1", "gpu0", **{SMALL: 1})
    back = {GUEST: holds(held_, None), MIGRATION: holds({}, 1)}
    assert cloud("POST", "/allocations", back).status == 204
    after = record(cloud)
    assert (after.host, after.slots) == ("host1", before.slots)
    assert not isinstance(after.migration, str)
    assert len(list_guests(cloud.engine).guests) == 1


def test_the_contract_goes_along_when_the_migration_ends(cloud):
    """Nova lets go of the migration's allocations once the guest runs on the target."""
    before = boot(cloud, **{SMALL: 1})
    pass_on(cloud)
    there = on("host2", "gpu1", **{SMALL: 1})
    assert cloud("PUT", f"/allocations/{GUEST}", holds(there)).status == 204
    assert record(cloud).host == "host1"
    assert cloud("DELETE", f"/allocations/{MIGRATION}").status == 204
    after = record(cloud)
    [slot] = after.slots.values()
    assert (after.host, slot.provider) == ("host2", a_uuid("gpu1"))
    assert not isinstance(after.migration, str)
    old = before.slots["device0"].contract
    assert (slot.contract.pinned_at, slot.contract.interface) == (old.pinned_at, old.interface)
    assert [each.slot for each in held(cloud.engine.store, "guest").occupants] == ["device0"]


def test_a_guest_deleted_while_a_migration_holds_its_place_ends(cloud):
    boot(cloud, **{SMALL: 1})
    pass_on(cloud)
    assert cloud("DELETE", f"/allocations/{MIGRATION}").status == 204
    assert list_guests(cloud.engine).guests == ()


def test_the_guests_own_record_pins_it_anew(cloud):
    boot(cloud, **{SMALL: 1})
    asked = SlotRequest(provider=a_uuid("gpu0"), type=SMALL_TYPE, chosen=Chosen(version="2.0.1"))
    request = GuestRequest(host="host1", tenant="project", slots={"device0": asked})
    contract = put_guest(cloud.engine, GUEST, request).slots["device0"].contract
    assert contract.interface.version == "2.0.1"
    assert not contract.assumed


def test_a_type_that_others_on_the_board_exclude_is_refused_and_not_an_error(wire):
    """The first instance fixes the size of the board, also for who knows only of classes."""
    by_type = {"by": "type", "in_use": []}
    offers = [
        an_offer(provider="gpu0", type=SMALL_TYPE, exclusive=by_type),
        an_offer(provider="gpu0", type=LARGE_TYPE, units={FB: 8192}, exclusive=by_type),
    ]
    report(wire.engine.store, a_plan("host1", a_device(views=VIEWS, offers=tuple(offers))))
    small, large = ({a_uuid("gpu0"): {"resources": {name: 1}}} for name in (SMALL, LARGE))
    assert wire("PUT", f"/allocations/{C1}", holds(small)).status == 204
    told = wire("PUT", f"/allocations/{C2}", holds(large))
    assert told.status == 409
    assert "exceed the capacity" in told.error["detail"]


def test_devices_with_names_are_left_to_who_made_the_guest(wire):
    """Nova chose the VF; the report of the running guest tells which it was."""
    vfs = ("0000:81:00.1", "0000:81:00.2")
    device = a_device(slots=vfs, offers=(an_offer(provider="gpu0"),))
    report(wire.engine.store, a_plan("host1", device))
    assert wire("PUT", f"/allocations/{C1}", holds(on("host1", "gpu0", **{FB: 4096}))).status == 204
    slot = get_guest(wire.engine, C1).slots["device0"]
    assert not isinstance(slot.device, str)
