"""The history of a migration as a story: each line a sentence with time, who, what and why.

tell(migration) -> tuple[str, ...]
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import UNSET

from wherry.model.checks import Reason
from wherry.model.migrations import Migration, Step
from wherry.schedule.reasons import explain

_SERVICE: Final = "Wherry"


def tell(migration: Migration) -> tuple[str, ...]:
    """Tell what has happened, a sentence a step, the oldest first."""
    return tuple(_sentences(migration))


def _sentences(migration: Migration) -> Iterator[str]:
    target = migration.target
    for step in migration.history:
        tell_step = _WORDS.get(step.event, _other)
        yield f"{step.at} {tell_step(migration, step, target)}{_why(step)}."
        if step.event != "pass over":
            target = step.host or target


def _claim(migration: Migration, step: Step, _before: str) -> str:
    told = (
        f"{_who(step)} claimed host {step.host} for guest {migration.guest}, "
        f"which runs on host {migration.source}"
    )
    forced = migration.forced
    if forced is UNSET:
        return told
    why = f", because {forced.why}" if forced.why else ", without giving a reason"
    taken = " and ".join(forced.accept) or "ok"
    return f"{told}, forced by {forced.by or _SERVICE} beyond what is taken ({taken}){why}"


def _confirm(migration: Migration, step: Step, _before: str) -> str:
    end = migration.source if step.by == f"agent of {migration.source}" else step.host
    rest = {
        "confirmed": "both ends have confirmed, and the move may start",
        "claimed": "the other end has not answered yet",
    }
    return f"{_who(step)} confirmed host {end}: {rest.get(step.state, step.state)}"


def _probe(migration: Migration, step: Step, _before: str) -> str:
    return f"{_who(step)} settled by a probe what nobody knew of {', '.join(migration.probing)}"


def _pass_over(_migration: Migration, step: Step, _before: str) -> str:
    return f"{_who(step)} passed over the alternate host {step.host}"


def _retry(_migration: Migration, step: Step, before: str) -> str:
    return (
        f"{_who(step)} refused host {before}; host {step.host} was claimed instead, "
        f"with token {step.token}"
    )


def _refuse(migration: Migration, step: Step, _before: str) -> str:
    host = step.host or migration.target
    return (
        f"{_who(step)} refused the move to host {host}: the place there is given back, and the "
        f"guest stays on host {migration.source}"
    )


def _renew(_migration: Migration, step: Step, _before: str) -> str:
    return f"{_who(step)} renewed the lease, with token {step.token}"


def _start(migration: Migration, step: Step, _before: str) -> str:
    return f"{_who(step)} began to move the guest from host {migration.source} to {step.host}"


def _unplug(migration: Migration, step: Step, _before: str) -> str:
    return f"{_who(step)} unplugged {step.slot} from the guest on host {migration.source}"


def _plug(migration: Migration, step: Step, _before: str) -> str:
    if step.where == "out":
        return f"{_who(step)} could not plug {step.slot}: the guest is without it"
    host = step.host if step.where == "target" else migration.source
    return f"{_who(step)} plugged {step.slot} into the guest on host {host}"


def _finish(migration: Migration, step: Step, _before: str) -> str:
    if step.state == "finished":
        return (
            f"{_who(step)} said that the guest runs on host {step.host}: "
            f"its place on host {migration.source} is free"
        )
    error = "" if migration.error is UNSET else f" ({migration.error})"
    return (
        f"{_who(step)} said that the move to host {step.host} failed{error}, after it had been "
        f"allowed with verdict {migration.answer.verdict}: the guest runs on host "
        f"{migration.source}"
    )


def _abort(migration: Migration, step: Step, _before: str) -> str:
    return (
        f"{_who(step)} gave up the move to host {step.host}: the guest stays on host "
        f"{migration.source}"
    )


def _expire(migration: Migration, step: Step, _before: str) -> str:
    return (
        f"The lease ran out before anything moved: the place on host {step.host} is given back, "
        f"and the guest stays on host {migration.source}"
    )


def _lose(migration: Migration, step: Step, _before: str) -> str:
    return (
        "The lease ran out during the move: the guest may be on either host, and both places, "
        f"on {migration.source} and on {step.host}, stay held"
    )


def _recover(migration: Migration, step: Step, _before: str) -> str:
    where = step.host if step.state == "finished" else migration.source
    return f"Reports of both hosts show that the guest runs on host {where}"


def _other(_migration: Migration, step: Step, _before: str) -> str:
    return f"{_who(step)}: {step.event}, and the migration is {step.state}"


_WORDS: Final[Mapping[str, Callable[[Migration, Step, str], str]]] = {
    "claim": _claim,
    "confirm": _confirm,
    "probe": _probe,
    "pass over": _pass_over,
    "retry": _retry,
    "refuse": _refuse,
    "renew": _renew,
    "start": _start,
    "unplug": _unplug,
    "plug": _plug,
    "finish": _finish,
    "abort": _abort,
    "expire": _expire,
    "lose": _lose,
    "recover": _recover,
}


def _who(step: Step) -> str:
    who = step.by or _SERVICE
    return f"The {who}" if who.startswith("agent of ") else who


def _why(step: Step) -> str:
    reasons = dict.fromkeys(_reason(reason) for reason in step.reasons)
    told = [*([step.note.rstrip(".")] if step.note else []), *reasons]
    return f". Why: {'; '.join(told)}" if told else ""


def _reason(reason: Reason) -> str:
    host = reason.detail.get("host")
    where = f"{host}: " if host else ""
    return f"{where}{explain(reason).rstrip('.')} [{reason.code}]"
