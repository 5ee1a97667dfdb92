"""docs/reference/introspection.md lists what is read, and nothing is read that it does not list."""

import re

import pytest

from doc_tables import DOCS, read_table
from introspect.trees import WRITE_ONLY, ChangingTree, Link, function_nodes, tree_of
from wherry.hosts import children, libvirt, recordings, snapshot, tools
from wherry.introspect import host, kernel, mdev, nvidia, nvidia_smi, opaque, pci, settle, sriov
from wherry.introspect import tree as trees
from wherry.introspect.devlink import ESWITCH
from wherry.introspect.facts import read_facts
from wherry.introspect.numa import MAX_CPU
from wherry.introspect.readable import _FILES
from wherry.introspect.words import _REMEDY
from wherry.profiles.reading import FIRMWARE

PAGE = "reference/introspection.md"
OWN_PCI = {
    "power/control", "driver", "driver_override", "resource", "physfn", "iommu_group", "iommu",
    "firmware_node", "vfio-dev",
}  # fmt: skip
OWN_SRIOV = {"sriov_totalvfs", "sriov_numvfs", "sriov_vf_device", "virtfn<n>"}


def column(heading):
    return [row[heading] for row in read_table(PAGE, heading)]


@pytest.mark.parametrize(
    ("heading", "in_code"),
    [
        ("PCI attribute", {*pci.ATTRIBUTES, *pci.LINK_ATTRIBUTES, *FIRMWARE, *OWN_PCI}),
        ("SR-IOV attribute", {*sriov.PF_ATTRIBUTES, *OWN_SRIOV}),
        ("vGPU path", {nvidia.TYPES, nvidia.CURRENT}),
        ("NVML path", set(nvidia_smi.KEPT)),
        ("errno", {*_REMEDY, "EINVAL", "EIO"}),
    ],
)
def test_a_table_of_the_page_is_the_one_in_the_program(heading, in_code):
    rows = column(heading)

    assert len(rows) == len(set(rows))
    assert set(rows) == in_code


def test_the_page_names_the_files_and_folders_of_the_host():
    rows = set(column("host path"))

    assert rows >= _FILES
    assert {f"{host.DMI}/{name}" for name in host.DMI_ATTRIBUTES} == {
        row for row in rows if row.startswith(host.DMI)
    }
    parameters = {
        f"/sys/module/{m}/parameters/{p}" for m, v in kernel._PARAMETERS.items() for p in v
    }
    assert parameters <= rows
    assert set(re.findall(r"CONFIG_\w+", (DOCS / PAGE).read_text("utf-8"))) == set(kernel.OPTIONS)


def test_the_page_names_the_attributes_of_types():
    assert {f"<type>/{name}" for name in mdev.KNOWN} <= set(column("mdev path"))


def test_the_page_names_the_commands():
    rows = {row["answer"]: row["command"] for row in read_table(PAGE, "answer")}

    for name, command in tools.COMMANDS.items():
        assert rows[name] == " ".join(command)
    assert ESWITCH in rows
    assert libvirt.VERSIONS in rows


def test_the_page_s_caps_are_the_program_s():
    values = [int(row["value"]) for row in read_table(PAGE, "cap")]

    assert values == [
        trees.LIMIT,
        trees.MAX_NAMES,
        opaque.MAX_FILES,
        host.CPUINFO_LIMIT,
        kernel.CONFIG_LIMIT,
        settle.ATTEMPTS,
        trees._MAX_HOPS,
        MAX_CPU - 1,
        snapshot.MAX_BYTES,
        libvirt.MAX_FILES,
        libvirt.MAX_BYTES,
        children.MAX_BYTES,
        children.TIMEOUT_S,
    ]


def documented():
    """A pattern for each path of the page."""
    paths = [f"<pci>/{row}" for row in column("PCI attribute") + column("SR-IOV attribute")]
    paths += [f"<pci>/{row}" for row in column("vGPU path")]
    paths += ["<pci>/nvme/<name>/firmware_rev", "<vdpa>/driver_override"]
    paths += column("mdev path") + column("host path")
    return [
        re.compile(re.sub(r"<[^>]*>", _any, re.escape(one).replace(r"\-", "-"))) for one in paths
    ]


def _any(found):
    """A placeholder at the beginning is a whole path, one inside a single component."""
    return r"/sys/devices/.+" if found.start() == 0 else r"[^/]+"


def read_of(tree):
    """The paths whose content was read."""
    asked = set()

    def answer(question, path):
        if question == "read":
            asked.add(path)
        return tree

    read_facts(ChangingTree(answer))
    return asked


@pytest.mark.parametrize("name", recordings.names())
def test_whatever_is_read_is_on_the_page(name):
    patterns = documented()
    own = re.compile(r".*/mdev_supported_types/[^/]+/.*|.*/[0-9a-f-]{36}/.*|.*/nvidia/.*")

    asked = read_of(recordings.load(name))

    assert asked
    assert [
        p for p in asked if not any(one.fullmatch(p) for one in patterns) and not own.match(p)
    ] == []


def test_every_pci_attribute_of_the_page_is_read():
    at = "/sys/devices/pci0000:00/0000:00:03.0"
    names = [*pci.ATTRIBUTES, *pci.LINK_ATTRIBUTES, "resource", "driver_override"]
    nodes = function_nodes(at, **dict.fromkeys(names, "x"))
    nodes |= {f"{at}/sriov_totalvfs": "7\n", f"{at}/nvme/nvme0/firmware_rev": "1.0\n"}

    asked = read_of(tree_of(nodes))

    assert {f"{at}/{name}" for name in [*names, *sriov.PF_ATTRIBUTES]} <= asked
    assert f"{at}/nvme/nvme0/firmware_rev" in asked


def test_the_never_read_are_named():
    text = (DOCS / PAGE).read_text("utf-8").partition("## Never read")[2]
    nodes = {f"/sys/devices/x/{name}": WRITE_ONLY for name in ("create",)} | {
        "/sys/class/mdev_bus/x": Link("../../devices/x")
    }

    assert all(f"`{name}`" in text for name in ("config", "vpd", "rom", "resource0", "msi_irqs"))
    assert not any(path.endswith("/create") for path in read_of(tree_of(nodes)))
