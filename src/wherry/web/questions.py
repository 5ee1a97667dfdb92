"""The question of where a guest can go, as an address says it, and back."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, structs

from wherry.model.bounds import MembersOf
from wherry.model.checks import Downtime, Policy
from wherry.model.errors import InvalidRequest
from wherry.model.targets import Relaxation, Remedy

Said = Mapping[str, tuple[str, ...]]


class Asked(NamedTuple):
    """What is asked of the hosts that a guest could go to."""

    policy: Policy = Policy()
    member_of: tuple[str, ...] = ()


def policy_of(said: Said) -> Policy:
    """Read a policy; what is left out is as the API has it.

    Raises:
        InvalidRequest: the address says what there cannot be.
    """
    fields: dict[str, Any] = {}
    if mode := said.get("mode", ("",))[-1]:
        fields["mode"] = mode
    for name in ("accept", "replug"):
        parts = [part for each in said.get(name, ()) for part in each.split(",") if part]
        if parts:
            fields[name] = tuple(dict.fromkeys(parts))
    for name in ("postcopy", "allow_untracked_dma"):
        if said.get(name, ("",))[-1] == "yes":
            fields[name] = True
    if budget := said.get("budget_ms", ("",))[-1]:
        if not budget.isdecimal():
            raise InvalidRequest("a downtime is a whole number of milliseconds")
        fields["downtime"] = {"budget_ms": int(budget)}
    try:
        return msgspec.convert(fields, Policy)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"the address asks for what there cannot be: {error}") from None


def member_of_of(said: Said) -> tuple[str, ...]:
    """Read which aggregates hosts are to be in, blanks between.

    Raises:
        InvalidRequest: an entry is none.
    """
    parts = tuple(part for each in said.get("member_of", ()) for part in each.split())
    try:
        return msgspec.convert(parts, MembersOf)
    except msgspec.ValidationError:
        message = "aggregates are up to 16 entries with blanks between: UUID, or in:UUID,UUID for "
        raise InvalidRequest(f"{message}one of several; with ! before it, none of them") from None


def asked_of(said: Said) -> Asked:
    """Read the whole question; as `policy_of` and `member_of_of`."""
    return Asked(policy_of(said), member_of_of(said))


def said_of(asked: Asked) -> dict[str, str]:
    """Say a question as an address does; what is as usual is left out."""
    policy, usual, said = asked.policy, Policy(), dict[str, str]()
    if asked.member_of:
        said["member_of"] = " ".join(asked.member_of)
    if policy.mode != usual.mode:
        said["mode"] = policy.mode
    if policy.accept != usual.accept:
        said["accept"] = ",".join(policy.accept)
    if policy.replug:
        said["replug"] = ",".join(policy.replug)
    said |= {n: "yes" for n in ("postcopy", "allow_untracked_dma") if getattr(policy, n)}
    if isinstance(policy.downtime, Downtime):
        said["budget_ms"] = str(policy.downtime.budget_ms)
    return said


def relaxed(asked: Asked, remedy: Remedy) -> Asked | None:
    """Ask with a remedy; None where it is no change of the question but of hosts or guest."""
    policy, member_of = asked
    for change in remedy.relax:
        if change.what == "member_of":
            member_of = tuple(each for each in member_of if each != change.value)
            continue
        found = _changed(policy, change)
        if found is None:
            return None
        policy = found
    return Asked(policy, member_of)


def _changed(policy: Policy, change: Relaxation) -> Policy | None:
    value: Any = change.value
    match change.what:
        case "accept":
            return structs.replace(policy, accept=tuple(dict.fromkeys((*policy.accept, value))))
        case "mode":
            return structs.replace(policy, mode=value)
        case "downtime":
            return structs.replace(policy, downtime=UNSET)
        case "untracked_dma":
            return structs.replace(policy, allow_untracked_dma=True)
        case "postcopy":
            return structs.replace(policy, postcopy=False)
        case "replug":
            return structs.replace(policy, replug=(*policy.replug, value))
        case _:
            return None
