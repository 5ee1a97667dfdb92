"""Calls of those who watch: a stream of events, and the same by long-polling.

Source: design, section 10; WHATWG HTML, "Server-sent events".
"""

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from wherry.api.call import Call, Response
from wherry.api.errors import Busy
from wherry.api.routes import Everybody, Query, Route
from wherry.api.wherry import examples
from wherry.app import events
from wherry.app.engine import Engine
from wherry.model.caller import Caller
from wherry.model.errors import InvalidRequest
from wherry.model.wire import ChangedObject, ChangeList, Cursor, WaitS

AGAIN_MS = 2000
"""How soon a browser whose stream broke asks again."""
SIGN_EVERY_S = 3.0
"""A stream that has nothing to tell shows that often that it is there, and notices then that its
watcher has gone."""
MOST = 500
"""Changes in one event; more are told in several."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def get_changes(call: Call) -> ChangeList:
    """Tell what changed, or wait for it."""
    after, wait_s = call.query.get("after"), call.query.get("wait", 0)
    if not wait_s:
        return events.read_changes(call.engine, call.caller, after)
    with call.room.place():
        return events.wait_for_changes(call.engine, call.caller, after, wait_s)


def get_events(call: Call) -> Response:
    """Tell what changes as it does."""
    leave = call.streams.enter()
    try:
        told = first_told(call.engine, call.caller, call.query.get("after"), call.last_event)
    except BaseException:
        leave()
        raise
    stream = Stream(call.engine, call.caller, told, leave)
    return Response(content_type="text/event-stream", headers=_HEADERS, stream=stream)


def first_told(
    engine: Engine, caller: Caller, after: str | None, last_event: str | None
) -> ChangeList:
    """Tell a watcher what it has missed, or where it begins.

    Args:
        after: the cursor that it asks to begin with.
        last_event: the one that it was told last, if it comes again.

    Raises:
        InvalidRequest: *after* is no cursor of this service.
    """
    if last_event is None:
        return events.read_changes(engine, caller, after)
    try:
        return events.read_changes(engine, caller, last_event)
    except InvalidRequest:
        # A browser that was refused would not come again: it watched another database before.
        told = events.read_changes(engine, caller, None)
        return replace(told, reload=True)


class Stream:
    """What one watcher is sent, until it goes or the service stops; holds its place till then.

    Args:
        engine: what is watched.
        caller: who watches.
        told: what it is told first.
        leave: gives its place back.
    """

    def __init__(
        self, engine: Engine, caller: Caller, told: ChangeList, leave: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._caller = caller
        self._told = told
        self._leave = leave

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces; each is a whole event, or a sign of life."""
        told, shown_at = self._told, time.monotonic()
        try:
            yield f"retry: {AGAIN_MS}\n\n".encode() + render_events(told)
            while not self._engine.closing:
                wait_s = shown_at + SIGN_EVERY_S - time.monotonic()
                told = events.wait_for_changes(self._engine, self._caller, told.cursor, wait_s)
                yield render_events(told)
                shown_at = time.monotonic()
        finally:
            self._leave()

    def close(self) -> None:
        """Let the watcher go; the server calls it when a connection has ended."""
        self._leave()


def render_events(told: ChangeList) -> bytes:
    """Render what changed as server-sent events; where nothing did, as a sign of life.

    The cursor is the id of the last one: a browser that comes again goes on after it.
    """
    if told.reload:
        return _render_event("reload", told.cursor, ())
    if not told.changes:
        # An event without data moves only the id.
        return f"id: {told.cursor}\n: still here\n\n".encode()
    parts = [told.changes[at : at + MOST] for at in range(0, len(told.changes), MOST)]
    early = (_render_event("change", None, part) for part in parts[:-1])
    return b"".join([*early, _render_event("change", told.cursor, parts[-1])])


def _render_event(name: str, cursor: str | None, changes: Sequence[ChangedObject]) -> bytes:
    data = msgspec.json.encode(changes)
    place = b"" if cursor is None else f"id: {cursor}\n".encode()
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), place, data)


_AFTER = Query(name="after", type=Cursor, help="the cursor of the last answer; left out: from now")

ROUTES = (
    Route(
        method="GET",
        path="/wherry/changes",
        handler=get_changes,
        tag="Changes",
        summary="Tell what changed",
        description="A long-poll with `wait`: answers as soon as something changed, and after so "
        "many seconds with nothing. What changed is named, not shown. A project user is told of "
        "the guests of its own project.",
        roles=Everybody,
        query=(
            _AFTER,
            Query(name="wait", type=WaitS, help="seconds to wait; left out: look once"),
        ),
        answer=ChangeList,
        errors=(Busy,),
        example_answer=examples.CHANGES,
    ),
    Route(
        method="GET",
        path="/wherry/events",
        handler=get_events,
        tag="Changes",
        summary="Stream what changes",
        description="Server-sent events: `change` with a list of what `GET /wherry/changes` tells, "
        "and `reload` where anything may have changed. Its id is a cursor, so a stream that breaks "
        "goes on where it was (`Last-Event-ID`). Each process has 32 streams; beyond that 503, and "
        "`GET /wherry/changes` does the same.",
        roles=Everybody,
        query=(_AFTER,),
        answer=bytes,
        content_type="text/event-stream",
        errors=(Busy,),
    ),
)
