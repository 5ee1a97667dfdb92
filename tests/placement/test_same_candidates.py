"""Candidates of a living openstack-placement and of Wherry, both asked over their wires."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st

from obvious_search.search import search
from obvious_search.world import World
from placement_wire import Wire
from schedule.candidates.comparison import (
    Ours,
    compare,
    count,
    read_candidates,
    read_summaries,
    render_summaries,
    shown,
)
from schedule.candidates.conftest import peer
from schedule.candidates.peer import Answer, Peer
from schedule.candidates.worlds import Query, queries, worlds
from wherry.schedule.candidates.messages import BadQuery
from wherry.schedule.candidates.query import parse_candidates_query
from wherry.schedule.candidates.request import Microversion

__all__ = ["peer"]

HEALTH = list(HealthCheck)


class OurWire(Peer):
    """Wherry, loaded and asked as the peer is."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(port=0)
        self._wire = wire

    def call(
        self, method: str, path: str, body: object = None, microversion: Microversion = (1, 39)
    ) -> Answer:
        told = self._wire(method, path, body, mv="{}.{}".format(*microversion))
        return Answer(told.status, told.json if told.body[:1] in {b"{", b"["} else told.body)


def ask_both(theirs: Peer, ours: Peer, world: World, query: Query) -> str:
    """Compare one query; gives ``same``, or the peer's fault that explains a difference."""
    outcome = compare(theirs, world, query)
    answer = ours.ask(query.pairs, query.microversion)
    try:
        request = parse_candidates_query(query.pairs, query.microversion)
        found = Ours(request, tuple(search(world, request)))
    except BadQuery:
        want = theirs.ask(query.pairs, query.microversion)
        assert (answer.status, answer.body["errors"][0]["detail"]) == (
            want.status,
            want.body["errors"][0]["detail"],
        )
        return outcome
    assert answer.status == 200, answer
    assert count(read_candidates(answer)) == count(shown(request, c.key) for c in found.candidates)
    assert read_summaries(answer) == render_summaries(world, found)
    if outcome == "same":
        ask_with_limit(theirs, ours, query, read_candidates(answer))
    return outcome


def ask_with_limit(theirs: Peer, ours: Peer, query: Query, every: list[Any]) -> None:
    """Both give as many, each of the whole set and none more often than it is there."""
    if query.microversion < (1, 16) or any(key == "limit" for key, _ in query.pairs):
        return
    limit = max(1, len(every) // 2)
    limited = (*query.pairs, ("limit", str(limit)))
    for service in (ours, theirs):
        some = read_candidates(service.ask(limited, query.microversion))
        assert len(some) == min(limit, len(every))
        assert not Counter(some) - Counter(every)


def compare_all(theirs: Peer, wire: Wire, data: st.DataObject, queries_per_world: int) -> None:
    ours = OurWire(wire)
    world = data.draw(worlds())
    theirs.load(world)
    ours.load(world)
    for _ in range(queries_per_world):
        query = data.draw(queries(world))
        note(f"{query}")
        event(ask_both(theirs, ours, world, query))


@settings(max_examples=3, suppress_health_check=HEALTH, phases=[Phase.generate])
@given(data=st.data())
def test_both_services_find_the_same_candidates(peer, wire, data):
    compare_all(peer, wire, data, queries_per_world=6)


@pytest.mark.full
@pytest.mark.timeout(3600)
@settings(max_examples=150, suppress_health_check=HEALTH)
@given(data=st.data())
def test_both_services_find_the_same_candidates_often(peer, wire, data):
    compare_all(peer, wire, data, queries_per_world=12)
