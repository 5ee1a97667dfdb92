"""Where a guest can go, ranked, and how many hosts each reason keeps out.

No host is called: the answer is made of the fleet as it stands in memory.  Every host is
decided in two steps.  The first is a look-up: hosts whose islands are of the same classes
and whose facts are equal have the same verdict, and it is worked out once; the host's own
state and resources are compared one by one.  The second, exact to the last detail, is taken
for the hosts that are listed.

Source: design, sections 4 and 7; docs/reference/targets.md.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest
from typing import NamedTuple

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.quantity import units_of
from wherry.inventory.host_view import HostView
from wherry.model.checks import GuestResponse
from wherry.model.errors import InvalidRequest
from wherry.model.guests import Guest
from wherry.model.targets import Refusal, Refused, Target, TargetsAnswer, TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.classes import ClassVerdicts
from wherry.schedule.evaluate import evaluate
from wherry.schedule.host_rules import codes_in_the_way
from wherry.schedule.plan_claim import root_of
from wherry.schedule.question import Question
from wherry.schedule.return_path import WaysBack
from wherry.schedule.weighers import DEFAULT_WEIGHTS, Weights, tie_break, weigh


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """How hosts that take a guest are put in order."""

    weights: Weights = DEFAULT_WEIGHTS
    seed: int = 0
    """Decides between hosts that are otherwise equal."""


class Ranked(NamedTuple):
    """A host that takes the guest, by what it is ordered by: the least comes first."""

    weight: int
    """Of the verdict: what is plainly ok comes before what is accepted with a warning."""
    minus_score: float
    tie: int
    name: str
    host: HostView


class Sorted(NamedTuple):
    """The whole fleet, decided."""

    taking: list[Ranked]
    """In no order."""
    refusing: list[HostView]
    by_code: dict[str, int]


def find_targets(
    guest: Guest,
    source: HostView | None,
    hosts: Iterable[HostView],
    request: TargetsRequest,
    cache: JudgementCache,
    ranking: Ranking = Ranking(),
) -> TargetsAnswer:
    """Find and rank the hosts that take a guest, and count why the others do not.

    Args:
        guest: with the contracts of its slots, its needs and its resources.
        source: the host it is on, if it is known; for the return path only.
        hosts: the fleet as of one moment.
        request: policy, which hosts, how many, and whether the refused are listed.
        cache: judgements, shared between questions.
        ranking: weights and seed.

    Raises:
        InvalidRequest: the policy's mode is replug, which no whole guest has.

    Cost: O(hosts x devices), with a whole-guest check for each distinct combination of
    classes and for each host that is listed.
    """
    question = ask(guest, request, cache)
    found = sort_hosts(question, _chosen(hosts, request.hosts), ranking)
    ways = WaysBack(guest, source, request.policy)
    best = nsmallest(request.limit, found.taking, key=lambda each: each[:4])
    return TargetsAnswer(
        guest=guest.uuid,
        source=guest.host,
        targets=tuple(_target(question, each, ways) for each in best),
        total=len(found.taking),
        refused=Refused(
            count=len(found.refusing),
            by_reason=found.by_code,
            hosts=_refusals(question, found.refusing) if request.explain else UNSET,
        ),
    )


def open_hosts(
    guest: Guest, hosts: Iterable[HostView], request: TargetsRequest, cache: JudgementCache
) -> frozenset[str]:
    """Name all hosts that take a guest, in no order; as `find_targets`, without the details."""
    question = ask(guest, request, cache)
    found = sort_hosts(question, _chosen(hosts, request.hosts), Ranking())
    return frozenset(each.name for each in found.taking)


def judge_host(
    question: Question, source: HostView | None, host: HostView
) -> tuple[Target | Refusal, GuestResponse]:
    """Decide on one host alone, with the whole response beside what is listed of it."""
    response = evaluate(question, host)
    if not response.accepted:
        return make_refusal(host, response), response
    ways = WaysBack(question.guest, source, question.policy)
    return make_target(host, response, ways), response


def ask(guest: Guest, request: TargetsRequest, cache: JudgementCache) -> Question:
    """Make a guest ready to be asked of many hosts."""
    if request.policy.mode == "replug":
        raise InvalidRequest("a whole guest moves live, suspend or cold", path="$.policy.mode")
    return Question(guest, request.policy, cache)


def sort_hosts(question: Question, hosts: Iterable[HostView], ranking: Ranking) -> Sorted:
    """Decide for every host whether it takes the guest, and weigh those that do."""
    verdicts = ClassVerdicts(question)
    asked = units_asked(question.guest)
    tenant, resources = question.guest.tenant, question.guest.resources
    weights, seed, home = ranking.weights, ranking.seed, question.guest.host
    unsettled = () if "unknown" in question.policy.accept else ("DEVICES_UNSETTLED",)
    taking: list[Ranked] = []
    refusing: list[HostView] = []
    outcomes: Counter[tuple[frozenset[str], tuple[str, ...]]] = Counter()
    for host in hosts:
        if host.name == home:
            refusing.append(host)
            outcomes[frozenset(), ("SAME_HOST",)] += 1
            continue
        found = verdicts.of(host)
        own = codes_in_the_way(host, tenant, resources)
        if host.unsettled and not found.is_mapped:
            own = (*own, *unsettled)
        if found.accepted and not own:
            score = weigh(host, asked, weights)
            tie = tie_break(host.name, seed)
            taking.append(Ranked(found.weight, -score, tie, host.name, host))
        else:
            refusing.append(host)
            outcomes[found.codes, own] += 1
    return Sorted(taking, refusing, _count_codes(outcomes))


def units_asked(guest: Guest) -> Mapping[str, int]:
    """Class to units that a guest would take of a host: its resources and its devices.

    A device whose contract does not say what it holds counts nothing here.
    """
    asked = Counter(guest.resources)
    for slot in guest.slots.values():
        asked.update(units_of(slot.contract) or {})
    return dict(asked)


def make_target(host: HostView, response: GuestResponse, ways: WaysBack) -> Target:
    """List a host that takes the guest; its score is set by who compares it with others."""
    return Target(
        host=host.name,
        root=root_of(host),
        verdict=response.verdict,
        accepted=response.accepted,
        score=0.0,
        mapping=response.mapping,
        providers=tuple(each.provider.uuid for each in host.offers),
        facts=_facts_of(host, response),
        reasons=response.reasons,
        downtime_ms=response.downtime_ms,
        return_path=ways.of(response.mapping, host),
    )


def make_refusal(host: HostView, response: GuestResponse) -> Refusal:
    """List a host that does not take the guest."""
    return Refusal(
        host=host.name,
        verdict=response.verdict,
        reasons=response.reasons,
        mapping=response.mapping,
    )


def _chosen(hosts: Iterable[HostView], names: tuple[str, ...] | UnsetType) -> Iterable[HostView]:
    if names is UNSET:
        return hosts
    wanted = frozenset(names)
    return (host for host in hosts if host.name in wanted)


def _count_codes(
    outcomes: Mapping[tuple[frozenset[str], tuple[str, ...]], int],
) -> dict[str, int]:
    """Add up hosts by code, the most telling first; a host counts once for each code."""
    counts: Counter[str] = Counter()
    for (codes, own), hosts in outcomes.items():
        for code in codes.union(own):
            counts[code] += hosts
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _target(question: Question, ranked: Ranked, ways: WaysBack) -> Target:
    target = make_target(ranked.host, evaluate(question, ranked.host), ways)
    return replace(target, score=round(-ranked.minus_score, 6))


def _refusals(question: Question, hosts: Iterable[HostView]) -> tuple[Refusal, ...]:
    ordered = sorted(hosts, key=lambda host: host.name)
    return tuple(make_refusal(host, evaluate(question, host)) for host in ordered)


def _facts_of(host: HostView, response: GuestResponse) -> dict[str, int]:
    """The facts generations of the root and of the providers that the mapping takes."""
    taken = [host.offers[row.offer].provider for row in response.mapping if row.offer is not None]
    providers = taken if host.root is None else [host.root, *taken]
    return {each.uuid: each.record.facts_generation for each in providers}
