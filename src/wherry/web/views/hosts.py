"""One host: its providers, what was read of its devices, what they give and who holds it."""

from typing import get_args

import msgspec

from wherry.app import hosts
from wherry.app.offers import list_offers
from wherry.model.errors import InvalidRequest, NotFound
from wherry.model.inventory import HostState
from wherry.model.wire import HostPatch
from wherry.web.facts import groups_of_host
from wherry.web.provider_tree import beside, plant
from wherry.web.rendering import here
from wherry.web.visits import Moved, Page, Shown, Visit

STATES: tuple[HostState, ...] = get_args(HostState)
MEANING = {
    "enabled": "It takes guests.",
    "disabled": "It is no target; what runs stays.",
    "maintenance": "It is no target while it is worked on; what runs stays.",
}


def show_host(visit: Visit) -> Shown:
    """Show a host."""
    name = visit.path["name"]
    detail = hosts.get_host(visit.engine, name)
    report = hosts.get_report(visit.engine, name)
    try:
        offers = list_offers(visit.engine, name).offers
    except NotFound:  # it went between the two questions
        offers = ()
    refs = " ".join(f"provider:{p.plan.uuid} use:{p.plan.uuid}" for p in detail.providers)
    return Shown(
        template="host.html",
        values={
            "host": detail.host,
            "last_seen": detail.last_seen,
            "guests": detail.guests,
            "roots": plant(detail, report.facts, offers),
            "beside": beside(detail, report.facts),
            "facts": groups_of_host(report.facts.host),
            "differences": report.facts.differences,
            "live": f"host:{name} {refs}",
            "states": [(state, MEANING[state]) for state in STATES],
            "may_set": visit.caller.role == "admin",
        },
    )


def set_label(visit: Visit) -> Moved:
    """Set a label of a host, change it, or take it away."""
    name = visit.form.get("label", "").strip()
    takes = visit.form.get("deed") == "take"
    value = None if takes else visit.form.get("value")
    if value is None and not takes:
        raise InvalidRequest(f"the form says no value for label {name!r}: open the page again")
    said = {"labels": {name: value}}
    try:
        patch = msgspec.convert(said, HostPatch)
    except msgspec.ValidationError:
        raise InvalidRequest(
            f"no label {name!r} was set: a name begins with a letter or a digit, goes on with "
            "those or with _ . / -, and has at most 63 characters; a value has at most 255"
        ) from None
    hosts.patch_host(visit.engine, visit.path["name"], patch)
    return Moved(here("hosts", visit.path["name"]))


def set_state(visit: Visit) -> Moved:
    """Set the state of a host."""
    said = visit.form.get("state", "")
    found = next((state for state in STATES if state == said), None)
    if found is None:
        raise InvalidRequest(f"a host is {', '.join(STATES[:-1])} or {STATES[-1]}, not {said!r}")
    hosts.patch_host(visit.engine, visit.path["name"], HostPatch(state=found))
    return Moved(here("hosts", visit.path["name"]))


PAGES = (
    Page(path="/ui/hosts/{name}", view=show_host),
    Page(
        method="POST",
        path="/ui/hosts/{name}/state",
        view=set_state,
        roles=frozenset({"admin"}),
    ),
    Page(
        method="POST",
        path="/ui/hosts/{name}/labels",
        view=set_label,
        roles=frozenset({"admin"}),
    ),
)
