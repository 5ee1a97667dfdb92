"""The same requests sent to a living openstack-placement and to Wherry have the same answers."""

import itertools
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from placement_wire import Wire
from schedule.candidates.conftest import peer
from schedule.candidates.peer import Peer
from wherry.schedule.candidates.request import Microversion

__all__ = ["peer"]

UUIDS = tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 5))
CONSUMERS = range(3)
AGGREGATES = tuple(f"a{n:07x}-0000-4000-8000-000000000000" for n in range(1, 3))
CLASSES = ("VCPU", "DISK_GB", "CUSTOM_X", "CUSTOM_Y")
TRAITS = ("HW_CPU_X86_VMX", "CUSTOM_A", "CUSTOM_B")
NEWEST: Microversion = (1, 39)
MICROVERSIONS = (NEWEST, NEWEST, NEWEST, (1, 0), (1, 7), (1, 12), (1, 18), (1, 28), (1, 36))
RP = "/resource_providers"
SAID_OTHERWISE = ("UNIQUE constraint failed", "exists already.")
"""Where an inventory is there already the peer quotes its own SQL."""


_numbers = itertools.count(1)


class Pair:
    """Both services, asked the same.

    The peer keeps a consumer of whom it has refused to write anything, and nobody can read its
    generation: a refused consumer that holds nothing goes under another uuid from then on.
    """

    def __init__(self, theirs: Peer, ours: Wire) -> None:
        self.theirs, self.ours = theirs, ours
        self.consumers = [_new_consumer() for _ in CONSUMERS]

    def __call__(
        self, method: str, path: str, body: Any = None, mv: Microversion = NEWEST
    ) -> tuple[int, Any]:
        """Ask both; an assertion fails where status or body differ."""
        said = self.ours(method, path, body, mv="{}.{}".format(*mv))
        want = self.theirs.call(method, path, body, mv)
        found = json.loads(said.body) if said.body else ""
        note(f"{method} {path} {body} at {mv}: {said.status}")
        assert (said.status, plain(found)) == (want.status, plain(want.body)), (method, path, body)
        if method in {"PUT", "POST"} and path.startswith("/allocations") and said.status >= 400:
            self._renew(f"{path} {json.dumps(body)}")
        return said.status, found

    def _renew(self, named: str) -> None:
        for place, consumer in enumerate(self.consumers):
            if consumer in named and not self.consumer(consumer)[1]:
                self.consumers[place] = _new_consumer()

    def generation(self, uuid: str) -> int:
        status, body = self("GET", f"{RP}/{uuid}")
        return int(body["generation"]) if status == 200 else 0

    def consumer(self, uuid: str) -> tuple[int | None, Any]:
        body = self("GET", f"/allocations/{uuid}")[1]
        return body.get("consumer_generation"), body["allocations"]


def _new_consumer() -> str:
    return f"c{next(_numbers):07x}-0000-4000-8000-000000000000"


def plain(body: Any) -> Any:
    """A body without what may differ: ids of requests, and orders that mean nothing."""
    if isinstance(body, dict):
        if "errors" in body:
            [error] = body["errors"]
            if any(words in error["detail"] for words in SAID_OTHERWISE):
                del error["detail"]
            return {name: error[name] for name in error if name != "request_id"}
        return {name: plain(value) for name, value in body.items()}
    if isinstance(body, list):
        return sorted((plain(value) for value in body), key=json.dumps)
    return body


@st.composite
def requests(draw: st.DrawFn, pair: Pair) -> tuple[str, str, Any, Microversion]:
    """Draw one request that writes, sound most of the time."""
    uuid = draw(st.sampled_from(UUIDS))
    mv = draw(st.sampled_from(MICROVERSIONS))
    kind = draw(st.sampled_from(sorted(WRITES)))
    return *WRITES[kind](draw, pair, uuid, mv), mv


def post_provider(draw, _pair, uuid, mv):
    body = {"uuid": uuid, "name": draw(st.sampled_from(("one", "two", uuid, uuid)))}
    if mv >= (1, 14) and draw(st.booleans()):
        body["parent_provider_uuid"] = draw(st.sampled_from((*UUIDS, None)))
    return "POST", RP, body


def put_provider(draw, _pair, uuid, mv):
    body = {"name": draw(st.sampled_from(("one", "two", uuid, uuid)))}
    if mv >= (1, 14):
        body["parent_provider_uuid"] = draw(st.sampled_from((*UUIDS, None)))
    return "PUT", f"{RP}/{uuid}", body


def delete_provider(_draw, _pair, uuid, _mv):
    return "DELETE", f"{RP}/{uuid}", None


def _generation(draw, pair, uuid):
    return pair.generation(uuid) + draw(st.sampled_from((0, 0, 0, 0, 1)))


def _inventory(draw):
    total = draw(st.integers(1, 8))
    body = {"total": total}
    if draw(st.booleans()):
        body["reserved"] = draw(st.sampled_from((0, 1, total, total + 1)))
    if draw(st.booleans()):
        body |= {"max_unit": draw(st.integers(1, 8)), "step_size": draw(st.integers(1, 2))}
    if draw(st.booleans()):
        body["allocation_ratio"] = draw(st.sampled_from((0.5, 1.0, 1.5, 16.0)))
    return body


def put_inventories(draw, pair, uuid, _mv):
    names = draw(st.lists(st.sampled_from(CLASSES), max_size=3, unique=True))
    inventories = {name: _inventory(draw) for name in names}
    generation = _generation(draw, pair, uuid)
    body = {"resource_provider_generation": generation, "inventories": inventories}
    return "PUT", f"{RP}/{uuid}/inventories", body


def post_inventory(draw, _pair, uuid, _mv):
    name = draw(st.sampled_from((*CLASSES, "CUSTOM_Z", "CUSTOM_NONE")))
    return "POST", f"{RP}/{uuid}/inventories", {"resource_class": name, **_inventory(draw)}


def put_inventory(draw, pair, uuid, _mv):
    body = {"resource_provider_generation": _generation(draw, pair, uuid), **_inventory(draw)}
    return "PUT", f"{RP}/{uuid}/inventories/{draw(st.sampled_from(CLASSES))}", body


def delete_inventory(draw, _pair, uuid, _mv):
    name = draw(st.sampled_from(("", *(f"/{name}" for name in CLASSES))))
    return "DELETE", f"{RP}/{uuid}/inventories{name}", None


def put_traits(draw, pair, uuid, _mv):
    names = draw(st.lists(st.sampled_from(TRAITS), max_size=1, unique=True))
    body = {"resource_provider_generation": _generation(draw, pair, uuid), "traits": names}
    return "PUT", f"{RP}/{uuid}/traits", body


def put_aggregates(draw, pair, uuid, mv):
    uuids = draw(st.lists(st.sampled_from(AGGREGATES), unique=True))
    body = {"resource_provider_generation": _generation(draw, pair, uuid), "aggregates": uuids}
    return "PUT", f"{RP}/{uuid}/aggregates", body if mv >= (1, 19) else uuids


def name_class(draw, _pair, _uuid, mv):
    name = draw(st.sampled_from((*CLASSES, "CUSTOM_Z")))
    method = draw(st.sampled_from(("PUT", "PUT", "PUT", "DELETE", "GET")))
    body = {"name": "CUSTOM_Y"} if method == "PUT" and mv < (1, 7) else None
    return method, f"/resource_classes/{name}", body


def name_trait(draw, _pair, _uuid, _mv):
    method = draw(st.sampled_from(("PUT", "PUT", "PUT", "DELETE", "GET")))
    return method, f"/traits/{draw(st.sampled_from(TRAITS))}", None


def _held(draw):
    uuids = draw(st.lists(st.sampled_from(UUIDS), min_size=1, max_size=2, unique=True))
    return {
        uuid: {"resources": {draw(st.sampled_from(CLASSES)): draw(st.integers(1, 6))}}
        for uuid in uuids
    }


def _holds(draw, pair, consumer, mv, held):
    if not held and not pair.consumer(consumer)[1]:
        # The peer keeps a consumer that holds nothing, whose generation nobody can read.
        held = _held(draw)
    body = {"allocations": held, "project_id": "p", "user_id": draw(st.sampled_from("uv"))}
    if mv >= (1, 28):
        generation = pair.consumer(consumer)[0]
        body["consumer_generation"] = draw(st.sampled_from((generation, generation, None, 7)))
    if mv >= (1, 38):
        body["consumer_type"] = draw(st.sampled_from(("INSTANCE", "MIGRATION")))
    return body


def put_allocations(draw, pair, _uuid, mv):
    consumer = pair.consumers[draw(st.sampled_from(CONSUMERS))]
    held = {} if draw(st.integers(0, 5)) == 0 else _held(draw)
    body = _holds(draw, pair, consumer, mv, held)
    if mv < (1, 12):
        listed = [
            {"resource_provider": {"uuid": uuid}, "resources": each["resources"]}
            for uuid, each in held.items()
        ]
        body = {**body, "allocations": listed}
    if mv < (1, 8):
        body = {"allocations": body["allocations"]}
    return "PUT", f"/allocations/{consumer}", body


def post_allocations(draw, pair, _uuid, mv):
    places = draw(st.lists(st.sampled_from(CONSUMERS), min_size=1, max_size=2, unique=True))
    body = {}
    for consumer in (pair.consumers[place] for place in places):
        held = {} if draw(st.integers(0, 3)) == 0 else _held(draw)
        body[consumer] = _holds(draw, pair, consumer, mv, held)
    return "POST", "/allocations", body


def move_allocations(draw, pair, _uuid, mv):
    """Pass what one consumer holds to another."""
    one, other = (pair.consumers[place] for place in draw(st.permutations(CONSUMERS))[:2])
    held = {uuid: {"resources": each["resources"]} for uuid, each in pair.consumer(one)[1].items()}
    mv = max(mv, (1, 13))
    body = {
        one: _holds(draw, pair, one, mv, {}),
        other: _holds(draw, pair, other, mv, held),
    }
    return "POST", "/allocations", body


def delete_allocations(draw, pair, _uuid, _mv):
    return "DELETE", f"/allocations/{pair.consumers[draw(st.sampled_from(CONSUMERS))]}", None


WRITES = {
    write.__name__: write
    for write in (
        post_provider,
        put_provider,
        delete_provider,
        put_inventories,
        post_inventory,
        put_inventory,
        delete_inventory,
        put_traits,
        put_aggregates,
        name_class,
        name_trait,
        put_allocations,
        post_allocations,
        move_allocations,
        delete_allocations,
    )
}
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


def start(theirs: Peer, ours: Wire) -> Pair:
    """Both with the same small fleet."""
    for uuid in UUIDS:
        held = ours("GET", f"{RP}/{uuid}/allocations").json.get("allocations", {})
        for consumer in held:
            ours("DELETE", f"/allocations/{consumer}")
            theirs.call("DELETE", f"/allocations/{consumer}")
    for say in (ours, theirs.call):
        for _ in UUIDS:
            for uuid in UUIDS:
                say("DELETE", f"{RP}/{uuid}")
        for name in ("CUSTOM_X", "CUSTOM_Y", "CUSTOM_Z"):
            say("DELETE", f"/resource_classes/{name}")
        for name in TRAITS:
            say("DELETE", f"/traits/{name}")
    pair = Pair(theirs, ours)
    for uuid in UUIDS[:3]:
        pair("POST", RP, {"uuid": uuid, "name": uuid})
        body = {
            "resource_provider_generation": 0,
            "inventories": {"VCPU": {"total": 8}, "DISK_GB": {"total": 4}},
        }
        pair("PUT", f"{RP}/{uuid}/inventories", body)
    return pair


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
