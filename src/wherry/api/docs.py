"""The page of calls: one file of HTML made from the table of routes, nothing fetched.

Types come from the same JSON Schema as OpenAPI's.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from wherry.api import errors
from wherry.api.openapi import openapi, path_names, refusals, success
from wherry.api.routes import Everybody, Route

_BOAT = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" '
    'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">'
    '<path d="M3 14h18l-3 5H6z"/><path d="M12 14V4l6 7h-6"/></svg>'
)
_TITLE = "Where can this guest go, with the devices it holds?"
_INTRO = (
    "And why not elsewhere. Wherry keeps the inventory of a fleet's devices, finds targets, claims "
    "them atomically, and proves a live migration possible before anybody starts it."
)


def render_docs(routes: Sequence[Route]) -> bytes:
    """Write the page."""
    document = openapi(routes)
    css = resources.files("wherry.api").joinpath("docs.css").read_text(encoding="utf-8")
    body = (
        f'<div class="layout">{_nav(routes)}<main>{_header()}{_calls(routes)}'
        f"{_types(document['components']['schemas'])}</main></div>"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Wherry: calls</title><style>{css}</style></head><body>{body}</body></html>\n"
    ).encode()


def anchor(route: Route) -> str:
    """Fragment of a call on the page."""
    words = route.path.replace("{", "").replace("}", "").strip("/").replace("/", "-")
    return f"{route.method.lower()}-{words}"


def _by_tag(routes: Sequence[Route]) -> Mapping[str, list[Route]]:
    groups: dict[str, list[Route]] = {}
    for route in routes:
        groups.setdefault(route.tag, []).append(route)
    return groups


def _nav(routes: Sequence[Route]) -> str:
    groups = "".join(
        f"<h2>{escape(tag)}</h2><ul>"
        + "".join(f'<li><a href="#{anchor(r)}">{escape(r.summary)}</a></li>' for r in group)
        + "</ul>"
        for tag, group in _by_tag(routes).items()
    )
    return (
        f'<nav><a class="brand" href="#top">{_BOAT}Wherry</a><div class="lists">{groups}'
        '<h2>Reference</h2><ul><li><a href="#types">Types</a></li>'
        '<li><a href="/wherry/openapi.json">OpenAPI</a></li></ul></div></nav>'
    )


def _header() -> str:
    tries = "wherry hosts\nwherry targets GUEST --explain\ncurl -s localhost:8778/wherry/hosts"
    return (
        f'<header id="top"><h1>{_TITLE}</h1><p>{_INTRO}</p>'
        "<p>Bodies are JSON. What is unknown, doubled or of the wrong type is refused with its "
        "path, and nothing is changed then. Creates are idempotent by the client's uuid. Every "
        "answer carries <code>X-Request-Id</code>.</p>"
        f"<pre><code>{tries}</code></pre></header>"
    )


def _calls(routes: Sequence[Route]) -> str:
    return "".join(
        f"<section><h2>{escape(tag)}</h2>{''.join(map(_call, group))}</section>"
        for tag, group in _by_tag(routes).items()
    )


def _call(route: Route) -> str:
    head = (
        f'<article id="{anchor(route)}"><div class="call">'
        f'<span class="method {route.method}">{route.method}</span>'
        f"<code>{escape(route.path)}</code>"
        f'<span class="roles">{_roles(route)}</span></div>'
        f"<h3>{escape(route.summary)}</h3>"
    )
    about = f"<p>{_prose(route.description)}</p>" if route.description else ""
    rest = (_query(route), _example("Request", route), _answer(route), _errors(route))
    return f"{head}{about}{''.join(rest)}</article>"


def _roles(route: Route) -> str:
    if route.roles is None:
        return "anybody"
    if route.roles == Everybody:
        return "admin, service, user"
    return ", ".join(sorted(route.roles))


def _query(route: Route) -> str:
    if not route.query:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(q.name)}</code></td>"
        f"<td>{_prose(q.help)}{'; required' if q.required else ''}</td></tr>"
        for q in route.query
    )
    return f"<h4>Query</h4><table>{rows}</table>"


def _example(title: str, route: Route) -> str:
    if route.body is None:
        return ""
    name = "one of several" if route.body is bytes else _link(route.body.__name__)
    shown = "" if route.example is None else _json(route.example)
    return f"<h4>{title}: {name}</h4><pre><code>{escape(_curl(route))}</code></pre>{shown}"


def _curl(route: Route) -> str:
    path = route.path
    for name in path_names(path):
        path = path.replace(f"{{{name}}}", name.upper())
    return (
        f"curl -X {route.method} http://127.0.0.1:8778{path} "
        "-H 'Content-Type: application/json' -d @body.json"
    )


def _answer(route: Route) -> str:
    if route.answer is None:
        return "<h4>Answer: 204</h4><p>No body.</p>"
    name = _link(route.answer.__name__) if route.answer is not bytes else ""
    for_users = f"; role user: {_link(route.user_answer.__name__)}" if route.user_answer else ""
    shown = "" if route.example_answer is None else _json(route.example_answer)
    return f"<h4>Answer: {success(route)} {name}{for_users}</h4>{shown}"


def _errors(route: Route) -> str:
    rows = "".join(
        f"<tr><td>{errors.status_of(e)}</td><td><code>{escape(e.code)}</code></td>"
        f"<td>{_prose(errors.summary_of(e))}</td></tr>"
        for e in refusals(route)
    )
    return f"<details><summary>Errors</summary><table>{rows}</table></details>" if rows else ""


def _types(components: Mapping[str, Any]) -> str:
    tables = "".join(_type(name, schema) for name, schema in sorted(components.items()))
    return f'<section id="types"><h2>Types</h2>{tables}</section>'


def _type(name: str, schema: Mapping[str, Any]) -> str:
    about = " ".join(schema.get("description", "").split("\n\n")[0].split())
    required = set(schema.get("required", ()))
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_kind(of)}</td>"
        f"<td>{'required' if field in required else ''}</td></tr>"
        for field, of in schema.get("properties", {}).items()
    )
    return (
        f'<article id="type-{escape(name)}"><h3>{escape(name)}</h3><p>{_prose(about)}</p>'
        f"<table>{rows}</table></article>"
    )


def _kind(schema: Any) -> str:
    """Say in a few words what a schema takes."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(word))}</code>" for word in schema["enum"])
    if "prefixItems" in schema:
        return f"list of {' and '.join(map(_kind, schema['prefixItems']))}"
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object":
        return f"map to {_kind(schema.get('additionalProperties') or {})}"
    return escape(schema.get("type", "any value")) + _bounds(schema)


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "≥", "maximum": "≤", "minLength": "length ≥", "maxLength": "length ≤"}
    said = [f"{sign} {schema[key]}" for key, sign in words.items() if key in schema]
    if "pattern" in schema:
        said.append(f"<code>{escape(schema['pattern'])}</code>")
    return f" ({', '.join(said)})" if said else ""


def _link(name: str) -> str:
    return f'<a href="#type-{escape(name)}">{escape(name)}</a>'


def _json(value: Any) -> str:
    return f"<pre><code>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</code></pre>"


def _prose(text: str) -> str:
    """Escape a sentence; words between backticks are code."""
    pieces: Iterable[str] = escape(text).replace("``", "`").split("`")
    return "".join(f"<code>{p}</code>" if i % 2 else p for i, p in enumerate(pieces))
