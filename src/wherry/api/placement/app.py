"""The WSGI application of the Placement door: every request passes through here.

The order of the checks decides what a client is told first: who asks, which microversion,
is there such a call, does the client accept JSON and send it, may it; then the handler.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from wsgiref.util import application_uri

from wherry.api.metrics import Metrics
from wherry.api.placement import cors
from wherry.api.placement.calls import Answer, Ask
from wherry.api.placement.identity import Client, IdentifyClient
from wherry.api.placement.microversions import (
    CACHE_HEADERS,
    ERROR_CODES,
    HEADER,
    Microversion,
    bring_down,
    parse_microversion,
    spell,
)
from wherry.api.placement.policy import Policy, require_allowed
from wherry.api.placement.ready.summaries import TreeBytes
from wherry.api.placement.refused import Refused, render_refused, title_of
from wherry.api.placement.routes import ROUTES, Route
from wherry.api.placement.says import EVERYWHERE, Say
from wherry.api.placement.validation import parse_query
from wherry.app.settings import is_loopback
from wherry.model import errors
from wherry.model.errors import WherryError
from wherry.schedule.candidates.messages import BadQuery

if TYPE_CHECKING:
    from wherry.app.engine import Engine

log = logging.getLogger("wherry.api.placement")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
NOBODY = Client(user="", project=None, roles=frozenset())
JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementDoor:
    """What every request needs besides its route."""

    engine: "Engine"
    identify: IdentifyClient
    policy: Policy
    metrics: Metrics
    max_body: int
    origins: frozenset[str] = frozenset()
    search_s: float = 60.0
    """How long a search for candidates goes on before it stops and answers 503."""
    summaries: TreeBytes = field(default_factory=TreeBytes)
    local_only: bool = False
    """Whether only names of this machine are answered to, so that no page of another site
    that has pointed its name here is taken for a local program."""


@dataclass(slots=True)
class _Request:
    """What is known of a request as it passes through."""

    environ: Environ
    id: str
    microversion: Microversion | None = None
    route: Route | None = None

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @property
    def accept(self) -> str:
        """What the client takes; JSON where it takes anything."""
        accept = str(self.environ.get("HTTP_ACCEPT", ""))
        return JSON if accept in {"", "*/*"} else accept


@dataclass(frozen=True, slots=True)
class _Wire:
    """An answer in bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def make_placement_app(
    door: PlacementDoor,
) -> Callable[[Environ, StartResponse], Iterable[bytes]]:
    """Make the application of the table of routes."""
    paths = _by_path(ROUTES)

    def respond(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        request = _Request(environ, f"req-{uuid.uuid4()}")
        wire = _answer(door, paths, request)
        headers = {**wire.headers, "x-openstack-request-id": request.id}
        for name, value in cors.cors_headers(door.origins, environ).items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        headers["Content-Length"] = str(len(wire.body))
        start_response(f"{wire.status} {title_of(wire.status)}", list(headers.items()))
        took = time.perf_counter() - began
        if request.route is not None:
            door.metrics.count_request(request.method, request.route.path, wire.status, took)
        return [wire.body]

    return respond


Paths = Mapping[tuple[str, int], Sequence[tuple[tuple[str, ...], Sequence[Route]]]]
"""First segment and number of segments to templates with their routes."""


def _by_path(routes: Sequence[Route]) -> Paths:
    templates: dict[str, list[Route]] = {}
    for route in routes:
        templates.setdefault(route.path, []).append(route)
    paths: dict[tuple[str, int], list[tuple[tuple[str, ...], Sequence[Route]]]] = {}
    for path, group in templates.items():
        segments = tuple(path[1:].split("/"))
        paths.setdefault((segments[0], len(segments)), []).append((segments, group))
    return paths


def _answer(door: PlacementDoor, paths: Paths, request: _Request) -> _Wire:
    try:
        if cors.is_preflight(door.origins, request.environ):
            return _Wire(200, {})
        answer, microversion = _handle(door, paths, request)
        return _render(request, answer, microversion)
    except Refused as refused:
        return _refuse(request, refused)
    except Exception:
        path = request.environ.get("PATH_INFO")
        log.exception("%s: %s %s failed", request.id, request.method, path)
        message = f"something went wrong inside the service; its log tells more of {request.id}"
        return _refuse(request, Refused(500, message))


def _handle(door: PlacementDoor, paths: Paths, request: _Request) -> tuple[Answer, Microversion]:
    environ = request.environ
    path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace") or "/"
    if door.local_only:
        _require_local(environ)
    client = NOBODY if path == "/" else door.identify(environ)
    microversion = parse_microversion(environ.get("HTTP_OPENSTACK_API_VERSION"))
    request.microversion = microversion
    length = _content_length(environ)
    route, parts = _find(paths, request, path, microversion)
    _require_media(route, request)
    query = parse_query(environ.get("QUERY_STRING", ""))
    if route.rule:
        project = dict(query).get("project_id")
        require_allowed(door.policy, route.rule, client, project)
    ask = Ask(
        engine=door.engine,
        client=client,
        microversion=microversion,
        path=parts,
        query=query,
        schemas=route.body or route.query,
        data=_read(environ, length, door.max_body) if route.body else b"",
        prefix=environ.get("SCRIPT_NAME", ""),
        search_s=door.search_s,
        summaries=door.summaries,
    )
    try:
        return route.handler(ask), microversion
    except BadQuery as error:
        raise Refused(400, str(error), code=error.placement_code) from None
    except WherryError as error:
        raise _translate(route, parts, error) from error


def _require_local(environ: Environ) -> None:
    host = str(environ.get("HTTP_HOST", "localhost"))
    name = urlsplit(f"//{host}").hostname or ""
    if not is_loopback(name):
        message = f"the request is for {name}: without authentication only localhost is served"
        raise Refused(403, message)


def _content_length(environ: Environ) -> int | None:
    text = environ.get("CONTENT_LENGTH")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise Refused(400, "content-length header must be an integer")
    length = int(text)
    if length > 0 and not environ.get("CONTENT_TYPE"):
        raise Refused(400, "content-type header required when content-length > 0")
    return length


def _find(
    paths: Paths, request: _Request, path: str, microversion: Microversion
) -> tuple[Route, dict[str, str]]:
    """Find the route of a request, and the parts of its path by name."""
    if "\x00" in path:
        raise Refused(404)  # no name holds it, and no database takes it
    segments = path[1:].split("/")
    for template, routes in paths.get((segments[0], len(segments)), ()):
        parts = _match(template, segments)
        if parts is None:
            continue
        of_method = [route for route in routes if route.method == request.method]
        if not of_method:
            allowed = ", ".join(dict.fromkeys(route.method for route in routes))
            message = "The method specified is not allowed for this resource."
            raise Refused(405, message, headers={"allow": allowed})
        request.route = of_method[0]
        for route in of_method:
            if route.since <= microversion <= route.until:
                return route, parts
        raise Refused(of_method[0].missing)
    raise Refused(404)


def _match(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    parts = {}
    for wanted, found in zip(template, segments, strict=True):
        if wanted.startswith("{") and found:
            parts[wanted[1:-1]] = found
        elif wanted != found:
            return None
    return parts


def _require_media(route: Route, request: _Request) -> None:
    if route.gives_json and request.accept and not _accepts_json(request.accept):
        raise Refused(406, f"Only {JSON} is provided")
    if route.body:
        kind = request.environ.get("CONTENT_TYPE", "").partition(";")[0].strip()
        if kind != JSON:
            message = f"The media type {kind or None} is not supported, use {JSON}"
            raise Refused(415, message)


def _accepts_json(accept: str) -> bool:
    for part in accept.split(","):
        kind, _, rest = part.partition(";")
        if kind.strip().lower() in {JSON, "application/*", "*/*"}:
            return rest.replace(" ", "").lower() not in {"q=0", "q=0.0"}
    return False


def _read(environ: Environ, length: int | None, limit: int) -> bytes:
    """Read the body, but no more of it than is taken."""
    if length is not None and length > limit:
        raise Refused(413, f"The body has {length} bytes, and at most {limit} are taken.")
    stream, data = environ["wsgi.input"], b""
    left = limit + 1 if length is None else length
    if length is None and not environ.get("wsgi.input_terminated"):
        return data
    while left > 0 and (chunk := stream.read(left)):
        data += chunk
        left -= len(chunk)
    if len(data) > limit:
        raise Refused(413, f"The body is longer than the {limit} bytes that are taken.")
    return data


def _translate(route: Route, parts: Mapping[str, str], error: WherryError) -> Refused:
    """Say a refusal of a use case in the words of its route."""
    for says in (route.says, EVERYWHERE):
        for kind in type(error).__mro__:
            if kind in says:
                return _say(says[kind], parts, error)
    if isinstance(error, errors.StoreUnavailable | errors.ServiceUnavailable):
        return Refused(503, str(error))
    if isinstance(
        error, errors.SlotTaken | errors.ExclusiveConflict | errors.NoPlace | errors.FactsChanged
    ):
        return Refused(409, f"Unable to allocate inventory: {error}")
    if isinstance(error, errors.InvalidRequest):
        return Refused(400, str(error))
    raise error


def _say(say: Say, parts: Mapping[str, str], error: WherryError) -> Refused:
    text = say.text.format_map({**vars(error), **parts, "error": error})
    return Refused(say.status, text, code=say.code)


def _render(request: _Request, answer: Answer, microversion: Microversion) -> _Wire:
    headers = _headers(request)
    body = answer.body
    if not isinstance(body, bytes):
        body = bring_down(answer.what, body, microversion)
    # What was made and is not shown is told by its place alone.
    is_bare = body is None and answer.body is not None
    status = HTTPStatus.CREATED if is_bare else answer.status
    if answer.location is not None:
        headers["Location"] = _origin(request.environ) + answer.location
    if answer.modified is not None and microversion >= CACHE_HEADERS and not is_bare:
        headers["Last-Modified"] = _spell_time(int(answer.modified))
        headers["Cache-Control"] = "no-cache"
    if body is None:
        return _Wire(status, headers)
    headers["Content-Type"] = JSON
    return _Wire(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


@lru_cache(maxsize=1024)
def _spell_time(at: int) -> str:
    """Write a time in HTTP's words; what changes now is of one second."""
    return formatdate(at, usegmt=True)


def _origin(environ: Environ) -> str:
    """Where the client found the service, without a path."""
    host = environ.get("HTTP_HOST")
    if not host:
        return application_uri({**environ, "SCRIPT_NAME": ""}).rstrip("/")
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}"


def _headers(request: _Request) -> dict[str, str]:
    if request.microversion is None:
        return {}
    return {HEADER: f"placement {spell(request.microversion)}", "vary": HEADER}


def _refuse(request: _Request, refused: Refused) -> _Wire:
    microversion = request.microversion
    kind, body = refused.whole or render_refused(
        refused,
        method=request.method,
        accept=request.accept,
        media=str(request.environ.get("CONTENT_TYPE", "")),
        request_id=request.id,
        with_code=microversion is not None and microversion >= ERROR_CODES,
    )
    headers = {**_headers(request), **refused.headers, "Content-Type": kind}
    return _Wire(refused.status, headers, body)
