"""Ways in which a request could be met now."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from wherry.app.engine import Engine
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.candidates.search import Candidate, search
from wherry.schedule.candidates.summaries import ProviderSummary, summarize


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Candidates, and the providers around them."""

    candidates: tuple[Candidate, ...]
    summaries: Mapping[str, ProviderSummary]


def find_candidates(engine: Engine, request: CandidatesRequest, *, deadline_s: float) -> Found:
    """Find the ways to meet a request, at most as many as its limit.

    Args:
        deadline_s: seconds after which the search stops.

    Raises:
        BadQuery: the request names a class or trait that does not exist.
        DeadlineExceeded: the search did not end in time; it has stopped.
    """
    end = time.monotonic() + deadline_s
    world = engine.placement.view()
    found = tuple(search(world, request, expired=lambda: time.monotonic() > end))
    return Found(candidates=found, summaries=summarize(world, request, found))
