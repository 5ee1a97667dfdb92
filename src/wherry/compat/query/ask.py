"""What a contract asks of an offer's marks: one request group for one device.

Source: docs/reference/compat.md, section 13.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from wherry.compat.verdicts import is_accepted, verdict_in
from wherry.model.checks import Policy
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


def ask(
    contract: Contract,
    policy: Policy,
    known: Vocabulary,
    *,
    mode: Mode | None = None,
    among_several: bool = False,
) -> Group | None:
    """Compile a contract; None where no offer at all would be accepted.

    Args:
        mode: of this device; None: that of the policy.
        among_several: whether the guest moves more than one vfio device (R61).
    """
    mode = policy.mode if mode is None else mode
    if not _may_move(contract, policy, mode, among_several=among_several):
        return None
    if mode == "replug":
        return Group(required=frozenset({REPLUG}))
    key = key_of(contract)
    required: set[Mark] = {("type", key), ("mode", key, mode)}
    any_of = list(_model(contract, key))
    if "unknown" in policy.accept:
        return Group(required=frozenset(required), any_of=tuple(any_of))
    required.add(("units", key, units_mark(contract)))
    resources = units_of(contract) or {WHOLE_DEVICE: 1}
    if mode == "cold":
        return Group(resources=resources, required=frozenset(required), any_of=tuple(any_of))
    required.add(("support", key))
    if among_several:
        required.add(("p2p", key))
    required.update(("feature", key, name) for name in contract.features or ())
    any_of += _versions(contract, key, policy, known)
    any_of += (params.ask(key, n, v, known) for n, v in (contract.params or {}).items())
    if not all(any_of):
        return None
    return Group(
        resources=resources,
        required=frozenset(required),
        any_of=tuple(any_of),
        forbidden=frozenset(_forbidden(contract, key, known)),
    )


def _may_move(contract: Contract, policy: Policy, mode: Mode, *, among_several: bool) -> bool:
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
    return is_accepted(verdict_in(findings, mode), policy)


def _model(contract: Contract, key: Key) -> Iterator[frozenset[Mark]]:
    if contract.model is not UNSET:
        yield frozenset({("model", key, contract.model), ("model", key, None)})


def _versions(
    contract: Contract, key: Key, policy: Policy, known: Vocabulary
) -> Iterator[frozenset[Mark]]:
    opaque = "warn" in policy.accept
    interface = ContractInterface() if contract.interface is UNSET else contract.interface
    state = ContractState() if contract.state is UNSET else contract.state
    yield versions.ask("interface", key, interface.policy, interface.version, known, opaque=opaque)
    yield versions.ask("state", key, state.policy, state.emits, known, opaque=opaque)


def _forbidden(contract: Contract, key: Key, known: Vocabulary) -> Iterator[Mark]:
    for name in known.names("stuck", key) - {*(contract.features or ())}:
        yield ("stuck", key, name)
    for name in known.names("fixed", key) - (contract.params or {}).keys():
        yield ("fixed", key, name)
