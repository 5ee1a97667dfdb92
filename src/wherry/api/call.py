"""A call as handlers see it: no framework, no bytes that were not looked at.

A handler takes a `Call` and gives a value of the wire, or a `Response` where it needs a
status or a header of its own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wherry.api.metrics import Metrics
from wherry.api.waiting import WaitingRoom
from wherry.model.caller import Caller

if TYPE_CHECKING:
    from wherry.app.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: who asks, what for, with which body.

    Attributes:
        engine: what use cases work on.
        caller: who asks; the door has made sure of it.
        path: the parts of the path by name, each validated.
        query: the parameters of the query by name, each validated; those that were left
            out are not in it.
        body: decoded to the route's type; bytes where the route takes them as they are.
        room: where an agent that waits for work takes a place.
        preflights: where a request that waits for both agents takes a place; a room of its
            own, since no pre-flight would come through where agents fill the other.
        streams: where a watcher of events takes a place.
        metrics: what is counted.
        last_event: the header ``Last-Event-ID`` of a watcher that comes again; None: it is new.
    """

    engine: "Engine"
    caller: Caller
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    room: WaitingRoom
    preflights: WaitingRoom
    streams: WaitingRoom
    metrics: Metrics
    last_event: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that is more than a value: status, headers, or bytes that stand already.

    Attributes:
        stream: in place of the body, pieces that are sent as they come; closed at the end.
    """

    body: bytes = b""
    stream: Iterable[bytes] | None = None
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Any]
