"""What holds of every plan, whatever a host says."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

import msgspec
import os_resource_classes
import os_traits
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from host_facts import (
    PF,
    a_function,
    a_host_with,
    a_pf,
    a_plan,
    a_report,
    a_vf,
    the_provider,
)
from kernel_devices import (
    Parent,
    a_gvtg,
    a_vgpu_board,
    an_mbochs,
    an_mdpy,
    an_mtty_card,
    parents,
    states_of,
)
from wherry.hosts import recordings
from wherry.hosts.look import look_at
from wherry.inventory.derive import Planner, plan_host
from wherry.inventory.views import pool_free, seen_use, view_free
from wherry.model.device import KindAndType, Offer
from wherry.model.errors import ReportContradicts
from wherry.model.facts import Binary, Device, Facts, NumaNode, Unread
from wherry.model.inventory import MAX_INT, HostPlan, PlannedProvider
from wherry.profiles.builtin import builtin_profiles, profiles_with
from wherry.store.plans import facts_of

DRIVERS = ["vfio-pci", "igbvf", "mlx5_vfio_pci", "unheard-of", None]
KERNEL = [an_mtty_card, an_mbochs, an_mdpy, a_gvtg, a_vgpu_board]
RECORDED = {name: look_at(recordings.load(name), {}) for name in recordings.names()}

custom = re.compile(r"CUSTOM_[A-Z0-9_]+", re.ASCII)


def plan_of(parent: Parent) -> HostPlan:
    """What a host with this parent alone becomes."""
    return a_plan(parent.device(), instances=tuple(parent.instances()))


def rooms_of(provider: PlannedProvider) -> dict[str, int]:
    """Type to instances that can still be made, as the host's state shows."""
    use = seen_use(provider)
    return {view.type: view_free(provider, use, view) for view in provider.views.values()}


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """A host with devices of several drivers, in any state."""
    made = [draw(parents(number)) for number in range(draw(st.integers(0, 3)))]
    several = {one.name: one for one in made}
    devices = [one.device() for one in several.values()]
    instances = [one for parent in several.values() for one in parent.instances()]
    ports = draw(st.lists(st.integers(0, 12), max_size=3))
    for number, vfs in enumerate(ports, 0x20):
        pf = f"0000:{number}:00.0"
        devices.append(a_pf(pf, vfs=vfs))
        devices += [a_vf(i, of=pf, driver=draw(st.sampled_from(DRIVERS))) for i in range(vfs)]
    for number in range(draw(st.integers(0, 3))):
        driver = draw(st.sampled_from(DRIVERS))
        devices.append(a_function(f"0000:{0x40 + number}:00.0", driver=driver))
    nodes = tuple(NumaNode(id=i) for i in range(draw(st.integers(0, 2))))
    return Facts(host=a_host_with(numa=nodes), devices=tuple(devices), instances=tuple(instances))


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_reported_changes_nothing(facts: Facts, random: Any) -> None:
    def shuffled(several: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(random.sample(several, len(several)))

    devices = tuple(_with_types_in_order(one, shuffled) for one in shuffled(facts.devices))
    host = replace(facts.host, numa=shuffled(facts.host.numa))
    other = Facts(host=host, devices=devices, instances=shuffled(facts.instances))

    assert _encoded(_plan(facts)) == _encoded(_plan(other))


PLANNER = Planner(builtin_profiles(), kept=8)
"""One for all examples, so that it knows much of what it is asked, and has forgotten some."""


@given(st.lists(worlds(), min_size=1, max_size=3), st.sampled_from(["host1", "host2"]))
def test_what_a_planner_remembers_is_what_planning_anew_gives(several: list[Facts], name: str):
    """On other hosts, for hosts that differ in one device, and with instances come and gone."""
    for facts in [*several, *several]:
        report = replace(a_report(name=name), facts=facts)
        bare = replace(report, facts=replace(facts, instances=()))
        other = replace(report, facts=replace(facts, host=replace(facts.host, kernel="5.4.0")))

        for one in (report, bare, other):
            assert PLANNER.plan(one) == plan_host(one, builtin_profiles())


def test_a_planner_tells_apart_what_differs_in_the_host_or_in_a_vf_alone():
    """The module of a driver, and a VF bound to another one."""
    modules = {"mlx5_vfio_pci": {"version": "1.2", "srcversion": "ABC"}}
    hosts = [a_host_with(), a_host_with(modules)]
    drivers = [("vfio-pci", "vfio-pci"), ("vfio-pci", "mlx5_vfio_pci"), ("mlx5_vfio_pci",) * 2]
    for host, of_vfs in itertools.product(hosts, drivers):
        vfs = [a_vf(index, driver=driver) for index, driver in enumerate(of_vfs)]
        facts = Facts(host=host, devices=(a_pf(vfs=2), *vfs))
        report = replace(a_report(name="host1"), facts=facts)

        assert PLANNER.plan(report) == plan_host(report, builtin_profiles())


NAMED = """
schema = "wherry.profile/1"
id = "named"
extends = "mtty"
about = "Ports that are called after their card"
name = "{card}-{type_id}"
[match]
driver = "mtty"
[fields]
card = { of = "device", attribute = "name" }
type_id = { of = "type", attribute = "id" }
"""
MOVED = st.lists(st.integers(0, 0xFF), min_size=2, max_size=4, unique=True)


@given(worlds(), MOVED, st.booleans())
def test_a_planner_knows_a_device_again_at_another_address(
    facts: Facts, buses: list[int], has_group: bool
) -> None:
    """On another node and in another IOMMU group too; with none, it is another device."""
    for bus in buses:
        group = str(bus) if has_group else UNSET
        devices = tuple(
            replace(
                device,
                name=f"{bus:04x}:{number:02x}:00.0",
                path=f"devices/{bus}/{number}",
                numa_node=bus % 2,
                iommu_group=group,
                sriov=UNSET,
            )
            for number, device in enumerate(facts.devices)
            if device.role != "vf"
        )
        nodes = (NumaNode(id=0), NumaNode(id=1))
        host = replace(facts.host, numa=nodes)
        report = replace(a_report(), facts=Facts(host=host, devices=devices))

        assert PLANNER.plan(report) == plan_host(report, builtin_profiles())


def test_a_planner_looks_at_a_name_where_a_profile_does() -> None:
    """Two cards that are alike but for their address have types of two names."""
    profiles = profiles_with([("named.toml", NAMED.encode())])
    planner, found = Planner(profiles), set()
    for name in ("mtty", "mtty2"):
        device = replace(an_mtty_card().device(), name=name)
        report = replace(a_report(), facts=Facts(devices=(device,)))
        plan = planner.plan(report)

        assert plan == plan_host(report, profiles)
        found |= {offer.type for offer in the_provider(plan, name).offers}
    assert {each.partition("-")[0] for each in found} == {"mtty", "mtty2"}


@given(worlds())
def test_when_and_in_which_boot_a_host_was_read_changes_nothing(facts: Facts) -> None:
    before = replace(a_report(), facts=facts)
    after = replace(before, boot_id="boot-2", sequence=7, observed_at="2027-01-01T00:00:00Z")

    assert plan_host(before, builtin_profiles()) == plan_host(after, builtin_profiles())


@given(st.data(), st.sampled_from(KERNEL))
def test_making_and_removing_instances_moves_no_facts(data: st.DataObject, make: Any) -> None:
    """Totals, offers and traits are the device's own, so claims never make them stale."""
    empty = make()
    used = data.draw(states_of(empty))

    before, after = (the_provider(plan_of(one), empty.name) for one in (empty, used))

    assert facts_of(after) == facts_of(before)
    assert [one.type for one in after.offers]
    assert len(after.instances) == len(used.made)


@given(parents())
def test_what_is_free_is_what_the_driver_would_make(parent: Parent) -> None:
    provider = the_provider(plan_of(parent), parent.name)

    rooms = sorted(rooms_of(provider).items())
    assert [free for _, free in rooms] == [parent.available(one) for one in _by_name(parent)]
    totals = sorted(one.total for name, one in provider.inventories.items() if "SLOT" not in name)
    assert totals == sorted(parent.pools.values())


@given(worlds())
def test_no_pool_is_ever_fuller_than_it_is_large(facts: Facts) -> None:
    for provider in _plan(facts).providers:
        use = seen_use(provider)
        for name, inventory in provider.inventories.items():
            assert use.held(name) <= inventory.capacity <= inventory.total
            assert pool_free(provider, use, name) == inventory.capacity - use.held(name)


@given(worlds())
def test_a_plan_is_what_a_store_takes(facts: Facts) -> None:
    plan = _plan(facts)

    seen: set[str | None] = {None}
    for provider in plan.providers:
        assert provider.parent in seen
        seen.add(provider.uuid)
        _require_sound(provider)


@given(worlds())
def test_every_offer_stands_on_its_provider_with_its_pools(facts: Facts) -> None:
    for provider in _plan(facts).providers:
        for offer in provider.offers:
            assert offer.provider == provider.uuid
            assert offer.units.keys() == offer.pools.keys()
            for name, pool in offer.pools.items():
                inventory = provider.inventories[name]
                assert (pool.total, pool.reserved) == (inventory.total, inventory.reserved)
        served = [key for offer in provider.offers for key in _serves(offer)]
        assert len(served) == len(set(served))


@given(worlds())
def test_a_provider_keeps_its_uuid_and_no_other_has_it(facts: Facts) -> None:
    """Across reports, reboots, and whatever was made in between; hosts are apart."""
    here, there = _plan(facts), _plan(facts, name="host2")
    later = _plan(replace(facts, instances=()))

    first = {one.name: one.uuid for one in here.providers}
    assert len(set(first.values())) == len(first) == len(here.providers)
    assert first == {one.name: one.uuid for one in later.providers}
    assert not set(first.values()) & {one.uuid for one in there.providers}


def test_uuids_are_the_same_in_every_release() -> None:
    plan = a_plan(a_pf(vfs=1), a_vf(0), an_mtty_card().device())

    assert {one.name: one.uuid for one in plan.providers} == {
        "host1": "08206eb3-3fe5-5657-b94f-eceb79d2731f",
        f"host1_{PF}": "1ad3db75-7c60-5ca5-85dc-6717e264c08a",
        "host1_mtty": "72794c91-65b2-56dc-b46d-ef0c58f5dfb9",
    }


ODD = st.one_of(
    st.builds(Unread, errno=st.sampled_from(["EIO", "EINVAL", "ENOENT"])),
    st.just(Binary(hex="00ff")),
    st.sampled_from(
        ["", "0", "-1", "18446744073709551616", "{type}", "a=b", "NVIDIA ", "*", "\x00", "é" * 300]
    ),
    st.text(max_size=40),
)


@st.composite
def disturbed(draw: st.DrawFn) -> Facts:
    """What a recorded host said, with some of it lost, unreadable, or strange."""
    facts = RECORDED[draw(st.sampled_from(sorted(RECORDED)))]
    devices = tuple(_disturb(draw, one) for one in facts.devices if draw(st.integers(0, 9)))
    instances = tuple(one for one in facts.instances if draw(st.integers(0, 9)))
    return replace(facts, devices=devices, instances=instances)


def _disturb(draw: st.DrawFn, device: Device) -> Device:
    changes: dict[str, Any] = {"attributes": _disturbed(draw, device.attributes)}
    if isinstance(device.mdev_types, tuple):
        changes["mdev_types"] = tuple(
            replace(one, attributes=_disturbed(draw, one.attributes)) for one in device.mdev_types
        )
    if not draw(st.integers(0, 9)):
        name = draw(st.sampled_from(["driver", "physfn", "iommu_group", "sriov", "nvidia"]))
        changes[name] = msgspec.UNSET
    return replace(device, **changes)


def _disturbed(draw: st.DrawFn, attributes: dict[str, Any]) -> dict[str, Any]:
    changed = dict(attributes)
    for name in attributes:
        what = draw(st.integers(0, 19))
        if what == 0:
            del changed[name]
        elif what == 1:
            changed[name] = draw(ODD)
    return changed


@given(disturbed())
def test_whatever_a_host_says_becomes_a_plan_or_a_refusal(facts: Facts) -> None:
    try:
        plan = _plan(facts)
    except ReportContradicts as error:
        _require_reason(str(error))
        return
    assert msgspec.json.decode(_encoded(plan), type=HostPlan) == plan
    for provider in plan.providers:
        _require_legal(provider)
        _require_sound(provider)


def _require_reason(text: str) -> None:
    assert text.startswith("report of host host1 contradicts itself: ")


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_names_are_legal_for_placement_and_standard_where_they_exist(name: str) -> None:
    for provider in _plan(RECORDED[name]).providers:
        _require_legal(provider)
        for trait in provider.traits:
            own = trait.removeprefix("CUSTOM_")
            assert own == trait or own not in os_traits.get_traits()


def _require_sound(provider: PlannedProvider) -> None:
    for inventory in provider.inventories.values():
        assert 0 <= inventory.reserved <= inventory.total <= MAX_INT
        assert 1 <= inventory.min_unit <= inventory.max_unit
    for name, view in provider.views.items():
        assert name not in provider.inventories
        assert view.units
        assert view.units.keys() <= provider.inventories.keys()
    assert len(set(provider.slots)) == len(provider.slots)


def _require_legal(provider: PlannedProvider) -> None:
    for trait in provider.traits:
        assert trait in os_traits.get_traits() or custom.fullmatch(trait)
        assert len(trait) <= 255
    for name in (*provider.inventories, *provider.views):
        assert name in os_resource_classes.STANDARDS or custom.fullmatch(name)
        assert len(name) <= 255


def _by_name(parent: Parent) -> list[str]:
    """Type ids in the order of the names that profiles give them."""
    words = {one: parent.about.get(one, {}).get("name", one) for one in parent.types}
    return sorted(parent.types, key=lambda one: words[one])


def _plan(facts: Facts, name: str = "host1") -> HostPlan:
    return plan_host(replace(a_report(name=name), facts=facts), builtin_profiles())


def _encoded(plan: HostPlan) -> bytes:
    return msgspec.json.encode(plan, order="deterministic")


def _with_types_in_order(device: Device, order: Any) -> Device:
    attributes = dict(order(list(device.attributes.items())))
    changed = replace(device, attributes=attributes)
    if isinstance(device.mdev_types, tuple):
        return replace(changed, mdev_types=order(device.mdev_types))
    return changed


def _serves(offer: Offer) -> list[tuple[str, str | None]]:
    doors = [
        (one.kind, one.type) if isinstance(one, KindAndType) else (offer.kind, one)
        for one in offer.also_types or ()
    ]
    return [(offer.kind, offer.type), *doors]
