"""The devices of a guest go to one host together: each alone is not enough.

Source: docs/reference/compat.md, R53.
"""

from collections.abc import Iterable
from typing import Final

from wherry.compat.table import Finding, cause

RULES: Final = ("R53",)

_MAPPING = cause("MAPPING")


def check(slots: Iterable[str], *, mapped: bool) -> list[Finding]:
    """Object if the slots could not be mapped; *slots* are those in the way."""
    return [] if mapped else [(_MAPPING, {"slots": sorted(slots)})]
