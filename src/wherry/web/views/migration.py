"""One migration: what has happened, what each end holds, and what can be done now.

What can be done in a state is read from the table of transitions; each deed goes through the
same use case as the call of the API, with the token that the page was shown with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from wherry.api import counted, errors
from wherry.app import migrations
from wherry.migrate.states import has_ended, possible
from wherry.model.errors import (
    InvalidRequest,
    NotAllowed,
    NotFound,
    NotStarted,
    TokenExpired,
    WherryError,
    WrongState,
)
from wherry.model.facts import Uuid
from wherry.model.guests import Slot
from wherry.model.migrations import Migration, Step
from wherry.model.wire import AbortRequest, FinishRequest, MigrationStory, TokenRequest
from wherry.web.rendering import here
from wherry.web.timeline import draw
from wherry.web.told import say, tell_reasons, tell_row
from wherry.web.views.migrations import TIMED, outcome_of, seconds
from wherry.web.visits import Moved, Outcome, Page, Shown, View, Visit

EVENTS: Mapping[str, str] = {
    "claim": "claimed",
    "confirm": "confirmed",
    "probe": "probed",
    "pass over": "alternate passed over",
    "retry": "next alternate claimed",
    "refuse": "refused",
    "renew": "lease renewed",
    "start": "started",
    "unplug": "unplugged",
    "plug": "plugged",
    "finish": "ended",
    "abort": "aborted",
    "expire": "lease ran out",
    "lose": "lost",
    "recover": "found again",
}
ADVICE: Mapping[type[WherryError], str] = {
    WrongState: "It has moved on meanwhile: the page shows how it is now, and what can follow.",
    TokenExpired: "Somebody else has taken it over meanwhile: look at its steps, and send again "
    "what you still want.",
    NotStarted: "Nothing has moved. The steps say what became of the target.",
    NotAllowed: "Ask somebody whose role may.",
}
"""What to do about an error, where the page itself does not say."""
OTHERWISE = "Nothing was changed. Look at the page as it is now, and try again."


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a deed was not done."""

    error: WherryError
    advice: str


def show_migration(visit: Visit) -> Shown:
    """Show a migration."""
    return _page(visit)


def ask_ends(visit: Visit) -> Outcome:
    """Ask both hosts; what they answer comes to the page by itself."""
    asked = _form(visit, TokenRequest)
    return _do(visit, lambda uuid: migrations.ask_ends(visit.engine, uuid, asked.token))


def start(visit: Visit) -> Outcome:
    """Say that the move has begun."""
    asked = _form(visit, TokenRequest)
    return _do(visit, lambda uuid: migrations.start(visit.engine, uuid, asked.token, visit.caller))


def finish(visit: Visit) -> Outcome:
    """Say how the move ended."""
    asked = _form(visit, FinishRequest)
    return _do(
        visit,
        lambda uuid: counted.finish(visit.engine, visit.metrics, uuid, asked, visit.caller),
    )


def abort(visit: Visit) -> Outcome:
    """Give the target back, once it is confirmed that this is meant."""
    if visit.form.get("sure") != "yes":
        unsure = InvalidRequest("It was not confirmed that the migration shall be aborted.")
        return _page(visit, Trouble(unsure, "Tick the box beside the button, and send it again."))
    asked = _form(visit, AbortRequest)
    return _do(
        visit,
        lambda uuid: counted.abort(visit.engine, visit.metrics, uuid, asked, visit.caller),
    )


def _do(visit: Visit, deed: Callable[[str], Migration]) -> Outcome:
    """Do something and go to the page; where it is refused, the page says so."""
    uuid = _uuid(visit)
    try:
        deed(uuid)
    except NotFound:
        raise
    except WherryError as error:
        return _page(visit, Trouble(error, ADVICE.get(type(error), OTHERWISE)))
    return Moved(here("migrations", uuid))


def _form(visit: Visit, kind: Any) -> Any:
    """Read a form as the body of the call that it stands for; empty fields are left out."""
    said = {name: value for name, value in visit.form.items() if value and name != "sure"}
    try:
        return msgspec.convert(said, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the form cannot be taken: {error}") from None


def _uuid(visit: Visit) -> str:
    try:
        return msgspec.convert(visit.path["uuid"], Uuid)
    except msgspec.ValidationError:
        raise NotFound(what="migration", name=visit.path["uuid"]) from None


def _page(visit: Visit, trouble: Trouble | None = None) -> Shown:
    uuid = _uuid(visit)
    found = migrations.get_story(visit.engine, uuid)
    values = {
        "m": found,
        "is_over": has_ended(found.state),
        "link_here": here("migrations", uuid),
        "trouble": trouble,
        "reasons": tell_reasons(_reasons(trouble)),
        "deeds": deeds_of(found),
        "waits_until": _waits_until(found),
        "silent": [_host(found, side) for side in ("source", "target") if _is_silent(found, side)],
        "lease_until": found.lease_until if found.state in TIMED else None,
        "outcome": outcome_of(found),
        "line": _line(found, visit.engine.clock()),
        "steps": _steps(found),
        "ends": _ends(found),
        "verdict": tell_reasons(found.answer.reasons),
        "rows": [tell_row(row) for row in found.answer.mapping],
        "story": [sentence.partition(" ") for sentence in found.story],
        "error": None if found.error is UNSET else found.error,
        "forced": None if found.forced is UNSET else found.forced,
    }
    status = 200 if trouble is None else errors.status_of(type(trouble.error))
    return Shown(template="migration.html", values=values, status=status)


def _reasons(trouble: Trouble | None) -> Any:
    return trouble.error.reasons if trouble and isinstance(trouble.error, NotStarted) else ()


def deeds_of(migration: Migration) -> frozenset[str]:
    """Name what the holder of the token can do now."""
    open_now = {"start", "finish", "abort"} & possible(migration.state)
    is_asked = migration.preflight_until is not UNSET
    asks = "confirm" in possible(migration.state, "agent") and not is_asked
    return frozenset(open_now | ({"preflight"} if asks else set()))


def _waits_until(migration: Migration) -> float | None:
    until = migration.preflight_until
    return until if migration.state == "claimed" and until is not UNSET else None


def _is_silent(migration: Migration, side: Any) -> bool:
    return _waits_until(migration) is not None and side not in migration.confirmed


def _host(migration: Migration, side: str) -> str:
    return migration.source if side == "source" else migration.target


def _line(migration: Migration, now: float) -> Any:
    steps = [(seconds(step.at), step.state) for step in migration.history]
    return draw(steps, steps[-1][0] if has_ended(migration.state) else now)


def _steps(migration: Migration) -> list[dict[str, Any]]:
    first = before = seconds(migration.history[0].at)
    token = 0
    told: list[dict[str, Any]] = []
    for step in migration.history:
        at = seconds(step.at)
        told.append(
            {
                "at": step.at,
                "after": at - before if told else None,
                "since": at - first,
                "event": EVENTS.get(step.event, step.event),
                "state": step.state,
                "host": step.host,
                "by": step.by or "Wherry itself",
                "device": _device(step),
                "note": step.note,
                "token": step.token if step.token != token else None,
                "reasons": tell_reasons(step.reasons),
                "is_probe": step.event == "probe",
                "is_claim": step.event == "claim",
            }
        )
        before, token = at, step.token
    return told


def _device(step: Step) -> str:
    if not step.slot:
        return ""
    where = {"out": "out of the guest", "source": "on the source", "target": "on the target"}
    return f"{step.slot}, now {where[step.where]}" if step.where else step.slot


def _ends(migration: MigrationStory) -> list[dict[str, Any]]:
    is_over = has_ended(migration.state)
    is_there = migration.state == "finished"
    return [
        {
            "side": "source",
            "host": migration.source,
            "holds": _holds("the migration", is_over, not is_there),
            "slots": _slots(migration.source_slots),
            "resources": migration.source_host_resources,
        },
        {
            "side": "target",
            "host": migration.target,
            "holds": _holds("the guest", is_over, is_there),
            "slots": _slots(migration.target_slots),
            "resources": migration.source_host_resources,
        },
    ]


def _holds(who: str, is_over: bool, is_kept: bool) -> str:
    if not is_over:
        return f"held by {who}"
    return "the guest is here" if is_kept else "given back"


def _slots(slots: Mapping[str, Slot]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "type": slot.type,
            "provider": slot.provider,
            "device": say(slot.device) if slot.device is not UNSET else "",
            "version": _version(slot),
            "features": say(slot.contract.features),
        }
        for name, slot in sorted(slots.items())
    ]


def _version(slot: Slot) -> str:
    interface = slot.contract.interface
    return say(UNSET if interface is UNSET else interface.version)


def go_back(visit: Visit) -> Moved:
    """Go to the migration's page, from the address that a deed was sent to."""
    return Moved(here("migrations", _uuid(visit)))


DEEDS: Mapping[str, View] = {
    "preflight": ask_ends,
    "start": start,
    "finish": finish,
    "abort": abort,
}
PAGES = (
    Page(path="/ui/migrations/{uuid}", view=show_migration),
    *(Page(path=f"/ui/migrations/{{uuid}}/{deed}", view=go_back) for deed in DEEDS),
    *(
        Page(method="POST", path=f"/ui/migrations/{{uuid}}/{deed}", view=view)
        for deed, view in DEEDS.items()
    ),
)
