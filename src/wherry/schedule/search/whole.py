"""The first way of every tree of a fleet, kept and told in turn, each time from another tree on.

Where a fleet is small beside the limit, or few of its trees suit, a search looks at all trees
anyway, and most of what it finds is what the last one found.  So the first ways are kept in the
order of their trees.  A tree that has changed since, as its stamp says, is looked at anew;
what is told begins at the tree that the caller chooses, and goes round.

No more than the first ways is kept: where more are wanted of a tree that has a choice, the search
goes on as ever.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.schedule.search.found import Batch, Found, Part, Seats
from wherry.schedule.search.lookups import Bools
from wherry.schedule.search.masks import Trees
from wherry.schedule.search.setting import Setting

MOST_TREES: Final = 1 << 14
"""Trees of a fleet up to which first ways are kept: stamps are compared one by one."""
ROOM: Final = 2
"""Times the limit that is looked for at once: so many suit at most, or nothing is kept."""
STALE: Final = 4
"""One tree in so many that has changed: all are looked at anew."""


@dataclass(frozen=True, slots=True)
class Firsts:
    """What one look at some trees found.

    Attributes:
        parts: the ways that seat their slots alike.
        has_choice: whether a tree among them has more ways than its first; none may be said to.
    """

    parts: dict[Seats, Part]
    has_choice: bool


Look = Callable[[int, Trees | None], Firsts | None]
"""Finds the first way in each of some trees, or of all where None; None: more than so many."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The first ways of all trees.

    Attributes:
        stamps: uint32[T], of all trees before they were looked at.
        firsts: parts are in the order of their trees; None: more suit than *room*.
        room: how many were looked for.
    """

    columns: Columns
    stamps: NDArray[np.uint32]
    firsts: Firsts | None
    room: int


def turned(setting: Setting, limit: int, start: int, look: Look) -> Found | None:
    """Give at most *limit* of the first ways, from a tree on; None: search as ever.

    Args:
        start: the tree to begin with.
        look: asked for trees of which nothing is known.
    """
    columns, compiled = setting.columns, setting.compiled
    is_plain = setting.guests is None and not compiled.named and bool(compiled.slots)
    if not is_plain or columns.trees > MOST_TREES:
        return None
    kept = setting.notes.wholes
    before = kept.get(compiled.key)
    now = _current(columns, before, ROOM * limit, look)
    if now is not before:
        kept.put(compiled.key, now)
    firsts = now.firsts
    if firsts is None:
        return None
    count = sum(len(part.trees) for part in firsts.parts.values())
    if count < limit and firsts.has_choice:
        return None
    batches = _turn(firsts.parts, start, limit)
    return Found(columns=columns, compiled=compiled, batches=batches, is_shared=False)


def _current(columns: Columns, before: Whole | None, room: int, look: Look) -> Whole:
    """Bring what is kept up to now."""
    if before is None or before.columns is not columns:
        return _all_anew(columns, room, look)
    if before.firsts is None:
        return before if before.room >= room else _all_anew(columns, room, look)
    # Stamps are written after what they stand for, so they are read before.
    stamps = columns.stamp
    moved = (stamps != before.stamps).nonzero()[0]
    if not len(moved):
        return before
    if len(moved) * STALE > columns.trees:
        return _all_anew(columns, room, look)
    stamps = before.stamps.copy()
    stamps[moved] = columns.stamp[moved]
    found = look(len(moved), moved)
    if found is None:
        return _all_anew(columns, room, look)
    firsts = Firsts(
        _merged(before.firsts.parts, found.parts, moved, columns.trees),
        before.firsts.has_choice or found.has_choice,
    )
    return Whole(columns, stamps, firsts, before.room)


def _all_anew(columns: Columns, room: int, look: Look) -> Whole:
    stamps = columns.stamp.copy()
    found = look(room, None)
    if found is None:
        return Whole(columns, stamps[:0], None, room)
    parts = {seats: _in_order(part) for seats, part in found.parts.items()}
    return Whole(columns, stamps, Firsts(parts, found.has_choice), room)


def _in_order(part: Part) -> Part:
    order = part.trees.argsort(kind="stable")
    return Part(part.trees[order], part.rows[order])


def _merged(
    old: dict[Seats, Part], new: dict[Seats, Part], moved: Trees, trees: int
) -> dict[Seats, Part]:
    """Put what was found of trees that have moved in the place of what they had before."""
    stays: Bools = np.ones(trees, np.bool_)
    stays[moved] = False
    parts: dict[Seats, Part] = {}
    for seats in old.keys() | new.keys():
        had, has = old.get(seats), new.get(seats)
        pieces = [] if had is None else [_some(had, stays[had.trees])]
        pieces += [] if has is None else [has]
        part = _in_order(
            Part(
                np.concatenate([piece.trees for piece in pieces]),
                np.concatenate([piece.rows for piece in pieces]),
            )
        )
        # Claims mostly change nothing of it, and what was made of the old one stays good.
        if had is not None and np.array_equal(part.rows, had.rows):
            part = had
        if len(part.trees):
            parts[seats] = part
    return parts


def _some(part: Part, which: Bools) -> Part:
    return Part(part.trees[which], part.rows[which])


def _turn(parts: dict[Seats, Part], start: int, limit: int) -> tuple[Batch, ...]:
    """Begin each part at a tree, and cut off what is beyond the limit in all of them together."""
    begins = {seats: int(part.trees.searchsorted(start)) for seats, part in parts.items()}
    if len(parts) == 1:
        [(seats, part)] = parts.items()
        order = np.arange(min(limit, len(part.trees)))
        return (_batch(seats, part, begins[seats], order),)
    if not parts:
        return ()
    # Those before the start come after all from there on.
    keys = [
        (np.roll(part.trees, -begins[seats]) - start) % MOST_TREES for seats, part in parts.items()
    ]
    turns = np.concatenate(keys)
    order = np.empty(len(turns), np.int64)
    order[turns.argsort()] = np.arange(len(turns))
    bounds = np.cumsum([len(key) for key in keys])[:-1]
    batches = []
    for (seats, part), places in zip(parts.items(), np.split(order, bounds), strict=True):
        told = places[places < limit]
        if len(told):
            batches.append(_batch(seats, part, begins[seats], told))
    return tuple(batches)


def _batch(seats: Seats, part: Part, begin: int, order: NDArray[np.int64]) -> Batch:
    size = len(order)
    return Batch(
        seats=seats,
        rows=np.concatenate([part.rows[begin:], part.rows[:begin]])[:size],
        trees=np.concatenate([part.trees[begin:], part.trees[:begin]])[:size],
        order=order,
        part=part,
        begin=begin,
    )
