"""Weighers rank the hosts that take a guest; what they weigh by is configuration.

Each gives a number from 0 to 1, larger is better.  Most look at the host's numbers alone; what
is scarce, and what a recipe is worth, hangs on the fleet.

Source: design, section 7; docs/reference/targets.md.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from msgspec.structs import asdict
from numpy.typing import NDArray

from wherry.inventory.host_columns import MOST, HostColumns
from wherry.model.inventory import Value
from wherry.schedule.group_rules import Wished
from wherry.schedule.outlook import Outlook


class Weights(Value, frozen=True, kw_only=True):
    """How much each weigher counts; 0 switches it off, below 0 turns it around."""

    free_room: float = 1.0
    """Of the classes that the guest takes: the least fraction left after the claim.  Below 0
    hosts are filled up one by one."""
    spread: float = 1.0
    """Of all classes of the host: the mean fraction that is unused now."""
    groups: float = 1.0
    """Of the guest's soft groups: the mean of the fraction of the others that is there, where
    they keep together, and that is not, where they keep apart."""
    numa: float = 1.0
    """Whether the devices are on NUMA nodes as the guest asks: 1, or 1/2 where it is not known; 0
    for a guest that asks for none."""
    packing: float = 0.0
    """How few recipes of the fleet's types no longer fit, beyond what the guest takes."""
    alternatives: float = 0.0
    """How few of the last places for other types are taken."""
    return_path: float = 0.0
    """The fraction of the guest's devices that could come back."""
    downtime: float = 0.0
    """How short the guest stands still: 1 for not at all, 1/2 for a second; 0 where it cannot
    be told."""
    bugfix: float = 0.0
    """Whether the guest's devices get a newer bugfix number of their version: of each 1 if so,
    0 if it is an older one, 1/2 otherwise; the mean."""


DEFAULT_WEIGHTS = Weights()


class Weighed(NamedTuple):
    """What the weighers look at: R hosts that take a guest."""

    columns: HostColumns
    rows: NDArray[np.int64]
    """[R]"""
    downtime_ms: NDArray[np.float64]
    """[R], as estimated; not a number where it cannot be."""
    nearness: NDArray[np.float64]
    """[R], how well the NUMA nodes of the devices go with what the guest asks."""
    asked: Mapping[str, int]
    """Class to units that the guest would take there."""
    wished: Wished
    """How well hosts go with the guest's soft groups."""
    outlook: Outlook
    """What is left once the guest would have come."""


def score(weighed: Weighed, weights: Weights) -> NDArray[np.float64]:
    """Give the score of hosts: the sum of the weighers, each times its weight: float64[R]."""
    scores = np.zeros(len(weighed.rows), np.float64)
    for name, weight in asdict(weights).items():
        if weight:
            scores += weight * WEIGHERS[name](weighed)
    return scores


def shortness(downtime_ms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between 1 for no downtime and 0 for an endless one, or one that cannot be told."""
    return np.nan_to_num(1000.0 / (1000.0 + downtime_ms), nan=0.0)


def togetherness(
    columns: HostColumns, rows: NDArray[np.int64], wished: Wished
) -> NDArray[np.float64]:
    """How well hosts go with the guest's soft groups: float64[R]."""
    empty, named = wished
    found = np.full(len(columns), empty, np.float64)
    for host, value in named.items():
        if host in columns.row_of:
            found[columns.row_of[host]] = value
    return found[rows]


def free_room(
    columns: HostColumns, rows: NDArray[np.int64], asked: Mapping[str, int]
) -> NDArray[np.float64]:
    """The least fraction of an asked class that is left after the claim; 1 if none is asked.

    A class that the host does not count is no reason to prefer another host.
    """
    least = np.ones(len(rows), np.float64)
    for name, amount in asked.items():
        total = columns.amount("total", name)[rows]
        left = columns.amount("free", name)[rows] - min(amount, MOST)
        counted = total > 0
        least[counted] = np.minimum(least[counted], left[counted] / total[counted])
    return np.maximum(0.0, least)


def tie_break(host: str, seed: int) -> int:
    """A number by which hosts of one score are put in order: another for another seed."""
    return crc32(host.encode(), seed & 0xFFFFFFFF)


WEIGHERS: Final[Mapping[str, Callable[[Weighed], NDArray[np.float64]]]] = {
    "free_room": lambda of: free_room(of.columns, of.rows, of.asked),
    "spread": lambda of: of.columns.unused[of.rows],
    "groups": lambda of: togetherness(of.columns, of.rows, of.wished),
    "numa": lambda of: of.nearness,
    "packing": lambda of: of.outlook.packing(),
    "alternatives": lambda of: of.outlook.alternatives(),
    "return_path": lambda of: of.outlook.return_path(),
    "downtime": lambda of: shortness(of.downtime_ms),
    "bugfix": lambda of: of.outlook.bugfix(),
}
"""What each weight of `Weights` is the weight of; those of weight 0 are not asked."""
