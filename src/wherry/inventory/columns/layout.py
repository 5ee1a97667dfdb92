"""The fleet in columns: what a search scans, and the way back to values.

Rows are tree-major: the providers of a tree stand together, its root first and a parent before
its children.  What a class has stands in columns of its own, in the order of the rows and only
for those that have it; so do three summaries of every tree.  A tree that changes its form is
appended anew and its old slot is dead: it has no providers, and whatever else it says is void.

One thread writes, in place where the form stays.  Readers take no lock: they see a number a
moment too old or too new, never a structure that is not one, for what moves is never moved in
the columns that a reader began with.

Letters of shapes: T tree slots, P provider rows, E rows with inventory of one class.

Source: design, sections 5 and 6; docs/explanation/columns.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns.index import RowIndex
from wherry.inventory.columns.interned import Interned, LimitsTable
from wherry.inventory.columns.keys import Keys, key_of, text_of, texts_of
from wherry.inventory.columns.shapes import Shape
from wherry.model.provider import Provider

MOST, MANY = 0x7FFFFFFF, 255
"""Where units and counts are clipped."""
Ids = NDArray[Any]
"""Unsigned integers of the least width that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassColumn:
    """One resource class, where there is inventory of it."""

    start: NDArray[np.int32]
    """int32[T + 1]; entries of tree t are start[t] to start[t + 1], in the order of its rows."""
    local: Ids
    """uint8 or wider[E]; place of the provider in its tree."""
    eff: NDArray[np.int32]
    """int32[E]; units that consumers could still have together: the least of what is free and
    ``max_unit``, clipped to -1 and 2^31 - 1."""
    used: Ids
    """uint16 or wider[E]; units that consumers hold."""
    limits: Ids
    """uint8 or wider[E]; number of the inventory in `table`."""
    table: LimitsTable
    tmax: NDArray[np.int32]
    """int32[T]; greatest eff in the tree, -1 where there is no entry."""
    tsum: NDArray[np.int32]
    """int32[T]; sum of what eff has above 0, clipped to 2^31 - 1."""
    tcnt: NDArray[np.uint8]
    """uint8[T]; providers with eff above 0, clipped to 255."""

    def entry(self, tree: int, place: int) -> int | None:
        """Find the entry of a place in a tree; None: it has nothing of the class."""
        start, end = self.start[tree : tree + 2].tolist()
        places = self.local[start:end].tolist()
        return start + places.index(place) if place in places else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """All providers, as a search reads them; see the module."""

    first: NDArray[np.int32]
    """int32[T]; row of the tree's root, rising."""
    count: NDArray[np.int32]
    """int32[T]; providers of the tree, 0 where the slot is dead."""
    shape: Ids
    """[T]; number of the form in `shapes`."""
    stamp: NDArray[np.uint32]
    """uint32[T]; rises with every change of anything in the tree, and is written last."""
    tree_traits: Ids
    """[T]; number in `trait_sets` of all traits in the tree."""
    tree_aggregates: Ids
    """[T]; number in `aggregate_sets` of all aggregates in the tree."""
    uuids: Keys
    """uint8[P, 16]; `uuid` and `uuid_texts` spell them."""
    traits: Ids
    """[P]; number in `trait_sets`."""
    aggregates: Ids
    """[P]; number in `aggregate_sets`."""
    sharing: NDArray[np.int32]
    """Rows that share with other trees, rising."""
    shapes: Interned[Shape]
    trait_sets: Interned[frozenset[str]]
    aggregate_sets: Interned[frozenset[str]]
    classes: Mapping[str, ClassColumn]
    known_classes: frozenset[str]
    """Every resource class there is, with inventory or not."""
    known_traits: frozenset[str]
    """Every trait there is, on a provider or not."""
    index: RowIndex
    odd: Mapping[bytes, str]
    """Key to text of what is no uuid in the usual spelling."""
    moves: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    """int64[1]; rises after traits or aggregates of any tree here have changed in place.  What
    is made of `tree_traits` or `tree_aggregates` as a whole holds as long as that column, this
    array and its number are the same."""

    @property
    def trees(self) -> int:
        """T: tree slots, dead ones included."""
        return len(self.first)

    @property
    def rows(self) -> int:
        """P: provider rows, dead ones included."""
        return len(self.traits)

    def row(self, uuid: str) -> int | None:
        """Find a provider; None: there is none of this uuid."""
        key = key_of(uuid)
        row = self.index.row(key)
        if row is None or row < self.rows:
            return row
        # It moved after these columns were left behind, and stands here where it stood.
        there = (self.uuids == np.frombuffer(key, np.uint8)).all(axis=1)
        live = [each for each in np.flatnonzero(there).tolist() if self.is_live(each)]
        return live[-1] if live else None

    def is_live(self, row: int) -> bool:
        """Whether a row is a provider, or what is left of one that moved or went."""
        return bool(self.count[self.tree_of(row)])

    def tree_of(self, row: int) -> int:
        """Give the slot of the tree that a row stands in."""
        # Of the same type as the column, or numpy makes a copy of all of it.
        return int(self.first.searchsorted(np.int32(row), side="right")) - 1

    def trees_of(self, rows: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
        """Give the slots of the trees that rows stand in."""
        trees: NDArray[np.int64] = self.first.searchsorted(rows.astype(np.int32), side="right") - 1
        return trees

    def uuid(self, row: int) -> str:
        """Spell the uuid of a row."""
        key = self.uuids[row].tobytes()
        return self.odd.get(key) or text_of(key)

    def uuid_texts(self, rows: NDArray[np.integer[Any]] | Sequence[int]) -> list[bytes]:
        """Spell the uuids of many rows, in ASCII."""
        keys = self.uuids[rows]
        texts: list[bytes] = texts_of(keys).view("S36").ravel().tolist()
        if not self.odd:
            return texts
        return [
            self.odd[key].encode() if (key := each.tobytes()) in self.odd else text
            for each, text in zip(keys, texts, strict=True)
        ]

    def provider(self, row: int) -> Provider:
        """Give a live row as the value that it stands for."""
        tree = self.tree_of(row)
        return self.tree(tree)[row - int(self.first[tree])]

    def tree(self, tree: int) -> tuple[Provider, ...]:
        """Give the providers of a tree, in the order of their rows; none of a dead slot."""
        first, count = int(self.first[tree]), int(self.count[tree])
        rows = range(first, first + count)
        uuids = [self.uuid(row) for row in rows]
        stock: list[dict[str, Any]] = [{} for _ in rows]
        used: list[dict[str, int]] = [{} for _ in rows]
        if count:
            self._fill(tree, stock, used)
        parents = self.shapes[self.shape[tree]].parents if count else ()
        return tuple(
            Provider(
                uuid=uuids[place],
                root=uuids[0],
                parent=None if parents[place] < 0 else uuids[parents[place]],
                inventories=stock[place],
                used=used[place],
                traits=self.trait_sets[self.traits[row]],
                aggregates=self.aggregate_sets[self.aggregates[row]],
            )
            for place, row in enumerate(rows)
        )

    def _fill(self, tree: int, stock: list[dict[str, Any]], used: list[dict[str, int]]) -> None:
        for name, column in self.classes.items():
            start, end = column.start[tree : tree + 2].tolist()
            for entry in range(start, end):
                place = column.local[entry]
                stock[place][name] = column.table[column.limits[entry]]
                if column.used[entry]:
                    used[place][name] = int(column.used[entry])

    def entries(self, tree: int, place: int) -> dict[str, int]:
        """Give class to entry of what one provider has."""
        found = ((name, each.entry(tree, place)) for name, each in self.classes.items())
        return {name: entry for name, entry in found if entry is not None}

    def providers(self) -> Iterator[Provider]:
        """Give every provider there is, tree by tree."""
        for tree in np.flatnonzero(self.count).tolist():
            yield from self.tree(tree)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns and of the table of uuids; shared values are not counted."""
        own = [self.first, self.count, self.shape, self.stamp, self.tree_traits]
        own += [self.tree_aggregates, self.uuids, self.traits, self.aggregates, self.sharing]
        for each in self.classes.values():
            own += [each.start, each.local, each.eff, each.used, each.limits]
            own += [each.tmax, each.tsum, each.tcnt]
        return sum(each.nbytes for each in own) + self.index.nbytes
