"""What happens to a migration, as it arrives: an event with its time, token and sender.

Source: design, section 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from msgspec import UNSET, UnsetType

from wherry.migrate.states import Case, Transition, find_transition
from wherry.model.checks import Reason
from wherry.model.errors import NotAllowed, TokenExpired, WrongState
from wherry.model.migrations import Event, JobAnswer, Migration, Side

_REPEATABLE: Final = frozenset({"start", "finish", "abort"})
_OUTCOMES: Final[Mapping[Case, str]] = {"on target": "finished", "on source": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One event; made by the holder of the token, by an agent, or by the service itself."""

    event: Event
    now: float
    """Seconds since the epoch, by the service's clock."""
    case: Case = ""
    token: int | None = None
    """None: the service itself, or an administrator who aborts."""
    side: Side | UnsetType = UNSET
    """Only with an answer to the pre-flight: which end gave it."""
    answer: JobAnswer | UnsetType = UNSET
    """That answer, without its report; kept with the migration."""
    by: str = ""
    note: str = ""
    reasons: tuple[Reason, ...] = ()
    error: str | UnsetType = UNSET
    """What the hypervisor said of a move that failed; kept beside the verdict."""
    probing: tuple[str, ...] = ()
    """Only with ``confirm``: slots whose versions nobody knows, which a probe shall settle."""
    slot: str | UnsetType = UNSET
    """Only with ``unplug`` and ``plug``: of the device."""
    lease_s: int | UnsetType = UNSET
    """Only with ``renew``: another length of the lease from now on."""


def admit(migration: Migration, signal: Signal) -> Transition:
    """Look up what a signal does, and make sure that its sender may do it.

    An expired token never wins: neither one that has moved on, nor the present one once the
    lease has run out, even before anybody has written that down.

    Raises:
        WrongState: the event is not possible from this state, or not yet.
        TokenExpired: somebody else carries the migration on.
        NotAllowed: the step needs a token and has none.
    """
    step = find_transition(migration.uuid, migration.state, signal.event, signal.case)
    if step.who == "service":
        if signal.event in {"expire", "lose"} and not has_lapsed(migration, signal.now):
            raise WrongState(migration=migration.uuid, state=migration.state, event=signal.event)
        return step
    if signal.token is None:
        if signal.event != "abort":
            message = f"{signal.event} of migration {migration.uuid} needs its token"
            raise NotAllowed(message)
        return step
    valid = migration.attempt if step.who == "agent" else migration.token
    _require_valid(migration, signal.token, valid, signal.now)
    return step


def is_repeat(migration: Migration, signal: Signal) -> bool:
    """Whether a signal has taken effect already and comes again, as after a lost answer.

    It says the same as the last step, with the token that this was taken with; an abort by an
    administrator has none.  A renewal gives a token and is never repeated: two senders who
    both believe that they hold the present token are what it is there to prevent.
    """
    if not migration.history or signal.event not in _REPEATABLE:
        return False
    last = migration.history[-1]
    if last.event != signal.event:
        return False
    match signal.event:
        case "start":
            return signal.token == last.token and not has_lapsed(migration, signal.now)
        case "abort" if signal.token is None:
            return True
        case "finish" if migration.outcome != _OUTCOMES.get(signal.case):
            return False
        case _:
            return signal.token == last.token - 1


def require_holder(migration: Migration, token: int, now: float) -> None:
    """Make sure that who sends this token carries the migration on.

    Raises:
        TokenExpired: it has moved on, or the lease has run out.
    """
    _require_valid(migration, token, migration.token, now)


def _require_valid(migration: Migration, token: int, valid: int, now: float) -> None:
    if token != valid or has_lapsed(migration, now):
        raise TokenExpired(migration=migration.uuid, token=token)


def has_lapsed(migration: Migration, now: float) -> bool:
    """Whether the lease has run out; a lost migration has none any more."""
    return migration.state != "lost" and now >= migration.lease_until


def render_time(now: float) -> str:
    """Write seconds since the epoch as the history has it: ISO 8601, UTC, milliseconds."""
    return (
        datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
