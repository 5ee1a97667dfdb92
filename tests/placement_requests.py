"""Requests of the Placement API for a living openstack-placement and for Wherry, asked alike."""

import html
import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from hypothesis import note
from hypothesis import strategies as st

from placement_wire import QUERY_SAFE, Wire
from schedule.candidates.peer import Answer, Peer
from wherry.model.provider import SHARES
from wherry.schedule.candidates.request import Microversion

UUIDS = tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 5))
CONSUMERS = range(3)
AGGREGATES = tuple(f"a{n:07x}-0000-4000-8000-000000000000" for n in range(1, 3))
CLASSES = ("VCPU", "DISK_GB", "CUSTOM_X", "CUSTOM_Y")
TRAITS = ("HW_CPU_X86_VMX", "CUSTOM_A", "CUSTOM_B")
NEWEST: Microversion = (1, 39)
EVERY = tuple((1, minor) for minor in range(40))
MICROVERSIONS = (*EVERY, *([NEWEST] * 20))
RP = "/resource_providers"
SAID_OTHERWISE = ("UNIQUE constraint failed", "exists already.")
"""Where an inventory is there already the peer quotes its own SQL."""
HEADERS = ("allow", "cache-control", "content-type", "location", "openstack-api-version", "vary")
PASSING = ("last-modified", "x-openstack-request-id")
"""Headers of which only the presence is compared."""


_LISTED = re.compile(
    "[0-9a-f-]{36}(, [0-9a-f-]{36})+|(?<=Inventory for ')[A-Z0-9_]+(, [A-Z0-9_]+)+"
)
"""Providers and classes that the peer names in the order of a set."""
_ONE_OF = re.compile("'[A-Z0-9_]+' on resource provider '[0-9a-f-]{36}'(?=. The requested amount)")
"""Of several that do not fit each service names the first that it looks at."""
_TAG = re.compile("<[^>]*>")
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
        self,
        method: str,
        path: str,
        body: Any = None,
        mv: Microversion = NEWEST,
        more: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Ask both, with *more* headers; an assertion fails where the answers differ."""
        said = self.ours(method, path, body, mv="{}.{}".format(*mv), headers=more)
        want = self.theirs.call(method, spelled(path), body, mv, more)
        is_json = said.body[:1] in {b"{", b"["}
        found = json.loads(said.body) if is_json else said.body.decode()
        asked = (method, path, body, mv, more)
        note(f"{asked}: {said.status}")
        if want.status == 500:
            assert said.status == 400, asked  # the peer falls over what it should refuse
            return said.status, found
        assert (said.status, plain(found, body)) == (want.status, plain(want.body, body)), asked
        assert shown(said.headers) == shown(want.headers) | excused(want), asked
        if method in {"PUT", "POST"} and said.status >= 400:
            self._renew(f"{path} {body}")
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


def spelled(path: str) -> str:
    """A path with its query as it goes over a wire."""
    place, mark, query = path.partition("?")
    return quote(place) + mark + quote(query, safe=QUERY_SAFE)


def shown(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that clients look at, without what may differ: host, moment, id of the request."""
    kept = {name: headers[name] for name in HEADERS if name in headers}
    if "location" in kept:
        kept["location"] = urlsplit(kept["location"]).path
    if "allow" in kept:
        kept["allow"] = ", ".join(sorted(kept["allow"].split(", ")))
    return kept | {name: "there" for name in PASSING if name in headers}


def excused(answer: Answer) -> dict[str, str]:
    """Headers that the peer leaves out, against its own rules and those of HTTP.

    Each answer depends on the microversion, those of errors too; and where nothing of the kind
    was ever changed, the time of the answer stands for it.
    """
    if answer.status >= 400 and "openstack-api-version" in answer.headers:
        return {"vary": "openstack-api-version"}
    if answer.headers.get("cache-control") and isinstance(answer.body, dict):
        return {"last-modified": "there"} if answer.body.get("inventories") == {} else {}
    return {}


def plain(body: Any, asked: Any = None) -> Any:
    """A body without what may differ: ids of requests, and orders that mean nothing.

    Args:
        asked: the body of the request.
    """
    if isinstance(body, str):
        return " ".join(_TAG.sub("", html.unescape(body)).split())
    if isinstance(body, dict):
        if "errors" in body:
            [error] = body["errors"]
            if any(words in error["detail"] for words in SAID_OTHERWISE):
                del error["detail"]
            else:
                error["detail"] = _LISTED.sub(_in_order, error["detail"])
                if str(asked).count("'resources'") > 1:
                    error["detail"] = _ONE_OF.sub("one of them", error["detail"])
            return {name: error[name] for name in error if name != "request_id"}
        return {
            name: value if isinstance(value, str) else plain(value) for name, value in body.items()
        }
    if isinstance(body, list):
        items = (value if isinstance(value, str) else plain(value) for value in body)
        return sorted(items, key=lambda value: json.dumps(value, sort_keys=True))
    return body


def _in_order(listed: re.Match[str]) -> str:
    return ", ".join(sorted(listed[0].split(", ")))


@st.composite
def requests(draw: st.DrawFn, pair: Pair) -> tuple[str, str, Any, Microversion]:
    """Draw one request that writes, sound most of the time."""
    uuid = draw(st.sampled_from(UUIDS))
    kind = draw(st.sampled_from(sorted(WRITES)))
    mv = draw(st.sampled_from(MICROVERSIONS))
    if draw(st.integers(0, 9)):
        mv = max(mv, SINCE.get(kind, mv))
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
    names = draw(st.lists(st.sampled_from((*TRAITS, SHARES)), max_size=3))
    body = {"resource_provider_generation": _generation(draw, pair, uuid), "traits": names}
    return "PUT", f"{RP}/{uuid}/traits", body


def delete_traits(_draw, _pair, uuid, _mv):
    return "DELETE", f"{RP}/{uuid}/traits", None


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
    if mv >= (1, 34) and draw(st.integers(0, 3)) == 0:
        body["mappings"] = {draw(st.sampled_from(("", "1", "_A"))): list(held) or [UUIDS[0]]}
    if mv >= (1, 38):
        body["consumer_type"] = draw(st.sampled_from(("INSTANCE", "MIGRATION", "UNKNOWN", "A_1")))
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
    body = {
        one: _holds(draw, pair, one, mv, {}),
        other: _holds(draw, pair, other, mv, held),
    }
    return "POST", "/allocations", body


def reshape(draw, pair, _uuid, mv):
    """Give providers other inventories while consumers move, stay or go."""
    uuids = draw(st.lists(st.sampled_from(UUIDS), min_size=1, max_size=3, unique=True))
    inventories = {}
    for uuid in uuids:
        names = draw(st.lists(st.sampled_from(CLASSES), max_size=3, unique=True))
        inventories[uuid] = {
            "resource_provider_generation": _generation(draw, pair, uuid),
            "inventories": {name: _inventory(draw) for name in names},
        }
    places = draw(st.lists(st.sampled_from(CONSUMERS), max_size=2, unique=True))
    allocations = {}
    for consumer in (pair.consumers[place] for place in places):
        held = {} if draw(st.integers(0, 3)) == 0 else _held(draw)
        allocations[consumer] = _holds(draw, pair, consumer, mv, held)
    return "POST", "/reshaper", {"inventories": inventories, "allocations": allocations}


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
        delete_traits,
        put_aggregates,
        name_class,
        name_trait,
        put_allocations,
        post_allocations,
        move_allocations,
        delete_allocations,
        reshape,
    )
}
SINCE: Mapping[str, Microversion] = {
    "put_aggregates": (1, 1),
    "name_class": (1, 2),
    "name_trait": (1, 6),
    "put_traits": (1, 6),
    "delete_traits": (1, 6),
    "post_allocations": (1, 13),
    "move_allocations": (1, 13),
    "reshape": (1, 30),
}
"""Microversions before which there is no such call."""


def start(theirs: Peer, ours: Wire) -> Pair:
    """Both with the same small fleet."""
    empty(lambda method, path: ours(method, path).json if method == "GET" else ours(method, path))
    empty(lambda method, path: theirs.call(method, path).body)
    pair = Pair(theirs, ours)
    pair("PUT", "/resource_classes/CUSTOM_X")
    pair("PUT", "/traits/CUSTOM_A")
    for uuid in UUIDS[:3]:
        pair("POST", RP, {"uuid": uuid, "name": uuid})
        body = {
            "resource_provider_generation": 0,
            "inventories": {
                "VCPU": {"total": 8},
                "DISK_GB": {"total": 4},
                "CUSTOM_X": {"total": 4},
            },
        }
        pair("PUT", f"{RP}/{uuid}/inventories", body)
    return pair


def empty(say: Callable[[str, str], Any]) -> None:
    """Remove all that one service holds, whoever wrote it."""
    rows = say("GET", RP)["resource_providers"]
    for row in rows:
        for consumer in say("GET", f"{RP}/{row['uuid']}/allocations")["allocations"]:
            say("DELETE", f"/allocations/{consumer}")
    for _ in rows:
        for row in rows:
            say("DELETE", f"{RP}/{row['uuid']}")
    for row in say("GET", "/resource_classes")["resource_classes"]:
        if row["name"].startswith("CUSTOM_"):
            say("DELETE", f"/resource_classes/{row['name']}")
    for name in say("GET", "/traits?name=startswith:CUSTOM_")["traits"]:
        say("DELETE", f"/traits/{name}")
