"""The search finds what its slow twin finds, lazily, with a limit and a deadline."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obvious_search.search import search
from schedule.candidates.twin import find_all
from schedule.candidates.worlds import a_group, a_provider, a_request, a_world, queries, worlds
from wherry.model.errors import DeadlineExceeded
from wherry.schedule.candidates.messages import BadQuery
from wherry.schedule.candidates.query import parse_candidates_query

VCPU = {"VCPU": 4}


def draw_request(data, world):
    query = data.draw(queries(world))
    try:
        return parse_candidates_query(query.pairs, query.microversion)
    except BadQuery:
        return None


@given(data=st.data())
def test_search_and_twin_find_the_same(data):
    world = data.draw(worlds(max_providers=7))
    request = draw_request(data, world)
    if request is not None:
        found = [candidate.key for candidate in search(world, request)]
        assert set(found) == find_all(world, request)
        assert len(found) == len(set(found))


@given(data=st.data())
def test_a_limit_gives_so_many_distinct_valid_candidates(data):
    world = data.draw(worlds(max_providers=7))
    request = draw_request(data, world)
    if request is None:
        return
    every = find_all(world, request)
    limit = data.draw(st.integers(1, 5))
    limited = type(request)(**{**_fields(request), "limit": limit})
    found = [candidate.key for candidate in search(world, limited)]
    assert len(set(found)) == len(found) == min(limit, len(every))
    assert set(found) <= every


def _fields(request):
    return {name: getattr(request, name) for name in request.__dataclass_fields__}


def test_the_first_candidates_name_many_hosts():
    """With 8 equal devices a host, two candidates of a limit of 4 would come from one host."""
    hosts = [a_provider(f"h{n}", has=VCPU) for n in range(4)]
    devices = [
        a_provider(f"{host.uuid}d{n}", host, has={"VGPU": 1}) for host in hosts for n in range(8)
    ]
    request = a_request(
        a_group(VCPU=1), a_group("1", VGPU=1), a_group("2", VGPU=1), group_policy="isolate", limit=4
    )
    found = list(search(a_world(*hosts, *devices), request))
    assert {candidate.anchor for candidate in found} == {"h0", "h1", "h2", "h3"}


def test_a_search_past_its_deadline_stops():
    host = a_provider("h", has=VCPU)
    devices = [a_provider(f"d{n}", host, has={"VGPU": 1}) for n in range(30)]
    groups = [a_group(str(n), VGPU=1) for n in range(1, 9)]
    steps = iter(range(1000))
    request = a_request(*groups, group_policy="isolate")
    with pytest.raises(DeadlineExceeded):
        list(search(a_world(host, *devices), request, expired=lambda: next(steps) > 500))


def test_eight_of_eight_equal_devices_are_found_at_once():
    host = a_provider("h", has=VCPU)
    devices = [a_provider(f"d{n}", host, has={"VGPU": 1}) for n in range(8)]
    groups = [a_group(str(n), VGPU=1) for n in range(1, 9)]
    request = a_request(*groups, group_policy="isolate", limit=1)
    steps = iter(range(10_000))
    found = list(search(a_world(host, *devices), request, expired=lambda: next(steps) > 200))
    assert len(found) == 1
    assert len(found[0].allocations) == 8
