"""Which hosts a migration tries, in which order, and what a forced destination may pass over.

The target that was asked for comes first, or the best of the ranked ones; then the alternates,
which are named or counted.

Source: design, section 7, points 1 and 2; specification of compatibility, section 14, point 6.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.app.engine import Engine
from wherry.compat.probe import slots_called_for
from wherry.inventory.fleet import FleetView
from wherry.model.bounds import Bounds
from wherry.model.caller import Caller
from wherry.model.checks import GuestResponse, Policy
from wherry.model.errors import InvalidRequest, NotAllowed, NoTarget, NotFound
from wherry.model.guests import Guest
from wherry.model.migrations import Forced
from wherry.model.targets import Refusal, Refused, Target, TargetsRequest
from wherry.model.wire import MigrationRequest
from wherry.schedule.member_rules import check_members
from wherry.schedule.return_path import WaysBack
from wherry.schedule.targets import ask, find_targets, judge_host, make_target

PROBED = 64
"""Hosts that are looked at for what a probe may settle, where none takes the guest without."""
CANDIDATES = 8
"""Targets that one round tries, the best first, besides the alternates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a migration begins with, whichever target it gets."""

    uuid: str
    guest: Guest
    bounds: Bounds
    policy: Policy
    lease_s: int
    by: str
    alternates: int | tuple[str, ...] = 0
    forced: Forced | UnsetType = UNSET


def force_of(request: MigrationRequest, caller: Caller) -> Forced | UnsetType:
    """Say who forces a destination, and why; nothing where nobody does.

    Raises:
        InvalidRequest: no destination is named.
        NotAllowed: the caller is no administrator.
    """
    if not request.force:
        return UNSET
    if request.target is UNSET:
        message = "a destination is forced by its name: say which host"
        raise InvalidRequest(message, path="$.target")
    if caller.role != "admin":
        raise NotAllowed("only an administrator may force a destination")
    return Forced(by=caller.name, why=request.reason, accept=request.policy.accept)


def over_doubts(policy: Policy) -> Policy:
    """Take what is warned of and what is not known; a ``no`` is never taken."""
    return replace(policy, accept=("ok", "warn", "unknown"))


def names_to_try(
    engine: Engine, asked: Asked, view: FleetView, target: str | UnsetType
) -> tuple[str, ...]:
    """Name the hosts to try, in order: the target, then the alternates.

    Raises:
        NotFound: there is no such host.
        NoTarget: none was named, and none takes the guest.
    """
    said = asked.alternates
    named = said if isinstance(said, tuple) else ()
    for name in named if target is UNSET else (target, *named):
        if view.get(name) is None:
            raise NotFound(what="host", name=name)
    if target is UNSET:
        return tuple(dict.fromkeys((*_best(engine, asked, view), *named)))
    best = _best(engine, asked, view) if isinstance(said, int) and said else ()
    return tuple(dict.fromkeys((target, *named, *best)))


def find_candidates(
    engine: Engine, asked: Asked, view: FleetView, names: tuple[str, ...]
) -> Iterator[tuple[Target, GuestResponse]]:
    """Give those of the hosts that take the guest with their verdicts, in order.

    Raises:
        NoTarget: none does.
    """
    guest, refusals, any_took = asked.guest, list[Refusal](), False
    request = TargetsRequest(policy=asked.policy)
    question = ask(guest, request, engine.cache, asked.bounds)
    for name in names:
        there = view.get(name)
        if there is None:
            continue
        judged, response = judge_host(question, view.get(guest.host), there)
        if isinstance(judged, Refusal) and slots_called_for(response, asked.policy):
            judged = make_target(there, response, WaysBack(question, view.get(guest.host)))
        if isinstance(judged, Target):
            any_took = True
            yield judged, response
        else:
            refusals.append(judged)
    if not any_took and refusals:
        hosts = ", ".join(each.host for each in refusals)
        raise NoTarget(_no_takes(hosts, guest, refusals), refused=_refused(refusals))


def alternates_after(asked: Asked, rest: tuple[str, ...]) -> tuple[str, ...]:
    """Choose from the hosts that come after the one that is claimed those to try next."""
    if isinstance(asked.alternates, int):
        return rest[: asked.alternates]
    members = asked.bounds.members
    return tuple(
        name for name in rest if name in asked.alternates and not check_members(name, members)
    )


def as_asked(answer: GuestResponse, asked: Asked) -> GuestResponse:
    """Keep the verdict as it would have been without force: accepted or not."""
    if asked.forced is UNSET:
        return answer
    taken = answer.verdict == "ok" or answer.verdict in asked.forced.accept
    return replace(answer, accepted=taken)


def _best(engine: Engine, asked: Asked, view: FleetView) -> tuple[str, ...]:
    guest = asked.guest
    more = asked.alternates if isinstance(asked.alternates, int) else len(asked.alternates)
    request = TargetsRequest(policy=asked.policy, limit=CANDIDATES + more)
    found = find_targets(
        guest,
        view.get(guest.host),
        view,
        request,
        engine.cache,
        engine.ranking,
        asked.bounds,
    )
    if not found.targets and asked.policy.probe == "last_resort":
        # Nobody takes the guest by what is known: a probe may settle it for one of these.
        return tuple(host.name for host in view if host.name != guest.host)[:PROBED]
    if not found.targets:
        message = f"none of {found.refused.count} hosts takes guest {guest.uuid}"
        raise NoTarget(message, refused=found.refused)
    return tuple(target.host for target in found.targets)


def _refused(refusals: list[Refusal]) -> Refused:
    counts: Counter[str] = Counter()
    for refusal in refusals:
        rows = [reason for row in refusal.mapping for reason in row.reasons]
        counts.update({reason.code for reason in (*refusal.reasons, *rows)})
    return Refused(
        count=len(refusals), by_reason=dict(sorted(counts.items())), hosts=tuple(refusals)
    )


def _no_takes(hosts: str, guest: Guest, refusals: list[Refusal]) -> str:
    does = "host {} does" if len(refusals) == 1 else "hosts {} do"
    return f"{does.format(hosts)} not take guest {guest.uuid}"
