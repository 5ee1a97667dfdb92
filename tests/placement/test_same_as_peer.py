"""The same requests sent to a living openstack-placement and to Wherry have the same answers."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from placement_requests import MICROVERSIONS, RP, UUIDS, requests, start
from placement_wire import Wire
from schedule.candidates.conftest import peer
from schedule.candidates.peer import Peer

__all__ = ["peer"]

READS = (
    RP,
    "/usages?project_id=p",
    "/usages?project_id=p&consumer_type=all",
    "/traits?name=startswith:CUSTOM",
    "/allocation_candidates?resources=VCPU:1",
    "/allocation_candidates?resources=VCPU:1,DISK_GB:2",
    *(
        f"{RP}/{uuid}/{what}"
        for uuid in UUIDS
        for what in ("inventories", "usages", "traits", "aggregates", "allocations")
    ),
)


def act_alike(theirs: Peer, ours: Wire, data: st.DataObject, steps: int) -> Counter[int]:
    pair = start(theirs, ours)
    statuses: Counter[int] = Counter()
    for _ in range(data.draw(st.integers(1, steps))):
        statuses[pair(*data.draw(requests(pair)))[0]] += 1
    for path in (*READS, *(f"/allocations/{consumer}" for consumer in pair.consumers)):
        pair("GET", path, None, data.draw(st.sampled_from(MICROVERSIONS)))
    return statuses


HEALTH = list(HealthCheck)


@settings(max_examples=4, suppress_health_check=HEALTH, phases=[Phase.generate])
@given(data=st.data())
def test_both_services_answer_alike(peer, wire, data):
    act_alike(peer, wire, data, steps=12)


@pytest.mark.full
@pytest.mark.timeout(3600)
@settings(max_examples=150, suppress_health_check=HEALTH)
@given(data=st.data())
def test_both_services_answer_alike_often(peer, wire, data):
    act_alike(peer, wire, data, steps=25)
