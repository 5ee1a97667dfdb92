"""One verdict for all hosts that give a guest the same.

Hosts are the same to a guest if their islands are of the same classes in the same order, and
their facts meet the same of its needs.  Then the verdict is the same, and so are the codes of
all reasons; details such as how much is free may differ.

Source: specification of compatibility, sections 10 and 13; docs/reference/targets.md.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherry.compat.rules import host_facts
from wherry.compat.verdicts import reasons_in, worst
from wherry.inventory.columns.interned import Interned
from wherry.inventory.host_columns import HostColumns
from wherry.inventory.host_view import NO_NODE
from wherry.inventory.islands import Island, stamp
from wherry.model.checks import GuestResponse, HostFacts
from wherry.schedule.evaluate import codes_against, reasons_of
from wherry.schedule.memory import Found, Least
from wherry.schedule.parts import MAPPING, Part, is_mapped, judge_part, nearness
from wherry.schedule.question import WEIGHT, Question
from wherry.schedule.rows import cut_runs, group_rows

NO_OFFER = "NO_OFFER"
_REFUSED = WEIGHT["no"]


class AtDevices(NamedTuple):
    """What a guest finds at the devices of every host: N hosts, G distinct rows of classes."""

    number: NDArray[np.int64]
    """[N], of ``question.memory.founds``."""
    islands: NDArray[np.int32]
    """Those that can matter, those of the first host first."""
    classes: NDArray[np.int32]
    """Of each of these."""
    lengths: NDArray[np.int64]
    """[N], how many of these each host has."""
    group: NDArray[np.int64]
    """[N], the same for hosts with equal classes in the same order."""
    first: NDArray[np.int64]
    """[G], a host of each group."""

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where the islands of each host begin: int64[N]."""
        return np.cumsum(self.lengths) - self.lengths


def find_at_devices(question: Question, columns: HostColumns) -> AtDevices:
    """Say what the guest finds at the devices of every host.

    Cost: O(N + M) in columns; in Python what of islands and of their combinations is new.
    """
    memory, table = question.memory, columns.tables.islands
    present = np.bincount(columns.islands, minlength=len(table)) > 0
    classes = memory.classes_in(table, present, lambda island: question.about(island).number)
    here = classes[columns.islands]
    if question.numa is not None:
        here = _by_node(question, columns, here)
    # Most repeats of a class stand side by side; `Memory.keep` finds the others.
    stays, lengths = cut_runs(here, columns.lengths, memory.keeps())
    islands, nodes, rows = columns.islands[stays], columns.nodes[stays], here[stays]
    groups = group_rows(rows, lengths)
    ends = np.cumsum(lengths)[groups.first].tolist()
    numbers: list[int] = []
    for end, length in zip(ends, lengths[groups.first].tolist(), strict=True):
        some = slice(end - length, end)
        find = partial(_find, question, table, islands[some], nodes[some])
        numbers.append(memory.found_for(rows[some], find))
    number = np.array(numbers, np.int64)[groups.number]
    return AtDevices(number, islands, rows, lengths, groups.number, groups.first)


def _by_node(
    question: Question, columns: HostColumns, classes: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Tell classes of islands apart by the NUMA nodes that they stand on."""
    memory, keeps = question.memory, question.memory.keeps()
    base = int(columns.nodes.max(initial=0)) + 2
    pairs = classes.astype(np.int64) * base + (columns.nodes - NO_NODE)
    distinct, number = np.unique(pairs, return_inverse=True)
    named = [divmod(pair, base) for pair in distinct.tolist()]
    by_pair = [memory.class_of((each, node + NO_NODE), int(keeps[each])) for each, node in named]
    return np.array(by_pair, np.int32)[number]


def find_at_facts(question: Question, columns: HostColumns) -> list[Found]:
    """Say what the guest finds at each of the distinct facts, by their number."""
    return [_at_facts(question, facts.value) for facts in columns.tables.facts.values]


def _at_facts(question: Question, facts: HostFacts) -> Found:
    """What a host's facts miss of the guest's needs."""
    reasons = reasons_in(host_facts.check(question.guest.needs, facts), question.policy.mode)
    verdict = worst(reason.severity for reason in reasons)
    return Found(verdict, codes_against(reasons, question.taken))


def _find(
    question: Question,
    table: Interned[Island],
    here: NDArray[np.int32],
    nodes: NDArray[np.int16],
    places: list[int],
) -> Found:
    islands = [table[number] for number in here[places].tolist()]
    return _refuse(question, islands) or _work_out(question, islands, nodes[places].tolist())


def _refuse(question: Question, islands: Sequence[Island]) -> Found | None:
    """Refuse at once where a device has no offer at all; None where all have one.

    Each row then shows the offer that is least severe for it, the first of equals.
    """
    rows = [_least(question, islands, slot) for slot in range(len(question.contracts))]
    if all(row.weight < _REFUSED for row in rows):
        return None
    return Found("no", frozenset({MAPPING}).union(*(row.codes for row in rows)), False)


def _least(question: Question, islands: Sequence[Island], slot: int) -> Least:
    rows = [question.about(island).least[slot] for island in islands]
    nothing = Least(_REFUSED, frozenset({NO_OFFER}))
    return min(rows, key=lambda row: row.weight, default=nothing)


def _work_out(question: Question, islands: Sequence[Island], nodes: Sequence[int]) -> Found:
    seen = [question.see(island) for island in islands]
    offers = [offer for number, each in enumerate(seen) for offer in stamp(each, number)]
    judgements = [row for each in islands for row in question.about(each).judgements]
    of_offers = tuple(n for n, each in zip(nodes, islands, strict=True) for _ in each.offers)
    part = Part(tuple(offers), tuple(judgements), of_offers)
    response = judge_part(question, part, ())
    places = _places(islands, response)
    return Found(
        verdict=response.verdict,
        codes=codes_against(reasons_of(response), question.taken),
        is_mapped=is_mapped(response),
        downtime_ms=response.downtime_ms,
        places=places,
        nearness=nearness(question.numa, (nodes[island] for island, _ in places)),
    )


def _places(islands: Sequence[Island], response: GuestResponse) -> tuple[tuple[int, int], ...]:
    """Give for each device the island and the offer of it, by their places there."""
    if not is_mapped(response):
        return ()
    places = [(n, at) for n, each in enumerate(islands) for at in range(len(each.offers))]
    return tuple(places[row.offer] for row in response.mapping if row.offer is not None)
