"""What a report adds to providers that nova-compute has made for the same devices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_uuid, an_offer
from host_facts import PF, a_function, a_pf, a_plan, a_vf, an_instance, an_mtty, codes_of, vf_name
from kernel_devices import Parent, a_vgpu_board, parents
from wherry.inventory.adoption import ClientTree, adopt
from wherry.inventory.counted import Apart, ClientProvider
from wherry.model.inventory import HostPlan, Inventory, PlannedProvider

PORTS = "CUSTOM_MTTY_PORT"
VF_CLASS = "CUSTOM_PCI_8086_10CA"


def counting(name, used=0, **inventories):
    """A provider of nova-compute, by its name behind the host's."""
    return ClientProvider(
        uuid=a_uuid(name),
        name=f"host1_{name}",
        inventories={
            key: one if isinstance(one, Inventory) else Inventory(total=one)
            for key, one in inventories.items()
        },
        used={key: used for key in inventories if used},
    )


def attached(plan, *clients, apart=None):
    """The plan below nova-compute's root, and what goes to its providers, by name."""
    tree = ClientTree(root=a_uuid("root"), providers=clients, apart=apart or {})
    adopted = adopt(plan, tree, "own")
    names = {one.uuid: one.name.removeprefix("host1_") for one in clients}
    return adopted, {names[one.provider]: one for one in adopted.attached}


def room(attachment):
    """Type to what an offer says is free of it."""
    return {
        offer.type: sum(pool.free for pool in offer.pools.values()) for offer in attachment.offers
    }


def test_a_class_with_as_many_as_one_type_counts_that_type():
    plan, found = attached(a_plan(an_mtty()), counting("mtty", VGPU=12))
    [offer] = found["mtty"].offers
    assert (offer.type, offer.units, offer.provider) == ("mtty/mtty-2", {"VGPU": 1}, a_uuid("mtty"))
    assert offer.pools["VGPU"].total == 12
    assert found["mtty"].limits == {"VGPU": 12}
    assert "COUNTS_DIFFER" not in codes_of(plan)


def test_a_class_that_a_profile_gives_to_a_type_counts_that_type():
    _, found = attached(a_plan(an_mtty()), counting("mtty", CUSTOM_MTTY_1=12))
    assert [offer.type for offer in found["mtty"].offers] == ["mtty/mtty-1"]
    assert found["mtty"].counts == {"CUSTOM_MTTY_1": "mtty/mtty-1"}


def test_of_both_capacities_the_smaller_is_offered_and_both_are_listed():
    for counted, least in ((30, 24), (24, 24), (5, 5)):
        plan, found = attached(a_plan(an_mtty()), counting("mtty", CUSTOM_MTTY_1=counted))
        assert room(found["mtty"]) == {"mtty/mtty-1": least}
        messages = [one.message for one in plan.findings if one.code == "COUNTS_DIFFER"]
        assert len(messages) == (counted != 24)
        assert all(f"{counted} of CUSTOM_MTTY_1" in text and "24" in text for text in messages)


def test_types_that_nobody_can_tell_apart_are_all_offered_and_listed():
    plan, found = attached(a_plan(an_mtty()), counting("mtty", VGPU=10))
    assert room(found["mtty"]) == {"mtty/mtty-1": 10, "mtty/mtty-2": 10}
    assert "TYPE_UNTOLD" in codes_of(plan)
    assert found["mtty"].counts == {}


def test_instances_that_run_tell_the_type():
    device, running = an_mtty(free=20), [an_instance(n, "mtty-2") for n in (1, 2)]
    _, found = attached(a_plan(device, instances=running), counting("mtty", VGPU=8))
    assert [offer.type for offer in found["mtty"].offers] == ["mtty/mtty-2"]


def test_instances_of_the_clients_type_take_nothing_and_others_do():
    """Nova uses an mdev that is left over again, and counts it; a stranger's it cannot have."""
    both = [an_instance(1, "mtty-2"), an_instance(2, "mtty-1")]
    plan = a_plan(an_mtty(free=21), instances=both)
    _, found = attached(plan, counting("mtty", CUSTOM_MTTY_2=12))
    assert found["mtty"].limits == {"CUSTOM_MTTY_2": 11}
    assert {one.id for one in found["mtty"].instances} == {one.id for one in both}
    assert all(not one.units for one in found["mtty"].instances)


def test_what_is_held_on_the_reports_own_provider_is_not_to_be_had_twice():
    plan = a_plan(an_mtty())
    own = next(one.uuid for one in plan.providers if one.device == "mtty")
    adopted, found = attached(
        plan, counting("mtty", CUSTOM_MTTY_2=12), apart={own: Apart(units={PORTS: 5})}
    )
    assert room(found["mtty"]) == {"mtty/mtty-2": 9}
    [held] = [one.message for one in adopted.findings if one.code == "HELD_APART"]
    assert f"5 {PORTS}" in held


def test_an_instance_that_is_held_apart_counts_once():
    plan = a_plan(an_mtty(free=22), instances=[an_instance(1, "mtty-2")])
    own = next(one.uuid for one in plan.providers if one.device == "mtty")
    there = frozenset({an_instance(1, "mtty-2").id})
    apart = {own: Apart(units={PORTS: 2}, devices=there)}
    _, found = attached(plan, counting("mtty", CUSTOM_MTTY_1=24), apart=apart)
    assert found["mtty"].limits == {"CUSTOM_MTTY_1": 22}


def test_an_instance_of_another_size_closes_the_board():
    """The first vGPU fixes the size, and it is a stranger's."""
    board = a_vgpu_board().make("nvidia-64")
    plan = a_plan(board.device(), instances=tuple(board.instances()))
    _, found = attached(plan, counting(PF, CUSTOM_NVIDIA_65=2))
    assert found[PF].limits == {"CUSTOM_NVIDIA_65": 0}
    _, found = attached(plan, counting(PF, CUSTOM_NVIDIA_64=4))
    assert found[PF].limits == {"CUSTOM_NVIDIA_64": 4}


def test_a_pf_provider_counts_its_vfs():
    plan = a_plan(a_pf(vfs=4), *(a_vf(i) for i in range(4)))
    adopted, found = attached(plan, counting(PF, **{VF_CLASS: 4}))
    attachment = found[PF]
    assert attachment.device == PF
    assert attachment.slots == tuple(vf_name(PF, i) for i in range(4))
    assert room(attachment) == {"pci/8086:10ca": 4}
    assert "HW_NIC_SRIOV" in attachment.traits
    assert [one.name for one in adopted.providers] == []


@pytest.mark.parametrize(
    "name",
    ["0000:3b:00.0", "0000:3B:00.0", "pci_0000_3b_00_0"],
)
def test_every_name_that_nova_has_for_a_device_is_known(name):
    """Addresses are in capitals for PCI devices, and as libvirt's for parents of vGPUs."""
    _, found = attached(a_plan(a_function("0000:3b:00.0")), counting(name, CUSTOM_X=1))
    assert found[name].device == "0000:3b:00.0"


def test_a_device_on_no_bus_has_the_name_that_libvirt_gives_it():
    _, found = attached(a_plan(an_mtty()), counting("mtty_mtty", VGPU=24))
    assert found["mtty_mtty"].device == "mtty"


def test_a_custom_class_of_an_operator_counts_the_only_type():
    plan = a_plan(a_pf(vfs=4), *(a_vf(i) for i in range(4)))
    _, found = attached(plan, counting(PF, CUSTOM_FAST_NIC=3))
    assert found[PF].counts == {"CUSTOM_FAST_NIC": "pci/8086:10ca"}
    assert room(found[PF]) == {"pci/8086:10ca": 3}


def test_a_whole_function_is_one():
    plan = a_plan(a_function())
    _, found = attached(plan, counting(PF, CUSTOM_PCI_8086_1572=1))
    assert room(found[PF]) == {"pci/8086:1572": 1}
    assert found[PF].slots == (PF,)


def test_unequal_vfs_are_one_provider_of_novas_and_each_type_has_its_own_room():
    """Nova counts all VFs of a PF together; the report tells two kinds of them apart."""
    plain = [a_vf(i) for i in range(3)]
    other = a_vf(3, driver="mlx5_vfio_pci", vendor="15b3", device="101e")
    plan = a_plan(a_pf(vfs=4), *plain, other)
    adopted, found = attached(plan, counting(PF, CUSTOM_NIC=4))
    assert adopted.providers == ()
    assert found[PF].limits["CUSTOM_NIC"] <= 4
    for kind, free in room(found[PF]).items():
        assert free == (3 if kind == "pci/8086:10ca" else 1)


def a_board(vfs: int, fb: int):
    """A planned PF whose VFs are parents of mdevs that share its framebuffer."""
    names = tuple(vf_name(PF, i) for i in range(vfs))
    root = PlannedProvider(uuid=a_uuid("own root"), name="host1")
    board = PlannedProvider(
        uuid=a_uuid("board"),
        name=f"host1_{PF}",
        parent=root.uuid,
        device=PF,
        parents=names,
        inventories={"CUSTOM_ACME_FB_MB": Inventory(total=fb)},
        offers=(an_offer(provider="board"),),
    )
    return HostPlan(host="host1", providers=(root, board), check=a_plan().check)


def nova_vf(index: int, used: int = 0) -> ClientProvider:
    plain = vf_name(PF, index).replace(":", "_").replace(".", "_")
    return counting(f"pci_{plain}", used=used, VGPU=1)


@pytest.mark.parametrize("used", [(), (3,), (2, 3)])
def test_vfs_that_are_parents_share_what_their_board_has(used):
    """Six VFs say one each, and the board has memory for four."""
    clients = [nova_vf(i, used=int(i in used)) for i in range(6)]
    adopted, found = attached(a_board(6, fb=16384), *clients)
    limits = [one.limits["VGPU"] for one in found.values()]
    assert sum(limits) == 4
    for index in used:
        assert found[clients[index].name.removeprefix("host1_")].limits == {"VGPU": 1}
    assert {one.device for one in found.values()} == {vf_name(PF, i) for i in range(6)}
    assert "COUNTS_DIFFER" in codes_of(adopted)


def test_a_client_that_does_not_count_yet_gets_facts_and_traits():
    plan = a_plan(a_pf(vfs=4), *(a_vf(i) for i in range(4)))
    adopted, found = attached(plan, counting(PF))
    assert (found[PF].offers, found[PF].limits) == ((), {})
    assert found[PF].traits
    assert not {"CLASS_UNTOLD", "COUNTS_DIFFER"} & set(codes_of(adopted))


def test_several_classes_that_nobody_can_tell_apart_are_listed():
    adopted, found = attached(a_plan(an_mtty()), counting("mtty", CUSTOM_A=1, CUSTOM_B=2))
    assert (found["mtty"].offers, found["mtty"].limits) == ((), {})
    assert "CLASS_UNTOLD" in codes_of(adopted)


def test_what_the_report_cannot_count_is_the_clients_alone():
    """A device that no profile covers is nothing to Wherry, and may be much to Nova."""
    plan = a_plan(a_function(driver="nobody_knows", device="ffff"))
    adopted, found = attached(plan, counting(PF, CUSTOM_PCI_8086_FFFF=1))
    assert found[PF].limits == {}
    assert "COUNTS_DIFFER" not in codes_of(adopted)


def test_reserved_and_ratio_are_the_clients():
    stock = Inventory(total=12, reserved=2, allocation_ratio=0.5)
    _, found = attached(a_plan(an_mtty()), counting("mtty", CUSTOM_MTTY_2=stock))
    assert room(found["mtty"]) == {"mtty/mtty-2": 5}


def test_other_providers_of_the_client_are_let_be():
    _, found = attached(a_plan(an_mtty()), counting("ovs-agent", NET_BW_EGR_KILOBIT_PER_SEC=1000))
    assert found == {}


@given(
    total=st.integers(0, 2**31 - 1),
    reserved=st.integers(0, 2**31 - 1),
    ratio=st.floats(0.001, 1000),
    units=st.integers(0, 2**33),
)
def test_an_inventory_is_limited_to_no_more_and_no_less(total, reserved, ratio, units):
    own = Inventory(total=total, reserved=reserved, allocation_ratio=ratio)
    found = own.limited(units)
    assert found.capacity <= max(0, units)
    assert (found.total, found.reserved >= own.reserved) == (own.total, True)
    if own.capacity > units:
        # One unit less in reserve would be too much.
        more = Inventory(total=total, reserved=found.reserved - 1, allocation_ratio=ratio)
        assert more.capacity > units
    else:
        assert found == own


@given(parent=parents(), counted=st.integers(1, 40), name=st.sampled_from(["VGPU", "CUSTOM_X"]))
def test_nobody_is_offered_more_than_the_device_makes(parent: Parent, counted: int, name: str):
    """The slow twin: make as many instances of a type as offered, one after the other."""
    device = parent.device()
    plan = a_plan(device, instances=tuple(parent.instances()))
    _, found = attached(plan, counting(device.name, **{name: counted}))
    for attachment in found.values():
        for offer in attachment.offers:
            assert offer.pools[name].free <= counted
        if attachment.offers:
            assert attachment.limits[name] <= _most(plan, attachment)


def _most(plan: HostPlan, attachment) -> int:
    [planned] = [one for one in plan.providers if one.device == attachment.device]
    types = {offer.type for offer in attachment.offers}
    left = {key: one.capacity for key, one in planned.inventories.items()}
    for seen in planned.instances:
        if seen.type not in types:
            _take(left, seen.units)
    worst = []
    for offer in planned.offers:
        if offer.type in types:
            pools, made = dict(left), 0
            while _take(pools, offer.units):
                made += 1
            worst.append(made)
    return min(worst)


def _take(pools, units) -> bool:
    if any(pools.get(key, 0) < amount for key, amount in units.items()):
        return False
    for key, amount in units.items():
        pools[key] -= amount
    return True
