"""Tables of names that are the field's, as data: traits of processor features and of arches.

Source: os-traits; Linux arch/x86/include/asm/cpufeatures.h; libvirt's cpu map.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import os_resource_classes
import os_traits

from wherry.profiles.patterns import matches


@cache
def standard_traits() -> frozenset[str]:
    """Name the traits of the os-traits library."""
    return frozenset(os_traits.get_traits())


def is_trait(name: str) -> bool:
    """Tell whether a trait may be published: a standard one, or a custom one."""
    return name in standard_traits() or matches("CUSTOM_*", name)


def is_resource_class(name: str) -> bool:
    """Tell whether a class may be published: a standard one, or a custom one."""
    return name in os_resource_classes.STANDARDS or matches("CUSTOM_*", name)


def cpu_trait(arch: str, feature: str) -> str | None:
    """Give the trait of a processor feature by the kernel's or libvirt's name, or None.

    The same word is another feature on another architecture (``cpuid``, ``aes``).
    """
    trait: str | None = _tables()["cpu"].get(arch, {}).get(feature)
    return trait


def arch_trait(arch: str) -> str | None:
    """Give the ``HW_ARCH_…`` trait of an architecture by the kernel's name, or None."""
    name = f"HW_ARCH_{arch.upper()}"
    return name if name in standard_traits() else None


def cuda_trait(device: str) -> str | None:
    """Give the trait of a GPU's CUDA compute capability by its PCI device id, or None.

    os-traits ends at 7.2; later levels are custom traits of the same form.
    """
    level: str | None = _tables()["cuda_by_device"].get(device)
    if level is None:
        return None
    name = f"HW_GPU_CUDA_COMPUTE_CAPABILITY_V{level.replace('.', '_')}"
    return name if name in standard_traits() else f"CUSTOM_{name}"


@cache
def _tables() -> dict[str, Any]:
    text = files("wherry.profiles").joinpath("data", "tables", "traits.toml").read_text("utf-8")
    return tomllib.loads(text)
