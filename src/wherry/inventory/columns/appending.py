"""Puts new trees behind the others, and lets old slots die.

The columns that came before stay as they are for who reads them; the new ones share the memory.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.growing import Room
from wherry.inventory.columns.layout import ClassColumn, Columns

_PLAIN = ("shape", "tree_traits", "tree_aggregates", "uuids", "traits", "aggregates")


def append(room: Room, old: Columns, new: Columns, dead: Sequence[int]) -> Columns:
    """Give columns with the trees of others behind their own.

    Args:
        new: made with the same tables of values; its rows are not found before the caller
            puts them into the index.
        dead: slots of *old* that are void from now on.
    """
    changed: dict[str, Any] = {
        name: room.extend(name, getattr(old, name), getattr(new, name)) for name in _PLAIN
    }
    count = np.concatenate([old.count, new.count])
    count[list(dead)] = 0
    return Columns(
        **changed,
        first=room.extend("first", old.first, new.first + np.int32(old.rows)),
        count=count,
        # Who reads the old columns must not find a new stamp beside them.
        stamp=np.concatenate([old.stamp, new.stamp]),
        sharing=_sharing(old, new, dead),
        shapes=old.shapes,
        trait_sets=old.trait_sets,
        aggregate_sets=old.aggregate_sets,
        classes={
            name: _class(room, name, old, new)
            for name in dict.fromkeys((*old.classes, *new.classes))
        },
        known_classes=old.known_classes | new.known_classes,
        known_traits=old.known_traits | new.known_traits,
        index=old.index,
        odd={**old.odd, **new.odd} if new.odd else old.odd,
    )


def _class(room: Room, name: str, old: Columns, new: Columns) -> ClassColumn:
    before, after = old.classes.get(name), new.classes.get(name)
    one = before or _empty(old.trees, new.classes[name])
    other = after or _empty(new.trees, one)
    fields = ("local", "eff", "used", "limits", "tmax", "tsum", "tcnt")
    start = other.start[1:] + np.int32(len(one.local))
    return ClassColumn(
        start=room.extend(f"{name} start", one.start, start),
        table=one.table,
        **{
            field: room.extend(f"{name} {field}", getattr(one, field), getattr(other, field))
            for field in fields
        },
    )


def _empty(trees: int, like: ClassColumn) -> ClassColumn:
    """Make the columns of a class that none of so many trees has."""
    return ClassColumn(
        start=np.zeros(trees + 1, np.int32),
        local=like.local[:0],
        eff=like.eff[:0],
        used=like.used[:0],
        limits=like.limits[:0],
        table=like.table,
        tmax=np.full(trees, -1, np.int32),
        tsum=np.zeros(trees, np.int32),
        tcnt=np.zeros(trees, np.uint8),
    )


def _sharing(old: Columns, new: Columns, dead: Sequence[int]) -> NDArray[np.int32]:
    kept = old.sharing
    if len(kept) and dead:
        trees = old.trees_of(kept)
        kept = kept[~np.isin(trees, list(dead))]
    return np.concatenate([kept, new.sharing + np.int32(old.rows)])
