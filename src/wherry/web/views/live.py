"""What changes, for pages that stay open: a stream, and the same by asking again.

A page is told which objects changed, never what they are: it asks for its own parts again,
and so shows nothing that its visitor may not see.
"""

import msgspec

from wherry.api.wherry.events import Stream, first_told
from wherry.app import events
from wherry.web.visits import Page, Sent, Visit

WAIT_S = 20.0
"""How long a page without a stream waits for an answer."""
_HEADERS = {"X-Accel-Buffering": "no"}


def stream(visit: Visit) -> Sent:
    """Stream what changes."""
    leave = visit.streams.enter()
    try:
        told = first_told(
            visit.engine, visit.caller, visit.asked("after") or None, visit.last_event
        )
    except BaseException:
        leave()
        raise
    stream = Stream(visit.engine, visit.caller, told, leave)
    return Sent(content_type="text/event-stream", stream=stream, headers=_HEADERS)


def tell(visit: Visit) -> Sent:
    """Tell what changed since a cursor, as soon as there is something."""
    after = visit.asked("after") or None
    if after is None:
        told = events.read_changes(visit.engine, visit.caller, None)
    else:
        with visit.room.place():
            told = events.wait_for_changes(visit.engine, visit.caller, after, WAIT_S)
    return Sent(body=msgspec.json.encode(told))


PAGES = (
    Page(path="/ui/events", view=stream, user_view=stream, is_followed=False),
    Page(path="/ui/changes", view=tell, user_view=tell, is_followed=False),
)
