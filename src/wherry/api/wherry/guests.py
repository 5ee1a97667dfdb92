"""Calls on guests: what they hold, and where they can go."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from wherry.api import views
from wherry.api.call import Call
from wherry.api.routes import Everybody, Query, Route
from wherry.api.wherry import examples
from wherry.app import guests, queries, targets
from wherry.model import errors
from wherry.model.checks import Policy, UserView
from wherry.model.facts import HostName, Uuid
from wherry.model.guests import Guest, GuestRequest, Tenant
from wherry.model.queries import QueryAnswer, QueryRequest
from wherry.model.targets import TargetsAnswer, TargetsRequest
from wherry.model.wire import (
    GuestList,
    PageLimit,
    PlugRequest,
    RebootAnswer,
    RebootRequest,
    UnplugRequest,
    UserGuest,
    UserGuestList,
)

POLICY_OF_QUERY = ("mode", "accept", "replug", "postcopy", "allow_untracked_dma")
"""What of a policy a compiled query can hold; all else is asked by the exact stage."""
Accepted = Annotated[str, Meta(pattern=r"^(ok|warn|unknown)(,(ok|warn|unknown))*\Z")]
Slots = Annotated[str, Meta(pattern=r"^[^,]+(,[^,]+)*\Z", max_length=4000)]
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Aggregates = Annotated[str, Meta(pattern=rf"^{_UUID}(,{_UUID})*\Z", max_length=4000)]
GuestMode = Literal["live", "suspend", "cold"]
Limit = Annotated[int, Meta(ge=1)]

CLAIM_ERRORS = (
    errors.CapacityExceeded,
    errors.UnitsNotTaken,
    errors.SlotTaken,
    errors.ExclusiveConflict,
    errors.NoPlace,
    errors.FactsChanged,
    errors.ConsumerChanged,
)


def put_guest(call: Call) -> Guest:
    """Record a guest, allocating what its slots need."""
    guest = guests.put_guest(call.engine, call.path["uuid"], call.body)
    call.metrics.count("wherry_claims_total")
    return guest


def list_guests(call: Call) -> GuestList | UserGuestList:
    """List guests; a user's own project's only."""
    if call.caller.sees_all:
        return guests.list_guests(call.engine, **call.query)
    views.require_plain_list(call.caller, call.query)
    asked = {**call.query, "tenant": call.caller.project}
    return views.guests_for_user(guests.list_guests(call.engine, **asked))


def get_guest(call: Call) -> Guest | UserGuest:
    """Show a guest."""
    guest = views.own_guest(guests.get_guest(call.engine, call.path["uuid"]), call.caller)
    return guest if call.caller.sees_all else views.guest_for_user(guest)


def delete_guest(call: Call) -> None:
    """Forget a guest and free all it held."""
    guests.delete_guest(call.engine, call.path["uuid"])


def reboot(call: Call) -> RebootAnswer:
    """Pin the contracts anew."""
    return guests.reboot(call.engine, call.path["uuid"], call.body)


def plug(call: Call) -> Guest:
    """Add a device to a running guest."""
    guest = guests.plug(call.engine, call.path["uuid"], call.body)
    call.metrics.count("wherry_claims_total")
    return guest


def unplug(call: Call) -> Guest:
    """Take a device from a running guest."""
    return guests.unplug(call.engine, call.path["uuid"], call.body.slot)


def find_targets(call: Call) -> TargetsAnswer | UserView:
    """Find where a guest can go."""
    uuid, asked = call.path["uuid"], call.body
    if not call.caller.sees_all:
        views.require_plain_question(call.caller, asked)
        views.own_guest(guests.get_guest(call.engine, uuid), call.caller)
    answer = targets.find(call.engine, uuid, asked)
    return answer if call.caller.sees_all else views.targets_for_user(answer)


def query(call: Call) -> QueryAnswer:
    """Compile a guest to a question for Placement."""
    asked = QueryRequest(policy=_policy(call.query), **_restrictions(call.query))
    return queries.compile_query(call.engine, call.path["uuid"], asked)


def _policy(said: Mapping[str, Any]) -> Policy:
    fields = dict(said)
    for name in ("accept", "replug"):
        if name in fields:
            fields[name] = tuple(dict.fromkeys(fields[name].split(",")))
    return Policy(**{name: fields[name] for name in POLICY_OF_QUERY if name in fields})


def _restrictions(said: Mapping[str, Any]) -> dict[str, Any]:
    found = {"limit": said["limit"]} if "limit" in said else {}
    if "member_of" in said:
        found["member_of"] = tuple(said["member_of"].split(","))
    return found


ROUTES = (
    Route(
        method="PUT",
        path="/wherry/guests/{uuid}",
        handler=put_guest,
        tag="Guests",
        summary="Record a guest",
        description="Allocates what the slots need unless the guest holds it already, and pins a "
        "contract for each slot. All of it, or nothing.",
        body=GuestRequest,
        answer=Guest,
        errors=(errors.NotFound, *CLAIM_ERRORS),
        example=examples.GUEST,
    ),
    Route(
        method="GET",
        path="/wherry/guests",
        handler=list_guests,
        tag="Guests",
        summary="List guests",
        roles=Everybody,
        query=(
            Query(name="host", type=HostName, help="only those on this host"),
            Query(name="tenant", type=Tenant, help="only those of this project"),
            Query(name="limit", type=PageLimit, help="how many at most; left out: all"),
            Query(name="marker", type=Uuid, help="those after this uuid, the last of a page"),
        ),
        answer=GuestList,
        user_answer=UserGuestList,
    ),
    Route(
        method="GET",
        path="/wherry/guests/{uuid}",
        handler=get_guest,
        tag="Guests",
        summary="Show a guest",
        roles=Everybody,
        answer=Guest,
        user_answer=UserGuest,
        errors=(errors.NotFound,),
    ),
    Route(
        method="DELETE",
        path="/wherry/guests/{uuid}",
        handler=delete_guest,
        tag="Guests",
        summary="Forget a guest",
        description="Frees all it held; refused while a migration holds it.",
        errors=(errors.NotFound, errors.AlreadyExists),
    ),
    Route(
        method="POST",
        path="/wherry/guests/{uuid}/reboot",
        handler=reboot,
        tag="Guests",
        summary="Tell that a guest has rebooted",
        description="Contracts are pinned anew from the present provider's offers, but for those "
        "marked `keep`. With `preview` nothing is done: the answer says what a reboot would do.",
        body=RebootRequest,
        answer=RebootAnswer,
        errors=(errors.NotFound, errors.AlreadyExists),
        example=examples.REBOOT,
    ),
    Route(
        method="POST",
        path="/wherry/guests/{uuid}/plug",
        handler=plug,
        tag="Guests",
        summary="Plug a device into a running guest",
        body=PlugRequest,
        answer=Guest,
        errors=(errors.NotFound, errors.AlreadyExists, *CLAIM_ERRORS),
        example=examples.PLUG,
    ),
    Route(
        method="POST",
        path="/wherry/guests/{uuid}/unplug",
        handler=unplug,
        tag="Guests",
        summary="Unplug a device from a running guest",
        body=UnplugRequest,
        answer=Guest,
        errors=(errors.NotFound, errors.AlreadyExists),
        example=examples.UNPLUG,
    ),
    Route(
        method="POST",
        path="/wherry/guests/{uuid}/targets",
        handler=find_targets,
        tag="Guests",
        summary="Find where a guest can go, and why not elsewhere",
        description="Ranked targets with the joint mapping and what the claim would set; for those "
        "refused, counts by reason, and every reason of every host with `explain`. Project users "
        "learn ok or no, and the families of the reasons.",
        roles=Everybody,
        body=TargetsRequest,
        answer=TargetsAnswer,
        user_answer=UserView,
        errors=(errors.NotFound,),
        example=examples.TARGETS,
        example_answer=examples.TARGETS_ANSWER,
    ),
    Route(
        method="GET",
        path="/wherry/guests/{uuid}/query",
        handler=query,
        tag="Guests",
        summary="Compile a guest to a question for Placement",
        description="For schedulers that speak only Placement: the call of "
        "`GET /allocation_candidates` whose candidates are on the hosts that could take the guest, "
        "its parts in words, and what is left to judge of each host that it finds. Without such a "
        "call, `why` says all that stands in the way.",
        query=(
            Query(name="mode", type=GuestMode, help="how the guest moves; left out: live"),
            Query(name="accept", type=Accepted, help="verdicts that are taken, with commas"),
            Query(name="replug", type=Slots, help="slots that are replugged, with commas"),
            Query(name="postcopy", type=bool, help="whether post-copy is asked for"),
            Query(
                name="allow_untracked_dma",
                type=bool,
                help="whether a source without dirty tracking is taken, with a warning",
            ),
            Query(
                name="member_of",
                type=Aggregates,
                help="aggregates of which hosts must be in one, with commas",
            ),
            Query(name="limit", type=Limit, help="most candidates; left out: all"),
        ),
        answer=QueryAnswer,
        errors=(errors.NotFound,),
        example_answer=examples.QUERY_ANSWER,
    ),
)
