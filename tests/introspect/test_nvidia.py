"""NVIDIA's vendor VFIO: types as attributes of VFs, instances without a uuid."""

import pytest

from introspect.trees import ChangingTree, Link, function_nodes, tree_of
from wherry.introspect.facts import read_facts
from wherry.introspect.nvidia import parse_creatable_types
from wherry.model.facts import Unread, VgpuType

PF = "/sys/devices/pci0000:80/0000:81:00.0"
VFS = [f"/sys/devices/pci0000:80/0000:81:00.{n}" for n in (4, 5)]


def gpu_nodes(*, current=("0", "0"), types=("1414 : NVIDIA H200X-1-18C",) * 2):
    nodes = function_nodes(PF, sriov_totalvfs="16", sriov_numvfs="2")
    for n, at in enumerate(VFS):
        nodes |= function_nodes(at)
        nodes |= {
            f"{PF}/virtfn{n}": Link(f"../{at.rpartition('/')[2]}"),
            f"{at}/physfn": Link("../0000:81:00.0"),
            f"{at}/nvidia/creatable_vgpu_types": f"{types[n]}\n",
            f"{at}/nvidia/current_vgpu_type": f"{current[n]}\n",
        }
    return nodes


def test_lines_that_are_no_type_are_skipped():
    text = "ID : vGPU Name\n1428 : NVIDIA H200X-141C\n\n 1414  :  NVIDIA H200X-1-18C \nN/A : x\n"

    assert parse_creatable_types(text) == (
        VgpuType(number=1428, name="NVIDIA H200X-141C"),
        VgpuType(number=1414, name="NVIDIA H200X-1-18C"),
    )


def test_a_vf_with_a_type_set_is_an_instance_of_its_pf():
    facts = read_facts(tree_of(gpu_nodes(current=("1414", "0"))))

    (instance,) = facts.instances
    assert (instance.id, instance.parent, instance.type) == ("0000:81:00.4", "0000:81:00.0", "1414")


@pytest.mark.parametrize("current", ["0", "N/A", "", "-1"])
def test_what_is_no_type_number_is_no_instance(current):
    assert read_facts(tree_of(gpu_nodes(current=(current, "0")))).instances == ()


def test_an_empty_list_and_an_unreadable_one_are_two_things():
    nodes = gpu_nodes(types=("", "1414 : x"))
    nodes[f"{VFS[1]}/nvidia/creatable_vgpu_types"] = Unread(errno="EIO")

    _, first, second = read_facts(tree_of(nodes)).devices

    assert first.nvidia.creatable_types == ()
    assert second.nvidia.creatable_types == Unread(errno="EIO")


def test_siblings_that_change_while_they_are_read_are_unsettled():
    worlds = [tree_of(gpu_nodes(current=(t, "0"))) for t in ("0", "1414")]
    turns = 0

    def world(question, path):
        nonlocal turns
        turns += question == "read" and path == f"{VFS[1]}/nvidia/current_vgpu_type"
        return worlds[turns // 2 % 2]

    devices = read_facts(ChangingTree(world)).devices
    assert [one.settled for one in devices] == [True, False, False]


def test_other_files_of_the_vendor_are_kept():
    nodes = gpu_nodes() | {f"{VFS[0]}/nvidia/gpu_instance_id": "4\n"}

    assert read_facts(tree_of(nodes)).devices[1].attributes["nvidia/gpu_instance_id"] == "4"
