"""Ways in which a request could be met now."""

import secrets
import time

from wherry.app.engine import Engine
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.find import find
from wherry.schedule.search.found import Found


def find_candidates(engine: Engine, request: CandidatesRequest, *, deadline_s: float) -> Found:
    """Find the ways to meet a request, at most as many as its limit.

    Each search begins at another host, so that claims of many schedulers do not meet.

    Args:
        deadline_s: seconds after which the search stops.

    Raises:
        BadQuery: the request names a class or trait that does not exist.
        DeadlineExceeded: the search did not end in time; it has stopped.
        AnswerTooLarge: there is no limit, and more candidates than can be told.
    """
    end = time.monotonic() + deadline_s
    placement = engine.placement
    columns = placement.columns()
    return find(
        columns,
        request,
        start=secrets.randbelow(max(columns.trees, 1)),
        expired=lambda: time.monotonic() > end,
        memory=placement.searches,
    )
