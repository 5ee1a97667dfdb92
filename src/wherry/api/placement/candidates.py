"""``/allocation_candidates``."""

from functools import lru_cache

from wherry.api.placement.calls import Answer, Ask
from wherry.api.placement.ready.answer import render_answer
from wherry.app.placement.candidates import find_candidates
from wherry.schedule.candidates.query import parse_candidates_query

_parse = lru_cache(maxsize=1024)(parse_candidates_query)
"""Schedulers ask for the same flavors again and again."""


def get_candidates(ask: Ask) -> Answer:
    """Find the ways to meet a request."""
    request = _parse(tuple(ask.query), ask.microversion)
    found = find_candidates(ask.engine, request, deadline_s=ask.search_s)
    return Answer(
        body=render_answer(found, request.form, ask.summaries),
        what="candidates",
        modified=ask.now(),
    )
