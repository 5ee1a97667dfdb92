"""Ways in which a request could be met now."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace

from wherry.app.engine import Engine
from wherry.inventory.views import can_take
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.find import find_kept
from wherry.schedule.search.found import Found
from wherry.schedule.search.together import cut, keep_together


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
    start = secrets.randbelow(max(columns.trees, 1))

    def search(asked: CandidatesRequest) -> Found:
        return find_kept(
            columns,
            asked,
            start=start,
            expired=lambda: time.monotonic() > end,
            memory=placement.searches,
        )

    found = search(request)
    if not found.count:
        return found
    kept = keep_together(found, lambda uuid, amounts: _can_take(engine, uuid, amounts))
    if request.limit is None or kept.count == found.count:
        return kept
    # Others may stand behind those that are left out.
    every = keep_together(
        search(replace(request, limit=None)),
        lambda uuid, amounts: _can_take(engine, uuid, amounts),
    )
    return cut(every, request.limit)


def _can_take(engine: Engine, uuid: str, amounts: Mapping[str, int]) -> bool:
    """Ask a provider of a host whether it can give all this at once; of others nobody knows."""
    view = engine.view()
    host = view.get(engine.fleet.home_of(uuid) or "")
    provider = None if host is None else host.find_provider(uuid)
    if provider is None:
        return True
    return can_take(provider.record.plan, provider.record.use, amounts)
