"""OpenAPI 3.1, made from the table of routes and the very types that validate.

Source: OpenAPI Specification 3.1.0; JSON Schema 2020-12.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from wherry.api import errors
from wherry.api.routes import PATH_TYPES, PATH_WORDS, Route
from wherry.model.errors import InvalidRequest, NotAllowed, StoreUnavailable, WherryError
from wherry.model.wire import ErrorAnswer

REF = "#/components/schemas/{name}"
WITH_PARTS = (InvalidRequest,)
WITH_BODY = (errors.BodyTooLarge, errors.UnsupportedMediaType)
WHEN_ASKED = (errors.Unauthenticated, NotAllowed, StoreUnavailable)

DESCRIPTION = """\
Where can this guest go, with the devices it holds, and why not elsewhere?

Bodies are JSON. Unknown fields, duplicate keys and wrong types are refused with the path of
what is wrong, and nothing is changed then. Creates are idempotent by the client's uuid.
"""


def openapi(routes: Sequence[Route]) -> dict[str, Any]:
    """Describe the calls as an OpenAPI document."""
    types = _types(routes)
    made = msgspec.json.schema_components(types, ref_template=REF)
    schemas, components = _spell(made, _plain_names(made[1], types))
    shown = dict(zip(map(repr, types), schemas, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shown)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Wherry", "version": "1", "description": DESCRIPTION},
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _plain_names(components: Mapping[str, Any], types: Iterable[Any]) -> dict[str, str]:
    """Name those that two modules have by one name: what a call takes or gives keeps it."""
    shown = {f"{kind.__module__}.{kind.__name__}" for kind in types if isinstance(kind, type)}
    plain = {}
    for name in components:
        module, dot, last = name.rpartition(".")
        above = module.rpartition(".")[2].title()
        plain[name] = f"{above}{last}" if dot and name not in shown else last
    return plain


def _spell(schema: Any, names: Mapping[str, str]) -> Any:
    r"""Write patterns and names as readers have them: ``$`` is the very end, and \Z nothing."""
    if isinstance(schema, dict):
        return {names.get(key, key): _spell_one(key, of, names) for key, of in schema.items()}
    if isinstance(schema, list | tuple):
        return [_spell(item, names) for item in schema]
    return schema


def _spell_one(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if key == "pattern" and isinstance(value, str):
        return value.replace("\\Z", "$")
    if key == "$ref":
        return REF.format(name=names[value.removeprefix(REF.format(name=""))])
    return _spell(value, names)


def _types(routes: Iterable[Route]) -> list[Any]:
    """All types that are shown, each once and in a steady order."""
    types: dict[str, Any] = {repr(ErrorAnswer): ErrorAnswer}
    for route in routes:
        asked = [PATH_TYPES[name] for name in path_names(route.path)]
        asked += [parameter.type for parameter in route.query]
        for kind in (*asked, *bodies(route), *answers(route)):
            types.setdefault(repr(kind), kind)
    return list(types.values())


def bodies(route: Route) -> tuple[Any, ...]:
    """Types that a route's body may have."""
    if route.body is bytes:
        return route.body_shown
    return () if route.body is None else (route.body,)


def answers(route: Route) -> tuple[Any, ...]:
    """Types that a route's answer may have, a project user's last."""
    plain = route.answer_shown if route.answer is bytes else (route.answer,)
    return tuple(kind for kind in (*plain, route.user_answer) if kind is not None)


def path_names(path: str) -> list[str]:
    """Names of the parts of a path that vary."""
    return re.findall(r"{(\w+)}", path)


def refusals(route: Route) -> tuple[type[WherryError], ...]:
    """All errors that a route may answer, in the order of their status."""
    takes_something = route.body is not None or route.query or path_names(route.path)
    found = (
        *route.errors,
        *(WHEN_ASKED if route.roles else ()),
        *(WITH_PARTS if takes_something else ()),
        *(WITH_BODY if route.body is not None else ()),
    )
    return tuple(sorted(dict.fromkeys(found), key=lambda e: (errors.status_of(e), e.code)))


def _operation(route: Route, shown: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route, shown), *_query_parameters(route, shown)],
        "responses": _responses(route, shown),
        "security": [{"token": []}] if route.roles else [],
    }
    if route.description:
        operation["description"] = route.description
    if kinds := bodies(route):
        content = {"schema": _one_of(kinds, shown)}
        if route.example is not None:
            content["example"] = route.example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _path_parameters(route: Route, shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_WORDS[name],
            "schema": shown[repr(PATH_TYPES[name])],
        }
        for name in path_names(route.path)
    ]


def _query_parameters(route: Route, shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": parameter.name,
            "in": "query",
            "required": parameter.required,
            "description": parameter.help,
            "schema": shown[repr(parameter.type)],
        }
        for parameter in route.query
    ]


def _responses(route: Route, shown: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {str(success(route)): _success(route, shown)}
    by_status: dict[int, list[type[WherryError]]] = {}
    for error in refusals(route):
        by_status.setdefault(errors.status_of(error), []).append(error)
    for status, group in by_status.items():
        responses[str(status)] = {
            "description": "\n".join(f"`{e.code}`: {errors.summary_of(e)}" for e in group),
            "content": {"application/json": {"schema": shown[repr(ErrorAnswer)]}},
        }
    return responses


def success(route: Route) -> int:
    """Status of a route that has done what was asked."""
    return 204 if route.answer is None else route.status


def _success(route: Route, shown: dict[str, Any]) -> dict[str, Any]:
    if route.answer is None:
        return {"description": "Done."}
    kinds = answers(route)
    content: dict[str, Any] = {"schema": _one_of(kinds, shown) if kinds else {"type": "string"}}
    if route.example_answer is not None:
        content["example"] = route.example_answer
    return {"description": "Answered.", "content": {route.content_type: content}}


def _one_of(kinds: Sequence[Any], shown: dict[str, Any]) -> dict[str, Any]:
    schemas = [shown[repr(kind)] for kind in kinds]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
