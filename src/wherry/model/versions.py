"""Versions, parsed once: semver, and numbers with dots.

A number is 1 to 9 ASCII digits; leading zeros do not count.  Nothing is trimmed, and no
prefix, suffix, sign or space is taken.

Source: docs/reference/compat.md, section 6, "Parsing".
"""

import re
from typing import NamedTuple

_SEMVER = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})(?:\.[0-9]{1,9})?")
_DOTTED = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,7}")


class Semver(NamedTuple):
    """Major and minor; a bugfix number is not compared, so it is not kept (R22)."""

    major: int
    minor: int


class Dotted(NamedTuple):
    """One to eight numbers; trailing zeros are left off, since missing ones are 0."""

    numbers: tuple[int, ...]

    @property
    def first(self) -> int:
        """The first number, which policy ``major`` compares."""
        return self.numbers[0] if self.numbers else 0


def parse_semver(text: str) -> Semver | None:
    """Parse 2 or 3 numbers; None where the text is no semver."""
    match = _SEMVER.fullmatch(text)
    return Semver(int(match[1]), int(match[2])) if match else None


def parse_dotted(text: str) -> Dotted | None:
    """Parse 1 to 8 numbers; None where the text is no dotted number."""
    if not _DOTTED.fullmatch(text):
        return None
    numbers = [int(part) for part in text.split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return Dotted(tuple(numbers))
