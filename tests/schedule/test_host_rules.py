"""What a host itself must have, told in reasons and counted in codes."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_fleet, a_host_record, a_provider, a_root
from wherry.inventory.fleet import Fleet
from wherry.inventory.host_view import HostView
from wherry.model.inventory import Inventory
from wherry.schedule.host_rules import (
    BITS,
    bits_in_the_way,
    check_host,
    check_unsettled,
    has_room,
    takes_tenant,
)

CLASSES = ("VCPU", "MEMORY_MB", "DISK_GB")
INVENTORIES = st.builds(
    Inventory,
    total=st.integers(0, 40),
    reserved=st.integers(0, 4),
    min_unit=st.integers(1, 4),
    max_unit=st.integers(1, 40),
    step_size=st.integers(1, 5),
    allocation_ratio=st.sampled_from((1.0, 0.5, 2.0, 16.0)),
)


@st.composite
def fleets_of_one(draw: st.DrawFn) -> Fleet:
    state = draw(st.sampled_from(("enabled", "enabled", "disabled", "maintenance")))
    labels = draw(st.sampled_from(({}, {"rack": "7"}, {"tenants": "blue, red"}, {"tenants": ""})))
    changes = [a_host_record("host2", state=state, labels=labels)]
    if draw(st.integers(0, 4)):
        inventories = draw(st.dictionaries(st.sampled_from(CLASSES), INVENTORIES))
        used = draw(st.dictionaries(st.sampled_from(CLASSES), st.integers(0, 50)))
        changes.append(a_root("host2", inventories=inventories, used=used))
    return a_fleet(changes)


def host_of(fleet: Fleet) -> HostView:
    """Its one host."""
    [host] = fleet.view
    return host


def codes_in_the_way(fleet: Fleet, tenant: str, resources: Mapping[str, int]) -> set[str]:
    """The codes of the bits that the one host has."""
    [bits] = bits_in_the_way(fleet.view.columns, tenant, resources)
    return {code for code, bit in BITS.items() if bits & bit}


RESOURCES = st.dictionaries(st.sampled_from((*CLASSES, "VGPU")), st.integers(0, 40))


def may_allocate(host: HostView, resource_class: str, amount: int) -> bool:
    """Whether Placement would take the allocation, in its own words."""
    if amount == 0:
        return True
    inventory = host.root.record.plan.inventories.get(resource_class) if host.root else None
    if inventory is None:
        return False
    capacity = int((inventory.total - inventory.reserved) * inventory.allocation_ratio)
    used = host.root.record.use.used.get(resource_class, 0)
    return (
        used + amount <= capacity
        and inventory.min_unit <= amount <= inventory.max_unit
        and amount % inventory.step_size == 0
    )


@given(fleets_of_one(), st.sampled_from(("", "red", "green")), RESOURCES)
def test_codes_for_counting_are_those_of_the_reasons(fleet, tenant, resources):
    """The fast way over the whole fleet says what the full answer says."""
    told = {cause.code for cause, _ in check_host(host_of(fleet), tenant, resources)}

    assert codes_in_the_way(fleet, tenant, resources) == told


def test_an_over_full_host_takes_a_guest_that_asks_nothing_of_that_class():
    """Its inventory shrank below what is held; that is no matter of this guest."""
    over = a_root("host2", inventories={"VCPU": Inventory(total=2)}, used={"VCPU": 6})
    fleet = a_fleet([a_host_record("host2"), over])

    assert codes_in_the_way(fleet, "", {"VCPU": 0}) == set()
    assert codes_in_the_way(fleet, "", {"VCPU": 1}) == {"HOST_RESOURCES"}


@given(fleets_of_one(), RESOURCES)
def test_a_host_has_room_exactly_where_the_allocation_could_be_written(fleet, resources):
    """Limits of the inventory included."""
    host = host_of(fleet)
    for name, amount in resources.items():
        assert has_room(host, name, amount) == may_allocate(host, name, amount)


@pytest.mark.parametrize(
    ("labels", "tenant", "takes"),
    [
        ({}, "red", True),
        ({}, "", True),
        ({"tenants": "red"}, "red", True),
        ({"tenants": "blue, red"}, "red", True),
        ({"tenants": "blue,redder"}, "red", False),
        ({"tenants": "red"}, "", False),
        ({"tenants": ""}, "", False),
        ({"tenants": ","}, "", False),
        ({"tenant": "blue"}, "red", True),
    ],
)
def test_a_host_may_be_for_some_tenants_alone(labels, tenant, takes):
    """Without the label it is for everybody; with an empty one it takes nobody."""
    host = a_fleet([a_host_record("host2", labels=labels), a_root("host2")]).view.get("host2")

    assert takes_tenant(host, tenant) == takes
    assert [cause.code for cause, _ in check_host(host, tenant, {})] == (
        [] if takes else ["HOST_TENANT"]
    )


def test_each_class_without_room_is_told_with_both_amounts():
    """A class that the host does not have at all has 0 free."""
    host = a_fleet([
        a_host_record("host2"), a_root("host2", used={"VCPU": 63}),
    ]).view.get("host2")  # fmt: skip
    found = [detail for _, detail in check_host(host, "", {"VCPU": 2, "MEMORY_MB": 1, "VGPU": 1})]

    assert found == [
        {"resource_class": "VCPU", "wanted": 2, "offered": 1},
        {"resource_class": "VGPU", "wanted": 1, "offered": 0},
    ]


def test_unsettled_devices_matter_only_where_nothing_else_serves():
    """All of them are named, in order."""
    devices = [
        a_provider(f"g{n}", host="host2", note="unsettled", device=f"0000:3b:0{n}.0")
        for n in (2, 1)
    ]
    host = a_fleet([a_host_record("host2"), a_root("host2"), *devices]).view.get("host2")

    assert check_unsettled(host, is_mapped=True) == []
    [(cause, detail)] = check_unsettled(host, is_mapped=False)
    assert (cause.code, detail) == (
        "DEVICES_UNSETTLED", {"devices": ["0000:3b:01.0", "0000:3b:02.0"]},
    )  # fmt: skip
