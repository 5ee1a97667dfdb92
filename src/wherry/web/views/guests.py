"""Guests: a list, one with its contracts, where it can go, and why not elsewhere."""

from typing import Any

import msgspec

from wherry.api import views
from wherry.app import guests, targets
from wherry.model.checks import MappingRow, Reason
from wherry.model.errors import InvalidRequest
from wherry.model.facts import Uuid
from wherry.model.targets import Refusal, TargetsRequest
from wherry.schedule.reasons import meaning_of, rule_of
from wherry.web.questions import asked_of, relaxed, said_of
from wherry.web.rendering import here
from wherry.web.told import tell_reason
from wherry.web.visits import Page, Shown, Visit

PAGE = 100
"""Guests on one page."""
REFUSED = 20
"""Refused hosts on one page."""
MANY = 500
"""Hosts from which on targets are asked for again by hand alone."""
FAMILIES = {
    "type": "no host offers devices of its types",
    "interface": "hosts have such devices, and those do not fit what the guest was given",
    "feature": "features or amounts that the guest was given are missing",
    "capacity": "there is no room",
    "host": "hosts cannot take it, or its devices cannot be moved",
}


def show_guests(visit: Visit) -> Shown:
    """List guests, by uuid."""
    said = {name: value for name in ("host", "tenant") if (value := visit.asked(name))}
    found = guests.list_guests(
        visit.engine,
        host=said.get("host"),
        tenant=said.get("tenant"),
        limit=PAGE + 1,
        marker=_marker(visit),
    ).guests
    next_ = here("guests", marker=found[PAGE - 1].uuid, **said) if len(found) > PAGE else None
    values = {"guests": found[:PAGE], "said": said, "next": next_, "first": here("guests", **said)}
    return Shown(template="guests.html", values={**values, "marker": visit.asked("marker")})


def show_own_guests(visit: Visit) -> Shown:
    """List the guests of the visitor's project."""
    project = visit.caller.project
    found = guests.list_guests(visit.engine, tenant=project, limit=PAGE + 1, marker=_marker(visit))
    told = views.guests_for_user(found).guests
    next_ = here("guests", marker=told[PAGE - 1].uuid) if len(told) > PAGE else None
    return Shown(template="user/guests.html", values={"guests": told[:PAGE], "next": next_})


def show_guest(visit: Visit) -> Shown:
    """Show a guest, and where it can go."""
    uuid = visit.path["uuid"]
    guest = guests.get_guest(visit.engine, uuid)
    question = asked_of(visit.query)
    policy, member_of = question
    request = TargetsRequest(policy=policy, member_of=member_of)
    answer = targets.find(visit.engine, uuid, request)
    said = said_of(question)
    return Shown(
        template="guest.html",
        values={
            "guest": guest,
            "policy": policy,
            "said": said,
            "answer": answer,
            "counts": [
                (meaning_of(code), code, rule_of(code), hosts)
                for code, hosts in answer.refused.by_reason.items()
            ],
            "reasons_of": told,
            "is_many": answer.total + answer.refused.count > MANY,
            "refused_at": here("guests", uuid, "refused", **said),
            "remedies_at": here("guests", uuid, "remedies", **said),
        },
    )


def show_remedies(visit: Visit) -> Shown:
    """Show what would open hosts: asked by the guest's page once that is there, as it takes longer.

    Where nothing is remembered of the guest's contract it takes six times what targets take.
    """
    uuid, question = visit.path["uuid"], asked_of(visit.query)
    policy, member_of = question
    asked = TargetsRequest(policy=policy, member_of=member_of, remedies=True, limit=1)
    found = targets.find(visit.engine, uuid, asked).refused
    values = {
        "uuid": uuid,
        "back": here("guests", uuid, **said_of(question)),
        "count": found.count,
        "remedies": [
            (remedy, None if other is None else here("guests", uuid, **said_of(other)))
            for remedy in found.remedies or ()
            for other in (relaxed(question, remedy),)
        ],
    }
    return Shown(template="remedies.html", values=values)


def show_own_guest(visit: Visit) -> Shown:
    """Show a guest of the visitor's project, and whether it can move."""
    uuid = visit.path["uuid"]
    guest = views.own_guest(guests.get_guest(visit.engine, uuid), visit.caller)
    can_move = views.targets_for_user(targets.find(visit.engine, uuid, TargetsRequest()))
    values = {"guest": views.guest_for_user(guest), "can_move": can_move, "families": FAMILIES}
    return Shown(template="user/guest.html", values=values)


def show_refused(visit: Visit) -> Shown:
    """Show why hosts refuse a guest, so many at once."""
    uuid, question = visit.path["uuid"], asked_of(visit.query)
    asked = TargetsRequest(
        policy=question.policy,
        member_of=question.member_of,
        explain=True,
        limit=1,
        explain_limit=REFUSED + 1,
        explain_marker=visit.asked("marker") or msgspec.UNSET,
    )
    answer = targets.find(visit.engine, uuid, asked)
    hosts = answer.refused.hosts or ()
    said = said_of(question)
    next_ = None
    if len(hosts) > REFUSED:
        next_ = here("guests", uuid, "refused", marker=hosts[REFUSED - 1].host, **said)
    values: dict[str, Any] = {
        "uuid": uuid,
        "back": here("guests", uuid, **said),
        "count": answer.refused.count,
        "hosts": [(each, told_of(each)) for each in hosts[:REFUSED]],
        "next": next_,
    }
    return Shown(template="refused.html", values=values)


def told_of(refusal: Refusal) -> list[dict[str, Any]]:
    """Tell all reasons of a host, its own first, then by slot."""
    return [*told(refusal.reasons), *(each for row in refusal.mapping for each in told_row(row))]


def told_row(row: MappingRow) -> list[dict[str, Any]]:
    """Tell the reasons of one slot."""
    return told(row.reasons, row.slot)


def told(reasons: tuple[Reason, ...], slot: str = "") -> list[dict[str, Any]]:
    """Tell reasons: sentence, severity, and wanted and offered side by side."""
    return [tell_reason(each, slot) for each in reasons]


def _marker(visit: Visit) -> str | None:
    said = visit.asked("marker")
    try:
        return msgspec.convert(said, Uuid) if said else None
    except msgspec.ValidationError:
        raise InvalidRequest("the address names no guest to go on after") from None


PAGES = (
    Page(path="/ui/guests", view=show_guests, user_view=show_own_guests),
    Page(path="/ui/guests/{uuid}", view=show_guest, user_view=show_own_guest),
    Page(path="/ui/guests/{uuid}/refused", view=show_refused),
    Page(path="/ui/guests/{uuid}/remedies", view=show_remedies, is_followed=False),
)
