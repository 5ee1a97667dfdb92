"""Leaves out candidates whose classes fit a provider each by itself, and not together.

Views of one provider share its pools, its size, its places.  The columns know what each of them has
left; where one provider is to serve two of them, it is asked itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from wherry.schedule.search.compile import Compiled
from wherry.schedule.search.found import Batch, Found, Seats

PLAIN: Final = frozenset({"VCPU", "PCPU", "MEMORY_MB", "DISK_GB"})
"""Classes of hosts, which share nothing."""
Amounts = Mapping[str, int]
CanTake = Callable[[str, Amounts], bool]
"""Tells of a provider, by uuid, whether it can give all this at once."""


def keep_together(found: Found, can_take: CanTake) -> Found:
    """Keep the candidates whose providers can give all that is asked of them.

    Cost: nothing where no provider is asked for two classes of devices.
    """
    kept = [_keep(found, batch, can_take) for batch in found.batches]
    if all(new is old for new, old in zip(kept, found.batches, strict=True)):
        return found
    return replace(found, batches=_in_order(kept))


def cut(found: Found, limit: int) -> Found:
    """Keep the first candidates."""
    return replace(
        found, batches=tuple(_some(batch, batch.order < limit) for batch in found.batches)
    )


def _keep(found: Found, batch: Batch, can_take: CanTake) -> Batch:
    doubtful = {
        seat: amounts
        for seat, amounts in _amounts(found.compiled, batch.seats).items()
        if len(amounts.keys() - PLAIN) > 1
    }
    if not doubtful:
        return batch
    keep = np.ones(len(batch.rows), dtype=np.bool_)
    for seat, amounts in doubtful.items():
        rows = batch.rows[:, seat]
        every, places = np.unique(rows, return_inverse=True)
        fits = [can_take(found.columns.uuid(row), amounts) for row in every.tolist()]
        keep &= np.array(fits, dtype=np.bool_)[places]
    return batch if keep.all() else _some(batch, keep)


def _amounts(compiled: Compiled, seats: Seats) -> dict[int, dict[str, int]]:
    """Sum up what is asked of each seat."""
    total: dict[int, dict[str, int]] = {}
    for slot, seat in zip(compiled.slots, seats, strict=True):
        here = total.setdefault(seat, {})
        for name, amount in slot.amounts:
            here[name] = here.get(name, 0) + amount
    return total


def _some(batch: Batch, keep: np.ndarray) -> Batch:
    return Batch(
        seats=batch.seats, rows=batch.rows[keep], order=batch.order[keep], trees=batch.trees[keep]
    )


def _in_order(batches: list[Batch]) -> tuple[Batch, ...]:
    """Number what is left without gaps."""
    places = np.sort(np.concatenate([batch.order for batch in batches]))
    return tuple(replace(batch, order=np.searchsorted(places, batch.order)) for batch in batches)
