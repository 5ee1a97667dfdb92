"""The first of the hosts that take a guest, put in order.

Source: design, section 7; docs/reference/targets.md, "Ranking".
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.host_view import HostView
from wherry.schedule.weighers import DEFAULT_WEIGHTS, Weighed, Weights, score, tie_break


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How hosts that take a guest are put in order."""

    weights: Weights = DEFAULT_WEIGHTS
    seed: int = 0
    """Decides between hosts that are otherwise equal."""


DEFAULT_RANKING = Ranking()


class Ranked(NamedTuple):
    """A host that takes the guest, by what it is ordered by: the least comes first."""

    weight: int
    """Of the verdict: what is plainly ok comes before what is accepted with a warning."""
    minus_score: float
    tie: int
    name: str
    host: HostView


def rank(weighed: Weighed, weight: NDArray[np.int64], ranking: Ranking, limit: int) -> list[Ranked]:
    """Give the first *limit* of these hosts, in order.

    Args:
        weighed: R hosts that take the guest, and what they are weighed by.
        weight: [R], of the verdict on each.
        ranking: weights and seed.
        limit: how many are listed.
    """
    minus_scores = -score(weighed, ranking.weights)
    some = _first(weight, minus_scores, limit)
    found = []
    for place in some.tolist():
        host = weighed.columns.hosts[weighed.rows[place]]
        tie = tie_break(host.name, ranking.seed)
        order = int(weight[place]), float(minus_scores[place]), tie
        found.append(Ranked(*order, host.name, host))
    return sorted(found, key=lambda each: each[:4])[:limit]


def _first(
    weight: NDArray[np.int64], minus_scores: NDArray[np.float64], limit: int
) -> NDArray[np.int64]:
    """Choose those that can be among the first: all that are as good as the last of these."""
    chosen: list[NDArray[np.int64]] = []
    for each in np.unique(weight):
        places = np.flatnonzero(weight == each)
        left = limit - sum(map(len, chosen))
        if left <= 0:
            break
        if len(places) > left:
            last = np.partition(minus_scores[places], left - 1)[left - 1]
            places = places[minus_scores[places] <= last]
        chosen.append(places)
    return np.concatenate(chosen) if chosen else np.empty(0, np.int64)
