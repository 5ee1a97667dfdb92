"""OpenAPI 3.1 of the Placement API, made from the table of routes and the schemas that refuse.

It describes the newest microversion.  What a call did before, and what it answers, is told by
Placement's own reference; what it takes is what its schema takes.

Source: OpenAPI Specification 3.1.0; Placement API reference.
"""

import re
from collections.abc import Mapping
from typing import Any

from wherry.api.placement.microversions import NEWEST, OLDEST, Microversion, spell
from wherry.api.placement.routes import ROUTES, Route
from wherry.api.placement.schemas import Schema, Versions, pick
from wherry.schedule.candidates.keys import schema_of

DESCRIPTION = """\
The OpenStack Placement API, as openstack-placement 16.0.0 has it, in its newest microversion.

A client asks for a microversion with the header `OpenStack-API-Version: placement 1.39`.
"""

_VERSION = {
    "name": "OpenStack-API-Version",
    "in": "header",
    "description": f"Microversion, such as `placement {spell(NEWEST)}`; left out: {spell(OLDEST)}.",
    "schema": {"type": "string"},
}
_REFUSED = {
    "description": "Refused, with the reason in the words of Placement.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Errors"}}},
}
_ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "status": {"type": "integer"},
                    "title": {"type": "string"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                    "request_id": {"type": "string"},
                },
            },
        }
    },
}


def placement_openapi() -> dict[str, Any]:
    """Describe the calls as an OpenAPI document."""
    paths: dict[str, Any] = {}
    for route in ROUTES:
        if route.until == NEWEST:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Placement", "version": spell(NEWEST), "description": DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": {"Errors": _ERRORS},
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
            },
        },
    }


def query_of(route: Route, microversion: Microversion = NEWEST) -> Mapping[str, Schema]:
    """Give the parameters of a call's query; those of a group without its suffix."""
    if route.path != "/allocation_candidates":
        return dict(pick(route.query, microversion)["properties"]) if route.query else {}
    schema = schema_of(microversion)
    patterns = schema.get("patternProperties", {})
    grouped = {key.lstrip("^").partition("(")[0]: of for key, of in patterns.items()}
    return {**grouped, **schema["properties"]}


def fields_of(versions: Versions) -> dict[str, Microversion]:
    """Give the fields of a body or a query in its newest form, each with its first microversion."""
    newest = versions[0][1]
    return {
        name: min(since for since, schema in versions if name in schema.get("properties", ()))
        for name in newest.get("properties", ())
    }


def _operation(route: Route) -> dict[str, Any]:
    parts = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    query = [
        {"name": name, "in": "query", "schema": schema} for name, schema in query_of(route).items()
    ]
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": route.summary.rstrip("."),
        "description": f"Since microversion {spell(route.since)}.",
        "parameters": [*parts, _VERSION, *query],
        "responses": {"2XX": {"description": "Done."}, "4XX": _REFUSED},
        "security": [{"token": []}] if route.rule else [],
    }
    if route.body:
        content = {"application/json": {"schema": route.body[0][1]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation
