"""Claiming a target: what would be held and set, asked once more, and then done."""

from typing import Any

import msgspec

from wherry.api import counted
from wherry.api.errors import status_of, tell_error
from wherry.api.routes import Trusted
from wherry.app import guests, targets
from wherry.compat.settings import settings_of
from wherry.model.errors import InvalidRequest, WherryError
from wherry.model.facts import Uuid
from wherry.model.targets import Target, TargetsRequest
from wherry.model.wire import LONGEST_LEASE_S, MOST_ALTERNATES, MigrationRequest
from wherry.web.questions import Said, asked_of, said_of
from wherry.web.rendering import here
from wherry.web.views.guests import told, told_of, told_row
from wherry.web.visits import Moved, Outcome, Page, Shown, Visit


def confirm(visit: Visit) -> Shown:
    """Ask whether to claim: what is held on both ends, for how long, and what is set."""
    return _ask(visit, visit.asked("host"), visit.query)


def claim(visit: Visit) -> Outcome:
    """Claim, and go to the migration; sent again it is the same one."""
    said = {name: (value,) for name, value in visit.form.items()}
    host = visit.form.get("host", "")
    alternates = _number(visit, "alternates", 0, MOST_ALTERNATES)
    lease_s = _number(visit, "lease_s", 1, LONGEST_LEASE_S)
    try:
        uuid = msgspec.convert(visit.form.get("migration", ""), Uuid)
    except msgspec.ValidationError:
        raise InvalidRequest("the form names no migration: open it again") from None
    policy, member_of = asked_of(said)
    request = MigrationRequest(
        guest=visit.path["uuid"],
        target=host,
        policy=policy,
        member_of=member_of,
        alternates=alternates or 0,
        lease_s=msgspec.UNSET if lease_s is None else lease_s,
    )
    try:
        counted.begin(visit.engine, visit.metrics, uuid, request, visit.caller)
    except WherryError as error:
        visit.metrics.count_refusal(error.code)
        return _ask(visit, host, said, error)
    return Moved(here("migrations", uuid))


def _number(visit: Visit, name: str, least: int, most: int) -> int | None:
    """Read a whole number of the form; None where it is left empty."""
    said = visit.form.get(name, "")
    if not said:
        return None
    is_short = said.isascii() and said.isdecimal() and len(said) <= len(str(most))
    if not is_short or not least <= int(said) <= most:
        raise InvalidRequest(f"{name} is a whole number from {least} to {most}")
    return int(said)


def _ask(visit: Visit, host: str, query: Said, error: WherryError | None = None) -> Shown:
    uuid, question = visit.path["uuid"], asked_of(query)
    policy, member_of = question
    guest = guests.get_guest(visit.engine, uuid)
    asked = TargetsRequest(policy=policy, member_of=member_of, hosts=(host,), explain=True)
    answer = targets.find(visit.engine, uuid, asked)
    target = next(iter(answer.targets), None)
    refusal = next(iter(answer.refused.hosts or ()), None)
    status = 200
    trouble = None
    if error is not None:
        status = status_of(type(error))
        trouble = tell_error(error, caller=visit.caller, request_id="")
    values = {
        "guest": guest,
        "host": host,
        "target": target,
        "refused": told_of(refusal) if refusal is not None else [],
        "warnings": _warnings(target),
        "settings": _settings(target),
        "lease_s": query.get("lease_s", ("",))[-1] or visit.engine.settings.lease_s,
        "alternates": query.get("alternates", ("",))[-1] or "0",
        "longest_s": LONGEST_LEASE_S,
        "migration": visit.engine.new_id(),
        "most": MOST_ALTERNATES,
        "policy": policy,
        "said": said_of(question),
        "back": here("guests", uuid, **said_of(question)),
        "trouble": trouble,
    }
    return Shown(template="claim.html", values=values, status=status)


def _warnings(target: Target | None) -> list[dict[str, Any]]:
    if target is None:
        return []
    rows = [each for row in target.mapping for each in told_row(row)]
    return [each for each in (*told(target.reasons), *rows) if each["severity"] != "info"]


def _settings(target: Target | None) -> dict[str, list[str]]:
    if target is None:
        return {}
    return {row.slot: settings_of(row.configure) for row in target.mapping}


PAGES = (
    Page(path="/ui/guests/{uuid}/claim", view=confirm),
    Page(method="POST", path="/ui/guests/{uuid}/claim", view=claim, roles=Trusted),
)
