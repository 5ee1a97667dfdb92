"""One verdict for all hosts that give a guest the same.

Hosts are the same to a guest if their islands are of the same classes in the same order, and
their facts meet the same of its needs.  Then the verdict is the same, and so are the codes of
all reasons; details such as how much is free may differ.

Source: specification of compatibility, sections 10 and 13; docs/reference/targets.md.
"""

from collections.abc import Sequence
from typing import NamedTuple

from wherry.compat.rules import host_facts
from wherry.compat.verdicts import is_accepted, reasons_in, worst
from wherry.inventory.host_view import HostView
from wherry.inventory.interning import Shared
from wherry.inventory.islands import Island, stamp
from wherry.model.checks import HostFacts, Verdict
from wherry.schedule.evaluate import (
    MAPPING,
    Part,
    codes_against,
    is_mapped,
    judge_part,
    keep_islands,
    reasons_of,
)
from wherry.schedule.question import WEIGHT, Least, Question

NO_OFFER = "NO_OFFER"
_REFUSED = WEIGHT["no"]


class Found(NamedTuple):
    """What a guest finds: at the devices of a host, at its facts, or at both together."""

    verdict: Verdict
    codes: frozenset[str]
    """Of all reasons that stand in the way."""
    is_mapped: bool = True


class ClassVerdict(NamedTuple):
    """What a guest gets of a host, without state and resources of the host."""

    accepted: bool
    is_mapped: bool
    weight: int
    """Of the verdict: 0 ok, 1 warn, 2 unknown, 3 no."""
    codes: frozenset[str]
    """Of all reasons that stand in the way."""


class ClassVerdicts:
    """Finds the verdict of a host's class; works each out once."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._numbers: dict[Island, int] = {}
        self._by_facts: dict[Shared[HostFacts], Found] = {}
        self._by_islands: dict[tuple[int, ...], Found] = {}
        self._by_kept: dict[tuple[int, ...], Found] = {}
        self._joined: dict[tuple[Found, Found], ClassVerdict] = {}

    def of(self, host: HostView) -> ClassVerdict:
        """Give the verdict on a host."""
        key = (self._of_devices(host), self._of_facts(host.facts))
        joined = self._joined.get(key)
        if joined is None:
            joined = self._joined[key] = self._join(*key)
        return joined

    def _join(self, devices: Found, facts: Found) -> ClassVerdict:
        verdict = worst((devices.verdict, facts.verdict))
        return ClassVerdict(
            accepted=is_accepted(verdict, self._question.policy),
            is_mapped=devices.is_mapped,
            weight=WEIGHT[verdict],
            codes=devices.codes | facts.codes,
        )

    def _of_facts(self, facts: Shared[HostFacts]) -> Found:
        """What the host's facts miss of the guest's needs."""
        found = self._by_facts.get(facts)
        if found is None:
            question = self._question
            missed = host_facts.check(question.guest.needs, facts.value)
            reasons = reasons_in(missed, question.policy.mode)
            verdict = worst(reason.severity for reason in reasons)
            found = Found(verdict, codes_against(reasons, question.taken))
            self._by_facts[facts] = found
        return found

    def _of_devices(self, host: HostView) -> Found:
        try:
            numbers = tuple([self._numbers[island] for island in host.islands])
        except KeyError:
            numbers = self._number(host.islands)
        found = self._by_islands.get(numbers)
        if found is None:
            found = self._by_islands[numbers] = self._of_kept(host, numbers)
        return found

    def _number(self, islands: Sequence[Island]) -> tuple[int, ...]:
        for island in islands:
            self._numbers[island] = self._question.about(island).number
        return tuple(self._numbers[island] for island in islands)

    def _of_kept(self, host: HostView, numbers: Sequence[int]) -> Found:
        kept = keep_islands(self._question, host)
        key = tuple(numbers[place] for place in kept)
        found = self._by_kept.get(key)
        if found is None:
            islands = [host.islands[place] for place in kept]
            found = self._refuse(islands) or self._work_out(islands)
            self._by_kept[key] = found
        return found

    def _refuse(self, islands: Sequence[Island]) -> Found | None:
        """Refuse at once where a device has no offer at all; None where all have one.

        Each row then shows the offer that is least severe for it, the first of equals.
        """
        rows = [self._least(islands, slot) for slot in range(len(self._question.contracts))]
        if all(row.weight < _REFUSED for row in rows):
            return None
        return Found("no", frozenset({MAPPING}).union(*(row.codes for row in rows)), False)

    def _least(self, islands: Sequence[Island], slot: int) -> Least:
        rows = [self._question.about(island).least[slot] for island in islands]
        nothing = Least(_REFUSED, frozenset({NO_OFFER}))
        return min(rows, key=lambda row: row.weight, default=nothing)

    def _work_out(self, islands: Sequence[Island]) -> Found:
        question = self._question
        offers = [offer for number, each in enumerate(islands) for offer in stamp(each, number)]
        judgements = [row for each in islands for row in question.about(each).judgements]
        part = Part(tuple(range(len(offers))), tuple(offers), tuple(judgements))
        response = judge_part(question, part, ())
        return Found(
            verdict=response.verdict,
            codes=codes_against(reasons_of(response), question.taken),
            is_mapped=is_mapped(response),
        )
