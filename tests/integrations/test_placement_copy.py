"""One Placement copied into another holds the same, however the copy came about."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from placement_worlds import (
    AGGREGATES,
    CONSUMERS,
    RP,
    UUIDS,
    World,
    a_consumer,
    a_provider,
    a_world,
    allocate,
    dump,
    load,
    must,
    pairs,
    replace,
    speak,
)
from service import Running
from wherry.integrations.placement_copy.client import PlacementClient, Reply
from wherry.integrations.placement_copy.copy import Outcome, copy_placement
from wherry.model.errors import ServiceUnavailable

ONE, TWO, THREE = UUIDS[:3]
G, H = CONSUMERS[:2]
FLEET = a_world(
    {
        ONE: a_provider(
            "node-1",
            inventories={"VCPU": {"total": 8, "allocation_ratio": 16.0}, "CUSTOM_X": 4},
            traits=["CUSTOM_A", "HW_CPU_X86_VMX"],
            aggregates=list(AGGREGATES[:2]),
        ),
        TWO: a_provider("node-1-gpu", ONE, inventories={"VGPU": {"total": 8, "max_unit": 2}}),
    },
    {
        G: a_consumer({ONE: {"VCPU": 4}, TWO: {"VGPU": 1}}),
        H: a_consumer({ONE: {"VCPU": 2}}, type=None, project="q"),
    },
    ["CUSTOM_UNUSED"],
)
ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@contextmanager
def unseen(_total: int, _what: str) -> Iterator[Callable[[], None]]:
    """Nobody watches."""
    yield lambda: None


def client(url: str, what: str = "the source") -> PlacementClient:
    return PlacementClient(url, token="admin", what=what)


def copy(source: str, target: str, **options: Any) -> Outcome:
    return copy_placement(client(source), client(target, "the target"), watch=unseen, **options)


def assert_same(source: str, target: str) -> None:
    """By plain requests, and by a second run that finds nothing to do."""
    assert dump(speak(target)) == dump(speak(source))
    again = copy(source, target, prune=True)
    assert (again.steps, again.written, again.differences) == ((), 0, ())


def test_a_fleet_is_copied_whole_and_a_second_run_writes_nothing(
    any_service: Running, other: Running
) -> None:
    load(speak(other.url), FLEET)

    done = copy(other.url, any_service.url)

    assert (done.refused, done.differences) == ((), ())
    assert done.written == done.planned > 0
    assert_same(other.url, any_service.url)


def test_a_copy_goes_back_with_what_has_changed_since(any_service: Running, other: Running) -> None:
    load(speak(other.url), FLEET)
    copy(other.url, any_service.url)
    now = speak(any_service.url)
    must(now, "DELETE", f"/allocations/{H}")
    must(now, "POST", RP, {"uuid": THREE, "name": "node-3"})
    replace(now, THREE, "inventories", {"VCPU": {"total": 8}})
    allocate(now, G, a_consumer({THREE: {"VCPU": 8}}))

    kept = copy(any_service.url, other.url)
    assert [str(each) for each in kept.differences] == [
        f"consumer {H}: nothing in the source, there in the target"
    ]

    done = copy(any_service.url, other.url, prune=True)
    assert (done.refused, done.differences) == ((), ())
    assert_same(any_service.url, other.url)


def test_a_dry_run_counts_and_writes_nothing(service: Running, other: Running) -> None:
    load(speak(other.url), FLEET)
    before = dump(speak(service.url))

    done = copy(other.url, service.url, dry_run=True)

    assert (done.written, dump(speak(service.url))) == (0, before)
    assert done.planned > 0
    assert done.differences


def test_a_target_that_stands_in_the_way_of_itself_becomes_a_copy(
    service: Running, other: Running
) -> None:
    """Names go round, a child becomes its parent's parent, and guests change places."""
    room = {"VCPU": 4}
    source = a_world(
        {
            ONE: a_provider("one", inventories=room),
            TWO: a_provider("two", ONE, inventories=room),
        },
        {G: a_consumer({ONE: {"VCPU": 4}}), H: a_consumer({TWO: {"VCPU": 4}}, type=None)},
    )
    target = a_world(
        {
            TWO: a_provider("three", inventories=room),
            ONE: a_provider("two", TWO, inventories=room),
            THREE: a_provider("one"),
        },
        {G: a_consumer({TWO: {"VCPU": 4}}), H: a_consumer({ONE: {"VCPU": 4}})},
    )
    assert_becomes_a_copy(other.url, service.url, source, target, [])


class Cut(PlacementClient):
    """A client whose connection is lost after some writes."""

    left: int

    def send(self, method: str, *words: Any, **more: Any) -> Reply:
        if method != "GET":
            if not self.left:
                raise ServiceUnavailable("cut off")
            self.left -= 1
        return super().send(method, *words, **more)


CUTS = st.lists(st.integers(0, 12), max_size=2)
NO_SHRINKING = [Phase.explicit, Phase.reuse, Phase.generate]


@settings(max_examples=4, suppress_health_check=ALLOWED, phases=NO_SHRINKING)
@given(ends=pairs(), cuts=CUTS)
def test_any_target_becomes_a_copy_of_any_source_however_often_it_is_cut_off(
    any_service: Running, other: Running, ends: tuple[World, World], cuts: list[int]
) -> None:
    assert_becomes_a_copy(other.url, any_service.url, *ends, cuts)


@pytest.mark.full
@pytest.mark.timeout(3600)
@settings(max_examples=200, suppress_health_check=ALLOWED)
@given(ends=pairs(), cuts=CUTS)
def test_any_target_becomes_a_copy_of_any_source_often(
    any_service: Running, other: Running, ends: tuple[World, World], cuts: list[int]
) -> None:
    assert_becomes_a_copy(other.url, any_service.url, *ends, cuts)


def assert_becomes_a_copy(
    source_url: str, target_url: str, source: World, target: World, cuts: list[int]
) -> None:
    load(speak(source_url), source)
    load(speak(target_url), target)
    for left in cuts:
        cut = Cut(target_url, token="admin", what="the target")
        cut.left = left
        with suppress(ServiceUnavailable):
            assert not copy_placement(client(source_url), cut, watch=unseen, prune=True).differences

    done = copy(source_url, target_url, prune=True)

    assert (done.refused, done.differences) == ((), ())
    assert_same(source_url, target_url)


def test_without_prune_what_only_the_target_has_stays(service: Running, other: Running) -> None:
    load(speak(other.url), FLEET)
    mine = a_world({THREE: a_provider("mine", inventories={"VCPU": 1})}, names=["CUSTOM_MINE"])
    load(speak(service.url), mine)

    done = copy(other.url, service.url)

    assert done.refused == ()
    assert [str(each) for each in done.differences] == [
        "resource class CUSTOM_MINE: nothing in the source, there in the target",
        "trait CUSTOM_MINE: nothing in the source, there in the target",
        f"resource provider mine ({THREE}): nothing in the source, there in the target",
    ]


def test_a_refused_write_is_named_with_its_provider_and_the_reason(
    service: Running, other: Running
) -> None:
    """Another provider has the name; what hangs on the refused one is not tried."""
    load(speak(other.url), FLEET)
    load(speak(service.url), a_world({THREE: a_provider("node-1")}))

    done = copy(other.url, service.url)

    first, *others = done.refused
    assert (first.subject, first.method) == (f"resource provider node-1 ({ONE})", "POST")
    assert first.reason.startswith("409, ")
    assert "node-1" in first.reason
    assert {each.reason for each in others} == {
        f"not sent, as resource provider {uuid} was refused" for uuid in (ONE, TWO)
    }
    assert f"consumer {G}" in [each.subject for each in others]
    assert f"resource provider node-1 ({ONE}): there in the source, nothing in the target" in [
        str(each) for each in done.differences
    ]


def test_each_value_that_differs_is_named_with_both(service: Running, other: Running) -> None:
    load(speak(other.url), FLEET)
    copy(other.url, service.url)
    here = speak(service.url)
    replace(here, ONE, "inventories", {"VCPU": {"total": 9}, "CUSTOM_X": {"total": 4}})
    replace(here, ONE, "traits", ["CUSTOM_A"])
    replace(here, TWO, "aggregates", [AGGREGATES[2]])
    must(here, "PUT", f"{RP}/{TWO}", {"name": "gpu", "parent_provider_uuid": None})
    allocate(here, G, a_consumer({ONE: {"VCPU": 3}}, user="w", type="MIGRATION"))

    done = copy(other.url, service.url, dry_run=True)

    one, two = f"resource provider node-1 ({ONE})", f"resource provider node-1-gpu ({TWO})"
    assert [str(each) for each in done.differences] == [
        f"{one}, total of VCPU: 8 in the source, 9 in the target",
        f"{one}, allocation_ratio of VCPU: 16.0 in the source, 1.0 in the target",
        f"{one}, trait HW_CPU_X86_VMX: there in the source, nothing in the target",
        f"{two}, name: node-1-gpu in the source, gpu in the target",
        f"{two}, parent: {ONE} in the source, nothing in the target",
        f"{two}, aggregate {AGGREGATES[2]}: nothing in the source, there in the target",
        f"consumer {G}, user: u in the source, w in the target",
        f"consumer {G}, type: INSTANCE in the source, MIGRATION in the target",
        f"consumer {G}, VCPU of {one}: 4 in the source, 3 in the target",
        f"consumer {G}, VGPU of {two}: 1 in the source, nothing in the target",
    ]


class Busy(PlacementClient):
    """A client of a Placement in which a consumer and a provider go while they are read."""

    def send(self, method: str, path: str, *words: Any, **more: Any) -> Reply:
        say = speak(self.url)
        if path == f"/allocations/{H}":
            say("DELETE", path)
        if path == f"{RP}/{THREE}/traits":
            say("DELETE", f"{RP}/{THREE}")
        return super().send(method, path, *words, **more)


def test_what_goes_while_it_is_read_is_left_out(service: Running, other: Running) -> None:
    """A first copy is made while clients still work."""
    load(speak(other.url), FLEET)
    must(speak(other.url), "POST", RP, {"uuid": THREE, "name": "node-3"})
    busy = Busy(other.url, token="admin", what="the source")

    done = copy_placement(busy, client(service.url, "the target"), watch=unseen)

    assert (done.refused, done.differences) == ((), ())
    assert THREE not in done.source.providers
    assert_same(other.url, service.url)


def test_the_peer_is_copied_into_wherry_and_back(peer: Any, any_service: Running) -> None:
    url = f"http://127.0.0.1:{peer.port}"
    load(speak(url), FLEET)
    before = dump(speak(url))

    there = copy(url, any_service.url)
    assert (there.refused, there.differences) == ((), ())
    assert same_but_for_libraries(dump(speak(any_service.url)), before)

    load(speak(url), a_world())
    back = copy(any_service.url, url)
    assert (back.refused, back.differences) == ((), ())
    assert dump(speak(url)) == before
    assert copy(any_service.url, url).steps == ()


@settings(max_examples=2, suppress_health_check=ALLOWED, phases=NO_SHRINKING)
@given(ends=pairs())
def test_the_peer_and_wherry_become_copies_of_each_other(
    peer: Any, service: Running, ends: tuple[World, World]
) -> None:
    copy_there_and_back(peer, service, *ends)


@pytest.mark.full
@pytest.mark.timeout(3600)
@settings(max_examples=200, suppress_health_check=ALLOWED)
@given(ends=pairs())
def test_the_peer_and_wherry_become_copies_of_each_other_often(
    peer: Any, service: Running, ends: tuple[World, World]
) -> None:
    copy_there_and_back(peer, service, *ends)


def copy_there_and_back(peer: Any, service: Running, source: World, target: World) -> None:
    url = f"http://127.0.0.1:{peer.port}"
    load(speak(url), source)
    load(speak(service.url), target)

    there = copy(url, service.url, prune=True)
    assert (there.refused, there.differences) == ((), ())
    assert same_but_for_libraries(dump(speak(service.url)), dump(speak(url)))

    load(speak(service.url), target)
    back = copy(service.url, url, prune=True)
    assert (back.refused, back.differences) == ((), ())
    assert same_but_for_libraries(dump(speak(service.url)), dump(speak(url)))


def same_but_for_libraries(one: World, other: World) -> bool:
    """Whether two dumps are the same; each service has the standard names of its own libraries."""
    return all(
        one.get(what) == other.get(what)
        for what in one.keys() | other.keys()
        if what not in {"/traits", "/resource_classes"}
    )
