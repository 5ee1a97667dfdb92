"""From a decision to the claim to write: who holds what, on which facts.

A claim says all that each consumer shall hold after it.  Devices are held in the units of
their pools, the guest's resources on the host's own provider.  Which of several equal devices
with names of their own a guest gets is not settled here: two claims that both fit must not
meet on a name.

Source: design, sections 5, 6 and 7.
"""

from collections.abc import Mapping

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.agreement import value_by
from wherry.compat.quantity import WHOLE_DEVICE, demand_of
from wherry.inventory.host_view import HostView, OfferView
from wherry.model.claims import Claim, Holding, Occupant
from wherry.model.device import Contract, Offer
from wherry.model.errors import FactsChanged, NoTarget, NotFound
from wherry.model.guests import Guest
from wherry.model.targets import Target

Allocations = dict[str, dict[str, int]]

PlacedSlots = Mapping[str, tuple[Contract, OfferView]]
"""Slot to its contract and the offer that it takes."""


def units_on(contract: Contract, offer: Offer) -> Allocations:
    """Give what a device takes, by provider and class: pool units, or the whole device.

    A class of which the offer has no pool, as of a contract pinned when devices were counted
    otherwise, is the offer's provider's: held there still, or not to be had.
    """
    demand = demand_of(contract, offer)
    if offer.pools is UNSET or not demand:
        return {offer.provider: {WHOLE_DEVICE: 1}}
    taken: Allocations = {}
    for name, amount in demand.items():
        pool = offer.pools.get(name)
        home = offer.provider if pool is None or pool.provider is UNSET else pool.provider
        taken.setdefault(home, {})[name] = amount
    return taken


def allocate(root: str, resources: Mapping[str, int], slots: PlacedSlots) -> Allocations:
    """Sum up resources and devices, by provider and class; amounts of 0 are left out."""
    total: Allocations = {}
    _add(total, {root: {name: amount for name, amount in resources.items() if amount > 0}})
    for contract, placed in slots.values():
        _add(total, units_on(contract, placed.offer))
    return {provider: units for provider, units in total.items() if units}


def occupy(slots: PlacedSlots) -> tuple[Occupant, ...]:
    """Name the devices, with the value in which those of a provider must agree."""
    return tuple(
        Occupant(
            provider=placed.provider.uuid,
            slot=slot,
            type=contract.type,
            exclusive=_exclusive(contract, placed.offer),
        )
        for slot, (contract, placed) in slots.items()
    )


def place_slots(
    guest: Guest, target: Target, host: HostView
) -> dict[str, tuple[Contract, OfferView]]:
    """Resolve a target's mapping to offers of its host.

    An offer is told by its provider and its place there, which stand as long as the
    provider's facts do; other providers of the host may have come or gone.

    Raises:
        FactsChanged: the host has no such offer any more.
        NoTarget: the mapping leaves a slot without an offer.
    """
    placed: dict[str, tuple[Contract, OfferView]] = {}
    for row in target.mapping:
        if row.offer is None:
            message = f"slot {row.slot} has no offer on host {target.host}"
            raise NoTarget(message)
        uuid = target.providers[row.offer]
        place = target.providers[: row.offer].count(uuid)
        found = _offer_at(host, uuid, place)
        if found is None:
            raise FactsChanged(provider=uuid, expected=target.facts.get(uuid, 0), found=None)
        placed[row.slot] = (guest.slots[row.slot].contract, found)
    return placed


def plan_boot(
    guest: Guest, host: HostView, slots: PlacedSlots, *, claim_id: str, holding: Holding
) -> Claim:
    """Plan what a guest takes where it boots.

    Args:
        guest: with its resources.
        host: where it boots; its root is published.
        slots: every slot with its contract and offer.
        claim_id: uuid of the claim.
        holding: who the consumer is and at which generation; its allocations do not count.
    """
    root = root_of(host)
    wanted = replace(
        holding,
        allocations=allocate(root, guest.resources, slots),
        occupants=occupy(slots),
    )
    return Claim(id=claim_id, holdings=(wanted,), facts=facts_of(host, slots))


def plan_move(
    guest: Guest, target: Target, host: HostView, *, claim_id: str, migration: str, held: Holding
) -> Claim:
    """Plan a migration: its consumer takes over all that the guest holds, the guest the target.

    Args:
        guest: with its resources.
        target: the decision.
        host: the target as it was decided on, or later.
        claim_id: uuid of the claim.
        migration: uuid of the migration, which is its consumer's.
        held: what the guest holds now.
    """
    there = _place(guest, target, host, held)
    source = replace(held, consumer=migration, consumer_type="MIGRATION", expected_generation=None)
    return Claim(id=claim_id, holdings=(source, there), facts=target.facts)


def plan_other_target(
    guest: Guest, target: Target, host: HostView, *, claim_id: str, held: Holding
) -> Claim:
    """Plan that a guest which moves already holds another target instead of the one it has.

    Args:
        guest: with its resources.
        target: the decision.
        host: the target as it was decided on, or later.
        claim_id: uuid of the claim.
        held: what the guest holds now, on the target before.
    """
    return Claim(id=claim_id, holdings=(_place(guest, target, host, held),), facts=target.facts)


def _place(guest: Guest, target: Target, host: HostView, held: Holding) -> Holding:
    """Say what a guest holds on a target: its devices and its resources."""
    slots = place_slots(guest, target, host)
    return replace(
        held,
        allocations=allocate(target.root, guest.resources, slots),
        occupants=occupy(slots),
    )


def give_back(held: Holding, guest: Holding) -> tuple[Holding, Holding]:
    """Plan that the guest has again what a migration holds for it, and the migration nothing.

    Args:
        held: what the migration holds.
        guest: who the guest's consumer is and at which generation.
    """
    again = replace(guest, allocations=held.allocations, occupants=held.occupants)
    return end(held), again


def end(held: Holding) -> Holding:
    """Plan that a consumer holds nothing any more."""
    return replace(held, allocations={}, occupants=())


def facts_of(host: HostView, slots: PlacedSlots) -> dict[str, int]:
    """Give the facts generations that a decision on these slots and the root looked at."""
    facts = {placed.provider.uuid: placed.provider.record for _, placed in slots.values()}
    if host.root is not None:
        facts[host.root.uuid] = host.root.record
    return {uuid: record.facts_generation for uuid, record in facts.items()}


def root_of(host: HostView) -> str:
    """Name the host's own provider.

    Raises:
        NotFound: it is not published yet.
    """
    if host.root is None:
        raise NotFound(what="root provider of host", name=host.name)
    return host.root.uuid


def _offer_at(host: HostView, uuid: str, place: int) -> OfferView | None:
    return next((o for o in host.offers if (o.provider.uuid, o.index) == (uuid, place)), None)


def _exclusive(contract: Contract, offer: Offer) -> str | int | bool | None:
    if offer.exclusive is UNSET:
        return None
    value = value_by(contract, offer.exclusive.by)
    return None if isinstance(value, tuple) else value


def _add(total: Allocations, more: Mapping[str, Mapping[str, int]]) -> None:
    for provider, units in more.items():
        here = total.setdefault(provider, {})
        for name, amount in units.items():
            here[name] = here.get(name, 0) + amount
