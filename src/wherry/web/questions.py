"""The question of where a guest can go, as an address says it, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, structs

from wherry.model.checks import Downtime, Policy
from wherry.model.errors import InvalidRequest
from wherry.model.targets import Relaxation, Remedy

Said = Mapping[str, tuple[str, ...]]


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


def said_of(policy: Policy) -> dict[str, str]:
    """Say a policy as an address does; what is as usual is left out."""
    usual, said = Policy(), dict[str, str]()
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


def relaxed(policy: Policy, remedy: Remedy) -> Policy | None:
    """Ask with a remedy; None where it is no change of the question but of hosts or guest."""
    for change in remedy.relax:
        found = _changed(policy, change)
        if found is None:
            return None
        policy = found
    return policy


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
