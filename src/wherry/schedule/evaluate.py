"""One guest against one host of the fleet: the whole-guest check, and what it does not cover.

The check is that of the specification, on ready judgements.  Of islands that give the guest
the same, only as many are looked at as it could use: the first of them are the ones that the
best mapping takes, and what is refused is shown by the first refused anyway.

Source: specification of compatibility, section 10; docs/reference/targets.md.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from wherry.compat.guest import judge_guest
from wherry.compat.judgement import Judgement
from wherry.compat.rules import host_facts
from wherry.compat.table import Finding
from wherry.inventory.host_view import NO_NODE, HostView
from wherry.model.checks import GuestResponse, MappingRow, Reason
from wherry.schedule.group_rules import check_groups
from wherry.schedule.host_rules import check_host, check_unsettled, same_host
from wherry.schedule.member_rules import check_members
from wherry.schedule.parts import Part, is_mapped, judge_part
from wherry.schedule.question import Question
from wherry.schedule.tenant_rules import check_aggregates


def evaluate(question: Question, host: HostView) -> GuestResponse:
    """Give the verdict on a host with all reasons; ``offer`` counts the host's offers.

    The host that the guest is on gets SAME_HOST alone.
    """
    if host.name == question.guest.host:
        return judge_guest((), (), same_host(), question.policy, pair=_no_pair)
    kept = keep_islands(question, host)
    found = [
        *host_facts.check(question.guest.needs, host.facts.value),
        *check_host(host, question.guest.tenant, question.guest.resources),
        *check_aggregates(host.name, question.guest.tenant, question.bounds.closed),
        *check_members(host.name, question.bounds.members),
        *check_groups(host.name, question.bounds.neighbours),
    ]
    response = _respond(question, host, kept, found)
    unsettled = check_unsettled(host, is_mapped=is_mapped(response))
    if unsettled:
        response = _respond(question, host, kept, [*found, *unsettled])
    places = _places(host, kept)
    rows = tuple(_at_place(row, places) for row in response.mapping)
    return replace(response, mapping=rows)


def _respond(
    question: Question, host: HostView, kept: Sequence[int], found: Sequence[Finding]
) -> GuestResponse:
    """Check the guest against some islands of a host; ``offer`` counts the offers of these."""
    if found:
        return judge_part(question, _part_of(question, host, kept), found)
    # Of a host that itself lacks nothing, the islands say it all.
    islands = tuple([(host.islands[place], _node(question, host, place)) for place in kept])
    known = question.memory.responses
    response = known.get(islands)
    if response is None:
        response = judge_part(question, _part_of(question, host, kept), ())
        known[islands] = response
    return response


def keep_islands(question: Question, host: HostView) -> list[int]:
    """Choose the islands of a host that can matter, by their place, in order."""
    every = zip(host.islands, host.nodes, strict=True)
    return question.memory.keep([question.class_at(island, node) for island, node in every])


def reasons_of(response: GuestResponse) -> Iterator[Reason]:
    """All reasons, those of the rows as well."""
    yield from response.reasons
    for row in response.mapping:
        yield from row.reasons


def codes_against(reasons: Iterable[Reason], taken: Collection[str]) -> frozenset[str]:
    """The codes that stand in the way: those of a severity that the caller does not take."""
    return frozenset(reason.code for reason in reasons if reason.severity not in taken)


def _part_of(question: Question, host: HostView, kept: Sequence[int]) -> Part:
    """Take the offers of these islands, as they are on this host."""
    judgements = [row for each in kept for row in question.about(host.islands[each]).judgements]
    offers = [host.offers[place].offer for place in _places(host, kept)]
    nodes = [host.nodes[each] for each in kept for _ in host.islands[each].offers]
    return Part(tuple(offers), tuple(judgements), tuple(nodes))


def _node(question: Question, host: HostView, place: int) -> int:
    """The node of an island, where that can matter."""
    return NO_NODE if question.numa is None else host.nodes[place]


def _places(host: HostView, kept: Sequence[int]) -> list[int]:
    """Give the places of the offers of these islands among those of the host."""
    starts = _starts(host)
    return [place for each in kept for place in range(starts[each], starts[each + 1])]


def _starts(host: HostView) -> list[int]:
    """Where the offers of each island begin among those of the host, and where all end."""
    starts = [0]
    for island in host.islands:
        starts.append(starts[-1] + len(island.offers))
    return starts


def _at_place(row: MappingRow, places: Sequence[int]) -> MappingRow:
    return row if row.offer is None else replace(row, offer=places[row.offer])


def _no_pair(contract: int, offer: int) -> Judgement:
    message = f"there is no pair {contract}, {offer}"
    raise LookupError(message)
