"""Which providers of a tree are equal: same place in it, same qualities, stock and use.

Equal ones are counted, not listed.  It decides about the order of candidates and not about
which there are, so a provider is compared by a number of 64 bits that is made of all it has.

Source: design, section 5 (last point).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.schedule.search.masks import Trees

Alike = tuple[int, ...]
"""Masks of places that are equal, of two at least."""
KEPT = 1 << 18
_MIX = np.uint64(0x9E3779B97F4A7C15)
_MORE = np.uint64(0xBF58476D1CE4E5B9)


class Likeness:
    """Remembers of each tree which of its providers are equal, until it changes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, Alike]] = {}

    def of(self, columns: Columns, trees: Trees) -> list[Alike]:
        """Say for each tree which of its providers are equal."""
        known = self._known
        if len(known) > KEPT:
            known.clear()
        asked, stamps = trees.tolist(), columns.stamp[trees].tolist()
        pairs = [known.get(tree) for tree in asked]
        stale = [
            n
            for n, (pair, stamp) in enumerate(zip(pairs, stamps, strict=True))
            if pair is None or pair[0] != stamp
        ]
        found = [() if pair is None else pair[1] for pair in pairs]
        if stale:
            for n, alike in zip(stale, compare(columns, trees[stale]), strict=True):
                found[n] = alike
                known[asked[n]] = (stamps[n], alike)
        return found


def compare(columns: Columns, trees: Trees) -> list[Alike]:
    """Compare the providers of each tree with one another."""
    found: list[Alike] = [()] * len(trees)
    shapes = columns.shape[trees]
    for shape in np.unique(shapes).tolist():
        litters = _litters(columns.shapes[shape].parents)
        if not litters:
            continue
        here = np.flatnonzero(shapes == shape)
        likeness = _likeness(columns, trees[here])
        for n, alike in zip(here.tolist(), _alike(likeness, litters), strict=True):
            found[n] = alike
    return found


def _litters(parents: Sequence[int]) -> list[list[int]]:
    """Gather the children of each parent that have no children themselves, where several."""
    leaves: dict[int, list[int]] = {}
    above = set(parents)
    for place, parent in enumerate(parents):
        if parent >= 0 and place not in above:
            leaves.setdefault(parent, []).append(place)
    return [each for each in leaves.values() if len(each) > 1]


def _likeness(columns: Columns, trees: Trees) -> NDArray[np.uint64]:
    """Make a number of all that each provider has: uint64[m, n] for trees of n providers."""
    size = int(columns.count[trees[0]])
    first = columns.first[trees].astype(np.int64)
    rows = first[:, None] + np.arange(size)
    found = _mix(columns.traits[rows], 1) ^ _mix(columns.aggregates[rows], 2)
    flat = found.reshape(-1)
    for number, column in enumerate(columns.classes.values()):
        start = column.start[trees].astype(np.int64)
        sizes = column.start[trees + 1] - start
        total = int(sizes.sum())
        if not total:
            continue
        tree = np.repeat(np.arange(len(trees)), sizes)
        entries = np.arange(total) + (start - (np.cumsum(sizes) - sizes))[tree]
        # A provider has one entry of a class at most, so no place comes twice.
        places = tree * size + column.local[entries]
        flat[places] += _mix(column.limits[entries], 3 + number) * _MORE ^ _mix(
            column.used[entries], 4 + number
        )
    return found


def _mix(numbers: NDArray[Any], salt: int) -> NDArray[np.uint64]:
    mixed = (numbers.astype(np.uint64) + np.uint64(salt << 40)) * _MIX
    mixed ^= mixed >> np.uint64(31)
    mixed *= _MORE
    return mixed ^ mixed >> np.uint64(29)


def _alike(likeness: NDArray[np.uint64], litters: list[list[int]]) -> list[Alike]:
    """Gather equal places, tree by tree."""
    whole = tuple(sum(1 << place for place in each) for each in litters)
    equal = np.ones(len(likeness), bool)
    for each in litters:
        equal &= (likeness[:, each] == likeness[:, each[:1]]).all(axis=1)
    found: list[Alike] = []
    for is_equal, numbers in zip(equal.tolist(), likeness, strict=True):
        if is_equal:
            found.append(whole)
            continue
        masks: dict[tuple[int, int], int] = {}
        values = numbers.tolist()
        for parent, each in enumerate(litters):
            for place in each:
                key = (parent, values[place])
                masks[key] = masks.get(key, 0) | 1 << place
        found.append(tuple(mask for mask in masks.values() if mask & (mask - 1)))
    return found
