"""The whole answer to a request for candidates."""

from wherry.api.placement.ready.requests import render_requests
from wherry.api.placement.ready.summaries import TreeBytes, render_summaries
from wherry.schedule.candidates.request import AnswerForm
from wherry.schedule.search.found import Found


def render_answer(found: Found, form: AnswerForm, kept: TreeBytes) -> bytes:
    """Render candidates and the providers around them as JSON.

    Args:
        kept: where the bytes of trees are kept.
    """
    return b"".join(
        (
            b'{"allocation_requests":[',
            *render_requests(found, form),
            b'],"provider_summaries":{',
            *render_summaries(found, form, kept),
            b"}}",
        )
    )
