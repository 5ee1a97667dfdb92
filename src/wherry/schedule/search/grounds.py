"""From the masks of many trees to grounds: trees that are alike in all that matters share one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.schedule.search.compile import Compiled
from wherry.schedule.search.ground import Ground
from wherry.schedule.search.guests import Guests, below_with_guests
from wherry.schedule.search.masks import WORD, Block, Mask, Trees

Numbers = NDArray[np.int64]
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Patch:
    """Trees with one ground."""

    trees: Trees
    ground: Ground
    own: int
    """Places that are the tree's own; those from here on stand for guests."""


class Field:
    """Some trees, and which of them have one ground.

    Attributes:
        trees: int64[m].
        which: int64[m]; number of each tree's ground.
        keys: for each ground bytes, equal for equal grounds of one request without guests.
        own: see `Patch`.
    """

    def __init__(
        self, reading: "_Reading", trees: Trees, whole: Mask, ones: Numbers, which: Numbers
    ) -> None:
        self._reading = reading
        self._examples = trees[ones]
        self.trees, self.which = trees, which
        self.own = WORD * reading.words
        letters = whole[:, ones].T.tobytes()
        width = 8 * len(whole)
        self.keys = [letters[at : at + width] for at in range(0, len(letters), width)]

    def ground(self, number: int) -> Ground:
        """Read one ground."""
        return self._reading.ground(self.keys[number], int(self._examples[number]))

    def patches(self) -> Iterator[Patch]:
        """Give all grounds with their trees."""
        if len(self.keys) == 1:
            yield Patch(self.trees, self.ground(0), self.own)
            return
        order = self.which.argsort(kind="stable")
        ends = np.bincount(self.which, minlength=len(self.keys)).cumsum()
        for number, members in enumerate(np.split(self.trees[order], ends[:-1])):
            yield Patch(members, self.ground(number), self.own)


def survey(
    columns: Columns,
    compiled: Compiled,
    block: Block,
    masks: Sequence[Mask],
    keep: NDArray[np.int64],
    guests: Guests | None,
) -> Field:
    """Find the trees of a block that have one ground.

    Args:
        masks: for each spec, of the trees that are kept.
        keep: places in the block of the trees that are kept.
    """
    trees = block.trees[keep]
    parts = [*masks]
    parts += [block.having(either, compiled.spread)[:, keep] for either in compiled.together]
    if not compiled.many_sums:
        for name, sums in compiled.sums.items():
            parts += _holding(block, name, sums, keep)
    head = [trees if compiled.many_sums else _shapes(columns, compiled, trees)]
    whole = np.concatenate([np.array(head, np.uint64), *parts])
    reading = _Reading(columns, compiled, block.words, guests)
    return Field(reading, trees, whole, *_same(whole))


def _holding(
    block: Block, name: str, sums: Sequence[int], keep: NDArray[np.int64]
) -> Iterator[Mask]:
    """Mark for rising sums the providers that could give them; from some on there are none."""
    mask: Mask | None = None
    for amount in sums:
        if mask is None or mask.any():
            mask = block.holding(name, amount)[:, keep]
        yield mask


def with_likeness(patch: Patch, alike: Sequence[tuple[int, ...]]) -> Iterator[Patch]:
    """Divide a patch by which providers are equal, as far as the request has use for them.

    Args:
        alike: for each tree of the patch the masks of its equal providers.
    """
    used = 0
    for mask in patch.ground.options:
        used |= mask
    found: dict[tuple[int, ...], list[int]] = {}
    known: dict[tuple[int, ...], tuple[int, ...]] = {}
    for number, masks in enumerate(alike):
        some = known.get(masks)
        if some is None:
            some = tuple(each for mask in masks if (each := mask & used) & (each - 1))
            known[masks] = some
        found.setdefault(some, []).append(number)
    for some, numbers in found.items():
        yield Patch(patch.trees[numbers], replace(patch.ground, alike=some), patch.own)


def _sums(compiled: Compiled) -> list[tuple[str, int]]:
    return [(name, amount) for name, sums in compiled.sums.items() for amount in sums]


def _shapes(columns: Columns, compiled: Compiled, trees: Trees) -> NDArray[Any]:
    """Numbers of the shapes, where they matter."""
    return columns.shape[trees] if compiled.subtrees else np.zeros(len(trees), np.uint64)


def _same(whole: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find equal columns: one place of each, and for each place which it is."""
    if (whole == whole[:, :1]).all():
        return np.zeros(1, np.int64), np.zeros(whole.shape[1], np.int64)
    mixed = np.zeros(whole.shape[1], np.uint64)
    for row in whole:
        mixed = (mixed ^ row) * _MIX
        mixed ^= mixed >> np.uint64(29)
    _, ones, which = np.unique(mixed, return_index=True, return_inverse=True)
    if (whole[:, ones][:, which] == whole).all():
        return ones, which
    _, ones, which = np.unique(whole, axis=1, return_index=True, return_inverse=True)
    return ones, which.reshape(-1)


@dataclass(slots=True)
class _Reading:
    """Reads grounds out of columns of masks."""

    columns: Columns
    compiled: Compiled
    words: int
    guests: Guests | None
    known: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def ground(self, key: bytes, tree: int) -> Ground:
        """Read one.

        Args:
            key: a column: a number, then the masks of specs, traits and sums.
            tree: any tree that has it.
        """
        compiled, width = self.compiled, 8 * self.words
        if self.guests is not None:
            width += 8 * self.guests.words
        masks = [int.from_bytes(key[at : at + width], "little") for at in range(8, len(key), width)]
        specs, together = len(compiled.specs), len(compiled.together)
        holding: Mapping[tuple[str, int], int] = (
            _Holding(self.columns, tree, self.guests, WORD * self.words)
            if compiled.many_sums
            else dict(zip(_sums(compiled), masks[specs + together :], strict=True))
        )
        return Ground(
            options=tuple(masks[slot.spec] for slot in compiled.slots),
            having=tuple(masks[specs : specs + together]),
            holding=holding,
            below=self._below(tree) if compiled.subtrees else (),
            kin=() if self.guests is None or compiled.nested else self._kin(self.guests, tree),
        )

    def _below(self, tree: int) -> tuple[int, ...]:
        shape = int(self.columns.shape[tree])
        found = self.known.get(shape)
        if found is None:
            found = below_with_guests(self.columns, shape, WORD * self.words, self.guests)
            self.known[shape] = found
        return found

    def _kin(self, guests: Guests, tree: int) -> tuple[int, ...]:
        own = WORD * self.words
        count = int(self.columns.count[tree])
        of_tree = [(1 << count) - 1] * count + [0] * (own - count)
        return (*of_tree, *(mask << own for mask in guests.kin()))


class _Holding(dict[tuple[str, int], int]):
    """Works out of one tree what is asked for, where there would be too many sums."""

    def __init__(self, columns: Columns, tree: int, guests: Guests | None, own: int) -> None:
        super().__init__()
        self._columns, self._tree, self._guests, self._own = columns, tree, guests, own

    def __missing__(self, key: tuple[str, int]) -> int:
        name, amount = key
        found = 0 if self._guests is None else self._guests.holding(name, amount) << self._own
        for local, eff in self._stock(name):
            found |= (eff >= amount) << local
        self[key] = found
        return found

    def _stock(self, name: str) -> list[tuple[int, int]]:
        column = self._columns.classes.get(name)
        if column is None:
            return []
        part = slice(*column.start[self._tree : self._tree + 2].tolist())
        return list(zip(column.local[part].tolist(), column.eff[part].tolist(), strict=True))
