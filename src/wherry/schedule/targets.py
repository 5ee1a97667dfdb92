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

import numpy as np
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from numpy.typing import NDArray

from wherry.compat.quantity import units_of
from wherry.inventory.fleet import FleetView
from wherry.inventory.host_columns import rows_of
from wherry.inventory.host_view import HostView
from wherry.model.bounds import FREE, Bounds
from wherry.model.checks import GuestResponse
from wherry.model.errors import InvalidRequest
from wherry.model.guests import Guest
from wherry.model.targets import Refusal, Refused, Target, TargetsAnswer, TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.decide import Decision, count_codes, decide
from wherry.schedule.evaluate import evaluate
from wherry.schedule.fixes import Fixes
from wherry.schedule.group_rules import wishes
from wherry.schedule.outlook import Outlook
from wherry.schedule.plan_claim import root_of
from wherry.schedule.question import Question
from wherry.schedule.ranking import DEFAULT_RANKING, Ranked, Ranking, rank
from wherry.schedule.remedies import find_remedies
from wherry.schedule.return_path import WaysBack
from wherry.schedule.weighers import Weighed


def find_targets(
    guest: Guest,
    source: HostView | None,
    fleet: FleetView,
    request: TargetsRequest,
    cache: JudgementCache,
    ranking: Ranking = DEFAULT_RANKING,
    bounds: Bounds = FREE,
) -> TargetsAnswer:
    """Find and rank the hosts that take a guest, and count why the others do not.

    Args:
        guest: with the contracts of its slots, its needs and its resources.
        source: the host it is on, if it is known; for the return path and for fixes only.
        fleet: as of one moment.
        request: policy, which hosts, how many, and whether the refused are listed.
        cache: judgements, shared between questions.
        ranking: weights and seed.
        bounds: the guest's groups and where the others of them are, hosts that are for other
            tenants, and what is asked of the aggregates of hosts.

    Raises:
        InvalidRequest: the policy's mode is replug, which no whole guest has.

    Cost: O(hosts x devices) in columns, with a whole-guest check for each combination of
    classes that is new and for each host that is listed.
    """
    question = ask(guest, request, cache, bounds)
    columns = fleet.columns
    decision = decide(question, columns)
    taking, refusing = _split(decision, request.hosts)
    ways = WaysBack(question, source)
    weighed = Weighed(
        columns=columns,
        rows=taking,
        downtime_ms=decision.downtime_ms[taking],
        nearness=decision.nearness[taking],
        asked=units_asked(guest),
        wished=wishes(bounds.neighbours),
        outlook=Outlook(question, columns, decision.found, taking, ways, Fixes(guest, source)),
    )
    best = rank(weighed, decision.weight[taking], ranking, request.limit)
    codes = count_codes(decision, refusing)
    remedies = find_remedies(question, decision, refusing, codes) if request.remedies else UNSET
    return TargetsAnswer(
        guest=guest.uuid,
        source=guest.host,
        targets=tuple(_target(question, each, ways) for each in best),
        total=len(taking),
        refused=Refused(
            count=len(refusing),
            by_reason=codes,
            hosts=_refusals(question, columns.hosts[refusing], request)
            if request.explain
            else UNSET,
            remedies=remedies,
        ),
    )


def open_hosts(
    guest: Guest, fleet: FleetView, request: TargetsRequest, cache: JudgementCache
) -> frozenset[str]:
    """Name all hosts that take a guest, in no order; as `find_targets`, without the details."""
    decision = decide(ask(guest, request, cache), fleet.columns)
    taking, _ = _split(decision, request.hosts)
    return frozenset(host.name for host in decision.columns.hosts[taking])


def judge_host(
    question: Question, source: HostView | None, host: HostView
) -> tuple[Target | Refusal, GuestResponse]:
    """Decide on one host alone, with the whole response beside what is listed of it."""
    response = evaluate(question, host)
    if not response.accepted:
        return make_refusal(host, response), response
    ways = WaysBack(question, source)
    return make_target(host, response, ways), response


def ask(
    guest: Guest,
    request: TargetsRequest,
    cache: JudgementCache,
    bounds: Bounds = FREE,
) -> Question:
    """Make a guest ready to be asked of many hosts."""
    if request.policy.mode == "replug":
        raise InvalidRequest("a whole guest moves live, suspend or cold", path="$.policy.mode")
    return Question(guest, request.policy, cache, bounds=bounds)


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


def _split(
    decision: Decision, names: tuple[str, ...] | UnsetType
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the rows of those that take the guest and of those that do not."""
    takes = decision.takes
    if names is UNSET:
        return np.flatnonzero(takes), np.flatnonzero(~takes)
    rows = rows_of(decision.columns, names)
    return rows[takes[rows]], rows[~takes[rows]]


def _target(question: Question, ranked: Ranked, ways: WaysBack) -> Target:
    target = make_target(ranked.host, evaluate(question, ranked.host), ways)
    return replace(target, score=round(-ranked.minus_score, 6))


def _refusals(
    question: Question, hosts: Iterable[HostView], request: TargetsRequest
) -> tuple[Refusal, ...]:
    after = request.explain_marker
    if after is not UNSET:
        hosts = (host for host in hosts if host.name > after)
    ordered = sorted(hosts, key=lambda host: host.name)
    if request.explain_limit is not UNSET:
        ordered = ordered[: request.explain_limit]
    return tuple(make_refusal(host, evaluate(question, host)) for host in ordered)


def _facts_of(host: HostView, response: GuestResponse) -> dict[str, int]:
    """The facts generations of the root and of the providers that the mapping takes."""
    taken = [host.offers[row.offer].provider for row in response.mapping if row.offer is not None]
    providers = taken if host.root is None else [host.root, *taken]
    return {each.uuid: each.record.facts_generation for each in providers}
