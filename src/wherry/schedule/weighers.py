"""Weighers rank the hosts that take a guest; what they weigh by is configuration.

Each gives a number from 0 to 1, larger is better, of the host's numbers alone: a rank does
not depend on what other hosts there are.

Source: design, section 7; docs/reference/targets.md.
"""

from collections.abc import Mapping
from zlib import crc32

from wherry.inventory.host_view import HostView, Room
from wherry.model.inventory import Value


class Weights(Value, frozen=True, kw_only=True):
    """How much each weigher counts; 0 switches it off, below 0 turns it around."""

    free_room: float = 1.0
    """Of the classes that the guest takes: the least fraction left after the claim.  Below 0
    hosts are filled up one by one."""
    spread: float = 1.0
    """Of all classes of the host: the mean fraction that is unused now."""


DEFAULT_WEIGHTS = Weights()


def weigh(host: HostView, asked: Mapping[str, int], weights: Weights) -> float:
    """Give the score of a host: the sum of its weighers, each times its weight.

    Args:
        host: one that takes the guest.
        asked: class to units that the guest would take there.
        weights: how much each weigher counts.
    """
    score = 0.0
    if weights.free_room:
        score += weights.free_room * free_room(host.room, asked)
    if weights.spread:
        score += weights.spread * host.unused
    return score


def free_room(room: Mapping[str, Room], asked: Mapping[str, int]) -> float:
    """The least fraction of an asked class that is left after the claim; 1 if none is asked.

    A class that the host does not count is no reason to prefer another host.
    """
    least = 1.0
    for name, amount in asked.items():
        here = room.get(name)
        if here is not None and here.total > 0:
            left = (here.free - amount) / here.total
            least = min(least, left)
    return max(0.0, least)


def tie_break(host: str, seed: int) -> int:
    """A number by which hosts of one score are put in order: another for another seed."""
    return crc32(host.encode(), seed & 0xFFFFFFFF)
