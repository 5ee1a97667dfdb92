"""What placing the slots of a request in one tree looks at; equal trees share one ground.

Providers are places, sets of providers are bit masks in Python's unbounded integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One tree, with what shares with it, or many trees that are alike in all this.

    Attributes:
        options: for each slot the places that could serve it alone.
        having: for each trait question to the group without a suffix, the places that have one.
        holding: class and sum to the places that could give several slots so much together.
        below: for each place itself and all below it; empty where no subtree is asked for.
        alike: places that could change places, in masks of two at least, each lowest first.
        kin: for each place all of the same tree; empty where all are of one.
    """

    options: tuple[int, ...]
    having: tuple[int, ...] = ()
    holding: Mapping[tuple[str, int], int] = field(default_factory=dict)
    below: tuple[int, ...] = ()
    alike: tuple[int, ...] = ()
    kin: tuple[int, ...] = ()


def places(mask: int) -> list[int]:
    """List the places of a mask, lowest first."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found
