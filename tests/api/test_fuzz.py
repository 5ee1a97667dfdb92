"""Whatever comes, the answer is the client's to understand: never a 5xx, and no state is bent."""

import copy
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acme_fleet import Fleet, a_report, name_of
from wherry.api.routes import Route
from wherry.api.wherry import ROUTES

UUIDS = [name_of("g"), name_of("h"), name_of("m"), name_of("nobody")]
NAMES = ["node-1", "node-2", "nobody"]
ODD_TEXT = ["", "\x00", "a\x00b", "\u202e", "é" * 300, "'; DROP TABLE guests; --", "%00", "\n", "🂡"]
ODD = [None, True, -1, 0, 1 << 31, (1 << 63) - 1, 1 << 63, 1.5, 1e308, [], {}, [[]], *ODD_TEXT]
MAKES_WORK = "/preflight"

odd_values = st.sampled_from(ODD) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something in a document can be changed."""
    found = [here]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*here, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += places(inner, (*here, number))
    return found


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """A document with a few of its places replaced, dropped or added to."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(places(made)))
        if not place:
            continue
        holder = made
        for step in place[:-1]:
            holder = holder[step]
        what = draw(st.sampled_from(["replace", "drop", "add", "rename"]))
        if what == "replace":
            holder[place[-1]] = copy.deepcopy(draw(odd_values))
        elif what == "drop":
            del holder[place[-1]]
        elif isinstance(holder, dict):
            key = draw(st.sampled_from(ODD_TEXT) | st.text(max_size=5))
            holder[key] = copy.deepcopy(holder[place[-1]] if what == "rename" else draw(odd_values))
    return made


def bodies_of(route: Route) -> list[Any]:
    """Documents near which those that are sent are found."""
    own = {
        "PUT /wherry/hosts/{name}/report": [
            a_report("node-1", sequence=7),
            a_report("node-1", instances=("5eed0000-0000-4000-8000-000000000001",), sequence=8),
        ],
        "PUT /wherry/guests/{uuid}": [{"host": "node-1", "tenant": "t", "needs": {"arch": "x"}}],
        "PUT /wherry/migrations/{uuid}": [{"guest": name_of("g"), "target": "node-2"}],
    }
    found = list(own.get(f"{route.method} {route.path}", []))
    return [*found, route.example] if route.example is not None else found


ENDING = [route for route in ROUTES if route.content_type != "text/event-stream"]
"""Calls whose answer has an end."""
BODIED = [route for route in ROUTES if route.body is not None]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, Any]:
    """A call of some route, with odd parts, query and body."""
    route = draw(st.sampled_from(BODIED) | st.sampled_from(ENDING))
    path = route.path
    for name, usual in (("name", NAMES), ("uuid", UUIDS), ("job", ["j"]), ("id", ["p"])):
        part = draw(st.sampled_from(usual) | st.sampled_from([t for t in ODD_TEXT if t]))
        path = path.replace(f"{{{name}}}", quote(part, safe=""))
    if draw(st.integers(0, 3)) == 0:
        key = draw(st.sampled_from([*(q.name for q in route.query), "odd"]))
        path += f"?{quote(key)}={quote(draw(st.sampled_from([*ODD_TEXT, *NAMES, '0', '1'])))}"
    if route.body is None:
        return route.method, path, None
    examples = bodies_of(route)
    return route.method, path, draw(mutated(draw(st.sampled_from(examples))))


@pytest.fixture
def prepared(fleet: Fleet) -> Fleet:
    fleet.report("node-1", sequence=1)
    fleet.report("node-2", sequence=1)
    fleet.boot("g", "node-1")
    return fleet


@given(asked=requests())
@settings(suppress_health_check=list(HealthCheck))
def test_no_request_is_the_services_fault(prepared: Fleet, asked: tuple[str, str, Any]) -> None:
    method, path, body = asked
    if path.endswith(MAKES_WORK):
        body = {"token": -1}
    answer = prepared.service.ask(method, path, body)

    assert answer.status < 500, (method, path, body, answer.body)
    if answer.status >= 400 and method != "HEAD":
        assert set(answer.error) <= {"code", "message", "path", "detail", "request_id"}


@given(document=mutated(a_report("node-1", sequence=9)))
@settings(suppress_health_check=list(HealthCheck))
def test_a_refused_report_leaves_the_host_as_it_was(prepared: Fleet, document: Any) -> None:
    before = prepared.service.get("/wherry/hosts/node-1")
    answer = prepared.service.ask("PUT", "/wherry/hosts/node-1/report", document)

    assert answer.status in {200, 400, 409, 422}, (document, answer.body)
    if answer.status != 200:
        assert prepared.service.get("/wherry/hosts/node-1") == before


@given(text=st.text(max_size=30), cut=st.integers(1, 80))
@settings(suppress_health_check=list(HealthCheck))
def test_a_body_cut_in_half_is_400(prepared: Fleet, text: str, cut: int) -> None:
    whole = json.dumps({"host": "node-1", "tenant": text}).encode()
    answer = prepared.service.ask("PUT", f"/wherry/guests/{name_of('x')}", whole[: -min(cut, 20)])

    assert answer.status == 400
    assert answer.error["code"] == "invalid_request"
