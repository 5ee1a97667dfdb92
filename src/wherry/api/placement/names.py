"""``/resource_classes`` and ``/traits``."""

import json
from collections.abc import Mapping
from typing import Any

from wherry.api.placement import schemas
from wherry.api.placement.calls import Answer, Ask
from wherry.api.placement.refused import Refused
from wherry.api.placement.validation import check_value, parse_body
from wherry.app.placement import names as app


def list_classes(ask: Ask) -> Answer:
    """List every resource class."""
    classes = app.list_classes(ask.engine)
    return Answer(
        body={"resource_classes": [_render_class(ask, name) for name in classes]},
        modified=_newest(ask, classes),
    )


def get_class(ask: Ask) -> Answer:
    """Show one resource class."""
    name = ask.path["name"]
    at = app.find_class(ask.engine, name)
    return Answer(body=_render_class(ask, name), modified=_newest(ask, {name: at}))


def create_class(ask: Ask) -> Answer:
    """Make a resource class."""
    name = ask.body()["name"]
    if not app.create_class(ask.engine, name):
        raise Refused(409, f"Conflicting resource class already exists: {name}")
    return Answer(status=201, location=_class_path(ask, name))


def ensure_class(ask: Ask) -> Answer:
    """Make sure that there is a resource class."""
    name = ask.path["name"]
    parse_body(json.dumps({"name": name}).encode(), schemas.CLASS[0][1])
    status = 201 if app.create_class(ask.engine, name) else 204
    return Answer(status=status, location=_class_path(ask, name))


def rename_class(ask: Ask) -> Answer:
    """Give a resource class another name; only before 1.7."""
    new = ask.body()["name"]
    app.rename_class(ask.engine, ask.path["name"], new)
    return Answer(body=_render_class(ask, new))


def delete_class(ask: Ask) -> Answer:
    """Forget a resource class."""
    app.delete_class(ask.engine, ask.path["name"])
    return Answer(status=204)


def list_traits(ask: Ask) -> Answer:
    """List traits, all or those that meet filters."""
    query = ask.checked_query()
    filters = _parse_name(query["name"]) if "name" in query else {}
    if "associated" in query:
        word = query["associated"].lower()
        if word not in {"true", "false"}:
            message = 'The query parameter "associated" only accepts "true" or "false"'
            raise Refused(400, message)
        filters["associated"] = word == "true"
    traits = app.list_traits(ask.engine, **filters)
    return Answer(body={"traits": list(traits)}, modified=_newest(ask, traits))


def get_trait(ask: Ask) -> Answer:
    """Say whether there is a trait."""
    name = ask.path["name"]
    at = app.find_trait(ask.engine, name)
    return Answer(status=204, modified=_newest(ask, {name: at}))


def put_trait(ask: Ask) -> Answer:
    """Make sure that there is a custom trait."""
    name = ask.path["name"]
    if not check_value(name, schemas.CUSTOM_TRAIT):
        message = (
            "The trait is invalid. A valid trait must be no longer than 255 characters, start "
            'with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"'
        )
        raise Refused(400, message)
    is_new = app.create_trait(ask.engine, name)
    at = app.find_trait(ask.engine, name)
    return Answer(
        status=201 if is_new else 204,
        modified=_newest(ask, {name: at}),
        location=f"{ask.prefix}/traits/{name}",
    )


def delete_trait(ask: Ask) -> Answer:
    """Forget a trait."""
    app.delete_trait(ask.engine, ask.path["name"])
    return Answer(status=204)


def _parse_name(text: str) -> dict[str, Any]:
    operator, colon, value = text.partition(":")
    if not colon:
        message = (
            "Badly formatted name parameter. Expected name query string parameter in form: "
            f'?name=[in|startswith]:[name1,name2|prefix]. Got: "{text}"'
        )
        raise Refused(400, message)
    if operator == "in":
        return {"names": value.split(",")}
    return {"prefix": value} if operator == "startswith" else {}


def _newest(ask: Ask, times: Mapping[str, float | None]) -> float:
    """The newest of the times that are known; now where none is."""
    known = [at for at in times.values() if at is not None]
    return max(known, default=ask.now())


def _class_path(ask: Ask, name: str) -> str:
    return f"{ask.prefix}/resource_classes/{name}"


def _render_class(ask: Ask, name: str) -> dict[str, Any]:
    return {"name": name, "links": [{"rel": "self", "href": _class_path(ask, name)}]}
