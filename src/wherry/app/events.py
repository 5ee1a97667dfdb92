"""What changes, told to those who watch: live pages, and programs that follow the fleet.

A watcher is told which objects changed, not how they are now; it asks for those that it
shows.  Being told of one change twice, or of many as one, does no harm.

Source: design, sections 6 and 10; docs/explanation/change-feed.md.
"""

import time

from wherry.app.engine import Engine
from wherry.model.caller import Caller
from wherry.model.errors import InvalidRequest
from wherry.model.wire import ChangedObject, ChangeList
from wherry.store.feed import Event, is_ahead, is_cursor, read_events
from wherry.store.guests import read_tenants
from wherry.store.transaction import Tx

LOOK_EVERY_S = 1.0
"""Between two looks at the feed for one watcher: what another process writes is told by then."""


def read_changes(engine: Engine, caller: Caller, after: str | None) -> ChangeList:
    """Tell what changed since a cursor; without one, only where to begin.

    Raises:
        InvalidRequest: the cursor is none of this service.
    """
    if after is not None and not is_cursor(engine.store.dialect, after):
        message = "this is no cursor of this service: take the one that the last answer gave"
        raise InvalidRequest(message, path="$.after")

    def read(tx: Tx) -> ChangeList:
        cursor, events = read_events(tx, after)
        if events is None or (after is not None and is_ahead(tx.dialect, after, cursor)):
            return ChangeList(cursor=cursor, changes=(), reload=True)
        return ChangeList(cursor=cursor, changes=_shown(tx, caller, events), reload=False)

    return engine.store.read(read)


def wait_for_changes(
    engine: Engine, caller: Caller, after: str | None, wait_s: float
) -> ChangeList:
    """Tell what changed since a cursor as soon as there is something; nothing after the wait.

    Raises:
        InvalidRequest: the cursor is none of this service.
    """
    until = time.monotonic() + wait_s
    rings = engine.moved.rings
    told = read_changes(engine, caller, after)
    while not (told.changes or told.reload) and (left := until - time.monotonic()) > 0:
        engine.moved.wait(rings, min(left, LOOK_EVERY_S))
        if engine.closing:
            break
        rings = engine.moved.rings
        told = read_changes(engine, caller, told.cursor)
    return told


def _shown(tx: Tx, caller: Caller, events: tuple[Event, ...]) -> tuple[ChangedObject, ...]:
    """Show a user the guests of its own project alone."""
    if not caller.sees_all:
        tenants = read_tenants(tx, [event.ref for event in events if event.kind == "guest"])
        events = tuple(e for e in events if tenants.get(e.ref) == caller.project)
    return tuple(ChangedObject(kind=e.kind, ref=e.ref, generation=e.generation) for e in events)
