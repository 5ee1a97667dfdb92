"""Holds the search against the peer's answer, and names the peer's own faults.

A difference counts as one of the known faults only where its cause is present and, wherever
the peer can be asked in a way that avoids the fault, its answer to that agrees with ours.
`docs/reference/placement.md` tells of each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from obvious_search.search import search
from obvious_search.summaries import ProviderSummary, summarize
from obvious_search.world import World
from schedule.candidates.peer import Answer, Peer
from schedule.candidates.worlds import Query
from wherry.schedule.candidates.candidate import Candidate, Key
from wherry.schedule.candidates.messages import BadQuery
from wherry.schedule.candidates.query import parse_candidates_query
from wherry.schedule.candidates.request import CandidatesRequest, Microversion

Outcome = str
"""``same``, or the name of the fault of the peer that explains a difference."""


@dataclass(frozen=True)
class Ours:
    """What Wherry finds for a query."""

    request: CandidatesRequest
    candidates: tuple[Candidate, ...]


def compare(peer: Peer, world: World, query: Query) -> Outcome:
    """Ask both; an assertion fails where they differ without a known reason."""
    theirs = peer.ask(query.pairs, query.microversion)
    try:
        request = parse_candidates_query(query.pairs, query.microversion)
        ours = Ours(request, tuple(search(world, request)))
    except BadQuery as error:
        return compare_refusals(error, theirs, query.microversion)
    if theirs.status == 500:
        assert any(each.is_sharing and each.parent for each in world.providers.values()), theirs
        return "error-on-nested-sharing"
    assert theirs.status == 200, theirs
    return _compare_answers(peer, world, query, ours, theirs)


def compare_refusals(error: BadQuery, theirs: Answer, microversion: Microversion) -> Outcome:
    """Both refuse, in the same words."""
    assert theirs.status == 400, (str(error), theirs)
    assert theirs.detail == str(error).replace("\n", " ")
    if microversion >= (1, 23):
        assert theirs.body["errors"][0]["code"] == error.placement_code
    return "same"


def _compare_answers(peer: Peer, world: World, query: Query, ours: Ours, theirs: Answer) -> Outcome:
    want = count(shown(ours.request, each.key) for each in ours.candidates)
    got = count(read_candidates(theirs))
    if want == got:
        assert read_summaries(theirs) == render_summaries(world, ours)
        return "same"
    for name, explains in FAULTS.items():
        if explains(peer, world, query, ours, got):
            return name
    missing, extra = want - got, got - want
    raise AssertionError(f"missing at the peer: {missing}; only at the peer: {extra}")


# -- the peer's answers as our values


def count(keys: Iterable[Key]) -> Counter[Key]:
    """Count candidates: before 1.34 several look the same."""
    return Counter(keys)


def shown(request: CandidatesRequest, key: Key) -> Key:
    """A candidate as the microversion shows it."""
    return key if request.form.mappings else (key[0], ())


def read_candidates(answer: Answer) -> list[Key]:
    """Read the candidates of an answer, of any microversion."""
    return [_read_candidate(each) for each in answer.body["allocation_requests"]]


def _read_candidate(body: Mapping[str, Any]) -> Key:
    allocations = body["allocations"]
    if isinstance(allocations, list):
        allocations = {each["resource_provider"]["uuid"]: each for each in allocations}
    rows = tuple(
        sorted(
            (uuid, name, amount)
            for uuid, held in allocations.items()
            for name, amount in held["resources"].items()
        )
    )
    mappings = body.get("mappings", {})
    return rows, tuple(sorted((key, tuple(sorted(uuids))) for key, uuids in mappings.items()))


def read_summaries(answer: Answer) -> dict[str, Any]:
    """Read the summaries of an answer, with their traits in order."""
    found: dict[str, Any] = answer.body["provider_summaries"]
    for each in found.values():
        if "traits" in each:
            each["traits"] = sorted(each["traits"])
    return found


def render_summaries(world: World, ours: Ours) -> dict[str, Any]:
    """Our summaries in the words of the wire."""
    found = summarize(world, ours.request, ours.candidates)
    return {uuid: _render_summary(each) for uuid, each in found.items()}


def _render_summary(each: ProviderSummary) -> dict[str, Any]:
    body: dict[str, Any] = {
        "resources": {
            name: {"capacity": load.capacity, "used": load.used}
            for name, load in each.resources.items()
        }
    }
    if each.traits is not None:
        body["traits"] = list(each.traits)
    if each.kin is not None:
        body["parent_provider_uuid"] = each.kin.parent
        body["root_provider_uuid"] = each.kin.root
    return body


# -- the peer's faults


Explains = Callable[[Peer, World, Query, Ours, Counter[Key]], bool]


def _anchor_lost(peer: Peer, world: World, query: Query, ours: Ours, got: Counter[Key]) -> bool:
    """What providers that share serve alone, is kept for one of their anchors only."""
    groups = ours.request.groups
    if len(groups) < 2 or not any(group.is_spread for group in groups):
        return False
    may_lack = count(
        shown(ours.request, each.key)
        for each in ours.candidates
        if _anchors(world, each.mappings[""]) > 1
    )
    want = count(shown(ours.request, each.key) for each in ours.candidates)
    return not got - want and not (want - got) - may_lack


def _anchors(world: World, uuids: Iterable[str]) -> int:
    """How many trees have all these providers in reach."""
    wanted = set(uuids)
    return sum(wanted <= {provider.uuid for provider in world.reach(root)} for root in world.trees)


def _amounts_run_on(peer: Peer, world: World, query: Query, ours: Ours, got: Counter[Key]) -> bool:
    """Unless the policy is ``none``, sums of a class asked twice leak into other candidates."""
    spread = {name for group in ours.request.groups if group.is_spread for name in group.resources}
    alone = [group for group in ours.request.groups if not group.is_spread]
    if ours.request.group_policy == "none" or not any(spread & set(g.resources) for g in alone):
        return False
    pairs = tuple(pair for pair in query.pairs if pair[0] != "group_policy")
    isolate = ours.request.group_policy == "isolate" and len(alone) > 1
    if isolate and not ours.request.form.mappings:
        return True  # the way around it needs mappings
    sound = Query((*pairs, ("group_policy", "none")), query.microversion)
    answer = peer.ask(sound.pairs, sound.microversion)
    kept = count(key for key in read_candidates(answer) if not isolate or _is_isolated(key))
    if kept == count(shown(ours.request, each.key) for each in ours.candidates):
        return True
    return _anchor_lost(peer, world, query, ours, kept)


def _is_isolated(key: Key) -> bool:
    alone = [uuids[0] for suffix, uuids in key[1] if suffix]
    return len(set(alone)) == len(alone)


def _resourceless_misread(
    peer: Peer, world: World, query: Query, ours: Ours, got: Counter[Key]
) -> bool:
    """A group without resources: ``in_tree`` is not looked at; what only forbids finds nothing."""
    bare = [group for group in ours.request.groups if not group.resources]
    if any(not group.required and not group.member_of for group in bare):
        return not got
    trees = {
        group.suffix: world.providers[group.in_tree].root
        for group in bare
        if group.in_tree in world.providers
    }
    kept = Counter(
        {
            key: times
            for key, times in got.items()
            if all(world.providers[dict(key[1])[s][0]].root == root for s, root in trees.items())
        }
    )
    if not trees:
        return False
    if kept == count(each.key for each in ours.candidates):
        return True
    return _anchor_lost(peer, world, query, ours, kept)


FAULTS: Mapping[str, Explains] = {
    "anchor-lost": _anchor_lost,
    "amounts-run-on": _amounts_run_on,
    "resourceless-misread": _resourceless_misread,
}
