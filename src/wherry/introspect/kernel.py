"""The kernel: its configuration where that decides migrations, and its modules' identity.

``version`` and ``srcversion`` of a module show that two hosts differ; neither promises
anything about what they can exchange.

Source: docs/reference/introspection.md, "The host".
"""

import re
import zlib
from collections.abc import Iterable
from typing import Final

from wherry.introspect.tree import (
    ABSENT,
    Tree,
    link_name,
    list_names,
    read_attribute,
    read_text,
    resolve,
)
from wherry.model.facts import Device, Module

MODULES: Final = "/sys/module"
CONFIG_LIMIT: Final = 4 * 1024 * 1024
"""Most bytes of kernel configuration, packed or not."""

OPTIONS: Final = (
    "CONFIG_IOMMUFD",
    "CONFIG_IOMMUFD_DRIVER",
    "CONFIG_PCI_IOV",
    "CONFIG_VFIO_DEBUGFS",
    "CONFIG_VFIO_DEVICE_CDEV",
    "CONFIG_VFIO_MDEV",
    "CONFIG_VFIO_NOIOMMU",
)
ALWAYS: Final = (
    "iommufd",
    "kvm",
    "mdev",
    "nvidia",
    "nvidia_vgpu_vfio",
    "vfio",
    "vfio_iommu_type1",
    "vfio_pci",
    "vfio_pci_core",
)
"""Modules that are looked at on every host; drivers of devices come on top."""

_PARAMETERS: Final = {
    "vfio": ("enable_unsafe_noiommu_mode",),
    "vfio_iommu_type1": ("allow_unsafe_interrupts", "dma_entry_limit"),
}
_LINE = re.compile(r"^(?:(CONFIG_\w+)=([ym])|# (CONFIG_\w+) is not set)$", re.ASCII | re.MULTILINE)


def read_kernel_config(tree: Tree, release: str | None) -> dict[str, str]:
    """Read the options that decide migrations; empty where the configuration is not to be had.

    An option that a configuration does not mention is off, ``n``.
    """
    packed = tree.read("/proc/config.gz", CONFIG_LIMIT)
    text = unpack(packed) if isinstance(packed, bytes) else None
    if text is None and release and "/" not in release:
        text = read_text(tree, f"/boot/config-{release}", CONFIG_LIMIT)
    return parse_config(text) if text else {}


def parse_config(text: str) -> dict[str, str]:
    """Pick the options of :data:`OPTIONS` out of a kernel configuration."""
    said = {yes or no: value or "n" for yes, value, no in _LINE.findall(text)}
    return {name: said.get(name, "n") for name in OPTIONS} if said else {}


def unpack(data: bytes) -> str | None:
    """Unpack gzip, at most 4 MiB of it; None where it is damaged."""
    try:
        return (
            zlib.decompressobj(wbits=31).decompress(data, CONFIG_LIMIT).decode("ascii", "replace")
        )
    except zlib.error:
        return None


def read_modules(
    tree: Tree, devices: Iterable[Device], drivers: Iterable[str]
) -> dict[str, Module]:
    """Read the identity of the modules that matter, by module name.

    Args:
        tree: where to read.
        devices: their drivers' modules are read.
        drivers: names of more drivers, such as those of instances.
    """
    names = {*ALWAYS, *drivers, *(one.driver for one in devices if isinstance(one.driver, str))}
    names |= {name for one in devices if (name := _module_of(tree, one))}
    found = {name: _read_module(tree, name) for name in sorted({_module_name(n) for n in names})}
    return {name: module for name, module in found.items() if module is not None}


def _module_name(driver: str) -> str:
    return driver.replace("-", "_")


def _module_of(tree: Tree, device: Device) -> str | None:
    """Follow a bound driver to its module, whose name may differ from the driver's."""
    folder = resolve(tree, f"{device.path}/driver") if isinstance(device.path, str) else ABSENT
    name = link_name(tree, f"{folder}/module") if isinstance(folder, str) else ABSENT
    return name if isinstance(name, str) else None


def _read_module(tree: Tree, name: str) -> Module | None:
    folder = f"{MODULES}/{name}"
    if "/" in name or tree.stat(folder) is ABSENT:
        return None
    wanted = _PARAMETERS.get(name, ())
    parameters = list_names(tree, f"{folder}/parameters", wanted.__contains__) if wanted else ()
    values = {
        one: read_attribute(tree, f"{folder}/parameters/{one}")
        for one in (parameters if isinstance(parameters, tuple) else ())
    }
    return Module(
        version=read_attribute(tree, f"{folder}/version"),
        srcversion=read_attribute(tree, f"{folder}/srcversion"),
        taint=read_attribute(tree, f"{folder}/taint"),
        parameters={key: value for key, value in values.items() if value is not ABSENT},
    )
