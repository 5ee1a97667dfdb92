"""What a contract asks of an offer's marks: one request group for one device.

Source: docs/reference/compat.md, section 13.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from msgspec import UNSET

from wherry.compat.pair import Pair
from wherry.compat.quantity import WHOLE_DEVICE, units_of
from wherry.compat.query import params, versions
from wherry.compat.query.marks import REPLUG, Key, key_of, units_mark
from wherry.compat.query.vocabulary import Mark, Vocabulary
from wherry.compat.rules import (
    ability,
    blockers,
    dirty_tracking,
    features,
    modes,
    peer_to_peer,
)
from wherry.compat.verdicts import is_accepted, reasons_in, verdict_in
from wherry.model.checks import Policy, Reason
from wherry.model.device import (
    SCHEMA,
    Contract,
    ContractInterface,
    ContractState,
    Feature,
    Migration,
    Mode,
    Offer,
)

_WILLING: Final = Migration(
    support="yes",
    flags=("stop_copy", "p2p", "pre_copy"),
    modes=("live", "suspend", "cold", "replug"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What one provider must have to serve one device."""

    resources: Mapping[str, int] = field(default_factory=dict)
    """Class to units; empty where that is left to the exact stage."""
    required: frozenset[Mark] = frozenset()
    any_of: tuple[frozenset[Mark], ...] = ()
    """Of each set at least one."""
    forbidden: frozenset[Mark] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Why no offer of the fleet would be accepted."""

    reasons: tuple[Reason, ...] = ()
    """What the contract alone is refused for."""
    missing: frozenset[Mark] = frozenset()
    """Marks that an offer must have, and none has."""
    unmet: tuple[str, ...] = ()
    """What no offer has a fitting value of: ``model``, ``interface``, ``state``, ``param NAME``."""


def ask(
    contract: Contract,
    policy: Policy,
    known: Vocabulary,
    *,
    mode: Mode | None = None,
    among_several: bool = False,
) -> Group | Nothing:
    """Compile a contract, or say why no offer at all would be accepted.

    Every mark that the answer names is one that the fleet publishes.

    Args:
        mode: of this device; None: that of the policy.
        among_several: whether the guest moves more than one vfio device (R61).
    """
    mode = policy.mode if mode is None else mode
    reasons = _refused(contract, policy, mode, among_several=among_several)
    if reasons:
        return Nothing(reasons=reasons)
    if mode == "replug":
        return _settle(Group(required=frozenset({REPLUG})), {}, known)
    key = key_of(contract)
    required: set[Mark] = {("type", key), ("mode", key, mode)}
    any_of = dict(_model(contract, key))
    if "unknown" in policy.accept:
        return _settle(Group(required=frozenset(required)), any_of, known)
    required.add(("units", key, units_mark(contract)))
    resources = units_of(contract) or {WHOLE_DEVICE: 1}
    if mode == "cold":
        return _settle(Group(resources=resources, required=frozenset(required)), any_of, known)
    required.add(("support", key))
    if among_several:
        required.add(("p2p", key))
    required.update(("feature", key, name) for name in contract.features or ())
    any_of |= _versions(contract, key, policy, known)
    for name, value in (contract.params or {}).items():
        any_of[f"param {name}"] = params.ask(key, name, value, known)
    group = Group(
        resources=resources,
        required=frozenset(required),
        forbidden=frozenset(_forbidden(contract, key, known)),
    )
    return _settle(group, any_of, known)


def _settle(
    group: Group, any_of: Mapping[str, frozenset[Mark]], known: Vocabulary
) -> Group | Nothing:
    """Leave out what nobody publishes, where something else would do as well."""
    missing = group.required - known.marks
    sets = {what: marks & known.marks for what, marks in any_of.items()}
    unmet = tuple(what for what, marks in sets.items() if not marks)
    if missing or unmet:
        return Nothing(missing=missing, unmet=unmet)
    return replace(group, any_of=tuple(sets.values()))


def _refused(
    contract: Contract, policy: Policy, mode: Mode, *, among_several: bool
) -> tuple[Reason, ...]:
    """Ask the rules that look at the guest's side, beside an offer that would do anything."""
    willing = Offer(
        schema=SCHEMA,
        record="offer",
        provider=contract.consumer,
        generation=0,
        kind=contract.kind,
        device_api=contract.device_api,
        device_class="network",
        type=contract.type,
        features={name: Feature() for name in contract.features or ()},
        migration=_WILLING,
    )
    pair = Pair(contract, willing, policy)
    rules = [ability, dirty_tracking, blockers, features, modes]
    rules += [peer_to_peer] if among_several else []
    findings = [finding for rule in rules for finding in rule.check(pair)]
    if is_accepted(verdict_in(findings, mode), policy):
        return ()
    return reasons_in(findings, mode)


def _model(contract: Contract, key: Key) -> Iterator[tuple[str, frozenset[Mark]]]:
    if contract.model is not UNSET:
        yield "model", frozenset({("model", key, contract.model), ("model", key, None)})


def _versions(
    contract: Contract, key: Key, policy: Policy, known: Vocabulary
) -> dict[str, frozenset[Mark]]:
    opaque = "warn" in policy.accept
    interface = ContractInterface() if contract.interface is UNSET else contract.interface
    state = ContractState() if contract.state is UNSET else contract.state
    ours, theirs = interface.version, state.emits
    return {
        "interface": versions.ask("interface", key, interface.policy, ours, known, opaque=opaque),
        "state": versions.ask("state", key, state.policy, theirs, known, opaque=opaque),
    }


def _forbidden(contract: Contract, key: Key, known: Vocabulary) -> Iterator[Mark]:
    for name in known.names("stuck", key) - {*(contract.features or ())}:
        yield ("stuck", key, name)
    for name in known.names("fixed", key) - (contract.params or {}).keys():
        yield ("fixed", key, name)
