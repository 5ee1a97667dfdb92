"""The offers of a host that can matter to a guest, and the whole-guest check on them.

Where the guest asks for NUMA nodes the check is made on the offers of each choice of nodes, so
that the mapping is joint with the choice: the best of them is taken, the first of equals.

Source: specification of compatibility, section 10; docs/reference/targets.md, "NUMA nodes".
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import combinations
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wherry.compat.guest import judge_guest
from wherry.compat.judgement import Judgement
from wherry.compat.table import Finding
from wherry.inventory.host_view import NO_NODE
from wherry.model.checks import GuestResponse
from wherry.model.device import Offer
from wherry.model.guests import NumaAsked
from wherry.schedule.question import WEIGHT, Question
from wherry.schedule.reasons import cause

MAPPING: Final = "MAPPING"

_NUMA: Final = cause("HOST_NUMA")
_NUMA_UNKNOWN: Final = cause("HOST_NUMA_UNKNOWN")
_NEVER: Final = 1 + max(WEIGHT.values())
"""Heavier than any verdict: there is no mapping."""


class Part(Struct, frozen=True):
    """The offers of a host that can matter to a guest."""

    offers: tuple[Offer, ...]
    judgements: tuple[tuple[Judgement, ...], ...]
    """For each offer, that of each contract."""
    nodes: tuple[int, ...]
    """For each offer the NUMA node that it stands on, as the host view numbers them."""


JudgeSome = Callable[[Sequence[int]], GuestResponse]
"""Checks the devices of the guest alone, against the offers at these places."""
Choice = tuple[Sequence[int], Sequence[Finding]]
"""Places of the offers that are looked at, and what is found beside them."""


def judge_part(question: Question, part: Part, found: Sequence[Finding]) -> GuestResponse:
    """Check the guest against some offers; ``offer`` counts these.

    Args:
        question: the guest under its policy.
        part: the offers.
        found: what the host itself is found to lack.
    """
    every: Sequence[int] = range(len(part.offers))
    if question.numa is None:
        return _judge(question, part, every, found)
    # What the host lacks has no say in which nodes are best.
    places, more = _choose(question.numa, part.nodes, lambda at: _judge(question, part, at, ()))
    return _judge(question, part, places, [*found, *more])


def is_mapped(response: GuestResponse) -> bool:
    """Whether every device has an offer."""
    return all(reason.code != MAPPING for reason in response.reasons)


def nearness(asked: NumaAsked | None, taken: Iterable[int]) -> float:
    """Say how well the nodes of a mapping go with what is asked: 1, 0, or 1/2 where unknown."""
    nodes = set(taken)
    if asked is None or len(nodes - {NO_NODE}) > asked.nodes:
        return 0.0
    return 0.5 if NO_NODE in nodes else 1.0


def _judge(
    question: Question, part: Part, places: Sequence[int], found: Sequence[Finding]
) -> GuestResponse:
    response = judge_guest(
        question.contracts,
        [part.offers[place] for place in places],
        found,
        question.policy,
        pair=lambda i, j: part.judgements[places[j]][i],
    )
    if len(places) == len(part.offers):
        return response
    rows = (
        row if row.offer is None else replace(row, offer=places[row.offer])
        for row in response.mapping
    )
    return replace(response, mapping=tuple(rows))


def _choose(asked: NumaAsked, nodes: Sequence[int], judge: JudgeSome) -> Choice:
    """Choose the nodes on which the devices stand."""
    every = range(len(nodes))
    whole = judge(every)
    if not is_mapped(whole) or _is_met(asked, nodes, whole):
        # The first of the best mappings: if it is on nodes as asked, it is that of these too.
        return every, ()
    some, weight = _best(asked, nodes, judge, with_unknown=asked.policy == "legacy")
    if asked.policy in {"preferred", "socket"}:
        return (some if weight <= WEIGHT[whole.verdict] else every), ()
    if weight < _NEVER:
        return some, ()
    detail = {"policy": asked.policy, "wanted": asked.nodes}
    if asked.policy == "required":
        some, weight = _best(asked, nodes, judge, with_unknown=True)
        if weight < _NEVER:
            return some, [(_NUMA_UNKNOWN, detail)]
    return every, [(_NUMA, detail)]


def _is_met(asked: NumaAsked, nodes: Sequence[int], response: GuestResponse) -> bool:
    near = nearness(asked, (nodes[row.offer] for row in response.mapping if row.offer is not None))
    return near > 0.0 if asked.policy == "legacy" else near == 1.0


def _best(
    asked: NumaAsked, nodes: Sequence[int], judge: JudgeSome, *, with_unknown: bool
) -> tuple[Sequence[int], int]:
    """Give the places on so many nodes whose mapping is least severe, and how severe it is."""
    known = sorted(set(nodes) - {NO_NODE})
    also: Collection[int] = (NO_NODE,) if with_unknown else ()
    found: tuple[Sequence[int], int] = (), _NEVER
    for some in combinations(known, min(asked.nodes, len(known))):
        places = [at for at, node in enumerate(nodes) if node in some or node in also]
        response = judge(places)
        if is_mapped(response) and WEIGHT[response.verdict] < found[1]:
            found = places, WEIGHT[response.verdict]
    return found
