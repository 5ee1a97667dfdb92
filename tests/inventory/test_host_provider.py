"""What a host itself becomes: quantities, NUMA nodes, traits, and what needs are held against."""

import pytest

from host_facts import a_host_with, a_plan, a_report
from wherry.inventory.derive import plan_host
from wherry.model.facts import Cpu, Difference, Facts, NumaNode
from wherry.profiles.builtin import builtin_profiles


def test_a_hosts_quantities_are_inventories() -> None:
    host = a_host_with(cpu=Cpu(count=8), memory_mb=32031, disk_gb=100)

    root = a_plan(host=host).providers[0]

    assert {n: (i.total, i.max_unit) for n, i in root.inventories.items()} == {
        "VCPU": (8, 8),
        "MEMORY_MB": (32031, 32031),
        "DISK_GB": (100, 100),
    }


def test_a_quantity_that_nobody_tells_is_no_inventory() -> None:
    assert a_plan().providers[0].inventories == {}
    assert a_plan(host=a_host_with(memory_mb=0)).providers[0].inventories == {}


def test_each_numa_node_is_a_provider_below_the_host() -> None:
    plan = a_plan(host=a_host_with(numa=(NumaNode(id=1), NumaNode(id=0))))

    assert [(one.name, one.traits) for one in plan.providers[1:]] == [
        ("host1_NUMA0", ("HW_NUMA_ROOT",)),
        ("host1_NUMA1", ("HW_NUMA_ROOT",)),
    ]
    assert {one.parent for one in plan.providers[1:]} == {plan.providers[0].uuid}


@pytest.mark.parametrize(
    ("arch", "flags", "traits"),
    [
        ("x86_64", ("avx", "aes", "nonsense"), {"HW_CPU_X86_AVX", "HW_CPU_X86_AESNI"}),
        ("x86_64", ("pni",), {"HW_CPU_X86_SSE3"}),
        ("aarch64", ("aes",), {"HW_CPU_AARCH64_AES"}),
    ],
)
def test_processor_features_have_the_fields_names(
    arch: str, flags: tuple[str, ...], traits: set[str]
) -> None:
    root = a_plan(host=a_host_with(arch=arch, cpu=Cpu(flags=flags))).providers[0]

    assert set(root.traits) == traits | {f"HW_ARCH_{arch.upper()}"}


def test_what_libvirt_lets_a_guest_have_goes_before_what_the_kernel_sees() -> None:
    host = a_host_with(arch="x86_64", cpu=Cpu(flags=("avx",)), cpu_features=("avx2",))

    assert "HW_CPU_X86_AVX" not in a_plan(host=host).providers[0].traits
    assert "HW_CPU_X86_AVX2" in a_plan(host=host).providers[0].traits


def test_needs_are_held_against_what_the_host_said() -> None:
    host = a_host_with(
        arch="x86_64",
        machine_types=("pc-q35-9.2",),
        versions={"qemu": "10.0.13", "kernel": "x" * 300, "libvirt": ""},
    )

    check = a_plan(host=host).check

    assert (check.arch, check.machine_types) == ("x86_64", ("pc-q35-9.2",))
    assert check.versions == {"kernel": "x" * 200, "qemu": "10.0.13"}


def test_sources_that_differ_are_shown() -> None:
    difference = Difference(
        device="mtty", attribute="present", taken="no", other="yes", source="mdevctl"
    )
    report = a_report()
    report = type(report)(
        **{name: getattr(report, name) for name in report.__struct_fields__ if name != "facts"},
        facts=Facts(differences=(difference,)),
    )

    (finding,) = plan_host(report, builtin_profiles()).findings

    assert (finding.code, finding.device) == ("SOURCES_DIFFER", "mtty")
    assert finding.message.endswith("present is no, and yes by mdevctl")
