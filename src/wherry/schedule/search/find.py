"""Finds candidates in columns.

Trees are looked at from a place that the caller chooses, in blocks: summaries first, then the
masks of those that are left, then the ways in which the slots of the request can be placed,
worked out once for all trees that are alike.  With a limit the search ends as soon as it has
enough: one way in each tree in turn, those that differ in more than the names of equal devices
before those that do not.

Source: design, section 5; docs/explanation/search.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from wherry.inventory.columns import Columns
from wherry.model.errors import DeadlineExceeded
from wherry.schedule.candidates.deadline import Expired, never
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.firsts import first_of_each
from wherry.schedule.search.found import Collector, Found, Part
from wherry.schedule.search.grounds import Field, Patch, survey, with_likeness
from wherry.schedule.search.guests import Guests
from wherry.schedule.search.joint import could_alone, could_together
from wherry.schedule.search.lookups import Bools
from wherry.schedule.search.masks import Block, Trees
from wherry.schedule.search.memory import Memory
from wherry.schedule.search.placing import (
    Way,
    all_ways,
    first_ways,
    has_choice,
    has_classes,
)
from wherry.schedule.search.scan import could_any, scan
from wherry.schedule.search.setting import Setting, make_setting
from wherry.schedule.search.whole import Firsts, turned

LEAST, MOST = 64, 1 << 13
"""Trees that are looked at closely together."""


def find(
    columns: Columns,
    request: CandidatesRequest,
    *,
    start: int = 0,
    expired: Expired = never,
    memory: Memory | None = None,
    closed: Bools | None = None,
) -> Found:
    """Find candidates, at most as many as the request's limit.

    Args:
        start: the tree to begin with; any number, it is taken round.
        closed: bool[T], trees that are left out; None: none is.
        expired: asked now and then; the search ends once it says yes.
        memory: what searches of this fleet remember for each other; None: nothing.

    Raises:
        BadQuery: a trait or class is not known.
        DeadlineExceeded: the search was not done in time.
        AnswerTooLarge: there is no limit, and more candidates than can be told.
    """
    setting = make_setting(columns, request, memory or Memory())
    return _find(setting, request.limit, start, expired, closed)


def find_kept(
    columns: Columns,
    request: CandidatesRequest,
    *,
    start: int = 0,
    expired: Expired = never,
    memory: Memory,
) -> Found:
    """As `find`, but where it will do of what was found for the same request before; see `whole`.

    What is given is as new: trees that have changed since are looked at.
    """
    setting = make_setting(columns, request, memory)
    if request.limit and setting.is_possible:
        look = partial(_look, setting, expired)
        found = turned(setting, request.limit, start % max(columns.trees, 1), look)
        if found is not None:
            return found
    return _find(setting, request.limit, start, expired, None)


def _find(
    setting: Setting, limit: int | None, start: int, expired: Expired, closed: Bools | None
) -> Found:
    columns = setting.columns
    collector = Collector(columns, limit, guests=setting.guests)
    if setting.is_possible:
        _Search(setting, start % max(columns.trees, 1), expired, closed).run(collector)
    return collector.found(setting.compiled)


def _look(setting: Setting, expired: Expired, most: int, among: Trees | None) -> Firsts | None:
    """Find the first way in each of some trees; None: of more than *most*."""
    collector = Collector(setting.columns, most + 1, guests=None)
    search = _Search(setting, 0, expired, None, among)
    has_choice = search.find_firsts(collector)
    if collector.is_full():
        return None
    found = collector.found(setting.compiled)
    parts = {batch.seats: Part(batch.trees, batch.rows) for batch in found.batches}
    return Firsts(parts, has_choice)


class _Search:
    """One search.

    Args:
        among: int64[m], rising; trees that are looked at; None: all.
    """

    def __init__(
        self,
        setting: Setting,
        start: int,
        expired: Expired,
        closed: Bools | None,
        among: Trees | None = None,
    ) -> None:
        self._setting, self._start, self._expired = setting, start, expired
        self._compiled, self._closed, self._among = setting.compiled, closed, among

    def find_firsts(self, collector: Collector) -> bool:
        """Find one way in each tree; says whether any tree has a choice of ways."""
        is_choice = False
        for field in self._fields(collector):
            ways = first_of_each(self._setting, field, self._expired)
            collector.add_firsts(field, ways)
            is_choice = is_choice or any(
                way is not None and has_choice(patch.ground)
                for patch, way in zip(field.patches(), ways, strict=True)
            )
        return is_choice

    def run(self, collector: Collector) -> None:
        """Find ways until the collector is full or there are no more."""
        fertile: list[tuple[Field, list[Way | None]]] = []
        for field in self._fields(collector):
            if collector.room is None:
                for patch in field.patches():
                    for way in all_ways(self._compiled, patch.ground, self._expired):
                        collector.add(patch, way)
                continue
            ways = first_of_each(self._setting, field, self._expired)
            fertile.append((field, ways))
            collector.add_firsts(field, ways)
        if collector.room:
            self._go_round(fertile, collector)

    def _go_round(
        self, fertile: Sequence[tuple[Field, list[Way | None]]], collector: Collector
    ) -> None:
        """Take one more way of each tree in turn: one of each class, then the others."""
        compiled, expired = self._compiled, self._expired
        begun: list[_Stream] = []
        for patch, way in self._divided(fertile):
            stream = _Stream(patch, first_ways(compiled, patch.ground, expired), {way})
            begun.append(stream)
            stream.take(collector)
            if collector.is_full():
                return
        self._in_turn(begun, collector)
        others = [each for each in begun if has_classes(compiled, each.patch.ground)]
        for each in others:
            each.ways = all_ways(compiled, each.patch.ground, expired)
        self._in_turn(others, collector)

    def _in_turn(self, streams: Sequence["_Stream"], collector: Collector) -> None:
        """Let each stream take its next way in turn, until all have ended."""
        waiting = list(streams)
        while waiting and not collector.is_full():
            if self._expired():
                raise DeadlineExceeded
            waiting = [each for each in waiting if each.take(collector)]

    def _divided(
        self, fertile: Sequence[tuple[Field, list[Way | None]]]
    ) -> Iterator[tuple[Patch, Way]]:
        """Give all trees with a choice, and the way that was taken of them."""
        for field, ways in fertile:
            if self._expired():
                raise DeadlineExceeded
            for patch, way in zip(field.patches(), ways, strict=True):
                if way is not None and has_choice(patch.ground):
                    for each in self._divide(patch):
                        yield each, way

    def _divide(self, patch: Patch) -> Iterator[Patch]:
        """Divide a patch by which of its providers are equal."""
        alike = self._setting.notes.likeness.of(self._setting.columns, patch.trees)
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
                for block in self._setting.blocks(some, guests):
                    yield from self._look_at(block, guests)
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
        setting, compiled = self._setting, self._compiled
        for ward in setting.wards():
            if len(ward.only) > 1 or not could_any(setting.columns, ward.tests):
                continue
            for found in scan(setting.columns, ward, setting.notes, self._start, self._among):
                trees = found if self._closed is None else found[~self._closed[found]]
                if compiled.root.is_free:
                    yield trees, ward.guests
                elif (suits := setting.has_root(trees)).any():
                    yield trees[suits], ward.guests

    def _look_at(self, block: Block, guests: Guests | None) -> Iterator[Field]:
        """Look at some trees closely."""
        columns, compiled = self._setting.columns, self._compiled
        masks = [block.mask(spec, number) for number, spec in enumerate(compiled.specs)]
        keep = could_alone(compiled, masks, has_guests=guests is not None).nonzero()[0]
        if len(keep) < len(block.trees):
            masks = [mask[:, keep] for mask in masks]
        if len(keep) and len(compiled.slots) > 1 and compiled.nested:
            ok = could_together(columns, compiled, masks, block.trees[keep], block.words, guests)
            if ok is not None and not ok.all():
                keep, masks = keep[ok], [mask[:, ok] for mask in masks]
        if len(keep):
            yield survey(columns, compiled, block, masks, keep, guests)


@dataclass(slots=True)
class _Stream:
    """The ways of trees that are equal in all, of which some were taken."""

    patch: Patch
    ways: Iterator[Way]
    taken: set[Way]

    def take(self, collector: Collector) -> bool:
        """Take the next way that was not taken before; False: there is none, or no room."""
        if collector.is_full():
            return False
        for way in self.ways:
            if way not in self.taken:
                self.taken.add(way)
                collector.add(self.patch, way)
                return True
        return False
