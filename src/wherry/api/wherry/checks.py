"""The check: may this guest's device go on living there?"""

from msgspec import UNSET, UnsetType

from wherry.api import views
from wherry.api.call import Call, Response
from wherry.api.routes import Everybody, Route
from wherry.api.wherry import examples
from wherry.app import checks
from wherry.model import errors
from wherry.model.checks import (
    CheckResponse,
    GuestCheckRequest,
    GuestResponse,
    LintRequest,
    LintResponse,
    Policy,
    UserView,
)
from wherry.model.device import Contract, Offer, Record


class PairRequest(Record, frozen=True, kw_only=True):
    """A contract against an offer, as it travels; null where nothing is recorded.

    A record of another version of the format is answered as unknown, not refused.
    """

    contract: Contract | None
    offer: Offer | None
    source_offer: Offer | UnsetType = UNSET
    policy: Policy = Policy()


def check(call: Call) -> Response:
    """Check what the body holds; the keys tell the kind."""
    if call.caller.sees_all:
        return Response(body=checks.check(call.engine, call.body))
    views.require_stateless_check(call.caller, call.body)
    return Response(body=views.check_for_user(checks.check(call.engine, call.body)))


ROUTES = (
    Route(
        method="POST",
        path="/wherry/check",
        handler=check,
        tag="Guests",
        summary="Check a contract against an offer, or a guest against a host",
        description="The keys tell the kind: `contract` and `offer`; `guest` and `target`; "
        "`before` and `after` (lints). With a guest's uuid and a host's name, the stored ones are "
        "taken.",
        roles=Everybody,
        body=bytes,
        body_shown=(PairRequest, GuestCheckRequest, LintRequest),
        answer=bytes,
        answer_shown=(CheckResponse, GuestResponse, LintResponse),
        user_answer=UserView,
        errors=(errors.NotFound,),
        example=examples.CHECK,
        example_answer=examples.CHECK_ANSWER,
    ),
)
