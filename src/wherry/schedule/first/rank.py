"""Puts candidates in order: devices on one NUMA node first, then by the room that is left.

Source: docs/reference/first-placement.md.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from wherry.inventory.columns import Columns
from wherry.model.candidates import Order
from wherry.schedule.first.nodes import Nodes, NodesOf
from wherry.schedule.first.question import Query
from wherry.schedule.first.room import least_left
from wherry.schedule.search.compile import Slot
from wherry.schedule.search.found import Batch, Found, Seats

Units = tuple[tuple[str, int], ...]
Label = tuple[str, Units]
_BY_NODES: dict[Nodes | None, int] = {"one": 0, "unknown": 1, "several": 2, None: 0}
_TURNS: dict[Order, Literal[-1, 1]] = {"spread": -1, "pack": 1}


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


@dataclass(frozen=True, slots=True)
class Seated:
    """What is asked of one provider for one group, whichever provider that is.

    Attributes:
        slot: number of the first slot of the group that sits there.
    """

    suffix: str
    request: str | None
    slot: int
    resources: Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One candidate with what it is ranked by.

    Attributes:
        query: number of the query that it answers.
        tree: slot of the tree that it is anchored in.
        seated: what is asked of each provider; the same of all candidates of one form.
        rows: of its slots.
        score: of the classes asked: the least fraction that is left where it is taken.
        key: what tells it from others.
    """

    query: int
    columns: Columns
    tree: int
    seated: tuple[Seated, ...]
    rows: tuple[int, ...]
    score: float
    nodes: Nodes | None
    key: tuple[tuple[Label, int], ...]

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What each provider gives for each group."""
        rows = self.rows
        return tuple(
            Piece(one.suffix, one.request, rows[one.slot], one.resources) for one in self.seated
        )

    @property
    def allocations(self) -> dict[str, dict[str, int]]:
        """Provider to class to units."""
        return sum_up(self.pieces, self.columns.uuid)

    @property
    def mappings(self) -> dict[str, tuple[str, ...]]:
        """Suffix to the providers that serve it."""
        return map_groups(self.pieces, self.columns.uuid)


def sum_up(pieces: Iterable[Piece], uuid: Callable[[int], str]) -> dict[str, dict[str, int]]:
    """Give what each provider gives of each class, by uuid."""
    total: dict[str, dict[str, int]] = {}
    for piece in pieces:
        if piece.resources:
            here = total.setdefault(uuid(piece.row), {})
            for name, amount in piece.resources:
                here[name] = here.get(name, 0) + amount
    return total


def map_groups(pieces: Iterable[Piece], uuid: Callable[[int], str]) -> dict[str, tuple[str, ...]]:
    """Give the uuids of the providers that serve each group, by suffix."""
    found: dict[str, set[str]] = {}
    for piece in pieces:
        found.setdefault(piece.suffix, set()).add(uuid(piece.row))
    return {suffix: tuple(sorted(uuids)) for suffix, uuids in found.items()}


def read_found(found: Found, number: int, query: Query) -> Iterator[Ranked]:
    """Give the candidates of one query, each with its score.

    Cost: a short Python loop over candidates; ask for few.
    """
    nodes_of = NodesOf(found.columns)
    for batch in found.batches:
        yield from _read_batch(found, batch, number, query, nodes_of)


def rank(candidates: Iterable[Ranked], order: Order) -> list[Ranked]:
    """Put candidates in order, the best first.

    Devices of one request that change places, and the same device counted in other words, make
    no other candidate.
    """
    turn = _TURNS[order]
    kept: dict[object, Ranked] = {}
    for one in candidates:
        kept.setdefault(one.key, one)
    return sorted(
        kept.values(),
        key=lambda one: (_BY_NODES[one.nodes], turn * round(one.score, 6), one.query),
    )


def _read_batch(
    found: Found, batch: Batch, number: int, query: Query, nodes_of: NodesOf
) -> Iterator[Ranked]:
    slots = found.compiled.slots
    parts = _seated(slots, batch.seats, query)
    labels = [_label(slot, query) for slot in slots]
    devices = {
        s for slot, s in zip(slots, batch.seats, strict=True) if slot.suffix in query.devices
    }
    scores = least_left(found.columns, batch, slots).tolist()
    trees, every = batch.trees.tolist(), batch.rows.tolist()
    for tree, seated, score in zip(trees, every, scores, strict=True):
        rows = tuple(seated[seat] for seat in batch.seats)
        yield Ranked(
            query=number,
            columns=found.columns,
            tree=tree,
            seated=parts,
            rows=rows,
            score=score,
            nodes=nodes_of.rows({seated[seat] for seat in devices}) if devices else None,
            key=tuple(sorted(zip(labels, rows, strict=True))),
        )


def _seated(slots: Sequence[Slot], seats: Seats, query: Query) -> tuple[Seated, ...]:
    """Sum up what is asked, by group and seat."""
    total: dict[tuple[str, int], dict[str, int]] = {}
    firsts: dict[tuple[str, int], int] = {}
    for number, (slot, seat) in enumerate(zip(slots, seats, strict=True)):
        firsts.setdefault((slot.suffix, seat), number)
        here = total.setdefault((slot.suffix, seat), {})
        for name, amount in slot.amounts:
            here[name] = here.get(name, 0) + amount
    return tuple(
        Seated(
            suffix, query.devices.get(suffix), firsts[suffix, seat], tuple(sorted(units.items()))
        )
        for (suffix, seat), units in total.items()
    )


def _label(slot: Slot, query: Query) -> Label:
    """Name what a slot is for: a class of VFs counts the same devices as that of the ids."""
    plain = (
        (name.replace("CUSTOM_PCI_VF_", "CUSTOM_PCI_"), amount) for name, amount in slot.amounts
    )
    return query.devices.get(slot.suffix, f":{slot.suffix}"), tuple(plain)
