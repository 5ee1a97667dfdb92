"""OpenAPI and the page of calls, made from the table of routes, say what the routes take."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
from msgspec import Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from service import Running
from wherry.api.docs import anchor
from wherry.api.errors import status_of
from wherry.api.openapi import answers, bodies, openapi, path_names, refusals, success
from wherry.api.routes import Route
from wherry.api.wherry import ROUTES
from wherry.model import strictjson
from wherry.model.facts import HostName, Report

DOCUMENT = openapi(ROUTES)


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def operation(route: Route) -> dict[str, Any]:
    return dict(DOCUMENT["paths"][route.path][route.method.lower()])


def resolved(schema: Any) -> dict[str, Any]:
    return {**schema, "components": DOCUMENT["components"]}


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_the_document_describes_every_route_and_no_other() -> None:
    said = [(m.upper(), path) for path, ms in DOCUMENT["paths"].items() for m in ms]

    assert sorted(said) == sorted((route.method, route.path) for route in ROUTES)


def test_the_calls_are_those_of_the_design() -> None:
    assert {name_of(route) for route in ROUTES} == {
        "PUT /wherry/hosts/{name}/report",
        "GET /wherry/hosts/{name}/jobs",
        "POST /wherry/hosts/{name}/jobs/{job}",
        "GET /wherry/hosts",
        "GET /wherry/hosts/{name}",
        "GET /wherry/hosts/{name}/report",
        "PATCH /wherry/hosts/{name}",
        "GET /wherry/offers",
        "GET /wherry/lints",
        "GET /wherry/fleet",
        "GET /wherry/types",
        "GET /wherry/matrix",
        "GET /wherry/matrix/pair",
        "GET /wherry/profiles",
        "GET /wherry/packs",
        "GET /wherry/packs/{id}",
        "PUT /wherry/packs/{id}",
        "POST /wherry/candidates",
        "GET /wherry/device-requests",
        "GET /wherry/device-requests/{request}",
        "PUT /wherry/device-requests/{request}",
        "DELETE /wherry/device-requests/{request}",
        "GET /wherry/guests",
        "PUT /wherry/guests/{uuid}",
        "GET /wherry/guests/{uuid}",
        "DELETE /wherry/guests/{uuid}",
        "POST /wherry/guests/{uuid}/reboot",
        "POST /wherry/guests/{uuid}/plug",
        "POST /wherry/guests/{uuid}/unplug",
        "POST /wherry/guests/{uuid}/targets",
        "GET /wherry/guests/{uuid}/query",
        "POST /wherry/check",
        "PUT /wherry/migrations/{uuid}",
        "GET /wherry/migrations",
        "GET /wherry/migrations/{uuid}",
        "POST /wherry/migrations/{uuid}/preflight",
        "POST /wherry/migrations/{uuid}/start",
        "POST /wherry/migrations/{uuid}/unplug",
        "POST /wherry/migrations/{uuid}/plug",
        "POST /wherry/migrations/{uuid}/renew",
        "POST /wherry/migrations/{uuid}/finish",
        "POST /wherry/migrations/{uuid}/abort",
        "GET /wherry/groups",
        "GET /wherry/groups/{group}",
        "PUT /wherry/groups/{group}",
        "DELETE /wherry/groups/{group}",
        "GET /wherry/aggregates",
        "GET /wherry/aggregates/{aggregate}",
        "PUT /wherry/aggregates/{aggregate}",
        "DELETE /wherry/aggregates/{aggregate}",
        "GET /wherry/changes",
        "GET /wherry/events",
        "POST /wherry/providers/{uuid}/compositions",
        "GET /wherry/providers/{uuid}/compositions",
        "GET /wherry/providers/{uuid}/compositions/{composition}",
        "DELETE /wherry/providers/{uuid}/compositions/{composition}",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /wherry/openapi.json",
        "GET /wherry/placement/openapi.json",
        "GET /wherry/docs",
    }


def test_operations_are_told_apart_by_their_ids() -> None:
    ids = [operation(route)["operationId"] for route in ROUTES]

    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_call_says_its_parameters_answers_and_refusals(route: Route) -> None:
    told = operation(route)
    parameters = {(p["in"], p["name"]) for p in told["parameters"]}

    assert parameters == {("path", name) for name in path_names(route.path)} | {
        ("query", query.name) for query in route.query
    }
    statuses = {success(route)} | {status_of(error) for error in refusals(route)}
    assert set(told["responses"]) == {str(status) for status in statuses}
    assert ("requestBody" in told) == (route.body is not None)


EXAMPLES = [
    (route, example, kinds)
    for route in ROUTES
    for example, kinds in (
        (route.example, bodies(route)),
        (route.example_answer, answers(route)),
    )
    if example is not None
]


@pytest.mark.parametrize(
    ("route", "example", "kinds"), EXAMPLES, ids=[name_of(each[0]) for each in EXAMPLES]
)
def test_an_example_is_of_its_type_and_fits_its_schema(
    route: Route, example: Any, kinds: tuple[Any, ...]
) -> None:
    data = msgspec.json.encode(example)
    assert any(_is(data, kind) for kind in kinds)
    content = operation(route)
    shown = (
        content["requestBody"]["content"]["application/json"]
        if example is route.example
        else content["responses"][str(success(route))]["content"][route.content_type]
    )
    jsonschema.Draft202012Validator(resolved(shown["schema"])).validate(example)


def _is(data: bytes, kind: Any) -> bool:
    try:
        msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        return False
    return True


def test_types_are_named_in_one_word() -> None:
    assert [name for name in DOCUMENT["components"]["schemas"] if not name.isidentifier()] == []


def test_a_name_does_not_go_on_after_a_line_break() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert("node-17\n", HostName)


def test_a_body_that_the_schema_refuses_is_refused_by_the_type_too() -> None:
    schema = resolved({"$ref": "#/components/schemas/Report"})
    good: dict[str, Any] = {
        "schema": "wherry.report/1",
        "host": "node-17",
        "boot_id": "b",
        "sequence": 1,
        "observed_at": "2026-11-22T10:15:00Z",
        "facts": {},
    }
    bad = [
        {**good, "host": "node 17"},
        {**good, "sequence": -1},
        {**good, "observed_at": "yesterday"},
        {**good, "colour": "red"},
        {key: value for key, value in good.items() if key != "facts"},
    ]

    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid(good)
    assert _is(msgspec.json.encode(good), Report)
    assert [check.is_valid(each) for each in bad] == [False] * len(bad)
    assert [_is(msgspec.json.encode(each), Report) for each in bad] == [False] * len(bad)


def structs(kind: Any) -> Iterator[type[Struct]]:
    """All record types that a body of this type can hold."""
    seen: set[Any] = set()
    waiting = [kind]
    while waiting:
        one = waiting.pop()
        if repr(one) in seen:
            continue
        seen.add(repr(one))
        if isinstance(one, type) and issubclass(one, Struct):
            yield one
            waiting += [field.type for field in msgspec.structs.fields(one)]
        waiting += list(get_args(one))


@pytest.mark.parametrize(
    "kind",
    sorted({each for r in ROUTES for kind in bodies(r) for each in structs(kind)}, key=repr),
    ids=lambda kind: kind.__name__,
)
def test_a_key_that_comes_twice_cannot_hide_in_a_body(kind: type[Struct]) -> None:
    """Counting colons is sound only where a record's defaults are not written."""
    config = kind.__struct_config__

    assert config.omit_defaults
    assert config.forbid_unknown_fields
    assert config.frozen
    assert strictjson.MAX_DEPTH > 20


def test_the_service_gives_the_document_to_anybody(service: Running) -> None:
    assert service.get("/wherry/openapi.json") == msgspec.json.decode(msgspec.json.encode(DOCUMENT))


def test_the_page_names_every_call_and_every_link_leads_somewhere(service: Running) -> None:
    answer = service.ask("GET", "/wherry/docs")
    page = answer.body.decode()

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    for route in ROUTES:
        assert f'<article id="{anchor(route)}">' in page
        assert route.summary in page.replace("&#x27;", "'")
    ids = re.findall(r'id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def test_the_page_fetches_nothing(service: Running) -> None:
    page = service.ask("GET", "/wherry/docs").body.decode()

    assert not re.search(r"<script|<link|@import|src=|url\(", page)


def test_the_page_names_every_error_of_a_call(service: Running) -> None:
    page = service.ask("GET", "/wherry/docs").body.decode()

    for route in ROUTES:
        article = page.partition(f'id="{anchor(route)}"')[2].partition("</article>")[0]
        for error in refusals(route):
            assert f"<code>{error.code}</code>" in article, (name_of(route), error.code)
