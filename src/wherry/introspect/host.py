"""What a host says of itself: kernel, processors, memory, NUMA, IOMMU, firmware.

Source: docs/reference/introspection.md, "The host".
"""

import re
from collections.abc import Iterable
from typing import Final

from msgspec import UNSET, UnsetType

from wherry.introspect.iommu import has_iommu
from wherry.introspect.kernel import read_kernel_config, read_modules
from wherry.introspect.numa import parse_cpulist, parse_memory_mb, read_nodes
from wherry.introspect.tree import Tree, read_attribute, read_attributes, read_text
from wherry.model.facts import Attribute, Cpu, Device, Host

DMI: Final = "/sys/devices/virtual/dmi/id"  # what /sys/class/dmi/id links to
DMI_ATTRIBUTES: Final = (
    "sys_vendor",
    "product_name",
    "product_version",
    "bios_vendor",
    "bios_version",
    "bios_date",
    "board_vendor",
    "board_name",
    "board_version",
)
"""Kinds, no serial numbers and no uuid."""

CPUINFO_LIMIT: Final = 16 * 1024  # the first processor is enough; a big host has megabytes
_PRESENT = "/sys/devices/system/cpu/online"
# A line without its end was cut: half a list of flags would be a processor that is not there.
_CPUINFO_LINE = re.compile(r"^([^\t:\n]+?)[ \t]*:[ \t]*(.*)\n", re.MULTILINE)
_VENDOR = ("vendor_id", "CPU implementer")
_MODEL = ("model name", "cpu", "machine")
_FLAGS = ("flags", "Features", "features")


def read_host(
    tree: Tree, devices: Iterable[Device] = (), drivers: Iterable[str] = (), *, arch: str = ""
) -> Host:
    """Read the host's own facts.

    Args:
        tree: where to read.
        devices: those found, for their drivers' modules.
        drivers: names of more drivers whose modules are read.
        arch: what to take where the kernel does not publish its machine (before 6.1).
    """
    kernel = _text(read_attribute(tree, "/proc/sys/kernel/osrelease"))
    machine = _text(read_attribute(tree, "/proc/sys/kernel/arch")) or arch
    memory = parse_memory_mb(read_text(tree, "/proc/meminfo") or "")
    modules = read_modules(tree, devices, drivers)
    nvidia = modules["nvidia"].version if "nvidia" in modules else UNSET
    versions = {"kernel": kernel, "nvidia": _text(nvidia)}
    cpu = read_cpu(tree)
    return Host(
        arch=machine or UNSET,
        kernel=kernel or UNSET,
        cpu=cpu,
        cpu_features=cpu.flags if isinstance(cpu, Cpu) and cpu.flags else UNSET,
        memory_mb=UNSET if memory is None else memory,
        numa=read_nodes(tree),
        versions={name: text for name, text in versions.items() if text},
        modules=modules,
        iommu=has_iommu(tree),
        kernel_config=read_kernel_config(tree, kernel),
        dmi=read_attributes(tree, DMI, DMI_ATTRIBUTES),
    )


def read_cpu(tree: Tree) -> Cpu | UnsetType:
    """Read the processors from ``/proc/cpuinfo`` and the count of those online; or absent."""
    text = read_text(tree, "/proc/cpuinfo", CPUINFO_LIMIT)
    cpu = Cpu() if text is None else parse_cpuinfo(text)
    online = read_attribute(tree, _PRESENT)
    numbers = parse_cpulist(online) if isinstance(online, str) else None
    if text is None and numbers is None:
        return UNSET
    return Cpu(
        vendor=cpu.vendor,
        model_name=cpu.model_name,
        flags=cpu.flags,
        count=UNSET if numbers is None else len(numbers),
    )


def parse_cpuinfo(text: str) -> Cpu:
    """Take the first processor of a ``/proc/cpuinfo`` (x86, Arm, s390, POWER); no count.

    Only whole lines count, since the text may be the beginning of a longer one.
    """
    said: dict[str, str] = {}
    for key, value in _CPUINFO_LINE.findall(text):
        said.setdefault(key, value)
    flags = next((said[key].split() for key in _FLAGS if key in said), [])
    return Cpu(
        vendor=next((said[key] for key in _VENDOR if said.get(key)), UNSET),
        model_name=next((said[key] for key in _MODEL if said.get(key)), UNSET),
        flags=tuple(sorted(set(flags))),
    )


def _text(value: Attribute | UnsetType) -> str:
    return value if isinstance(value, str) else ""
