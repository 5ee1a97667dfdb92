"""A visit to a page, and what a view gives for it: no framework, nothing that was not looked at."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from wherry.api.auth import Identify
from wherry.api.metrics import Metrics
from wherry.api.waiting import WaitingRoom
from wherry.model.caller import Caller, Role
from wherry.web.sessions import Cookie

if TYPE_CHECKING:
    from wherry.app.engine import Engine

Method = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of a browser.

    Attributes:
        caller: who asks; the door has made sure of it.
        identify: how the door makes sure of it, for those who sign in.
        path: the parts of the path by name.
        query: the parameters of the query by name, each as often as it was said.
        form: the fields of a form that was sent, without its proof of origin.
        proof: what a form of the page must bring along, so that no other site can send it.
        known: the header ``If-None-Match``: what the browser holds already.
        streams: where a watcher of events takes a place.
        room: where one that waits for changes without a stream does.
        metrics: what is counted.
        last_event: the header ``Last-Event-ID`` of a watcher that comes again.
    """

    engine: "Engine"
    caller: Caller
    identify: Identify
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    proof: str = ""
    known: str | None = None
    streams: WaitingRoom
    room: WaitingRoom
    metrics: Metrics
    last_event: str | None = None

    def asked(self, name: str) -> str:
        """Give a parameter of the query that stands once; empty where it was left out."""
        return self.query.get(name, ("",))[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page, or a part of one: a template and its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Bytes that stand already."""

    body: bytes = b""
    stream: Iterable[bytes] | None = None
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moved:
    """Go on at another page of ours; by GET, so that reloading it sends nothing twice."""

    to: str
    cookies: tuple[Cookie, ...] = ()


Outcome = Shown | Sent | Moved
View = Callable[[Visit], Outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, part of a page, or deed.

    Attributes:
        view: what administrators and services see.
        user_view: what a project user sees instead; None: it is not for users.
        roles: who may send it; left out: whoever it has a view for.
        is_open: nobody is asked who they are.
        is_followed: it is a page that goes on to follow what changes, from before it looked.
    """

    method: Method = "GET"
    path: str
    view: View
    user_view: View | None = None
    roles: frozenset[Role] | None = None
    is_open: bool = False
    is_followed: bool = True
