"""PCI addresses in one spelling.

NVML writes eight digits of domain (``00000000:41:00.0``), sysfs four, and five below a
VMD (``10000:e1:00.0``); libvirt writes numbers.  They are compared as integers.

Source: docs/reference/introspection.md, "PCI functions".
"""

import re

_ADDRESS = re.compile(
    r"([0-9a-fA-F]{1,8}):([0-9a-fA-F]{1,2}):([0-9a-fA-F]{1,2})\.([0-7])", re.ASCII
)

_LAST_SLOT = 0x1F


def format_address(domain: int, bus: int, slot: int, function: int) -> str:
    """Spell an address as sysfs does: ``0000:3b:00.0``; a wide domain keeps its digits."""
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"


def parse_address(text: str) -> str | None:
    """Give a PCI address in its normal spelling, or None where *text* is none."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return None
    domain, bus, slot, function = (int(part, 16) for part in found.groups())
    return format_address(domain, bus, slot, function) if slot <= _LAST_SLOT else None
