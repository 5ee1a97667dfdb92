"""What claims on many hosts would leave, and give: recipes lost, places gone, ways back, fixes.

What a claim takes of an island is worked out once for each distinct island and load, and
remembered for questions like it; the rest are sums over columns.

Letters of shapes: R hosts, E islands that these would give something of, T types of the fleet,
L distinct pairs of island and load.

Source: design, section 7 (weighers); docs/reference/targets.md, "Ranking".
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.host_columns import HostColumns, spans
from wherry.schedule.classes import AtDevices
from wherry.schedule.fixes import SAME, Fixes
from wherry.schedule.fleet_types import FleetTypes
from wherry.schedule.question import Question
from wherry.schedule.recipes import Loss, Type, loss_of
from wherry.schedule.return_path import WaysBack
from wherry.schedule.takings import Load, Takings, find_takings

PerType = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Number of a pair, number of a type, and a value of both."""


class Outlook:
    """Hosts that take a guest, after it would have come; worked out as far as it is asked for.

    Args:
        question: the guest.
        columns: the fleet.
        at: what the guest finds at the devices of every host.
        rows: [R], hosts that take it.
        ways: whether its devices could come back.
        fixes: whether they would get fixes.
    """

    def __init__(
        self,
        question: Question,
        columns: HostColumns,
        at: AtDevices,
        rows: NDArray[np.int64],
        ways: WaysBack,
        fixes: Fixes,
    ) -> None:
        self._question = question
        self._columns = columns
        self._at = at
        self._rows = rows
        self._ways = ways
        self._fixes = fixes

    def packing(self) -> NDArray[np.float64]:
        """How few recipes are lost beyond what the guest takes itself: float64[R], 0 to 1.

        1/2 where what is lost is what it takes; more where it fills what was of no use.
        """
        pairs, types, shares = self._per_type(lambda loss: loss.lost)
        lost = np.bincount(pairs, shares * self._types.mix[types], len(self._losses))
        taken = np.array([loss.taken for loss in self._losses], np.float64)
        loss = self._sum(lost - taken) / max(1, self._devices)
        return np.clip((1.0 - loss) / 2.0, 0.0, 1.0)

    def alternatives(self) -> NDArray[np.float64]:
        """How few places are left to no other type that could be made there: float64[R], 0 to 1.

        Of the types that the guest has not, the one that loses most of its places in the fleet
        counts.
        """
        pairs, types, _ = self._per_type(lambda loss: tuple((kind, 1.0) for kind in loss.closed))
        own = [self._types.numbers.get(kind) for kind in self._own_types()]
        others = ~np.isin(types, [each for each in own if each is not None])
        host, kind = _join(self._pair_of, self._takings.host, pairs[others], types[others])
        size = len(self._types.open)
        keys, closed = np.unique(host * size + kind, return_counts=True)
        worst = np.zeros(len(self._rows), np.float64)
        if len(keys):
            np.maximum.at(worst, keys // size, closed / self._types.open[keys % size])
        return 1.0 - worst

    def return_path(self) -> NDArray[np.float64]:
        """The fraction of the guest's devices that could come back: float64[R]; 1 without any."""
        if not self._devices:
            return np.ones(len(self._rows), np.float64)
        open_ways = [self._ways_open(island, load) for island, load in self._distinct]
        return self._sum(np.array(open_ways, np.float64)) / self._devices

    def bugfix(self) -> NDArray[np.float64]:
        """How many of the guest's devices would get fixes: float64[R], from 0 to 1.

        The mean of what `Fixes` says of each; 1/2 without any.
        """
        if not self._devices:
            return np.full(len(self._rows), SAME)
        gains = [self._gain(island, load) for island, load in self._distinct]
        return SAME + self._sum(np.array(gains, np.float64)) / self._devices

    @property
    def _devices(self) -> int:
        return len(self._question.contracts)

    @cached_property
    def _types(self) -> FleetTypes:
        return self._question.cache.types.count(self._columns)

    @cached_property
    def _takings(self) -> Takings:
        return find_takings(self._question, self._at, self._rows)

    @cached_property
    def _pairs(self) -> tuple[list[tuple[int, Load]], NDArray[np.int64]]:
        """The distinct pairs of island and load, and which of these each taking is: int64[E]."""
        takings = self._takings
        size = max(1, len(takings.loads))
        keys, number = np.unique(takings.island * size + takings.load, return_inverse=True)
        pairs = (divmod(key, size) for key in keys.tolist())
        return [(island, takings.loads[load]) for island, load in pairs], number

    @property
    def _distinct(self) -> list[tuple[int, Load]]:
        return self._pairs[0]

    @property
    def _pair_of(self) -> NDArray[np.int64]:
        return self._pairs[1]

    @cached_property
    def _losses(self) -> list[Loss]:
        return [self._loss(island, load) for island, load in self._distinct]

    def _loss(self, number: int, load: Load) -> Loss:
        island = self._columns.tables.islands[number]
        known = self._question.memory.losses.setdefault(island, {})
        found = known.get(load)
        if found is None:
            contracts = self._question.contracts
            asked = [(contracts[device], offer) for device, offer in load]
            found = known[load] = loss_of(island, asked)
        return found

    def _own_types(self) -> set[Type]:
        return {(contract.kind, contract.type) for contract in self._question.contracts}

    def _ways_open(self, number: int, load: Load) -> int:
        shapes = self._columns.tables.islands[number].shapes
        slots = self._question.contracts
        return sum(self._ways.is_open(slots[each].slot, shapes[offer]) for each, offer in load)

    def _gain(self, number: int, load: Load) -> float:
        shapes = self._columns.tables.islands[number].shapes
        slots = self._question.contracts
        return sum(self._fixes.of(slots[each].slot, shapes[offer]) - SAME for each, offer in load)

    def _per_type(self, of: Callable[[Loss], tuple[tuple[Type, float], ...]]) -> PerType:
        numbers = self._types.numbers
        rows = [
            (pair, numbers[kind], value)
            for pair, loss in enumerate(self._losses)
            for kind, value in of(loss)
        ]
        pairs, types, values = np.array(rows, np.float64).reshape(-1, 3).T
        return pairs.astype(np.int64), types.astype(np.int64), values

    def _sum(self, of_pair: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum up for each host what its takings have: float64[R]."""
        weights = of_pair[self._pair_of]
        sums = np.bincount(self._takings.host, weights=weights, minlength=len(self._rows))
        return sums.astype(np.float64)


def _join(
    pair_of: NDArray[np.int64],
    host_of: NDArray[np.int64],
    pairs: NDArray[np.int64],
    types: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give host and type for each type that a taking of the host has; pairs are in order."""
    size = int(pair_of.max(initial=-1)) + 1
    counts = np.bincount(pairs, minlength=size)
    starts = np.cumsum(counts) - counts
    host = np.repeat(host_of, counts[pair_of])
    return host, types[spans(starts[pair_of], counts[pair_of])]
