"""The page of Placement's calls, and its OpenAPI, say what the table of routes has.

WHERRY_WRITE_GOLDEN=1 writes the page, for review in the diff.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from openapi_spec_validator import OpenAPIV31SpecValidator

from service import Running, service
from wherry.api.placement.identity import Client
from wherry.api.placement.microversions import NEWEST, OLDEST, spell
from wherry.api.placement.openapi import fields_of, placement_openapi, query_of
from wherry.api.placement.policy import PROFILES
from wherry.api.placement.routes import ROUTES, Route
from wherry.api.placement.schemas import Versions

__all__ = ["service"]

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "placement-calls.md"
FIRST = "\n## Calls\n"


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(placement_openapi()).validate()


def test_the_document_has_every_route_of_the_newest_microversion() -> None:
    said = {(m.upper(), path) for path, ms in placement_openapi()["paths"].items() for m in ms}

    assert said == {(route.method, route.path) for route in ROUTES}
    bodies = [r for r in ROUTES if r.until == NEWEST and r.body]
    for route in bodies:
        operation = placement_openapi()["paths"][route.path][route.method.lower()]
        shown = operation["requestBody"]["content"]["application/json"]["schema"]
        assert shown == route.body[0][1]


def test_the_service_gives_the_document_to_anybody(service: Running) -> None:
    told = service.get("/wherry/placement/openapi.json")

    assert told["info"] == placement_openapi()["info"]
    assert len(told["paths"]) == len({route.path for route in ROUTES})


def test_the_page_has_every_call_as_the_table_has_it() -> None:
    generated = "".join(map(section, ROUTES))
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("WHERRY_WRITE_GOLDEN") == "1":
        page = page.partition(FIRST)[0] + FIRST + generated
        PAGE.write_text(page, encoding="utf-8")

    assert page.partition(FIRST)[2] == generated


def section(route: Route) -> str:
    until = "" if route.until == NEWEST else f" to {spell(route.until)}"
    since = f"Microversions {spell(route.since)}{until or ' and later'}."
    if route.since == OLDEST and not until:
        since = "Every microversion."
    rule = f" Rule `{route.rule}`." if route.rule else " Nobody is asked who they are."
    rows = [
        *(f"| query | {row}" for row in _query(route)),
        *(f"| body | {row}" for row in _fields(route.body)),
    ]
    table = "| where | what | since |\n| --- | --- | --- |\n" + "".join(rows) + "\n" if rows else ""
    also = "" if until == "" else f" ({spell(route.since)} to {spell(route.until)})"
    return (
        f"\n### `{route.method} {route.path}`{also}\n\n{route.summary} {since}{rule}"
        f"{_who(route)}\n\n{table}".rstrip("\n")
        + "\n"
    )


def _who(route: Route) -> str:
    """Say which roles the rules of 16.0.0 let in, if not the usual ones."""
    roles = ("admin", "service", "reader")
    allowed = [
        role for role in roles
        if PROFILES["secure"].allows(route.rule, a_client(role), "own")
    ]  # fmt: skip
    usual = allowed == ["admin", "service"]
    return "" if usual or not route.rule else f" For {', '.join(allowed)}."


def a_client(role: str) -> Client:
    return Client(user="u", project="own", roles=frozenset({role}))


def _query(route: Route) -> Iterator[str]:
    known = [(1, v) for v in range(route.since[1], NEWEST[1] + 1)]
    for name in query_of(route):
        since = next(each for each in known if name in query_of(route, each))
        yield f"`{name}` | {spell(since)} |\n"


def _fields(versions: Versions) -> Iterator[str]:
    if not versions:
        return
    newest = versions[0][1]
    required = newest.get("required", ())
    for name, since in fields_of(versions).items():
        word = ", required" if name in required else ""
        yield f"`{name}`{word} | {spell(since)} |\n"
    for pattern in newest.get("patternProperties", ()):
        yield f"by `{pattern}`: what stands in `PUT` of one | {spell(versions[-1][0])} |\n"
