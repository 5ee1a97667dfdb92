"""All migrations: those that hold something, then those that have ended."""

from datetime import datetime
from typing import Any, get_args

import msgspec
from msgspec import UNSET

from wherry.app.migrations import list_migrations
from wherry.migrate.states import has_ended
from wherry.model.errors import InvalidRequest
from wherry.model.facts import HostName, Uuid
from wherry.model.inventory import Value
from wherry.model.migrations import Migration, State, States
from wherry.schedule.reasons import explain
from wherry.web.rendering import here
from wherry.web.visits import Page, Shown, Visit

RUNNING_SHOWN = 200
"""Migrations that hold something, shown at once."""
PAGE = 50
"""Past ones on one page."""
TIMED = frozenset({"claimed", "confirmed", "started"})
"""States whose lease runs."""


class Asked(Value, frozen=True, kw_only=True):
    """What the address asks for."""

    guest: Uuid | None = None
    host: HostName | None = None
    state: States | None = None
    marker: Uuid | None = None


def show_migrations(visit: Visit) -> Shown:
    """Show what runs, then a page of what has ended."""
    said = {name: value for name in ("state", "guest", "host") if (value := visit.asked(name))}
    values: dict[str, Any] = {
        "said": said,
        "states": get_args(State),
        "running": [],
        "past": [],
        "more": False,
        "older": None,
        "latest": None,
        "trouble": "",
    }
    try:
        asked = _asked(said, visit.asked("marker"))
    except InvalidRequest as error:
        return Shown(
            template="migrations.html", values={**values, "trouble": str(error)}, status=400
        )
    return Shown(template="migrations.html", values={**values, **_rows(visit, asked, said)})


def _asked(said: dict[str, str], marker: str) -> Asked:
    try:
        return msgspec.convert({**said, **({"marker": marker} if marker else {})}, Asked)
    except msgspec.ValidationError as error:
        message = f"The address asks for what there cannot be: {error}"
        raise InvalidRequest(message) from None


def _rows(visit: Visit, asked: Asked, said: dict[str, str]) -> dict[str, Any]:
    now = visit.engine.clock()

    def some(states: States, limit: int, marker: str | None) -> tuple[list[Any], str | None]:
        found = list_migrations(
            visit.engine,
            guest=asked.guest,
            host=asked.host,
            state=states,
            limit=limit,
            marker=marker,
        )
        return [line_of(each, now) for each in found.migrations], found.next

    state = asked.state
    wants_running = asked.marker is None and (state is None or not _is_past(state))
    wants_past = state is None or _is_past(state)
    running, more = some(state or "running", RUNNING_SHOWN, None) if wants_running else ([], None)
    past, older = some(state or "ended", PAGE, asked.marker) if wants_past else ([], None)
    return {
        "running": running,
        "more": more is not None,
        "past": past,
        "older": here("migrations", marker=older, **said) if older else None,
        "latest": here("migrations", **said) if asked.marker else None,
    }


def _is_past(state: States) -> bool:
    return state == "ended" or (state != "running" and has_ended(state))


def line_of(migration: Migration, now: float) -> dict[str, Any]:
    """Give a migration's line."""
    began = seconds(migration.history[0].at)
    is_over = has_ended(migration.state)
    return {
        "uuid": migration.uuid,
        "guest": migration.guest,
        "source": migration.source,
        "target": migration.target,
        "state": migration.state,
        "began": migration.history[0].at,
        "since": None if is_over else began,
        "took": (seconds(migration.history[-1].at) if is_over else now) - began,
        "lease_until": migration.lease_until if migration.state in TIMED else None,
        "outcome": outcome_of(migration),
    }


def outcome_of(migration: Migration) -> str:
    """Say in a few words what came of it, or what it waits for."""
    last = migration.history[-1]
    match migration.state:
        case "claimed":
            asked = migration.preflight_until is not UNSET
            return "waits for both hosts to confirm" if asked else "both ends are held"
        case "confirmed":
            return "both hosts have confirmed"
        case "started":
            return "the guest is moving"
        case "lost":
            return "the lease ran out during the move: somebody must tell where the guest runs"
        case "finished":
            return f"runs on {migration.target}"
        case "expired":
            return f"the lease ran out; stays on {migration.source}"
        case "refused":
            more = len(last.reasons) - 1
            why = explain(last.reasons[0]) if last.reasons else last.note
            return f"{why} And {more} more." if more > 0 else why
        case "aborted":
            error = "" if migration.error is UNSET else migration.error
            why = error or last.note
            stays = f"stays on {migration.source}"
            return f"{stays}: {why}" if why else stays


def seconds(at: str) -> float:
    """Read a time of a history, as seconds since the epoch."""
    return datetime.fromisoformat(at).timestamp()


PAGES = (Page(path="/ui/migrations", view=show_migrations),)
