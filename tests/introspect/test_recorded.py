"""Answers that other people's hosts and projects recorded, read as facts."""

import json

import pytest

from introspect.trees import Link, function_nodes, tree_of
from wherry.cli.pools import derive
from wherry.cli.render_facts import render_facts
from wherry.hosts.libvirt import read_side_files
from wherry.hosts.snapshot import load_snapshot
from wherry.introspect.facts import read_facts
from wherry.introspect.nvidia import parse_creatable_types
from wherry.introspect.sides import add_sides, facts_of_libvirt, facts_of_mdevctl
from wherry.model.errors import InvalidFile
from wherry.model.facts import Sriov, Unread
from wherry.profiles.builtin import builtin_profiles


@pytest.fixture
def recorded(shared):
    return shared / "data" / "recorded"


def nodedev(recorded, name):
    text = (recorded / "libvirt" / "nodedev" / f"{name}.xml").read_text("utf-8")
    return facts_of_libvirt({f"{name}.xml": text})


@pytest.mark.parametrize(
    ("name", "sriov", "role"),
    [
        ("pci_0000_02_10_7_sriov", None, "vf"),
        ("pci_0000_02_10_7_sriov_pf_vfs_all", Sriov(total=7, enabled=4), "vf"),
        ("pci_0000_02_10_7_sriov_vfs", Sriov(total=Unread(errno="ENODATA"), enabled=4), "pf"),
        ("pci_0000_02_10_7_sriov_zero_vfs_max_count", Sriov(total=3, enabled=0), "pf"),
        ("pci_0000_42_00_0_vpd", Sriov(total=16, enabled=0), "pf"),
    ],
)
def test_sriov_of_every_kind_of_node_device_is_read(recorded, name, sriov, role):
    (device,) = nodedev(recorded, name).devices

    assert device.role == role
    said = device.sriov or None
    assert (said.total, said.enabled) == (sriov.total, sriov.enabled) if sriov else said is None


@pytest.mark.parametrize(
    ("name", "device", "types"),
    [
        ("ap_matrix_mdev_types", ("matrix", "ap"), ["vfio_ap-passthrough"]),
        ("css_0_0_fffe_mdev_types", ("0.0.fffe", "css"), ["vfio_ccw-io"]),
        ("pci_0000_02_10_7_mdev_types", ("0000:02:10.7", "pci"), ["foo1", "foo2"]),
    ],
)
def test_types_are_read_wherever_libvirt_nests_them(recorded, name, device, types):
    (found,) = nodedev(recorded, name).devices

    assert (found.name, found.bus) == device
    assert [one.id for one in found.mdev_types] == types


@pytest.mark.parametrize(
    ("name", "parent", "type_id"),
    [
        ("mdev_3627463d_b7f0_4fea_b468_f1da537d301b", "", "mtty-1"),
        ("mdev_c60cc60c_c60c_c60c_c60c_c60cc60cc60c", "0.0.0052", "vfio_ccw-io"),
        ("mdev_d069d019_36ea_4111_8f0a_8c9a70e21366", "0000:00:02.0", "i915-GVTg_V5_8"),
        ("mdev_ee0b88c4_f554_4dc1_809d_b2a01e8e48ad", "matrix", "vfio_ap-passthrough"),
    ],
)
def test_instances_of_old_and_new_versions_are_read(recorded, name, parent, type_id):
    (instance,) = nodedev(recorded, name).instances

    assert instance.id == name.removeprefix("mdev_").replace("_", "-")
    assert (instance.parent, instance.type) == (parent, type_id)


@pytest.mark.parametrize("name", ["computer", "ap_card07", "css_0_0_ffff", "drm_renderD129"])
def test_node_devices_that_are_no_inventory_are_left_out(recorded, name):
    found = nodedev(recorded, name)

    assert (found.devices, found.instances) == ((), ())


def test_capabilities_of_a_host_with_a_node_of_memory_alone(recorded):
    name = "vircaps-x86_64-hmat.xml"
    text = (recorded / "libvirt" / "numa" / name).read_text("utf-8")

    first, second = facts_of_libvirt({name: text}).host.numa

    assert (len(first.cpus), first.memory_mb) == (24, 1024)
    assert (second.cpus, second.memory_mb) == ((), 2048)


def test_models_and_machine_of_domain_capabilities(recorded):
    name = "qemu_10.0.0-q35.x86_64.xml"
    text = (recorded / "libvirt" / "domcaps" / name).read_text("utf-8")

    host = facts_of_libvirt({name: text}).host

    assert (host.arch, host.machine_types) == ("x86_64", ("pc-q35-10.0",))
    assert "qemu64" in host.cpu_models
    assert len(host.cpu_features) == 31


def test_other_xml_of_libvirt_is_refused_by_name(recorded):
    file = next((recorded / "libvirt" / "hostdev").glob("*.xml"))

    with pytest.raises(InvalidFile, match=rf"^{file.name}: <domain> is neither"):
        facts_of_libvirt({file.name: file.read_text("utf-8")})


def test_mdevctl_lists_types_and_instances_of_every_bus(recorded):
    folder = recorded / "mdevctl" / "testdata"
    types = (folder / "types" / "full.json").read_text("utf-8")
    listed = (recorded / "libvirt" / "mdevctl" / "mdevctl-list-multiple.json").read_text("utf-8")

    facts = facts_of_mdevctl({"mdevctl-types.json": types, "mdevctl-list.json": listed})

    counts = [(one.name, one.bus, len(one.mdev_types)) for one in facts.devices]
    assert counts == [
        ("0.0.26ab", "other", 1),
        ("0000:00:02.0", "pci", 3),
        ("0000:00:03.0", "pci", 2),
    ]
    assert {one.parent for one in facts.instances} == {"0000:00:02.0", "matrix", "0.0.0052"}


def test_every_answer_of_mdevctl_is_taken_or_refused(recorded):
    taken = []
    for file in sorted((recorded / "mdevctl" / "testdata").rglob("*.json")):
        try:
            facts_of_mdevctl({"mdevctl-list.json": file.read_text("utf-8")})
        except InvalidFile:
            continue
        taken.append(file.parent.name)

    assert taken.count("list") > 20
    assert "invalid-files" not in taken


def test_an_idle_board_with_every_type_at_0_is_in_doubt_and_not_full(recorded):
    text = (recorded / "mdev-types" / "nvidia-p4-none-available.json").read_text("utf-8")
    ((address, rows),) = json.loads(text)[0].items()
    at = f"/sys/devices/pci0000:00/{address}"
    nodes = function_nodes(at) | {
        f"/sys/class/mdev_bus/{address}": Link(f"../../devices/pci0000:00/{address}"),
        f"{at}/driver": Link("../../../bus/pci/drivers/nvidia"),
    }
    for type_id, said in (item for row in rows for item in row.items()):
        folder = f"{at}/mdev_supported_types/{type_id}"
        nodes |= {f"{folder}/{key}": f"{value}\n" for key, value in said.items()}

    facts = read_facts(tree_of(nodes))

    tree = render_facts(facts, source="x", derived=derive(facts, builtin_profiles()))
    lines = [one.text for one in tree.inside[1].inside[0].inside]
    assert any(line.startswith("can make none now, though nothing is made") for line in lines)


def test_the_list_of_a_vendor_vfio_driver_is_read(recorded):
    text = (recorded / "mdev-types" / "nvidia-vendor-vfio-h200x.txt").read_text("utf-8")

    assert [one.number for one in parse_creatable_types(text)] == [1428, 1414]


def test_a_real_two_node_machine_interleaves_its_cpus(recorded):
    (file,) = (recorded / "ghw").glob("*.ndjson")

    first, second = read_facts(load_snapshot(file)).host.numa

    assert first.cpus == tuple(range(0, 24, 2))
    assert second.cpus == tuple(range(1, 24, 2))
    assert (first.distances, second.distances) == ((10, 20), (20, 10))


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        ("igb-vfs", []),
        ("mtty-3mdevs", []),
        ("vdpa-sim", []),
        ("host-numa2", []),
        ("mdpy-mbochs", ["mdevctl"] * 3),
    ],
)
def test_what_libvirt_and_the_tools_said_of_the_same_host_agrees(shared, name, differing):
    """mdevctl still saw mtty's instances of a host whose mtty folder was not recorded."""
    folder = shared / "data" / "sysfs" / name

    facts = add_sides(
        read_facts(load_snapshot(folder / "snapshot.ndjson")), read_side_files(folder)
    )

    assert [one.source for one in facts.differences] == differing


def test_a_probe_of_real_devices_tells_who_can_migrate(shared):
    folder = shared / "data" / "sysfs" / "mtty-3mdevs"

    facts = add_sides(
        read_facts(load_snapshot(folder / "snapshot.ndjson")), read_side_files(folder)
    )

    sizes = {one.type: one.probe.stop_copy_bytes for one in facts.instances if one.probe}
    assert sizes == {"mtty-1": 60, "mtty-2": 96}
