"""Tables of names that are the field's, as data: traits of processor features and of arches.

Source: os-traits; Linux arch/x86/include/asm/cpufeatures.h; libvirt's cpu map.
"""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import os_resource_classes
import os_traits

# Placement's own form of a custom name.
_CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]{1,248}", re.ASCII)


@cache
def standard_traits() -> frozenset[str]:
    """Name the traits of the os-traits library."""
    return frozenset(os_traits.get_traits())


@cache
def standard_classes() -> tuple[str, ...]:
    """Name the resource classes of the os-resource-classes library, in their order."""
    return tuple(os_resource_classes.STANDARDS)


def is_trait(name: str) -> bool:
    """Tell whether a trait may be published: a standard one, or a custom one."""
    return name in standard_traits() or _is_custom(name)


def is_trait_beginning(text: str) -> bool:
    """Tell whether names of traits that may be published begin like this."""
    return is_trait(text) or any(name.startswith(text) for name in standard_traits())


def is_resource_class(name: str) -> bool:
    """Tell whether a class may be published: a standard one, or a custom one."""
    return name in os_resource_classes.STANDARDS or _is_custom(name)


def cpu_trait(arch: str, feature: str) -> str | None:
    """Give the trait of a processor feature by the kernel's or libvirt's name, or None.

    The same word is another feature on another architecture (``cpuid``, ``aes``).
    """
    trait: str | None = _tables()["cpu"].get(arch, {}).get(feature)
    return trait


def arch_trait(arch: str) -> str | None:
    """Give the ``HW_ARCH_…`` trait of an architecture by the kernel's name, or None.

    Names are compared as text (R63), so another spelling of one has no trait.
    """
    name = f"HW_ARCH_{arch.upper()}"
    return name if name in standard_traits() and arch == arch.lower() else None


def cuda_trait(device: str) -> str | None:
    """Give the trait of a GPU's CUDA compute capability by its PCI device id, or None.

    os-traits ends at 7.2; later levels are custom traits of the same form.
    """
    level: str | None = _tables()["cuda_by_device"].get(device)
    if level is None:
        return None
    name = f"HW_GPU_CUDA_COMPUTE_CAPABILITY_V{level.replace('.', '_')}"
    return name if name in standard_traits() else f"CUSTOM_{name}"


def _is_custom(name: str) -> bool:
    return _CUSTOM.fullmatch(name) is not None


@cache
def _tables() -> dict[str, Any]:
    text = files("wherry.profiles").joinpath("data", "tables", "traits.toml").read_text("utf-8")
    return tomllib.loads(text)
