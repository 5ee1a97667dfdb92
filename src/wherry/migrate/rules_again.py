"""The rules that chose a target, asked once more on what both ends have just read.

Capacity and exclusivity are left out: the migration's own claim is what is held there, and it
holds until the migration ends.  Nothing is mapped anew either; each slot is held against the
offer that it has been given.

Source: specification of compatibility, sections 1 ("Every stage"), 10 and 17.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.guest import asked_of, pair_policy
from wherry.compat.judgement import Judgement, judge
from wherry.compat.rebase import state_of
from wherry.compat.rules import downtime, host_facts
from wherry.compat.table import Finding
from wherry.compat.verdicts import reasons_in
from wherry.inventory.host_view import HostView
from wherry.inventory.serving import find_offer
from wherry.model.checks import Configure, MappingRow, Policy, Reason
from wherry.model.device import Contract, ContractState, Offer
from wherry.model.device import Migration as Ability
from wherry.model.groups import Neighbours
from wherry.model.guests import Guest, Slot
from wherry.model.migrations import JobAnswer, Migration
from wherry.model.tenancy import Closed
from wherry.schedule.group_rules import check_groups
from wherry.schedule.host_rules import check_host
from wherry.schedule.tenant_rules import check_aggregates


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What the rules are asked on."""

    guest: Guest
    source: HostView | None
    target: HostView | None
    neighbours: Neighbours
    closed: Closed
    of_source: JobAnswer | None
    """None while that end has not answered."""
    of_target: JobAnswer | None


def ask_again(migration: Migration, asked: Again) -> tuple[Reason, ...]:
    """Give the reasons that the rules find now; those of a device name its slot."""
    policy = _policy_now(migration.policy, asked)
    rows = _rows(migration, asked)
    judged = _judge(migration, rows, policy, asked)
    found = [*_of_host(asked), *_of_downtime(rows, judged, policy)]
    return (*reasons_in(found, policy.mode), *_of_devices(rows, judged))


def configure_again(migration: Migration, asked: Again) -> Iterator[tuple[str, Configure]]:
    """Give what the claim would have to configure by now, slot by slot."""
    rows = _rows(migration, asked)
    judged = _judge(migration, rows, _policy_now(migration.policy, asked), asked)
    for row, found in zip(rows, judged, strict=True):
        yield row.slot, found.configure(row.mode)


def contract_now(slot: Slot, source: HostView | None, answer: JobAnswer | None) -> Contract:
    """Give a slot's contract with what the source tells of it now.

    That is the state format that its driver writes, what blocks it, and its address in the
    guest where none was known.
    """
    contract = slot.contract
    if source is not None:
        home = find_offer(source, slot.provider, contract.type, contract.kind)
        if home is not None and home.offer.state is not UNSET:
            contract = replace(contract, state=_state_now(contract, home.offer))
    if answer is None:
        return contract
    if contract.guest_address is UNSET:
        address = answer.guest_addresses.get(contract.slot, UNSET)
        contract = replace(contract, guest_address=address)
    blockers = answer.blockers.get(contract.slot, ())
    return _with_blockers(contract, blockers) if blockers else contract


def _state_now(contract: Contract, home: Offer) -> ContractState | UnsetType:
    """What the source's driver writes now; of its tags only the contract tells (R28)."""
    state = state_of(home)
    if state is UNSET or contract.state is UNSET:
        return state
    return replace(state, tags=contract.state.tags)


def _with_blockers(contract: Contract, blockers: tuple[str, ...]) -> Contract:
    ability = Ability() if contract.migration is UNSET else contract.migration
    known = ability.blockers or ()
    every = tuple(dict.fromkeys((*known, *blockers)))
    return replace(contract, migration=replace(ability, blockers=every))


def _rows(migration: Migration, asked: Again) -> list[MappingRow]:
    return [row for row in migration.answer.mapping if row.slot in asked.guest.slots]


def _policy_now(policy: Policy, asked: Again) -> Policy:
    prepared = {} if asked.of_target is None else asked.of_target.guest_addresses
    known = {**policy.guest_addresses, **prepared}
    return pair_policy(replace(policy, guest_addresses=known))


def _judge(
    migration: Migration, rows: list[MappingRow], policy: Policy, asked: Again
) -> list[Judgement]:
    slots = asked.guest.slots
    contracts = [contract_now(slots[row.slot], asked.source, asked.of_source) for row in rows]
    offers = [_offer_now(migration.target_slots[row.slot], asked.target) for row in rows]
    questions = asked_of(contracts, policy)
    return [
        judge(contract, offer, policy, question)
        for contract, offer, question in zip(contracts, offers, questions, strict=True)
    ]


def _offer_now(slot: Slot, target: HostView | None) -> Offer | None:
    if target is None:
        return None
    found = find_offer(target, slot.provider, slot.contract.type, slot.contract.kind)
    return None if found is None else found.offer


def _of_host(asked: Again) -> list[Finding]:
    """What is asked of the target beside devices; its room is taken by the claim already."""
    if asked.target is None:
        return []
    name, tenant = asked.target.name, asked.guest.tenant
    return [
        *host_facts.check(asked.guest.needs, asked.target.facts.value),
        *check_host(asked.target, tenant, {}),
        *check_aggregates(name, tenant, asked.closed),
        *check_groups(name, asked.neighbours),
    ]


def _of_downtime(rows: list[MappingRow], judged: list[Judgement], policy: Policy) -> list[Finding]:
    if policy.mode != "live":
        return []
    each = [
        found.downtime_ms for row, found in zip(rows, judged, strict=True) if row.mode == "live"
    ]
    known = [estimate for estimate in each if estimate is not None]
    return downtime.check(sum(known) if len(known) == len(each) else None, policy)


def _of_devices(rows: list[MappingRow], judged: list[Judgement]) -> Iterator[Reason]:
    for row, found in zip(rows, judged, strict=True):
        for reason in reasons_in(found.findings, row.mode):
            yield replace(reason, detail={**reason.detail, "slot": row.slot})
