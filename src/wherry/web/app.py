"""The WSGI application of the dashboard: the only module here that knows the framework.

For each visit: is the request meant for us, who asks, may they, is a form ours; then the
page's view, then bytes.  Whatever is raised becomes a page that says what to do.

Pages load nothing from elsewhere and run no script that stands in them: the policy below
says so to the browser.
"""

import gzip
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import falcon

from wherry.api import errors
from wherry.api.app import Wsgi, require_our_name
from wherry.api.auth import Identify
from wherry.api.errors import Unauthenticated
from wherry.api.metrics import Metrics
from wherry.api.waiting import WaitingRoom
from wherry.app.events import read_changes
from wherry.model.caller import Caller
from wherry.model.errors import InvalidRequest, NotAllowed, WherryError
from wherry.model.wire import ErrorDetail
from wherry.web import sessions
from wherry.web.rendering import here, render
from wherry.web.sessions import Cookie
from wherry.web.visits import Moved, Outcome, Page, Sent, Shown, View, Visit

if TYPE_CHECKING:
    from wherry.app.engine import Engine

log = logging.getLogger("wherry.web")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
MAX_FORM = 64 << 10
"""Bytes of a form at most: its fields are names, numbers and a sentence."""
WORTH_PACKING = 1400
"""Bytes from which on an answer is compressed."""
FORM = "application/x-www-form-urlencoded"
TITLES: Mapping[int, str] = {
    400: "That cannot be asked",
    401: "Sign in first",
    403: "Not for this account",
    404: "There is nothing here",
    405: "That cannot be sent here",
    409: "It is not as it was",
    421: "Another machine was meant",
    500: "Something broke",
    503: "The service cannot answer now",
}
NAVIGATION = (
    ("/ui/", "Fleet"),
    ("/ui/guests", "Guests"),
    ("/ui/matrix", "Matrix"),
    ("/ui/migrations", "Migrations"),
)
FOR_USERS = (("/ui/guests", "Guests"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDoor:
    """What every visit needs besides its page."""

    engine: "Engine"
    identify: Identify
    streams: WaitingRoom
    room: WaitingRoom
    metrics: Metrics
    local_only: bool
    """Nobody has to say who they are: as for the API, only this machine may ask then."""


def make_web_app(door: WebDoor, pages: Sequence[Page]) -> Wsgi:
    """Make the application of a table of pages."""
    app = falcon.App()
    by_path: dict[str, dict[str, Callable[..., None]]] = {}
    for page in pages:
        responders = by_path.setdefault(page.path, {})
        responders[f"on_{page.method.lower()}"] = _responder(door, page)
    for path, responders in by_path.items():
        app.add_route(path, SimpleNamespace(**responders))

    def refuse(req: falcon.Request, resp: falcon.Response, error: Any, _params: Any) -> None:
        _on_http_error(door, req, resp, error)

    app.add_error_handler(falcon.HTTPError, refuse)
    return app


def _responder(door: WebDoor, page: Page) -> Callable[..., None]:
    def respond(req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        began = time.perf_counter()
        status = _Turn(door, req, resp).answer(page, path)
        door.metrics.count_request(page.method, page.path, status, time.perf_counter() - began)

    return respond


class _Turn:
    """One request and its answer."""

    def __init__(self, door: WebDoor, req: falcon.Request, resp: falcon.Response) -> None:
        self._door, self._req, self._resp = door, req, resp
        self._cookies: Mapping[str, str] = req.cookies
        self._proof, self._new_proof = sessions.proof_of(self._cookies)
        self._request_id = f"req-{uuid.uuid4()}"
        self._caller: Caller | None = None
        self._cursor = ""

    def answer(self, page: Page, path: Mapping[str, str]) -> int:
        """Answer with the page; gives the status."""
        try:
            require_our_name(self._req, local_only=self._door.local_only)
            outcome = self._view(page, path)
        except Unauthenticated as error:
            outcome = self._ask_to_sign_in(error)
        except WherryError as error:
            outcome = self._refused(error)
        except Exception:
            log.exception("%s: %s %s failed", self._request_id, self._req.method, self._req.path)
            outcome = self._broken()
        return self._send(outcome)

    def refuse(self, error: WherryError) -> int:
        """Answer with a page that says what is wrong; gives the status."""
        return self._send(self._refused(error))

    def _view(self, page: Page, path: Mapping[str, str]) -> Outcome:
        form = self._form() if page.method == "POST" else {}
        if page.is_open:
            caller, view = Caller(role="user", name="anybody"), page.view
        else:
            caller = self._caller = self._door.identify(sessions.header_of(self._cookies))
            view = view_for(page, caller)
            if page.is_followed:
                # Taken before the page looks: what changes while it does is told to it again.
                self._cursor = read_changes(self._door.engine, caller, None).cursor
        return view(
            Visit(
                engine=self._door.engine,
                identify=self._door.identify,
                caller=caller,
                path=path,
                query={name: _as_tuple(said) for name, said in self._req.params.items()},
                form=form,
                proof=self._proof,
                known=self._req.get_header("If-None-Match"),
                streams=self._door.streams,
                room=self._door.room,
                metrics=self._door.metrics,
                last_event=self._req.get_header("Last-Event-ID"),
            )
        )

    def _form(self) -> Mapping[str, str]:
        """Read a form, after making sure that a page of ours sent it."""
        req = self._req
        sessions.require_our_origin(
            req.get_header("Origin"), req.get_header("Sec-Fetch-Site"), req.netloc
        )
        if (req.content_type or "").partition(";")[0].strip().lower() != FORM:
            raise errors.UnsupportedMediaType(f"a form comes as {FORM}")
        if (req.content_length or 0) > MAX_FORM:
            raise errors.BodyTooLarge(f"a form has at most {MAX_FORM} bytes")
        raw = req.bounded_stream.read(MAX_FORM + 1)
        try:
            said = dict(parse_qsl(raw.decode(), keep_blank_values=True, errors="strict"))
        except ValueError as error:
            raise InvalidRequest(f"the form cannot be read: {error}") from None
        sessions.require_proof(self._cookies, said)
        return {name: value for name, value in said.items() if name != "proof"}

    def _ask_to_sign_in(self, error: Unauthenticated) -> Outcome:
        if self._req.method != "GET" or self._req.get_header("HX-Request"):
            return self._refused(error)
        wanted = self._req.relative_uri
        return Moved(here("sign-in", next=None if wanted == "/ui/" else wanted))

    def _refused(self, error: WherryError) -> Shown:
        self._door.metrics.count_refusal(error.code)
        status = errors.status_of(type(error))
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("%s: %s", self._request_id, error)
        told = errors.tell_error(error, caller=self._caller, request_id=self._request_id)
        return self._trouble(status, told)

    def _broken(self) -> Shown:
        return self._trouble(500, errors.tell_internal_error(self._request_id))

    def _trouble(self, status: int, told: ErrorDetail) -> Shown:
        values = {"status": status, "title": TITLES.get(status, "That did not work"), "error": told}
        return Shown(template="trouble.html", values=values, status=status)

    def _send(self, outcome: Outcome) -> int:
        resp = self._resp
        for name, value in {**HEADERS, "X-Request-Id": self._request_id}.items():
            resp.set_header(name, value)
        if self._new_proof is not None:
            self._set_cookie(self._new_proof)
        match outcome:
            case Moved():
                resp.status = 303
                resp.set_header("Location", outcome.to)
                for cookie in outcome.cookies:
                    self._set_cookie(cookie)
                return 303
            case Shown():
                self._send_page(outcome)
            case Sent():
                self._send_bytes(outcome)
        return outcome.status

    def _send_page(self, page: Shown) -> None:
        values = {
            "now": self._door.engine.clock(),
            "cursor": self._cursor,
            "nav": NAVIGATION if self._caller is not None and self._caller.sees_all else FOR_USERS,
            "link_here": self._req.relative_uri,
            "proof": self._proof,
            "caller": self._caller,
            "can_sign_out": sessions.TOKEN in self._cookies,
            "at": self._req.path,
            **page.values,
        }
        self._resp.status = page.status
        self._resp.content_type = "text/html; charset=utf-8"
        self._resp.data = self._pack(render(page.template, values))

    def _send_bytes(self, sent: Sent) -> None:
        self._resp.status = sent.status
        self._resp.content_type = sent.content_type
        for name, value in sent.headers.items():
            self._resp.set_header(name, value)
        if sent.stream is not None:
            self._resp.stream = sent.stream
        elif sent.status != HTTPStatus.NOT_MODIFIED:
            self._resp.data = self._pack(sent.body)

    def _pack(self, body: bytes) -> bytes:
        """Compress an answer where the browser takes it and it is worth it."""
        self._resp.append_header("Vary", "Accept-Encoding")
        if len(body) < WORTH_PACKING or "gzip" not in self._req.get_header(
            "Accept-Encoding", default=""
        ):
            return body
        self._resp.set_header("Content-Encoding", "gzip")
        # Fast rather than small: most of what is to be had comes with the first level.
        return gzip.compress(body, compresslevel=1, mtime=0)

    def _set_cookie(self, cookie: Cookie) -> None:
        self._resp.set_cookie(
            cookie.name,
            cookie.value or "",
            max_age=cookie.keep_s if cookie.value else 0,
            path="/ui",
            secure=self._req.forwarded_scheme == "https",
            http_only=True,
            same_site=cookie.same_site,
        )


def view_for(page: Page, caller: Caller) -> View:
    """Choose what of a page this caller sees.

    Raises:
        NotAllowed: nothing of it.
    """
    view = page.view if caller.sees_all else page.user_view
    if view is None or (page.roles is not None and caller.role not in page.roles):
        raise NotAllowed(f"this page is not for role {caller.role}")
    return view


def _on_http_error(
    door: WebDoor, req: falcon.Request, resp: falcon.Response, error: falcon.HTTPError
) -> None:
    """Answer what the framework refuses by itself, as a page."""
    turn = _Turn(door, req, resp)
    if isinstance(error, falcon.HTTPMethodNotAllowed):
        turn.refuse(errors.MethodNotAllowed(f"{req.path} does not take {req.method}"))
    elif isinstance(error, falcon.HTTPNotFound):
        turn.refuse(errors.NoSuchPath(f"there is no page {req.path}"))
    else:
        turn.refuse(InvalidRequest(error.description or error.title or str(error.status)))


def _as_tuple(said: object) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list) else (str(said),)
