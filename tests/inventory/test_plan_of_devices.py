"""What single devices become: providers, pools, offers, and findings where they offer nothing."""

from typing import Any

import pytest
from msgspec import UNSET

from host_facts import (
    PF,
    STREAM_1_0,
    STREAM_1_1,
    a_function,
    a_host_with,
    a_pf,
    a_plan,
    a_report,
    a_type,
    a_vf,
    a_vgpu,
    a_vgpu_vf,
    an_instance,
    an_mdev_parent,
    an_mtty,
    codes_of,
    providers_of,
    the_provider,
    vf_name,
)
from wherry.inventory.derive import plan_host
from wherry.inventory.ids import provider_uuid
from wherry.inventory.views import seen_use, view_free
from wherry.model.errors import ReportContradicts
from wherry.model.facts import Facts, MdevType, NumaNode, Unread
from wherry.model.inventory import PlannedProvider
from wherry.profiles.builtin import builtin_profiles, profiles_with


def totals_of(provider: PlannedProvider) -> dict[str, int]:
    """Pool to units there are."""
    return {name: one.total for name, one in provider.inventories.items()}


def free_of(provider: PlannedProvider) -> dict[str, int]:
    """Type to instances that can still be made, by what the host shows."""
    use = seen_use(provider)
    return {view.type: view_free(provider, use, view) for view in provider.views.values()}


def types_of(provider: PlannedProvider) -> list[str | None]:
    """Names of the types on offer."""
    return [offer.type for offer in provider.offers]


def test_types_of_one_parent_share_one_pool_of_ports() -> None:
    """24 ports, 5 in use: 19 are free for either type, never 19 and 9."""
    instances = [an_instance(1, "mtty-1"), an_instance(2, "mtty-2"), an_instance(3, "mtty-2")]

    mtty = the_provider(a_plan(an_mtty(free=19), instances=instances), "mtty")

    assert totals_of(mtty) == {"CUSTOM_MTTY_PORT": 24}
    assert free_of(mtty) == {"mtty/mtty-1": 19, "mtty/mtty-2": 9}
    assert [one.units for one in mtty.instances] == [{"CUSTOM_MTTY_PORT": n} for n in (1, 2, 2)]


@pytest.mark.parametrize(
    ("srcversion", "policy", "emits"),
    [
        (STREAM_1_0, "exact", "1.0"),
        (STREAM_1_1, "exact", "1.1"),
        ("0123456789ABCDEF0123456", "semver", "0123456789ABCDEF0123456"),
        (UNSET, "semver", UNSET),
        (Unread(errno="EACCES"), "semver", None),
    ],
)
def test_the_build_of_a_driver_tells_what_stream_it_writes(
    srcversion: Any, policy: str, emits: Any
) -> None:
    host = a_host_with({"mtty": {"srcversion": srcversion}})

    mtty = the_provider(a_plan(an_mtty(), host=host), "mtty")

    assert [(o.state.policy, o.state.emits, o.state.accepts) for o in mtty.offers] == [
        (policy, emits, emits)
    ] * 2


@pytest.mark.parametrize("count", [Unread(errno="EIO"), "many", "-1", ""])
def test_one_count_that_cannot_be_read_leaves_the_others_to_tell(count: Any) -> None:
    types = (a_type("mtty-1", count), a_type("mtty-2", 12))

    mtty = the_provider(a_plan(an_mdev_parent(types=types)), "mtty")

    assert totals_of(mtty) == {"CUSTOM_MTTY_PORT": 24}
    assert free_of(mtty) == {"mtty/mtty-1": 24, "mtty/mtty-2": 12}


def test_counts_of_which_none_can_be_read_are_unknown_and_not_zero() -> None:
    types = (a_type("mtty-1", Unread(errno="EIO")), MdevType(id="mtty-2"))

    plan = a_plan(an_mdev_parent(types=types))

    assert the_provider(plan, "mtty").note == "capacity unknown: no count could be read"
    assert totals_of(the_provider(plan, "mtty")) == {}
    assert codes_of(plan) == ["CAPACITY_UNKNOWN"]


def test_counts_that_tell_two_totals_of_one_pool_refuse_the_report() -> None:
    types = (a_type("mtty-1", 19), a_type("mtty-2", 8))

    with pytest.raises(ReportContradicts) as caught:
        a_plan(an_mdev_parent(types=types))

    assert str(caught.value) == (
        "report of host host1 contradicts itself: mtty: type mtty/mtty-2 has 8 available, and"
        " other types' counts say that 19 of CUSTOM_MTTY_PORT are free, which are 9"
    )


def test_everything_at_zero_with_nothing_made_is_unknown() -> None:
    """An idle board without a licence looks full; nobody may believe that it has nothing."""
    plan = a_plan(an_mtty(free=0))

    assert the_provider(plan, "mtty").note.startswith("capacity unknown: every type is at 0")
    assert the_provider(plan, "mtty").offers == ()


def test_an_instance_of_no_listed_type_makes_the_capacity_unknown() -> None:
    plan = a_plan(an_mtty(free=20), instances=[an_instance(1, "mtty-4")])

    assert codes_of(plan) == ["CAPACITY_UNKNOWN", "UNKNOWN_INSTANCE"]
    assert the_provider(plan, "mtty").inventories == {}


def test_an_instance_of_no_listed_device_is_shown() -> None:
    plan = a_plan(an_mtty(), instances=[an_instance(1, "mtty-1", parent="elsewhere")])

    assert [(one.code, one.device) for one in plan.findings] == [("UNKNOWN_INSTANCE", "elsewhere")]


def test_what_kept_changing_while_it_was_read_offers_nothing() -> None:
    plan = a_plan(an_mtty(settled=False))

    assert the_provider(plan, "mtty").note == "unsettled"
    assert (the_provider(plan, "mtty").offers, codes_of(plan)) == ((), ["UNSETTLED"])


def test_instances_that_are_leaving_are_shown() -> None:
    """They are off the bus and still hold their ports: 22 of 24 with nothing listed."""
    plan = a_plan(an_mtty(free=22, leaving=("00000000-0000-4000-8000-000000000009",)))

    assert codes_of(plan) == ["LEAVING"]
    assert free_of(the_provider(plan, "mtty")) == {"mtty/mtty-1": 22, "mtty/mtty-2": 11}


@pytest.mark.parametrize(
    "device",
    [
        an_mdev_parent("gadget", driver="gadget", types=(a_type("gadget-1", 4),)),
        a_function(driver="e1000e"),
        a_function(driver=None),
        a_vf(0, driver="ixgbevf"),
    ],
)
def test_what_no_profile_covers_is_unknown_and_never_counted(device: Any) -> None:
    plan = a_plan(device)

    provider = the_provider(plan, device.name)
    assert (provider.inventories, provider.offers, provider.views) == ({}, (), {})
    assert provider.note == "no profile covers it"
    assert codes_of(plan) == ["NO_PROFILE"]


def test_a_pf_without_vfs_has_sr_iov_off() -> None:
    """A deliberately disabled feature is shown as such, not as missing hardware."""
    port = the_provider(a_plan(a_pf()), PF)

    assert (port.note, port.traits, port.offers) == ("SR-IOV off", ("HW_NIC_SRIOV",), ())


def test_a_pf_that_could_not_say_how_many_vfs_are_on_is_not_given_away() -> None:
    port = a_pf(driver="vfio-pci")
    unknown = a_pf(driver="vfio-pci", sriov=_with(port.sriov, enabled=Unread(errno="EIO")))

    assert the_provider(a_plan(unknown), PF).offers == ()
    assert types_of(the_provider(a_plan(port), PF)) == ["pci/8086:10c9"]


def test_equal_vfs_are_one_provider_with_a_counted_pool() -> None:
    """Which of the two drivers serves a guest in the end is the same, so both are equal."""
    vfs = [a_vf(0), *(a_vf(i, driver="igbvf") for i in range(1, 5))]

    port = the_provider(a_plan(a_pf(vfs=5), *vfs), PF)

    assert totals_of(port) == {"SRIOV_NET_VF": 5}
    assert types_of(port) == ["pci/8086:10ca"]
    assert port.slots == tuple(vf_name(PF, i) for i in range(5))
    assert [offer.parent.driver for offer in port.offers] == ["vfio-pci"]


def test_vfs_stand_in_the_order_of_their_numbers() -> None:
    vfs = [a_vf(i) for i in (15, 3, 10, 9)]

    assert the_provider(a_plan(a_pf(vfs=4), *vfs), PF).slots == tuple(
        vf_name(PF, i) for i in (3, 9, 10, 15)
    )


def test_unequal_vfs_are_apart_by_class() -> None:
    vfs = [a_vf(0), a_vf(1), a_vf(2, driver="mlx5_vfio_pci"), a_vf(3, device="1889")]

    port, *children = providers_of(a_plan(a_pf(vfs=4), *vfs), PF)

    assert (totals_of(port), types_of(port)) == ({"SRIOV_NET_VF": 2}, ["pci/8086:10ca"])
    assert {child.name: (totals_of(child), types_of(child)) for child in children} == {
        f"host1_{PF}_mlx5_vfio_pci": ({"SRIOV_NET_VF": 1}, ["pci/8086:10ca"]),
        f"host1_{PF}_vfio-pci": ({"SRIOV_NET_VF": 1}, ["pci/8086:1889"]),
    }
    assert {child.parent for child in children} == {port.uuid}


def test_children_of_one_driver_are_named_by_what_tells_them_apart() -> None:
    vfs = [a_vf(i) for i in range(3)] + [a_vf(3, device="1889"), a_vf(4, device="154c")]

    _, *children = providers_of(a_plan(a_pf(vfs=5), *vfs), PF)

    assert [child.name for child in children] == [
        f"host1_{PF}_vfio-pci_function_vfio-pci_pci/8086:154c",
        f"host1_{PF}_vfio-pci_function_vfio-pci_pci/8086:1889",
    ]


def test_binding_one_vf_to_another_driver_leaves_the_others_where_they_are() -> None:
    """Guests hold them there."""
    before = the_provider(a_plan(a_pf(vfs=3), a_vf(0), a_vf(1), a_vf(2)), PF)
    other = a_vf(1, driver="mlx5_vfio_pci")

    port, child = providers_of(a_plan(a_pf(vfs=3), a_vf(0), other, a_vf(2)), PF)

    assert (port.uuid, port.offers[0].type) == (before.uuid, before.offers[0].type)
    assert (port.slots, child.slots) == ((vf_name(PF, 0), vf_name(PF, 2)), (vf_name(PF, 1),))


def test_vfs_that_share_an_iommu_group_are_left_out_and_named() -> None:
    """Two VFs of one group cannot go to two guests."""
    together = (vf_name(PF, 1), vf_name(PF, 2))
    vfs = [a_vf(0), *(a_vf(i, shares_iommu_group=together) for i in (1, 2))]

    plan = a_plan(a_pf(vfs=3), *vfs)

    assert totals_of(the_provider(plan, PF)) == {"SRIOV_NET_VF": 1}
    assert [(f.code, f.device) for f in plan.findings] == [("SHARED_IOMMU_GROUP", together[0])]
    assert together[1] in plan.findings[0].message


@pytest.mark.parametrize("host", [a_host_with(iommu=False), a_host_with()])
def test_a_function_without_an_iommu_group_is_not_given_to_a_guest(host: Any) -> None:
    group = PF if host.iommu is False else UNSET

    plan = a_plan(a_function(iommu_group=group), host=host)

    assert (the_provider(plan, PF).offers, codes_of(plan)) == ((), ["NO_IOMMU"])


def test_a_function_that_cannot_be_reset_is_offered_with_a_finding() -> None:
    plan = a_plan(a_function(attributes={"reset_method": ""}))

    assert types_of(the_provider(plan, PF)) == ["pci/8086:1572"]
    assert codes_of(plan) == ["NO_RESET"]


@pytest.mark.parametrize(
    ("driver", "device_class", "class_", "migration"),
    [
        ("vfio-pci", "network", "020000", ("no", ("cold", "replug"))),
        ("vfio-pci", "storage", "010802", ("no", ("cold",))),
        ("vfio-pci", "display", "030000", ("no", ("cold",))),
        ("vfio-pci", "other", "ff0000", ("no", ("cold",))),
        ("mlx5_vfio_pci", "network", "020000", ("yes", ("live", "suspend", "cold", "replug"))),
        ("qat_vfio_pci", "crypto", "0b4000", ("yes", ("live", "suspend", "cold"))),
    ],
)
def test_the_bound_driver_tells_whether_a_function_can_move(
    driver: str, device_class: str, class_: str, migration: Any
) -> None:
    (offer,) = the_provider(a_plan(a_function(driver=driver, class_=class_)), PF).offers

    assert (offer.kind, offer.device_class) == ("pf", device_class)
    assert (offer.migration.support, offer.migration.modes) == migration


@pytest.mark.parametrize(("driver", "class_"), [("nvme", "010802"), ("igb", "020000")])
def test_a_function_on_a_driver_of_the_host_is_the_hosts(driver: str, class_: str) -> None:
    plan = a_plan(a_function(driver=driver, class_=class_))

    assert the_provider(plan, PF).note == "the host uses it itself"
    assert (the_provider(plan, PF).offers, codes_of(plan)) == ((), ["HELD_BY_HOST"])


def test_a_whole_function_is_counted_by_its_ids_as_nova_does() -> None:
    board = the_provider(a_plan(a_function(vendor="144D", device="A80A", class_="010802")), PF)

    assert totals_of(board) == {"CUSTOM_PCI_144D_A80A": 1}
    assert board.slots == (PF,)


def test_the_vendors_of_boards_do_not_decide_a_type() -> None:
    """An EVGA board is what a PNY board is."""
    boards = [
        a_function(f"0000:0{i}:00.0", attributes={"subsystem_vendor": vendor})
        for i, vendor in enumerate(("0x3842", "0x196e"), 1)
    ]
    plan = a_plan(*boards)

    first, second = (the_provider(plan, board.name).offers for board in boards)
    assert [offer.type for offer in first] == [offer.type for offer in second]
    assert (first[0].parent.subvendor, second[0].parent.subvendor) == ("3842", "196e")


def test_a_device_hangs_below_the_numa_node_that_it_states() -> None:
    host = a_host_with(numa=(NumaNode(id=1), NumaNode(id=0)))
    near, unknown = a_function(numa_node=1), a_function("0000:02:00.0")

    plan = a_plan(near, unknown, host=host)

    assert [one.name for one in plan.providers[:3]] == ["host1", "host1_NUMA0", "host1_NUMA1"]
    assert the_provider(plan, near.name).parent == provider_uuid("host1", "numa", "1")
    assert the_provider(plan, unknown.name).parent == provider_uuid("host1")


BOARD = "NVIDIA L40S"


def test_the_vendors_vf_is_an_instance_without_a_uuid() -> None:
    types = {1100: f"{BOARD}-8Q", 1101: f"{BOARD}-16Q"}
    same = {1100: f"{BOARD}-8Q"}
    vfs = [
        a_vgpu_vf(0, {}, current=1100, device="26b9"),
        *(a_vgpu_vf(i, same, device="26b9") for i in range(1, 4)),
    ]
    fresh = [a_vgpu_vf(i, types, device="26b9") for i in range(4)]
    pf = a_pf(vfs=4, driver="nvidia", vendor="10de", device="26b9", class_="030200")

    board = the_provider(a_plan(pf, *vfs, instances=[a_vgpu(0, 1100)]), PF)

    assert [(one.id, one.type) for one in board.instances] == [(vf_name(PF, 0), "nvidia/L40S-8Q")]
    assert totals_of(board) == totals_of(the_provider(a_plan(pf, *fresh), PF))
    assert free_of(board) == {"nvidia/L40S-8Q": 3}
    assert "CUSTOM_HW_GPU_CUDA_COMPUTE_CAPABILITY_V8_9" in board.traits


def test_a_full_board_still_has_its_pools() -> None:
    """Nothing can be created any more, and the type that runs is known by its number."""
    pf = a_pf(vfs=2, driver="nvidia", vendor="10de", device="2335", class_="030200")
    vfs = [a_vgpu_vf(0, {}, current=1428), a_vgpu_vf(1, {})]

    board = the_provider(a_plan(pf, *vfs, instances=[a_vgpu(0, 1428)]), PF)

    assert totals_of(board)["CUSTOM_GPU_FB_MB"] == 144384
    assert free_of(board) == {"nvidia/H200X-141C": 0}


def test_a_vf_that_cannot_be_offered_still_takes_of_its_boards_memory() -> None:
    pf = a_pf(vfs=2, driver="nvidia", vendor="10de", device="2335", class_="030200")
    types = {1414: "NVIDIA H200X-1-18C"}
    vfs = [
        a_vgpu_vf(0, types),
        a_vgpu_vf(1, {}, current=1414, shares_iommu_group=("0000:01:1f.0",)),
    ]

    board = the_provider(a_plan(pf, *vfs, instances=[a_vgpu(1, 1414)]), PF)

    assert board.slots == (vf_name(PF, 0),)
    assert [one.units["CUSTOM_GPU_FB_MB"] for one in board.instances] == [18432]


def a_gpu(*, available: dict[str, int], **fields: Any) -> Any:
    """An NVIDIA board on the mdev bus: name of a type to how many more can be made."""
    sizes = {"2Q": 2048, "4Q": 4096, "8Q": 8192}
    types = tuple(
        a_type(
            f"nvidia-{number}",
            available[name],
            name=f"GRID P4-{name}",
            description=f"num_heads=4, frl_config=60, framebuffer={sizes[name]}M,"
            f" max_resolution=4096x2160, max_instance={8192 // sizes[name]}",
        )
        for number, name in enumerate(sizes, 63)
    )
    return a_function(
        driver="nvidia", vendor="10de", device="1bb3", class_="030000", mdev_types=types, **fields
    )


def test_the_first_vgpu_fixes_the_size_of_the_board() -> None:
    idle = the_provider(a_plan(a_gpu(available={"2Q": 4, "4Q": 2, "8Q": 1})), PF)
    in_use = a_plan(
        a_gpu(available={"2Q": 3, "4Q": 0, "8Q": 0}),
        instances=[an_instance(1, "nvidia-63", parent=PF)],
    )

    board = the_provider(in_use, PF)
    assert free_of(idle) == {"nvidia/P4-2Q": 4, "nvidia/P4-4Q": 2, "nvidia/P4-8Q": 1}
    assert free_of(board) == {"nvidia/P4-2Q": 3, "nvidia/P4-4Q": 0, "nvidia/P4-8Q": 0}
    assert board.offers == idle.offers
    assert board.inventories == idle.inventories
    assert {offer.exclusive.by for offer in board.offers} == {"fb_mb"}


def test_what_a_description_says_becomes_parameters_and_traits() -> None:
    board = the_provider(a_plan(a_gpu(available={"2Q": 4, "4Q": 2, "8Q": 1})), PF)

    params = {name: one.value for name, one in board.offers[0].params.items()}
    assert params == {
        "fb_mb": 2048,
        "num_heads": 4,
        "max_resolution": "4096x2160",
        "frl_config": 60,
    }
    assert board.offers[0].description.startswith("num_heads=4, frl_config=60")
    assert board.traits == ("CUSTOM_VGPU_NUM_HEADS_4", "HW_GPU_CUDA_COMPUTE_CAPABILITY_V6_1")


def test_a_count_below_what_the_pools_hold_is_reserved_and_shown() -> None:
    plan = a_plan(
        a_gpu(available={"2Q": 2, "4Q": 0, "8Q": 0}),
        instances=[an_instance(1, "nvidia-63", parent=PF)],
    )

    board = the_provider(plan, PF)
    assert free_of(board)["nvidia/P4-2Q"] == 2
    assert board.inventories["CUSTOM_GPU_FB_MB"].total == 8192
    assert codes_of(plan) == ["POOL_IN_USE", "POOL_IN_USE"]


def test_a_type_that_the_host_makes_none_of_is_closed() -> None:
    plan = a_plan(a_gpu(available={"2Q": 4, "4Q": 0, "8Q": 1}))

    assert types_of(the_provider(plan, PF)) == ["nvidia/P4-2Q", "nvidia/P4-8Q"]
    assert codes_of(plan) == ["TYPE_CLOSED"]


def test_types_that_an_operator_did_not_choose_are_not_offered() -> None:
    own = """
        schema = "wherry.profile/1"
        id = "lab"
        extends = "nvidia"
        replaces = ["nvidia"]
        about = "one type in the lab, under the class that clients ask for"
        only = ["nvidia/P4-2Q"]
        views = ["VGPU"]
    """
    gpu = a_gpu(available={"2Q": 4, "4Q": 2, "8Q": 1})

    board = the_provider(a_plan(gpu, profiles=profiles_with([("lab.toml", own)])), PF)

    assert types_of(board) == ["nvidia/P4-2Q"]
    assert {name: view.type for name, view in board.views.items()} == {"VGPU": "nvidia/P4-2Q"}
    assert totals_of(board)["CUSTOM_GPU_FB_MB"] == 8192


def test_a_view_that_two_types_share_is_given_to_neither() -> None:
    own = """
        schema = "wherry.profile/1"
        id = "lab"
        extends = "mtty"
        replaces = ["mtty"]
        about = "one class for all types"
        views = ["CUSTOM_SERIAL"]
    """

    plan = a_plan(an_mtty(), profiles=profiles_with([("lab.toml", own)]))

    assert the_provider(plan, "mtty").views == {}
    assert codes_of(plan) == ["VIEW_AMBIGUOUS"]


def test_two_doors_to_one_type_leave_the_first_open() -> None:
    own = """
        schema = "wherry.profile/1"
        id = "lab"
        extends = "mtty"
        replaces = ["mtty"]
        about = "guests of another kernel may come in"
        also_types = [{ kind = "mdev", type = "old/serial" }]
    """

    plan = a_plan(an_mtty(), profiles=profiles_with([("lab.toml", own)]))

    assert [o.also_types for o in the_provider(plan, "mtty").offers] == [("old/serial",), UNSET]
    assert codes_of(plan) == ["DOOR_TWICE"]


def test_a_type_larger_than_its_device_is_not_offered() -> None:
    own = """
        schema = "wherry.profile/1"
        id = "lab"
        extends = "mtty"
        replaces = ["mtty"]
        about = "a card with a single port"
        [pools.CUSTOM_MTTY_PORT]
        total = 1
    """

    plan = a_plan(an_mtty(free=1), profiles=profiles_with([("lab.toml", own)]))

    assert types_of(the_provider(plan, "mtty")) == ["mtty/mtty-1"]
    assert codes_of(plan) == ["TYPE_TOO_LARGE"]


def test_a_value_that_makes_no_trait_is_shown_and_not_published() -> None:
    own = """
        schema = "wherry.profile/1"
        id = "lab"
        extends = "mtty"
        replaces = ["mtty"]
        about = "a beginning of standard names, and a value that ends none of them"
        [[trait_rules]]
        value = { of = "type", attribute = "id", form = "mtty-{n}" }
        prefix = "HW_GPU_CUDA_COMPUTE_CAPABILITY_V"
    """

    plan = a_plan(an_mtty(), profiles=profiles_with([("lab.toml", own)]))

    assert the_provider(plan, "mtty").traits == ("CUSTOM_SERIAL_MTTY",)
    assert codes_of(plan) == ["TRAIT_UNKNOWN", "TRAIT_UNKNOWN"]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (Facts(devices=(a_function(), a_function())), f"device {PF} is listed twice"),
        (
            Facts(instances=(an_instance(1, "mtty-1"), an_instance(1, "mtty-2"))),
            "instance 00000000-0000-4000-8000-000000000001 is listed twice",
        ),
        (
            Facts(devices=(a_vf(0, physfn=vf_name(PF, 1)), a_vf(1, physfn=vf_name(PF, 0)))),
            "VF 0000:01:10.0 has 0000:01:10.1 as its physical function, which is a VF itself",
        ),
        (
            Facts(devices=(a_vf(0, physfn=vf_name(PF, 0)),)),
            "VF 0000:01:10.0 has 0000:01:10.0 as its physical function, which is a VF itself",
        ),
    ],
)
def test_a_report_that_says_two_things_is_refused(facts: Facts, message: str) -> None:
    report = _with(a_report(), facts=facts)

    with pytest.raises(ReportContradicts) as caught:
        plan_host(report, builtin_profiles())

    assert str(caught.value) == f"report of host host1 contradicts itself: {message}"


def test_a_vf_whose_pf_is_not_in_the_report_stands_by_itself() -> None:
    vf = the_provider(a_plan(a_vf(0)), vf_name(PF, 0))

    assert (totals_of(vf), vf.parent) == ({"SRIOV_NET_VF": 1}, provider_uuid("host1"))


def _with(value: Any, **fields: Any) -> Any:
    from msgspec.structs import replace

    return replace(value, **fields)
