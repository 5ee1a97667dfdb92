"""Hosts that no recording shows: other machines, very large ones, and ones that change."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from introspect.trees import (
    FOLDER,
    MTTY,
    ONE,
    WRITE_ONLY,
    ChangingTree,
    Link,
    function_nodes,
    mtty_nodes,
    tree_of,
)
from wherry.cli.branches import Branch
from wherry.cli.pools import Derived, derive
from wherry.cli.render_facts import render_facts
from wherry.introspect.facts import read_facts
from wherry.introspect.tree import ABSENT
from wherry.model.facts import MdevType, Sriov, Unread
from wherry.profiles.builtin import builtin_profiles


def parent_nodes(folder, *types, name=None):
    name = name or folder.rpartition("/")[2]
    nodes = {f"/sys/class/mdev_bus/{name}": Link(f"../..{folder.removeprefix('/sys')}")}
    for type_id, count, api in types:
        at = f"{folder}/mdev_supported_types/{type_id}"
        nodes |= {
            f"{at}/available_instances": f"{count}\n",
            f"{at}/device_api": f"{api}\n",
            f"{at}/create": WRITE_ONLY,
            f"{at}/devices": FOLDER,
        }
    return nodes


def lines(branch: Branch, depth=0):
    yield branch.text
    for one in branch.inside:
        yield from lines(one, depth + 1)


def shown(facts, derived=None):
    return "\n".join(lines(render_facts(facts, source="x", derived=derived or Derived())))


MATRIX = "/sys/devices/vfio_ap/matrix"


def test_crypto_domains_of_s390_are_told_by_what_is_assigned_not_by_their_type():
    """All AP matrices are of one type; what one is, is set after it was made."""
    nodes = parent_nodes(MATRIX, ("vfio_ap-passthrough", 65536, "vfio-ap"))
    nodes |= {
        f"{MATRIX}/{ONE}/mdev_type": Link("../mdev_supported_types/vfio_ap-passthrough"),
        f"{MATRIX}/{ONE}/matrix": "05.0004\n05.0047\n",
        f"{MATRIX}/{ONE}/guest_matrix": "05.0004\n",
        f"{MATRIX}/{ONE}/control_domains": "0004\n",
        f"{MATRIX}/{ONE}/ap_config": "0x80,0x0,0x0\n",
        f"{MATRIX}/{ONE}/assign_adapter": WRITE_ONLY,
        f"{MATRIX}/{ONE}/remove": WRITE_ONLY,
    }

    facts = read_facts(tree_of(nodes))

    (device,) = facts.devices
    assert (device.name, device.bus, device.driver) == ("matrix", "ap", "vfio_ap")
    assert facts.instances[0].attributes == {
        "matrix": "05.0004\n05.0047",
        "guest_matrix": "05.0004",
        "control_domains": "0004",
        "ap_config": "0x80,0x0,0x0",
    }


def test_a_subchannel_of_s390_has_one_instance_and_no_pci_word():
    folder = "/sys/devices/css0/0.0.0313"
    nodes = parent_nodes(folder, ("vfio_ccw-io", 1, "vfio-ccw")) | {
        f"{folder}/driver": Link("../../../bus/css/drivers/vfio_ccw"),
        "/sys/module/vfio_ccw/srcversion": "ABC\n",
    }

    facts = read_facts(tree_of(nodes))

    (device,) = facts.devices
    assert (device.name, device.bus, device.driver) == ("0.0.0313", "css", "vfio_ccw")
    assert device.mdev_types[0].attributes["device_api"] == "vfio-ccw"
    assert facts.host.modules["vfio_ccw"].srcversion == "ABC"


def test_the_iommu_of_an_arm_host_is_one_too():
    nodes = {
        "/sys/class/iommu/smmu3.0x0000000009050000": Link(
            "../../devices/platform/arm-smmu-v3.0.auto/iommu/smmu3.0x0000000009050000"
        ),
        "/proc/cpuinfo": "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n",
        "/proc/sys/kernel/arch": "aarch64\n",
    }

    host = read_facts(tree_of(nodes)).host

    assert (host.iommu, host.arch) == (True, "aarch64")
    assert (host.cpu.vendor, host.cpu_features) == ("0x41", ("asimd", "fp"))


@pytest.mark.parametrize(
    "nodes", [{}, {"/sys/class/mdev_bus": FOLDER}, {"/sys/class/mdev_bus": Unread(errno="EACCES")}]
)
def test_a_host_without_parents_of_mdevs_has_none(nodes):
    facts = read_facts(tree_of(nodes))

    assert (facts.devices, facts.instances) == ((), ())


@pytest.mark.parametrize(
    ("inside", "types", "settled"),
    [
        (FOLDER, (), True),
        (None, (), False),
    ],
)
def test_a_parent_without_types_and_one_without_a_list_are_two_things(inside, types, settled):
    nodes = {"/sys/class/mdev_bus/mtty": Link("../../devices/virtual/mtty/mtty")}
    nodes |= {MTTY: FOLDER} if inside is None else {f"{MTTY}/mdev_supported_types": inside}

    (device,) = read_facts(tree_of(nodes)).devices

    assert (device.mdev_types, device.settled) == (types, settled)
    assert device.attributes == (
        {} if settled else {"mdev_supported_types": Unread(errno="ENOENT")}
    )


def test_a_type_that_only_has_a_name_is_listed_with_nothing():
    nodes = {
        "/sys/class/mdev_bus/mtty": Link("../../devices/virtual/mtty/mtty"),
        f"{MTTY}/mdev_supported_types/mtty-1": FOLDER,
    }

    (device,) = read_facts(tree_of(nodes)).devices

    assert device.mdev_types == (MdevType(id="mtty-1", creatable=False),)
    assert "mtty-1  unknown (absent) left" in shown(read_facts(tree_of(nodes)))


def test_a_domain_of_five_digits_is_kept_and_sorts_last():
    """Below a VMD, sysfs itself has five."""
    far = "/sys/devices/pci0000:00/0000:00:0e.0/pci10000:e0/10000:e1:00.0"
    near = "/sys/devices/pci0000:e0/0000:e1:00.0"
    nodes = function_nodes(far, sriov_totalvfs="1") | function_nodes(near, sriov_totalvfs="1")

    assert [one.name for one in read_facts(tree_of(nodes)).devices] == [
        "0000:e1:00.0",
        "10000:e1:00.0",
    ]


def many_vfs(count):
    pf = "/sys/devices/pci0000:00/0000:00:03.0/0000:01:00.0"
    nodes = function_nodes(pf, sriov_totalvfs=str(count), sriov_numvfs=str(count))
    for n in range(count):
        bus, rest = 1 + (n + 8) // 256, (n + 8) % 256
        name = f"0000:{bus:02x}:{rest // 8:02x}.{rest % 8}"
        at = f"{pf.rpartition('/')[0]}/{name}"
        nodes |= function_nodes(at, numa_node="1", reset_method="flr")
        nodes |= {
            f"{at}/physfn": Link("../0000:01:00.0"),
            f"{at}/driver": Link("../../../../bus/pci/drivers/vfio-pci"),
            f"{at}/iommu_group": Link(f"../../../../kernel/iommu_groups/{100 + n}"),
            f"/sys/kernel/iommu_groups/{100 + n}/type": "DMA\n",
            f"/sys/kernel/iommu_groups/{100 + n}/devices/{name}": Link(f"../../../../{at[5:]}"),
            f"{pf}/virtfn{n}": Link(f"../{name}"),
        }
    return nodes


def test_a_thousand_vfs_are_read_in_order_and_shown_in_few_lines():
    """With ARI they reach over several buses."""
    tree = tree_of(many_vfs(1000))
    began = time.process_time()
    facts = read_facts(tree)
    took_s = time.process_time() - began

    pf = facts.devices[0]
    assert (len(pf.sriov.vfs), len(facts.devices)) == (1000, 1001)
    indexes = {one.name: one.vf_index for one in facts.devices}
    assert [indexes[name] for name in pf.sriov.vfs] == list(range(1000))
    assert took_s < 10
    out = shown(facts, derive(facts, builtin_profiles()))
    assert "VFs 0-999, 1000 alike" in out
    assert len(out.split("\n")) < 20


def test_a_group_of_many_functions_is_read_once():
    """Without access control services on the way, all VFs of a card are in one group."""
    nodes = {}
    for path, value in many_vfs(60).items():
        one = value.to if isinstance(value, Link) else ""
        nodes[re.sub(r"groups/\d+", "groups/7", path)] = (
            Link(re.sub(r"groups/\d+", "groups/7", one)) if one else value
        )
    asked = []

    def world(question, path):
        asked.append(path)
        return tree

    tree = tree_of(nodes)
    facts = read_facts(ChangingTree(world))

    vf = facts.devices[1]
    assert len(vf.shares_iommu_group) == 59
    assert vf.name not in vf.shares_iommu_group
    assert asked.count("/sys/kernel/iommu_groups/7/type") == 1


def test_vfs_that_differ_among_many_have_lines_of_their_own():
    nodes = many_vfs(20)
    odd = "/sys/devices/pci0000:00/0000:00:03.0/0000:01:01.4"
    nodes[f"{odd}/driver"] = Link("../../../../bus/pci/drivers/igbvf")

    out = shown(read_facts(tree_of(nodes)))

    assert "VFs 0-3,5-19, 19 alike" in out
    assert "0000:01:01.4  VF 4" in out
    assert "driver igbvf" in out


def test_eight_gpus_are_eight_parents_with_eight_pools():
    nodes = {}
    for n in range(8):
        folder = f"/sys/devices/pci0000:{n:02x}/0000:{n:02x}:01.0"
        nodes |= function_nodes(folder, numa_node=str(n // 4))
        nodes |= parent_nodes(folder, ("nvidia-525", 24 - n, "vfio-pci"))
        nodes[f"{folder}/driver"] = Link("../../../bus/pci/drivers/nvidia")

    devices = read_facts(tree_of(nodes)).devices

    counts = [one.mdev_types[0].attributes["available_instances"] for one in devices]
    assert counts == [str(24 - n) for n in range(8)]
    assert [one.numa_node for one in devices] == [0] * 4 + [1] * 4


def test_an_idle_board_with_every_type_at_0_is_not_called_full():
    """A licence, ECC or a broken manager look like this too."""
    nodes = parent_nodes(MTTY, ("mtty-1", 0, "vfio-pci"), ("mtty-2", 0, "vfio-pci"))

    assert "why is unknown" in shown(read_facts(tree_of(nodes)))


def test_instances_of_a_parent_that_is_not_listed_are_shown():
    nodes = {
        f"/sys/bus/mdev/devices/{ONE}": Link(f"../../../devices/virtual/mtty/mtty/{ONE}"),
        f"{MTTY}/{ONE}/mdev_type": Link("../mdev_supported_types/mtty-1"),
    }

    out = shown(read_facts(tree_of(nodes)))

    assert f"{ONE}  is a mtty-1 of mtty, which is not listed" in out


def test_a_pf_that_allows_no_vfs_says_so():
    facts = read_facts(tree_of(function_nodes(sriov_totalvfs="0", sriov_numvfs="0")))

    assert facts.devices[0].sriov == Sriov(total=0, enabled=0)
    assert "its driver allows no VFs" in shown(facts)


def test_without_sysfs_at_all_there_are_facts_of_nothing():
    facts = read_facts(tree_of({}))

    assert (facts.devices, facts.instances) == ((), ())
    assert "kernel unknown" in shown(facts)


class Unplugged:
    """A tree that loses everything below a folder after some questions, as hot-unplug does."""

    def __init__(self, tree, folder, after, how):
        self.tree, self.folder, self.left, self.how = tree, folder, after, how

    def ask(self, question, path, *args):
        self.left -= 1
        if self.left < 0 and f"{path}/".startswith(f"{self.folder}/"):
            return self.how
        return getattr(self.tree, question)(path, *args)

    def stat(self, path):
        return self.ask("stat", path)

    def list(self, path):
        return self.ask("list", path)

    def readlink(self, path):
        return self.ask("readlink", path)

    def read(self, path, limit):
        return self.ask("read", path, limit)


VF0 = "/sys/devices/pci0000:00/0000:00:03.0/0000:01:01.0"
WORLD = mtty_nodes(made={ONE: "mtty-1"}) | many_vfs(3) | {f"{VF0}/nvidia/current_vgpu_type": "1\n"}


@given(
    st.sampled_from([MTTY, VF0, VF0.rpartition("/")[0], "/sys/kernel/iommu_groups", "/sys"]),
    st.integers(0, 700),
    st.sampled_from([ABSENT, Unread(errno="ENODEV"), Unread(errno="ENOENT"), Unread(errno="EIO")]),
)
def test_a_device_unplugged_while_it_is_read_leaves_facts(folder, after, how):
    """Whenever it goes, the others stay whole, and nothing of it turns into a number."""
    whole = {one.name: one for one in read_facts(tree_of(WORLD)).devices}

    facts = read_facts(Unplugged(tree_of(WORLD), folder, after, how))

    assert shown(facts, derive(facts, builtin_profiles()))
    for device in facts.devices:
        counts = [one.attributes.get("available_instances") for one in device.mdev_types or ()]
        assert set(counts) <= {"24", "12", None, how}
        if folder == MTTY and device.bus == "pci":
            assert device == whole[device.name]


def test_an_unread_device_list_does_not_take_the_host_along():
    tree = ChangingTree(
        lambda question, path: tree_of(
            {"/sys/bus/pci/devices": Unread(errno="EIO"), "/proc/meminfo": "MemTotal: 2048 kB\n"}
        )
    )

    assert read_facts(tree).host.memory_mb == 2
