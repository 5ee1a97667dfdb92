"""The free text of an mdev type's ``description``, taken apart as far as it goes.

NVIDIA writes ``num_heads=4, framebuffer=2048M``, GVT-g ``weight: 4`` a line, samples prose.
One tolerant grammar serves: items end at a newline or comma; a key, then ``=`` or ``:``, then
the value; an item with no key is text.  The raw text is never dropped.

Source: notes on introspection, section 6.
"""

import re
from typing import Final, NamedTuple

_ITEM = re.compile(r"([A-Za-z][A-Za-z0-9_ ]*?)\s*[=:]\s*(.*)", re.ASCII | re.DOTALL)
_SIZE = re.compile(r"([0-9]{1,12})\s*(K|M|G|KB|MB|GB|KiB|MiB|GiB)", re.ASCII)
_RESOLUTION = re.compile(r"([0-9]{1,9})x([0-9]{1,9})", re.ASCII)
_KIB: Final = {"K": 1, "M": 1024, "G": 1024 * 1024}


class Description(NamedTuple):
    """A description's pairs in order, the items without a key, and the text itself."""

    pairs: dict[str, str]
    text: tuple[str, ...]
    raw: str


def parse_description(raw: str) -> Description:
    """Take a description apart; of a key that comes twice, the first value stays."""
    pairs: dict[str, str] = {}
    text: list[str] = []
    for item in (part.strip() for part in re.split(r"[\n,]", raw)):
        found = _ITEM.fullmatch(item)
        if found:
            pairs.setdefault(found[1], found[2].strip())
        elif item:
            text.append(item)
    return Description(pairs, tuple(text), raw)


def parse_size_mb(value: str) -> int | None:
    """Read a size such as ``2048M`` or ``128MB`` in MiB (all units are binary here).

    None where it is no size, or no whole number of MiB.
    """
    found = _SIZE.fullmatch(value)
    kib = int(found[1]) * _KIB[found[2][0]] if found else None
    return None if kib is None or kib % 1024 else kib // 1024


def parse_resolution(value: str) -> tuple[int, int] | None:
    """Read ``1920x1200`` as width and height in pixels."""
    found = _RESOLUTION.fullmatch(value)
    return (int(found[1]), int(found[2])) if found else None
