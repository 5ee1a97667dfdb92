"""The call of first placement: where could a new guest go?"""

from typing import Final

from msgspec import UNSET

from wherry.api.call import Call
from wherry.api.routes import Route
from wherry.api.wherry import examples
from wherry.app.first.place import place
from wherry.model import errors
from wherry.model.candidates import CandidatesAnswer, CandidatesAsked

SEARCH_S: Final = 30.0


def find_candidates(call: Call) -> CandidatesAnswer:
    """Find where a new guest could go, and take the best place if asked to."""
    asked: CandidatesAsked = call.body
    answer = place(call.engine, asked, deadline_s=SEARCH_S)
    if asked.claim is not UNSET:
        call.metrics.count("wherry_claims_total")
    return answer


ROUTES = (
    Route(
        method="POST",
        path="/wherry/candidates",
        handler=find_candidates,
        tag="First placement",
        summary="Find where a new guest could go, and take the best place if asked to",
        description="Resources, traits, devices by name, or a flavor as it stands. Ranked "
        "candidates with what goes where; where there is none, or with `explain`, how many hosts "
        "each reason stands in the way of. With `claim` the best candidate that is still free is "
        "taken, and the same consumer again gets what it holds.",
        body=CandidatesAsked,
        answer=CandidatesAnswer,
        errors=(
            errors.NotFound,
            errors.AlreadyExists,
            errors.NoTarget,
            errors.DeadlineExceeded,
        ),
        example=examples.CANDIDATES,
        example_answer=examples.CANDIDATES_ANSWER,
    ),
)
