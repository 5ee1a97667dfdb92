"""The host: NUMA, CPU, memory, IOMMU, kernel configuration and modules."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from introspect.trees import FOLDER, MTTY, ONE, Link, function_nodes, mtty_nodes, tree_of
from wherry.introspect.facts import read_facts
from wherry.introspect.host import parse_cpuinfo, read_cpu, read_host
from wherry.introspect.iommu import Groups, has_iommu
from wherry.introspect.kernel import parse_config, unpack
from wherry.introspect.numa import parse_cpulist, read_nodes
from wherry.model.facts import Module, NumaNode

NODE = "/sys/devices/system/node"
X86 = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Xeon
flags\t\t: sse avx

processor\t: 1
vendor_id\t: Other
flags\t\t: fpu
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\n"
S390 = "vendor_id       : IBM/S390\n# processors    : 2\nfeatures\t: esan3 zarch\n"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", ()),
        ("\n", ()),
        ("0\n", (0,)),
        ("0-3,8", (0, 1, 2, 3, 8)),
        ("0,2,4-6", (0, 2, 4, 5, 6)),
        ("0-15:2/4", (0, 1, 4, 5, 8, 9, 12, 13)),
        ("3-1", None),
        ("0-", None),
        ("a", None),
        ("0-99999999", None),
        ("0-3:1/0", None),
        ("-1", None),
    ],
)
def test_a_cpu_list_is_numbers_or_it_is_none(text, numbers):
    assert parse_cpulist(text) == numbers


@given(st.sets(st.integers(0, 4095)))
def test_a_cpu_list_that_was_written_out_reads_back(numbers):
    assert parse_cpulist(",".join(map(str, numbers))) == tuple(sorted(numbers))


def test_nodes_are_in_the_order_of_their_numbers_and_may_lack_cpus_or_memory():
    nodes = {
        f"{NODE}/node10/cpulist": "\n",
        f"{NODE}/node10/meminfo": "Node 10 MemTotal:       2048 kB\n",
        f"{NODE}/node10/distance": "20 10\n",
        f"{NODE}/node2/cpulist": "0,2,4\n",
        f"{NODE}/possible": "0-15\n",
    }

    assert read_nodes(tree_of(nodes)) == (
        NumaNode(id=2, cpus=(0, 2, 4)),
        NumaNode(id=10, cpus=(), memory_mb=2, distances=(20, 10)),
    )


def test_a_host_without_node_folder_has_no_list_of_nodes():
    assert read_nodes(tree_of({})) is UNSET


@pytest.mark.parametrize(
    ("text", "vendor", "model", "flags"),
    [
        (X86, "GenuineIntel", "Xeon", ("avx", "sse")),
        (ARM, "0x41", UNSET, ("asimd", "fp")),
        (S390, "IBM/S390", UNSET, ("esan3", "zarch")),
        ("", UNSET, UNSET, ()),
        (X86.partition(" avx")[0], "GenuineIntel", "Xeon", ()),
        (X86.partition("Intel")[0], UNSET, UNSET, ()),
    ],
)
def test_the_first_processor_stands_for_all(text, vendor, model, flags):
    cpu = parse_cpuinfo(text)

    assert (cpu.vendor, cpu.model_name, cpu.flags) == (vendor, model, flags)


def test_processors_are_counted_from_those_online():
    tree = tree_of({"/proc/cpuinfo": X86, "/sys/devices/system/cpu/online": "0-7\n"})

    assert read_cpu(tree).count == 8


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        ({}, UNSET),
        ({"/sys/class/iommu": FOLDER}, False),
        ({"/sys/class/iommu/dmar0": Link("../../devices/virtual/iommu/dmar0")}, True),
    ],
)
def test_an_iommu_is_on_off_or_not_told(nodes, told):
    assert has_iommu(tree_of(nodes)) is told


def test_a_device_behind_an_iommu_tells_that_one_is_on():
    folder = "/sys/devices/pci0000:00/0000:00:03.0"
    nodes = function_nodes(folder, sriov_totalvfs="1") | {
        f"{folder}/iommu": Link("../../virtual/iommu/dmar0")
    }

    assert read_facts(tree_of(nodes)).host.iommu is True


def test_an_mdev_s_emulated_group_is_no_sign_of_anything():
    """``vfio-noiommu`` of type unknown on a host with a working IOMMU."""
    nodes = mtty_nodes(made={ONE: "mtty-1"}) | {
        f"{MTTY}/{ONE}/iommu_group": Link("../../../../../kernel/iommu_groups/11"),
        "/sys/kernel/iommu_groups/11/name": "vfio-noiommu\n",
        "/sys/kernel/iommu_groups/11/type": "unknown\n",
    }
    tree = tree_of(nodes)

    assert Groups(tree).of(f"{MTTY}/{ONE}").type == "unknown"
    assert read_facts(tree).host.iommu is UNSET


CONFIG = "CONFIG_IOMMUFD=m\n# CONFIG_VFIO_NOIOMMU is not set\nCONFIG_PCI_IOV=y\nCONFIG_X=y\n"


def test_options_that_a_configuration_does_not_mention_are_off():
    options = parse_config(CONFIG)

    assert options["CONFIG_IOMMUFD"] == "m"
    assert options["CONFIG_PCI_IOV"] == "y"
    assert options["CONFIG_VFIO_NOIOMMU"] == options["CONFIG_VFIO_DEVICE_CDEV"] == "n"
    assert "CONFIG_X" not in options


def test_no_configuration_is_no_answer():
    assert parse_config("") == parse_config("\x00garbage") == {}


@pytest.mark.parametrize("where", ["/proc/config.gz", "/boot/config-6.12.1"])
def test_the_configuration_is_read_where_the_kernel_or_the_distribution_puts_it(where):
    data = gzip.compress(CONFIG.encode()) if where.endswith("gz") else CONFIG
    tree = tree_of({where: data, "/proc/sys/kernel/osrelease": "6.12.1\n"})

    assert read_host(tree).kernel_config["CONFIG_IOMMUFD"] == "m"


@pytest.mark.parametrize("data", [b"", b"no gzip", gzip.compress(b"x" * 100, mtime=0)[:20]])
def test_a_damaged_configuration_is_no_answer(data):
    assert not parse_config(unpack(data) or "")


def test_a_configuration_that_unpacks_without_end_is_cut():
    assert len(unpack(gzip.compress(b"\n" * 50_000_000)) or "") == 4 * 1024 * 1024


def test_modules_of_drivers_are_named_with_their_taint_and_parameters():
    """``version`` may be equal where ``srcversion`` differs, and either may lack."""
    nodes = mtty_nodes() | {
        "/sys/module/mtty/srcversion": "0CFBC3668084E605BBD06DA\n",
        "/sys/module/mtty/taint": "OE\n",
        "/sys/module/unrelated/version": "1\n",
        "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts": "N\n",
        "/sys/module/vfio_iommu_type1/parameters/other": "1\n",
    }

    assert read_facts(tree_of(nodes)).host.modules == {
        "mtty": Module(srcversion="0CFBC3668084E605BBD06DA", taint="OE"),
        "vfio_iommu_type1": Module(parameters={"allow_unsafe_interrupts": "N"}),
    }


def test_a_module_that_is_not_called_like_its_driver_is_found_through_the_driver():
    folder = "/sys/devices/pci0000:00/0000:00:03.0"
    nodes = function_nodes(folder, sriov_totalvfs="1") | {
        f"{folder}/driver": Link("../../../bus/pci/drivers/odd"),
        "/sys/bus/pci/drivers/odd/module": Link("../../../../module/odd_core"),
        "/sys/module/odd_core/version": "2.0\n",
    }

    assert read_facts(tree_of(nodes)).host.modules["odd_core"] == Module(version="2.0")


def test_serial_numbers_and_uuids_are_left_alone():
    folder = "/sys/devices/virtual/dmi/id"
    nodes = {f"{folder}/{name}": "x\n" for name in ("sys_vendor", "product_uuid", "board_serial")}

    assert read_host(tree_of(nodes)).dmi == {"sys_vendor": "x"}


def test_the_machine_is_as_given_where_the_kernel_does_not_tell():
    assert read_host(tree_of({}), arch="aarch64").arch == "aarch64"
    told = tree_of({"/proc/sys/kernel/arch": "x86_64\n"})
    assert read_host(told, arch="aarch64").arch == "x86_64"
