"""Puts candidates in order: devices on one NUMA node first, then by the room that is left.

Source: docs/reference/first-placement.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from wherry.inventory.columns import Columns
from wherry.model.candidates import Order
from wherry.schedule.first.question import NODE, Query
from wherry.schedule.search.compile import Slot
from wherry.schedule.search.found import Found

Units = tuple[tuple[str, int], ...]
Nodes = Literal["one", "several", "unknown"]
_BY_NODES = {"one": 0, "unknown": 1, "several": 2, None: 0}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one provider gives for one group.

    Attributes:
        request: name of the device request that the group serves; None for the rest.
    """

    suffix: str
    request: str | None
    row: int
    resources: Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One candidate with what it is ranked by.

    Attributes:
        query: number of the query that it answers.
        tree: slot of the tree that it is anchored in.
        score: of the classes asked: the least fraction that is left where it is taken.
    """

    query: int
    tree: int
    pieces: tuple[Piece, ...]
    score: float
    nodes: Nodes | None
    columns: Columns

    @property
    def key(self) -> object:
        """What tells it from others."""
        return tuple(
            sorted((p.request or p.suffix, p.row, _plain(p.resources)) for p in self.pieces)
        )

    @property
    def allocations(self) -> dict[str, dict[str, int]]:
        """Provider to class to units."""
        total: dict[str, dict[str, int]] = {}
        for piece in self.pieces:
            if piece.resources:
                here = total.setdefault(self.columns.uuid(piece.row), {})
                for name, amount in piece.resources:
                    here[name] = here.get(name, 0) + amount
        return total

    @property
    def mappings(self) -> dict[str, tuple[str, ...]]:
        """Suffix to the providers that serve it."""
        found: dict[str, set[str]] = {}
        for piece in self.pieces:
            found.setdefault(piece.suffix, set()).add(self.columns.uuid(piece.row))
        return {suffix: tuple(sorted(uuids)) for suffix, uuids in found.items()}


def read_found(found: Found, number: int, query: Query) -> Iterator[Ranked]:
    """Give the candidates of one query, each with its score.

    Cost: a Python loop over candidates and slots; ask for few.
    """
    slots = found.compiled.slots
    for batch in found.batches:
        for rows, tree in zip(batch.rows.tolist(), batch.trees.tolist(), strict=True):
            pieces = _pieces(slots, [rows[seat] for seat in batch.seats], query)
            devices = {piece.row for piece in pieces if piece.request is not None}
            yield Ranked(
                query=number,
                tree=tree,
                pieces=pieces,
                score=_score(found.columns, pieces),
                nodes=_nodes(found.columns, devices) if devices else None,
                columns=found.columns,
            )


def rank(candidates: Iterable[Ranked], order: Order) -> list[Ranked]:
    """Put candidates in order, the best first.

    Devices of one request that change places, and the same device counted in other words, make
    no other candidate.
    """
    turn = -1 if order == "spread" else 1
    kept: dict[object, Ranked] = {}
    for one in candidates:
        kept.setdefault(one.key, one)
    return sorted(
        kept.values(),
        key=lambda one: (_BY_NODES[one.nodes], turn * round(one.score, 6), one.query),
    )


def _plain(resources: Units) -> Units:
    """Write a class of VFs as that of the ids: both count the same devices."""
    return tuple(
        (name.replace("CUSTOM_PCI_VF_", "CUSTOM_PCI_"), units) for name, units in resources
    )


def _pieces(slots: tuple[Slot, ...], rows: list[int], query: Query) -> tuple[Piece, ...]:
    found: dict[tuple[str, int], dict[str, int]] = {}
    for slot, row in zip(slots, rows, strict=True):
        here = found.setdefault((slot.suffix, row), {})
        for name, amount in slot.amounts:
            here[name] = here.get(name, 0) + amount
    return tuple(
        Piece(suffix, query.devices.get(suffix), row, tuple(sorted(units.items())))
        for (suffix, row), units in found.items()
    )


def _score(columns: Columns, pieces: tuple[Piece, ...]) -> float:
    total: dict[tuple[int, str], int] = {}
    for piece in pieces:
        for name, amount in piece.resources:
            total[piece.row, name] = total.get((piece.row, name), 0) + amount
    return max(0.0, min((_left(columns, *key, asked) for key, asked in total.items()), default=1.0))


def _left(columns: Columns, row: int, name: str, asked: int) -> float:
    column, tree = columns.classes[name], columns.tree_of(row)
    entry = column.entry(tree, row - int(columns.first[tree]))
    if entry is None:
        return 0.0
    capacity = column.table[column.limits[entry]].capacity
    return (capacity - int(column.used[entry]) - asked) / capacity if capacity > 0 else 0.0


def _nodes(columns: Columns, rows: set[int]) -> Nodes:
    nodes = {_node(columns, row) for row in rows}
    if None in nodes:
        return "unknown"
    return "one" if len(nodes) == 1 else "several"


def _node(columns: Columns, row: int) -> int | None:
    """Find the NUMA node that a provider stands below; None where none is known."""
    tree = columns.tree_of(row)
    first = int(columns.first[tree])
    parents = columns.shapes[columns.shape[tree]].parents
    place = row - first
    while place >= 0:
        if NODE in columns.trait_sets[columns.traits[first + place]]:
            return first + place
        place = int(parents[place])
    return None
