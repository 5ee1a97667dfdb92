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
from wherry.schedule.candidates.search import never
from wherry.schedule.search.firsts import first_of_each
from wherry.schedule.search.found import Collector, Found
from wherry.schedule.search.grounds import Field, Patch, survey, with_likeness
from wherry.schedule.search.guests import Guests
from wherry.schedule.search.joint import could_alone, could_together
from wherry.schedule.search.masks import Block, Trees
from wherry.schedule.search.memory import Memory
from wherry.schedule.search.placing import (
    Expired,
    Way,
    all_ways,
    first_ways,
    has_choice,
    has_classes,
)
from wherry.schedule.search.scan import could_any, scan
from wherry.schedule.search.setting import Setting, make_setting

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
        AnswerTooLarge: there is no limit, and more candidates than can be told.
    """
    setting = make_setting(columns, request, memory or Memory())
    collector = Collector(columns, request.limit, guests=setting.guests)
    if setting.is_possible:
        _Search(setting, start % max(columns.trees, 1), expired).run(collector)
    return collector.found(setting.compiled)


class _Search:
    """One search."""

    def __init__(self, setting: Setting, start: int, expired: Expired) -> None:
        self._setting, self._start, self._expired = setting, start, expired
        self._compiled = setting.compiled

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
        divided: list[tuple[Patch, Way]] = []
        for field, ways in fertile:
            if expired():
                raise DeadlineExceeded
            for patch, way in zip(field.patches(), ways, strict=True):
                if way is not None and has_choice(patch.ground):
                    divided += [(each, way) for each in self._divide(patch)]
        taken = [{way} for _, way in divided]
        streams = {
            number: first_ways(compiled, patch.ground, expired)
            for number, (patch, _) in enumerate(divided)
        }
        _in_turn(divided, streams, taken, collector, expired)
        if collector.is_full():
            return
        streams = {
            number: all_ways(compiled, patch.ground, expired)
            for number, (patch, _) in enumerate(divided)
            if has_classes(compiled, patch.ground)
        }
        _in_turn(divided, streams, taken, collector, expired)

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
            for trees in scan(setting.columns, ward, setting.notes, self._start):
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


def _in_turn(
    divided: Sequence[tuple[Patch, Way]],
    streams: Mapping[int, Iterator[Way]],
    taken: Sequence[set[Way]],
    collector: Collector,
    expired: Expired,
) -> None:
    """Take the next way of each stream in turn, those not taken before, until all end."""
    waiting = dict(streams)
    while waiting:
        if expired():
            raise DeadlineExceeded
        for number in list(waiting):
            way = next((way for way in waiting[number] if way not in taken[number]), None)
            if way is None:
                del waiting[number]
                continue
            taken[number].add(way)
            collector.add(divided[number][0], way)
            if collector.is_full():
                return
