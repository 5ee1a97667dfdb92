"""PCI functions: which are inventory, their ids, SR-IOV, and what is never read."""

import pytest

from introspect.trees import FOLDER, PF, ChangingTree, Link, function_nodes, tree_of
from wherry.introspect.address import parse_address
from wherry.introspect.facts import read_facts
from wherry.introspect.pci import parse_bar_sizes
from wherry.model.facts import Sriov, Unread


def vf_nodes(*, indexes=range(2), pf=PF, **attributes):
    nodes = function_nodes(
        pf, sriov_totalvfs="16", sriov_numvfs=str(len(indexes)), sriov_vf_device="10ca"
    )
    for n in indexes:
        at = f"{pf.rpartition('/')[0]}/0000:01:{0x10 + n // 8:02x}.{n % 8}"
        nodes |= function_nodes(at, **attributes)
        nodes |= {
            f"{at}/physfn": Link("../0000:01:00.0"),
            f"{pf}/virtfn{n}": Link(f"../{at.rpartition('/')[2]}"),
        }
    return nodes


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("00000000:41:00.0", "0000:41:00.0"),
        ("0000:3B:00.0", "0000:3b:00.0"),
        ("10000:e1:00.0", "10000:e1:00.0"),
        ("0:1:2.3", "0000:01:02.3"),
        ("0000:3b:00.8", None),
        ("0000:3b:20.0", None),
        ("mtty", None),
        ("0000:3b:00.0\n", None),
    ],
)
def test_an_address_has_one_spelling(text, normal):
    assert parse_address(text) == normal


def test_a_function_of_the_host_s_own_is_no_inventory():
    nodes = function_nodes() | {f"{PF}/driver": Link("../../bus/pci/drivers/nvme")}

    assert read_facts(tree_of(nodes)).devices == ()


@pytest.mark.parametrize(
    ("driver", "is_inventory"),
    [
        ("vfio-pci", True),
        ("mlx5_vfio_pci", True),
        ("nvgrace_gpu_vfio_pci", True),
        ("ahci", False),
        ("novfios", False),
    ],
)
def test_what_is_bound_to_a_vfio_driver_is_inventory(driver, is_inventory):
    nodes = function_nodes() | {f"{PF}/driver": Link(f"../../bus/pci/drivers/{driver}")}

    assert bool(read_facts(tree_of(nodes)).devices) is is_inventory


def test_sriov_that_is_off_is_not_missing_hardware():
    nodes = function_nodes(sriov_totalvfs="7", sriov_numvfs="0", sriov_vf_device="10ca")

    (device,) = read_facts(tree_of(nodes)).devices

    assert device.role == "pf"
    assert device.sriov == Sriov(total=7, enabled=0, vf_device="10ca")


def test_vfs_are_in_the_order_of_their_numbers():
    """``virtfn10`` sorts before ``virtfn2`` as text."""
    facts = read_facts(tree_of(vf_nodes(indexes=range(12))))

    pf = facts.devices[0]
    assert pf.sriov.vfs[2] == "0000:01:10.2"
    assert pf.sriov.vfs[10] == "0000:01:11.2"
    assert {d.name: d.vf_index for d in facts.devices if d.role == "vf"}["0000:01:11.2"] == 10


@pytest.mark.parametrize(("text", "id_"), [("10ca", "10ca"), ("abc", "0abc"), ("0x10CA", "10ca")])
def test_the_vf_device_id_has_four_digits_and_no_prefix(text, id_):
    """The kernel writes it with %x."""
    nodes = function_nodes(sriov_totalvfs="7", sriov_numvfs="0", sriov_vf_device=text)

    assert read_facts(tree_of(nodes)).devices[0].sriov.vf_device == id_


def test_counts_that_cannot_be_read_are_no_zeros():
    nodes = function_nodes(sriov_totalvfs="many")

    sriov = read_facts(tree_of(nodes)).devices[0].sriov

    assert sriov == Sriov(total=Unread(errno="EBADMSG"), enabled=Unread(errno="ENOENT"))


def test_a_pf_whose_vfs_never_hold_still_is_unsettled():
    worlds = [tree_of(vf_nodes(indexes=range(n))) for n in (1, 2)]
    turns = 0

    def world(question, path):
        nonlocal turns
        turns += question == "list" and path == PF
        return worlds[turns // 2 % 2]

    pf = next(d for d in read_facts(ChangingTree(world)).devices if d.role == "pf")
    assert not pf.settled


@pytest.mark.parametrize(
    ("text", "value"), [("(null)", None), ("", None), ("vfio-pci", "vfio-pci")]
)
def test_an_override_that_is_unset_is_absent(text, value):
    nodes = function_nodes(sriov_totalvfs="7", driver_override=text)

    assert read_facts(tree_of(nodes)).devices[0].attributes.get("driver_override") == value


def test_minus_one_is_no_node_and_an_ancestor_does_not_overrule_it():
    """-1 is unknown; the nearest that has the file decides."""
    nodes = function_nodes(sriov_totalvfs="7", numa_node="-1")
    nodes["/sys/devices/pci0000:00/0000:00:03.0/numa_node"] = "1\n"

    device = read_facts(tree_of(nodes)).devices[0]
    assert not isinstance(device.numa_node, int)
    assert device.attributes["numa_node"] == "-1"

    del nodes[f"{PF}/numa_node"]
    assert read_facts(tree_of(nodes)).devices[0].numa_node == 1


def test_others_in_the_iommu_group_are_named_and_bridges_are_not():
    group = "/sys/kernel/iommu_groups/7"
    bridge = "/sys/devices/pci0000:00/0000:00:03.0"
    other = "/sys/devices/pci0000:00/0000:00:04.0"
    nodes = function_nodes(sriov_totalvfs="7") | function_nodes(other) | function_nodes(bridge)
    nodes |= {
        f"{bridge}/class": "0x060400\n",
        f"{PF}/iommu_group": Link("../../../../kernel/iommu_groups/7"),
        f"{group}/type": "DMA\n",
        **{
            f"{group}/devices/{at.rpartition('/')[2]}": Link(
                f"../../../../{at.removeprefix('/sys/')}"
            )
            for at in (PF, bridge, other)
        },
    }

    device = read_facts(tree_of(nodes)).devices[0]

    assert (device.iommu_group, device.iommu_group_type) == ("7", "DMA")
    assert device.shares_iommu_group == ("0000:00:04.0",)


def test_one_attribute_that_fails_does_not_take_the_others_along():
    """An errno of one attribute is data."""
    nodes = function_nodes(sriov_totalvfs="7") | {f"{PF}/revision": Unread(errno="EINVAL")}

    attributes = read_facts(tree_of(nodes)).devices[0].attributes

    assert attributes["revision"] == Unread(errno="EINVAL")
    assert attributes["vendor"] == "0x8086"


@pytest.mark.parametrize(("control", "is_read"), [("auto", False), ("on", True), (None, True)])
def test_link_speed_is_read_only_where_that_cannot_wake_the_function(control, is_read):
    nodes = function_nodes(sriov_totalvfs="7", max_link_speed="16.0 GT/s PCIe")
    if control:
        nodes[f"{PF}/power/control"] = f"{control}\n"

    attributes = read_facts(tree_of(nodes)).devices[0].attributes

    assert ("max_link_speed" in attributes) is is_read


def test_what_wakes_or_blocks_is_never_read():
    nodes = function_nodes(sriov_totalvfs="7", config="x", vpd="x", rom="x", resource0="x")
    asked = []

    def world(question, path):
        if question == "read":
            asked.append(path.rpartition("/")[2])
        return tree_of(nodes)

    extra = (
        "config",
        "vpd",
        "rom",
        "resource0",
        "../secret",
        "current_link_speed",
        "migration_version",
    )
    read_facts(ChangingTree(world), extra=extra)

    assert {"config", "vpd", "rom", "resource0", "secret", "current_link_speed"}.isdisjoint(asked)


def test_attributes_that_a_profile_points_at_are_kept():
    nodes = function_nodes(sriov_totalvfs="7") | {f"{PF}/qat/num_rps": "16\n"}

    device = read_facts(tree_of(nodes), extra=("qat/num_rps", "qat/none")).devices[0]

    assert device.attributes["qat/num_rps"] == "16"
    assert "qat/none" not in device.attributes


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("0x00000000fe800000 0x00000000fe81ffff 0x0000000000040200", "131072"),
        ("0x0 0x0 0x0\n0x0000000000000010 0x000000000000001f 0x1\n", "0 16"),
        ("nonsense", None),
        ("0x0000000000000020 0x0000000000000010 0x1", None),
        ("", None),
    ],
)
def test_only_the_sizes_of_regions_are_kept(text, sizes):
    assert parse_bar_sizes(text) == sizes


def test_a_function_that_vanished_after_it_was_listed_has_gone():
    nodes = {"/sys/bus/pci/devices/0000:01:10.0": Link("../../../devices/gone")}

    assert read_facts(tree_of(nodes)).devices == ()


def test_a_function_on_the_mdev_bus_alone_is_read_as_a_function():
    at = "/sys/devices/pci0000:00/0000:00:02.0"
    nodes = {
        "/sys/class/mdev_bus/0000:00:02.0": Link("../../devices/pci0000:00/0000:00:02.0"),
        f"{at}/mdev_supported_types/i915-GVTg_V5_4/devices": FOLDER,
        f"{at}/vendor": "0x8086\n",
    }

    (device,) = read_facts(tree_of(nodes)).devices

    assert (device.role, device.bus, device.attributes["vendor"]) == ("function", "pci", "0x8086")
    assert [one.id for one in device.mdev_types] == ["i915-GVTg_V5_4"]
