"""The pairs that drivers put into a description: ``num_heads=4, framebuffer=2048M``.

One tolerant grammar serves NVIDIA (commas, ``=``), GVT-g (lines, ``:``) and what mdevctl makes
of the latter (commas, ``:``): items end at a comma or a line's end; an item is a key, ``=``
or ``:``, and a value.  An item without a key is prose and no pair.

Source: notes on introspection, section 6.
"""

import re

_ITEM = re.compile(r"\s*([A-Za-z][A-Za-z0-9_ ]*?)\s*[=:]\s*(.*?)\s*", re.ASCII | re.DOTALL)
_SIZE = re.compile(r"([0-9]{1,15})\s*(K|M|G|T)(?:i?B)?", re.ASCII)
_MB = {"M": 1, "G": 1024, "T": 1024 * 1024}


def parse_pairs(text: str) -> dict[str, str]:
    """Give the pairs of a description; a key that stands twice keeps its first value."""
    pairs: dict[str, str] = {}
    for item in re.split(r"[,\n]", text):
        found = _ITEM.fullmatch(item)
        if found:
            pairs.setdefault(found[1], found[2])
    return pairs


def parse_size_mb(text: str) -> int | None:
    """Read a size with its unit (``2048M``, ``512MB``, all binary) as whole MiB, or None.

    What is no whole number of MiB is None too: rounding would make two sizes one.
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        return None
    if found[2] == "K":
        whole, rest = divmod(int(found[1]), 1024)
        return whole if rest == 0 else None
    return int(found[1]) * _MB[found[2]]
