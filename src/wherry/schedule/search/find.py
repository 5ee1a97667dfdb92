"""Finds candidates in columns.

Trees are looked at from a place that the caller chooses, in blocks: summaries first, then the
masks of those that are left, then the ways in which the slots of the request can be placed,
worked out once for all trees that are alike.  With a limit the search ends as soon as it has
enough: one way in each tree in turn, those that differ in more than the names of equal devices
before those that do not.

Source: design, section 5; docs/explanation/search.md.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from wherry.inventory.columns import Columns
from wherry.model.errors import DeadlineExceeded
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.candidates.search import check_names, never
from wherry.schedule.search.compile import Compiled, Tests, Wanted, compile_once
from wherry.schedule.search.found import Collector, Found
from wherry.schedule.search.grounds import Field, Patch, below_with_guests, survey, with_likeness
from wherry.schedule.search.guests import Guests, find_guests
from wherry.schedule.search.joint import could_alone, could_together
from wherry.schedule.search.lookups import answers
from wherry.schedule.search.masks import WORD, Block, Mask, Trees
from wherry.schedule.search.memory import Firsts, Memory
from wherry.schedule.search.placing import (
    Expired,
    Way,
    all_ways,
    first_ways,
    has_choice,
    has_classes,
)
from wherry.schedule.search.scan import could_any, scan

LEAST, MOST = 64, 1 << 13
"""Trees that are looked at closely together."""


def find(
    columns: Columns,
    request: CandidatesRequest,
    *,
    start: int = 0,
    expired: Expired = never,
    memory: Memory | None = None,
) -> Found:
    """Find candidates, at most as many as the request's limit.

    Args:
        start: the tree to begin with; any number, it is taken round.
        expired: asked now and then; the search ends once it says yes.
        memory: what searches of this fleet remember for each other; None: nothing.

    Raises:
        BadQuery: a trait or class is not known.
        DeadlineExceeded: the search was not done in time.
    """
    check_names(columns.known_classes, columns.known_traits, request)
    compiled = compile_once(request)
    search = _Search(columns, compiled, start, expired, memory or Memory())
    collector = Collector(columns, request.limit, guests=search.guests)
    if search.is_possible:
        search.run(collector)
    return collector.found(compiled)


class _Search:
    """One search."""

    def __init__(
        self,
        columns: Columns,
        compiled: Compiled,
        start: int,
        expired: Expired,
        memory: Memory,
    ) -> None:
        self._columns, self._compiled, self._expired = columns, compiled, expired
        self._start = start % max(columns.trees, 1)
        self._notes = memory.of(columns)
        named = {uuid: columns.row(uuid) for uuid in compiled.named}
        self.is_possible = None not in named.values()
        self._named = {uuid: columns.tree_of(row) for uuid, row in named.items() if row is not None}
        self.guests: Guests | None = None
        if self.is_possible and len(columns.sharing):
            notes = self._notes
            self.guests = find_guests(
                columns, compiled, self._named, lambda row: notes.provider(columns, row)
            )

    def run(self, collector: Collector) -> None:
        """Find ways until the collector is full or there are no more."""
        firsts: Firsts = {}
        if self.guests is None and not self._compiled.many_sums:
            firsts = self._notes.firsts(self._compiled.key)
        fertile: list[tuple[Field, list[Way | None]]] = []
        for field in self._fields(collector):
            if collector.room is None:
                for patch in field.patches():
                    for way in all_ways(self._compiled, patch.ground, self._expired):
                        collector.add(patch, way)
                continue
            ways = [self._first(field, number, firsts) for number in range(len(field.keys))]
            fertile.append((field, ways))
            collector.add_firsts(field, ways)
        if collector.room:
            self._go_round(fertile, collector)

    def _first(self, field: Field, number: int, firsts: Firsts) -> Way | None:
        key = field.keys[number]
        try:
            return firsts[key]
        except KeyError:
            ways = all_ways(self._compiled, field.ground(number), self._expired)
            way = firsts[key] = next(ways, None)
            return way

    def _go_round(
        self, fertile: Sequence[tuple[Field, list[Way | None]]], collector: Collector
    ) -> None:
        """Take one more way of each tree in turn: one of each class, then the others."""
        compiled, expired = self._compiled, self._expired
        divided = [
            (each, way)
            for field, ways in fertile
            for patch, way in zip(field.patches(), ways, strict=True)
            if way is not None and has_choice(patch.ground)
            for each in self._divide(patch)
        ]
        taken = [{way} for _, way in divided]
        streams = {
            number: first_ways(compiled, patch.ground, expired)
            for number, (patch, _) in enumerate(divided)
        }
        _in_turn(divided, streams, taken, collector)
        streams = {
            number: all_ways(compiled, patch.ground, expired)
            for number, (patch, _) in enumerate(divided)
            if has_classes(compiled, patch.ground)
        }
        _in_turn(divided, streams, taken, collector)

    def _divide(self, patch: Patch) -> Iterator[Patch]:
        """Divide a patch by which of its providers are equal."""
        alike = self._notes.likeness.of(self._columns, patch.trees)
        return with_likeness(patch, alike)

    def _fields(self, collector: Collector) -> Iterator[Field]:
        """Give the trees that may hold candidates, as long as there is room."""
        for trees, guests in self._gathered(collector):
            at = 0
            size = self._size(collector)
            while at < len(trees):
                if self._expired():
                    raise DeadlineExceeded
                some, at = trees[at : at + size], at + size
                before = collector.room
                for field in self._look(some, guests):
                    yield field
                    if collector.is_full():
                        return
                poor = before is None or before == collector.room
                size = min(4 * size, MOST) if poor else self._size(collector)

    def _gathered(self, collector: Collector) -> Iterator[tuple[Trees, Guests | None]]:
        """Put what passes of small blocks together until it is worth a closer look."""
        held: list[Trees] = []
        last: Guests | None = None
        for trees, guests in self._trees():
            if held and guests is not last:
                yield np.concatenate(held), last
                held = []
            held.append(trees)
            last = guests
            if sum(map(len, held)) >= self._size(collector):
                yield np.concatenate(held), last
                held = []
        if held:
            yield np.concatenate(held), last

    def _size(self, collector: Collector) -> int:
        room = collector.room
        return MOST if room is None else max(LEAST, min(room + room // 4, MOST))

    def _trees(self) -> Iterator[tuple[Trees, Guests | None]]:
        """Give the trees that pass by their summaries, and who shares with them."""
        compiled, guests = self._compiled, self.guests
        if guests is None:
            for trees in self._scan(compiled.tests, self._only(range(len(compiled.specs)))):
                yield self._with_root(trees), None
            return
        near = self._notes.aggregates(Wanted((guests.aggregates,)), unknown=True)
        ids = self._columns.tree_aggregates
        for trees in self._scan(compiled.tests, self._only(range(len(compiled.specs)))):
            yield self._with_root(trees[~answers(near, ids[trees])]), None
        alone = [n for n, serving in enumerate(guests.serves) if not serving]
        slots = [n for n, slot in enumerate(compiled.slots) if slot.spec in alone]
        for trees in self._scan(compiled.tests_of(slots), self._only(alone)):
            yield self._with_root(trees[answers(near, ids[trees])]), guests

    def _only(self, specs: Sequence[int]) -> frozenset[int]:
        """The trees that ``in_tree`` of some specs names; empty: any."""
        named = (self._compiled.specs[n].in_tree for n in specs)
        return frozenset(self._named[uuid] for uuid in named if uuid is not None)

    def _scan(self, tests: Tests, only: frozenset[int]) -> Iterator[Trees]:
        notes = self._notes
        if len(only) > 1 or not could_any(self._columns, tests):
            return
        yield from scan(
            self._columns, tests, notes.traits, notes.aggregates, self._start, only=only
        )

    def _with_root(self, trees: Trees) -> Trees:
        """Leave out trees whose roots have not the traits that are asked of roots."""
        root = self._compiled.root
        if root.is_free:
            return trees
        columns = self._columns
        return trees[answers(self._notes.traits(root), columns.traits[columns.first[trees]])]

    def _look(self, trees: Trees, guests: Guests | None) -> Iterator[Field]:
        """Look at some trees closely."""
        words = (self._columns.count[trees] + (WORD - 1)) // WORD
        for width in range(1, int(words.max(initial=0)) + 1):
            of_width = words == width
            if of_width.any():
                some = trees if of_width.all() else trees[of_width]
                yield from self._look_at(some, width, guests)

    def _look_at(self, trees: Trees, words: int, guests: Guests | None) -> Iterator[Field]:
        columns, compiled, notes = self._columns, self._compiled, self._notes
        block = Block(
            columns, trees, words, traits=notes.traits, aggregates=notes.aggregates,
            named=self._named, sure={} if guests else compiled.tests.most, guests=guests,
        )  # fmt: skip
        masks: list[Mask] = [block.mask(spec, n) for n, spec in enumerate(compiled.specs)]
        keep = np.flatnonzero(could_alone(compiled, masks, has_guests=guests is not None))
        if len(keep) < len(trees):
            masks = [mask[:, keep] for mask in masks]
        if len(keep) and len(compiled.slots) > 1 and compiled.nested:
            ok = could_together(
                columns, compiled, masks, trees[keep],
                lambda shape: below_with_guests(columns, shape, WORD * words, guests),
            )  # fmt: skip
            if ok is not None and not ok.all():
                keep, masks = keep[ok], [mask[:, ok] for mask in masks]
        if len(keep):
            yield survey(columns, compiled, block, masks, keep, guests)


def _in_turn(
    divided: Sequence[tuple[Patch, Way]],
    streams: Mapping[int, Iterator[Way]],
    taken: Sequence[set[Way]],
    collector: Collector,
) -> None:
    """Take the next way of each stream in turn, those not taken before, until all end."""
    waiting = dict(streams)
    while waiting and not collector.is_full():
        for number in list(waiting):
            way = next((way for way in waiting[number] if way not in taken[number]), None)
            if way is None:
                del waiting[number]
                continue
            taken[number].add(way)
            collector.add(divided[number][0], way)
            if collector.is_full():
                return
