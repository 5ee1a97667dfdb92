"""The whole guest: all its devices and its host, for one target host.

Each mode is evaluated anew, with its own best mapping, the reasons of the host, and in mode
live the downtime of all devices together.

Source: docs/reference/compat.md, section 10.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.judgement import Asked, Judgement, judge, provider_findings
from wherry.compat.mapping import REFUSED, World, best_mapping, world_of
from wherry.compat.rules import downtime, gates, host_facts, joint
from wherry.compat.table import Finding
from wherry.compat.verdicts import is_accepted, reasons_in, verdict_in, worst
from wherry.model.checks import (
    GuestResponse,
    HostFacts,
    MappingRow,
    Needs,
    Policy,
    Verdict,
)
from wherry.model.device import Contract, Mode, Offer

GUEST_MODES: Final[tuple[Mode, ...]] = ("live", "suspend", "cold")
NO_OFFER: Final = Judgement((gates.NO_OFFER,), is_gated=True)
_WEIGHT: Final = {"ok": 0, "warn": 1, "unknown": 2, "no": 3}

PairJudge = Callable[[int, int], Judgement]
"""Gives the judgement of a contract with an offer, by their indices, for all modes at once."""


def check_guest(
    contracts: Sequence[Contract],
    needs: Needs,
    offers: Sequence[Offer],
    host: HostFacts,
    policy: Policy,
) -> GuestResponse:
    """Compare all devices of a guest with all offers of a host, and the host with its needs."""
    asked = asked_of(contracts, policy)
    policy = pair_policy(policy)

    def pair(contract: int, offer: int) -> Judgement:
        ours, theirs = contracts[contract], offers[offer]
        return complete_pair(judge(ours, theirs, policy, asked[contract]), ours, theirs, policy)

    return judge_guest(contracts, offers, host_facts.check(needs, host), policy, pair=pair)


def pair_policy(policy: Policy) -> Policy:
    """Give the policy as a pair within a guest is checked by it."""
    if policy.offer_generation is UNSET and policy.guest_address is UNSET:
        return policy
    return replace(policy, offer_generation=UNSET, guest_address=UNSET)


def asked_of(contracts: Sequence[Contract], policy: Policy) -> tuple[Asked, ...]:
    """Tell what is asked of each contract's pairs: its address, and peer-to-peer (R61)."""
    moved = [is_vfio(c) and c.slot not in policy.replug for c in contracts]
    several = sum(moved) > 1
    return tuple(
        Asked(
            guest_address=policy.guest_addresses.get(contract.slot, UNSET),
            with_downtime=False,
            with_peer_to_peer=several and is_moved,
        )
        for contract, is_moved in zip(contracts, moved, strict=True)
    )


def is_vfio(contract: Contract) -> bool:
    """Tell whether the device is handed to the guest through vfio."""
    return contract.device_api.startswith("vfio-")


def complete_pair(
    judgement: Judgement, contract: Contract, offer: Offer, policy: Policy
) -> Judgement:
    """Add what the provider's own numbers say (R51, R52) to the judgement of a shape."""
    if judgement.is_gated:
        return judgement
    return judgement.plus(provider_findings(contract, offer, policy))


def judge_guest(
    contracts: Sequence[Contract],
    offers: Sequence[Offer],
    host: Sequence[Finding],
    policy: Policy,
    *,
    pair: PairJudge,
) -> GuestResponse:
    """Answer for a guest from ready judgements of its pairs.

    Args:
        contracts: the guest's devices, in order.
        offers: the host's offers, in order.
        host: what `host_facts.check` found on the host.
        policy: what the caller wants.
        pair: judgement of contract and offer, as `complete_pair` gives it.
    """
    table = [[pair(i, j) for j in range(len(offers))] for i in range(len(contracts))]
    guest = _Guest(contracts, table, world_of(contracts, offers), host, policy, {})
    answers = {mode: _in_mode(mode, guest) for mode in GUEST_MODES}
    chosen = answers[policy.mode]
    return GuestResponse(
        verdict=chosen.verdict,
        accepted=is_accepted(chosen.verdict, policy),
        modes={mode: answer.verdict for mode, answer in answers.items()},
        reasons=reasons_in(chosen.findings, policy.mode),
        downtime_ms=chosen.downtime_ms,
        mapping=tuple(
            _row(contract.slot, *chosen.rows[i], table[i]) for i, contract in enumerate(contracts)
        ),
    )


class _Guest(NamedTuple):
    """What stays the same in all modes."""

    contracts: Sequence[Contract]
    table: Sequence[Sequence[Judgement]]
    """Of each contract with each offer."""
    world: World
    host: Sequence[Finding]
    policy: Policy
    mappings: dict[tuple[tuple[int, ...], ...], tuple[int, ...] | None]
    """By the weights of all pairs: modes in which these are equal have the same mapping."""


class _Answer(NamedTuple):
    """What came out in one mode."""

    verdict: Verdict
    findings: list[Finding]
    downtime_ms: int | None
    rows: list[tuple[Mode, int | None]]
    """Own mode and offer of each slot."""


def own_mode(slot: str, mode: Mode, policy: Policy) -> Mode:
    """Tell how one device of a guest is moved in a mode of the guest (R53)."""
    return "replug" if slot in policy.replug and mode != "cold" else mode


def _in_mode(mode: Mode, guest: _Guest) -> _Answer:
    contracts, table, _, host, policy, _ = guest
    own = [own_mode(contract.slot, mode, policy) for contract in contracts]
    weights = [
        [_WEIGHT[judgement.verdicts[own[i]]] for judgement in row] for i, row in enumerate(table)
    ]
    best = _best_mapping(guest, weights)
    offers = [_least(row) for row in weights] if best is None else list(best)
    estimate: int | None = None
    findings = [*host, *joint.check(_in_the_way(contracts, weights), mapped=best is not None)]
    if best is not None and mode == "live":
        estimate = _sum([table[i][j].downtime_ms for i, j in enumerate(best) if own[i] == "live"])
        findings += downtime.check(estimate, policy)
    pairs = ["no" if j is None else table[i][j].verdicts[own[i]] for i, j in enumerate(offers)]
    verdict = worst([verdict_in(findings, mode), *pairs])
    return _Answer(verdict, findings, estimate, list(zip(own, offers, strict=True)))


def _best_mapping(guest: _Guest, weights: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    key = tuple(map(tuple, weights))
    if key not in guest.mappings:
        guest.mappings[key] = best_mapping(guest.world, weights)
    return guest.mappings[key]


def _in_the_way(contracts: Sequence[Contract], weights: Sequence[Sequence[int]]) -> list[str]:
    """Slots that are refused by every offer; all slots if there is none such."""
    slots = [
        contract.slot
        for contract, row in zip(contracts, weights, strict=True)
        if all(weight == REFUSED for weight in row)
    ]
    return slots or [contract.slot for contract in contracts]


def _least(row: Sequence[int]) -> int | None:
    """The offer that is least severe for a slot alone, the first of equals."""
    return row.index(min(row)) if row else None


def _sum(estimates: Sequence[int | None]) -> int | None:
    known = [estimate for estimate in estimates if estimate is not None]
    return sum(known) if len(known) == len(estimates) else None


def _row(slot: str, mode: Mode, offer: int | None, judgements: Sequence[Judgement]) -> MappingRow:
    judgement = NO_OFFER if offer is None else judgements[offer]
    return MappingRow(
        slot=slot,
        offer=offer,
        mode=mode,
        verdict=judgement.verdicts[mode],
        reasons=reasons_in(judgement.findings, mode),
        configure=judgement.configure(mode),
    )
