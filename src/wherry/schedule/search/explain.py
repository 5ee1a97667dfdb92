"""Why trees hold no candidate: one reason for each, counted for the whole fleet.

A tree is counted under the first of its reasons in the order of `Cause`.  What its summaries
tell costs a pass over them; only trees that no summary excludes are looked at closely, all of
them and not just as many as a limit asks for.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.model.errors import DeadlineExceeded
from wherry.schedule.candidates.deadline import Expired, never
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.compile import INT32, Wanted
from wherry.schedule.search.firsts import first_of_each
from wherry.schedule.search.grounds import survey
from wherry.schedule.search.guests import Guests
from wherry.schedule.search.joint import could_alone, could_together, has_any
from wherry.schedule.search.lookups import Bools, answers
from wherry.schedule.search.masks import Block, Mask, Trees
from wherry.schedule.search.memory import Memory
from wherry.schedule.search.scan import FEW, blocks
from wherry.schedule.search.setting import Setting, Ward, make_setting

TOGETHER = 1 << 13
"""Trees that are looked at closely at once."""


class Cause(Enum):
    """Why a tree holds no candidate, in the order in which causes are looked for."""

    STATE = "state"
    """Whoever asks has left it out: it takes no new guests, or none of this tenant."""
    IN_TREE = "in_tree"
    """It is not the tree that ``in_tree`` names; or the named provider does not exist."""
    CAPACITY = "capacity"
    """No provider of it could give so much of a class (*what*)."""
    TOTAL = "total"
    """All its providers together could not give so much of a class (*what*)."""
    TRAIT = "trait"
    """None of its providers has a trait (*what*, alternatives by commas)."""
    AGGREGATE = "aggregate"
    """None of its providers is in an aggregate (*what*, alternatives by commas)."""
    ROOT = "root"
    """Its root has not the traits that are asked of roots."""
    GROUP = "group"
    """No single provider meets all that one group asks (*what*: its suffix)."""
    TOGETHER = "together"
    """Each group could be served alone, but not all at once."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A cause and what it is about; empty where the cause says all."""

    cause: Cause
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How many trees hold candidates, and why the others hold none.

    Attributes:
        fitting: trees that hold at least one candidate.
        refused: trees by reason, most first; they and the fitting ones are all there are.
    """

    fitting: int
    refused: Mapping[Reason, int]


def explain(
    columns: Columns,
    request: CandidatesRequest,
    *,
    expired: Expired = never,
    memory: Memory | None = None,
    closed: Bools | None = None,
) -> Explanation:
    """Say of all trees why they hold no candidate.

    Args:
        closed: bool[T], trees that are left out; None: none is.

    Raises:
        BadQuery: a trait or class is not known.
        DeadlineExceeded: it was not done in time.

    Cost: like a search without limit that counts trees and not candidates.
    """
    setting = make_setting(columns, request, memory or Memory())
    explaining = _Explaining(setting, expired, closed)
    if setting.is_possible:
        for ward in setting.wards():
            explaining.look(ward)
    else:
        explaining.refuse(Reason(Cause.IN_TREE), _count(columns.count))
    refused = dict(explaining.refused.most_common())
    return Explanation(fitting=explaining.fitting, refused=refused)


Which = slice | Trees
Question = tuple[Reason, Callable[[Which], Bools]]


class _Explaining:
    """Counts trees, ward by ward."""

    def __init__(self, setting: Setting, expired: Expired, closed: Bools | None) -> None:
        self._setting, self._expired, self._closed = setting, expired, closed
        self.refused: Counter[Reason] = Counter()
        self.fitting = 0

    def refuse(self, reason: Reason, number: int) -> None:
        """Count so many trees under a reason."""
        if number:
            self.refused[reason] += number

    def look(self, ward: Ward) -> None:
        """Count the trees of a ward."""
        questions = list(self._questions(ward))
        held: list[Trees] = []
        for low, high in blocks(self._setting.columns.trees, 0):
            held.append(self._ask(ward, questions, low, high))
            if sum(map(len, held)) >= TOGETHER:
                self._look_closely(np.concatenate(held), ward.guests)
                held = []
        if held:
            self._look_closely(np.concatenate(held), ward.guests)

    def _ask(self, ward: Ward, questions: Sequence[Question], low: int, high: int) -> Trees:
        """Ask the summaries of a stretch of trees; gives those that nothing speaks against."""
        which: Which = slice(low, high)
        left = self._setting.columns.count[which] > 0
        if ward.is_in is not None:
            left &= ward.is_in(which)
        number = _count(left)
        for reason, holds in questions:
            if not number:
                break
            if isinstance(which, slice) and number * FEW < high - low:
                which = left.nonzero()[0] + low
                left = np.ones(len(which), bool)
            left &= holds(which)
            before, number = number, _count(left)
            self.refuse(reason, before - number)
        return left.nonzero()[0] + low if isinstance(which, slice) else which[left]

    def _questions(self, ward: Ward) -> Iterator[Question]:
        """What summaries are asked, in order."""
        columns, notes, tests = self._setting.columns, self._setting.notes, ward.tests
        if (closed := self._closed) is not None:
            yield Reason(Cause.STATE), lambda which: ~closed[which]
        if ward.only:
            yield Reason(Cause.IN_TREE), _is_one_of(ward.only, columns.trees)
        for name, amount in tests.most.items():
            yield Reason(Cause.CAPACITY, name), _has_most(columns, name, amount)
        for name, amount in tests.total.items():
            yield Reason(Cause.TOTAL, name), _has_total(columns, name, amount)
        for name, number in tests.holders.items():
            yield Reason(Cause.TOTAL, name), _has_holders(columns, name, number)
        for either in tests.traits.either:
            known = notes.lookups.traits(Wanted((either,)), unknown=True)
            yield Reason(Cause.TRAIT, _listed(either)), _looks_up(known, columns.tree_traits)
        for either in tests.aggregates.either:
            known = notes.lookups.aggregates(Wanted((either,)), unknown=True)
            yield (
                Reason(Cause.AGGREGATE, _listed(either)),
                _looks_up(known, columns.tree_aggregates),
            )
        if not self._setting.compiled.root.is_free:
            yield Reason(Cause.ROOT), self._setting.has_root

    def _look_closely(self, trees: Trees, guests: Guests | None) -> None:
        for at in range(0, len(trees), TOGETHER):
            if self._expired():
                raise DeadlineExceeded
            for block in self._setting.blocks(trees[at : at + TOGETHER], guests):
                self._look_at(block, guests)

    def _look_at(self, block: Block, guests: Guests | None) -> None:
        columns, compiled = self._setting.columns, self._setting.compiled
        masks = [block.mask(spec, number) for number, spec in enumerate(compiled.specs)]
        left = np.ones(len(block.trees), bool)
        for slot in compiled.slots:
            before = _count(left)
            left &= has_any(masks[slot.spec])
            self.refuse(Reason(Cause.GROUP, slot.suffix), before - _count(left))
        number = _count(left)
        left &= could_alone(compiled, masks, has_guests=guests is not None)
        keep = left.nonzero()[0]
        masks = [mask[:, keep] for mask in masks]
        if len(keep) and len(compiled.slots) > 1 and compiled.nested:
            ok = could_together(columns, compiled, masks, block.trees[keep], block.words, guests)
            if ok is not None:
                keep, masks = keep[ok], [mask[:, ok] for mask in masks]
        fitting = self._count_fitting(block, masks, keep, guests) if len(keep) else 0
        self.fitting += fitting
        self.refuse(Reason(Cause.TOGETHER), number - fitting)

    def _count_fitting(
        self, block: Block, masks: list[Mask], keep: Trees, guests: Guests | None
    ) -> int:
        """Count trees in which the request can be placed."""
        setting, compiled = self._setting, self._setting.compiled
        field = survey(setting.columns, compiled, block, masks, keep, guests)
        ways = first_of_each(setting, field, self._expired)
        has_way = np.array([way is not None for way in ways])
        return _count(has_way[field.which])


def _count(flags: Bools | NDArray[np.int32]) -> int:
    return int(np.count_nonzero(flags))


def _is_one_of(only: frozenset[int], trees: int) -> Callable[[Which], Bools]:
    # A candidate stands in one tree, and more than one name none.
    named = np.zeros(trees, bool)
    if len(only) == 1:
        named[list(only)] = True
    return lambda which: named[which]


def _has_most(columns: Columns, name: str, amount: int) -> Callable[[Which], Bools]:
    column = columns.classes.get(name)
    if column is None or amount > INT32:
        return lambda which: np.zeros(len(columns.count[which]), bool)
    return lambda which: np.asarray(column.tmax[which] >= amount)


def _has_total(columns: Columns, name: str, amount: int) -> Callable[[Which], Bools]:
    return lambda which: np.asarray(columns.classes[name].tsum[which] >= amount)


def _has_holders(columns: Columns, name: str, number: int) -> Callable[[Which], Bools]:
    return lambda which: np.asarray(columns.classes[name].tcnt[which] >= number)


def _looks_up(known: Bools, ids: NDArray[Any]) -> Callable[[Which], Bools]:
    return lambda which: answers(known, ids[which])


def _listed(names: frozenset[str]) -> str:
    return ",".join(sorted(names))
