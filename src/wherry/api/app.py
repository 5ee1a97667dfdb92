"""The WSGI application: the only module that knows the framework.

For each request: who asks, may they, can we answer in what they accept, does the body read
as the route's type; then the route's handler, then bytes.  The catch-all stands here.
"""

import contextlib
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import falcon

from wherry.api import errors, wire
from wherry.api.auth import Identify, bearer
from wherry.api.call import Call, Response
from wherry.api.metrics import Metrics
from wherry.api.routes import Route
from wherry.api.waiting import WaitingRoom
from wherry.app.settings import is_loopback
from wherry.model.caller import Caller
from wherry.model.errors import NotAllowed, WherryError

if TYPE_CHECKING:
    from wherry.app.engine import Engine

log = logging.getLogger("wherry.api")

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What every call needs besides its route."""

    engine: "Engine"
    identify: Identify
    room: WaitingRoom
    preflights: WaitingRoom
    streams: WaitingRoom
    metrics: Metrics
    max_body: int
    local_only: bool = False
    """Whether we may be asked as this machine only: nobody has to say who they are."""


def make_app(door: Door, routes: Sequence[Route]) -> Wsgi:
    """Make the application of a table of routes."""
    app = falcon.App()
    app.resp_options.default_media_type = "application/json"
    by_path: dict[str, list[Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, []).append(route)
    for path, group in by_path.items():
        app.add_route(path, _resource(door, group))
    app.add_error_handler(falcon.HTTPError, _on_http_error)
    app.add_error_handler(Exception, _on_surprise)
    return app


def _resource(door: Door, routes: Sequence[Route]) -> Any:
    responders = {f"on_{route.method.lower()}": _responder(door, route) for route in routes}
    if "on_get" in responders:
        responders["on_head"] = responders["on_get"]
    return SimpleNamespace(**responders)


def _responder(door: Door, route: Route) -> Callable[..., None]:
    def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        began = time.perf_counter()
        request_id = _new_request_id()
        answer = _answer(door, route, req, path, request_id)
        _send(resp, answer, request_id)
        door.metrics.count_request(
            route.method, route.path, answer.status, time.perf_counter() - began
        )

    return respond


def _answer(
    door: Door, route: Route, req: falcon.Request, path: dict[str, str], request_id: str
) -> Response:
    """Answer one request; whatever is raised becomes an answer too."""
    caller: Caller | None = None
    try:
        require_our_name(req, local_only=door.local_only)
        caller = _caller(door, route, req)
        _require_acceptable(route, req)
        call = Call(
            engine=door.engine,
            caller=caller,
            path=wire.parse_path(path),
            query=wire.parse_query(route.query, req.query_string),
            body=_body(door, route, req),
            room=door.room,
            preflights=door.preflights,
            streams=door.streams,
            metrics=door.metrics,
            last_event=req.get_header("Last-Event-ID"),
        )
        return _render(route, route.handler(call))
    except WherryError as error:
        door.metrics.count_refusal(error.code)
        return _render_error(error, caller, request_id)
    except Exception:
        log.exception("%s: %s %s failed", request_id, req.method, req.path)
        return Response(body=errors.render_internal_error(request_id), status=500)


def require_our_name(req: falcon.Request, *, local_only: bool) -> None:
    """Refuse what a page in a browser sends here under a name of its own (DNS rebinding).

    Raises:
        Misdirected: we may be asked as this machine only, and were asked as another.
    """
    if local_only and not is_loopback(_host_asked(req)):
        raise errors.Misdirected("the header Host names no loopback address: ask 127.0.0.1")


def _host_asked(req: falcon.Request) -> str:
    try:
        return req.host.strip("[]").lower()
    except ValueError:
        return ""


def _caller(door: Door, route: Route, req: falcon.Request) -> Caller:
    if route.roles is None:
        return Caller(role="user", name="anybody")
    header = bearer(req.get_header("Authorization"), req.get_header("X-Auth-Token"))
    caller = door.identify(header)
    if caller.role not in route.roles:
        message = f"{route.method} {route.path} is not for role {caller.role}"
        raise NotAllowed(message)
    return caller


def _require_acceptable(route: Route, req: falcon.Request) -> None:
    if route.answer is not None and not req.client_accepts(route.content_type.partition(";")[0]):
        message = f"the answer is {route.content_type}, which the request does not accept"
        raise errors.NotAcceptable(message)


def _body(door: Door, route: Route, req: falcon.Request) -> Any:
    if route.body is None:
        return None
    # A page in a browser can send a body without a type here, and JSON only if we let it.
    kind = (req.content_type or "of no type").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = f"the body is {kind}: send JSON, with Content-Type: application/json"
        raise errors.UnsupportedMediaType(message)
    data = wire.read_body(_stream(req), length=req.content_length, limit=door.max_body)
    return data if route.body is bytes else wire.parse_body(data, route.body)


def _stream(req: falcon.Request) -> Any:
    """The body; without a length it is read to its end only where the server ends it."""
    if req.content_length is None and req.env.get("wsgi.input_terminated"):
        return req.stream
    return req.bounded_stream


def _render(route: Route, value: Any) -> Response:
    if isinstance(value, Response):
        return value
    if value is None:
        return Response(status=204)
    return Response(body=wire.render(value), status=route.status)


def _render_error(error: WherryError, caller: Caller | None, request_id: str) -> Response:
    status = errors.status_of(type(error))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s: %s", request_id, error)
    return Response(
        body=errors.render_error(error, caller=caller, request_id=request_id),
        status=status,
        headers=errors.headers_of(error),
    )


def _send(resp: falcon.Response, answer: Response, request_id: str) -> None:
    resp.status = answer.status
    resp.set_header("X-Request-Id", request_id)
    for name, value in answer.headers.items():
        resp.set_header(name, value)
    if answer.status == HTTPStatus.NO_CONTENT:
        return
    resp.content_type = answer.content_type
    if answer.stream is not None:
        resp.stream = answer.stream
    else:
        resp.data = answer.body


def _new_request_id() -> str:
    return f"req-{uuid.uuid4()}"


def _on_http_error(
    req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError, _params: Any
) -> None:
    """Answer what the framework refuses by itself, in our words."""
    request_id = _new_request_id()
    _send(resp, _render_error(_translate(req, error), None, request_id), request_id)


def _translate(req: falcon.Request, error: falcon.HTTPError) -> WherryError:
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        allow = dict(error.headers or {}).get("Allow", "")
        message = f"{req.path} does not take {req.method}, but {allow}"
        return errors.MethodNotAllowed(message, headers={"Allow": allow})
    if isinstance(error, falcon.HTTPNotFound):
        message = f"there is no call {req.path}: /wherry/docs lists them"
        return errors.NoSuchPath(message)
    return wire.bad_request(error.title or str(error.status), error.description)


def _on_surprise(
    req: falcon.Request, resp: falcon.Response, _error: Exception, _params: Any
) -> None:
    request_id = _new_request_id()
    log.error("%s: %s %s failed\n%s", request_id, req.method, req.path, traceback.format_exc())
    answer = Response(body=errors.render_internal_error(request_id), status=500)
    with contextlib.suppress(Exception):
        _send(resp, answer, request_id)
