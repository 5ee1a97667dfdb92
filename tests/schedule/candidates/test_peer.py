"""The search and a living openstack-placement give the same answers."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, event, given, note, settings
from hypothesis import strategies as st

from schedule.candidates.comparison import compare
from schedule.candidates.peer import Peer
from schedule.candidates.worlds import queries, worlds

HEALTH = list(HealthCheck)


def compare_all(peer: Peer, data: st.DataObject, queries_per_world: int) -> Counter[str]:
    world = data.draw(worlds())
    peer.load(world)
    outcomes: Counter[str] = Counter()
    for _ in range(queries_per_world):
        query = data.draw(queries(world))
        note(f"{query}")
        outcome = compare(peer, world, query)
        event(outcome)
        outcomes[outcome] += 1
    return outcomes


@settings(max_examples=12, suppress_health_check=HEALTH, phases=[Phase.generate])
@given(data=st.data())
def test_both_find_the_same_candidates_and_summaries(peer, data):
    compare_all(peer, data, queries_per_world=12)


@pytest.mark.full
@pytest.mark.timeout(3600)
@settings(max_examples=400, suppress_health_check=HEALTH)
@given(data=st.data())
def test_both_find_the_same_candidates_and_summaries_often(peer, data):
    compare_all(peer, data, queries_per_world=20)
