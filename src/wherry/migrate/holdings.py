"""What a consumer shall hold, made from what it holds now and what its slots need.

A consumer may hold a device in the words of a view (``VGPU: 1``, as unchanged Nova writes it)
or in pool units: both are charged to the same pools.  What is held already in either words
stays as it is, so that who wrote it finds it again.  What no slot of the guest takes (NUMA
nodes, shared storage, devices that are not on its record) is left alone.

    hold(held, host, slots, resources=…, freed=…) -> Holding
    add(held, name, placed, others, host) -> Holding
    subtract(held, name, slot, host) -> Holding
    root_resources(held, host, slots) -> dict[str, int]
    claim_of(held, wanted, host, slots, claim_id=…) -> Claim | None

Source: design, sections 3 ("A guest") and 5.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import UNSET
from msgspec.structs import replace

from wherry.compat.quantity import WHOLE_DEVICE, units_of
from wherry.inventory.host_view import HostView, OfferView, ProviderView
from wherry.inventory.serving import find_offer
from wherry.migrate.pinned import PlacedSlot
from wherry.model.claims import Claim, Holding, Occupant
from wherry.model.device import Contract
from wherry.model.guests import Slot
from wherry.schedule.plan_claim import (
    Allocations,
    allocate,
    facts_of,
    occupy,
    root_of,
    units_on,
)

Placed = Mapping[str, PlacedSlot]
"""Slots by name, each with the offer that it takes."""


def hold(
    held: Holding,
    host: HostView,
    slots: Placed,
    *,
    resources: Mapping[str, int],
    freed: Iterable[str] = (),
    left: Mapping[str, Slot] = MappingProxyType({}),
) -> Holding:
    """Plan what a guest holds with exactly these slots and resources.

    Args:
        held: what its consumer holds now.
        host: where it is; its root is published.
        slots: those that the host offers.
        resources: class to units on the host's own provider.
        freed: providers that the guest had devices of before, or has.
        left: slots whose provider does not offer them any more: they are held as they are,
            or by their contracts alone where the provider's other slots change.
    """
    root = root_of(host)
    need = allocate(root, {}, _pairs(slots))
    changed = {*need, *freed}
    for slot in left.values():
        if slot.provider in changed:
            _add(need, taken_by(slot, host))
    total = _copied(held.allocations)
    for uuid in changed - {root}:
        wanted = need.get(uuid, {})
        if in_pools(host.find_provider(uuid), total.get(uuid, {})) != wanted:
            total[uuid] = wanted
    total[root] = {}
    _add(total, {root: resources})
    _add(total, {root: need.get(root, {})})
    return replace(
        held,
        allocations=_without_nothing(total),
        occupants=(*_occupants(slots), *(o for o in held.occupants if o.slot in left)),
    )


def add(
    held: Holding, name: str, placed: PlacedSlot, others: Iterable[Slot], host: HostView
) -> Holding:
    """Plan that a consumer holds one more device.

    Where its units are held already, since who allocates came first, they are not taken twice.

    Args:
        held: what its consumer holds now.
        name: of the slot that is new.
        placed: its device.
        others: the guest's other slots.
        host: where the guest is.
    """
    more = units_on(placed.slot.contract, placed.offer.offer)
    need = _copied(more)
    for slot in others:
        _add(need, taken_by(slot, host))
    total = _copied(held.allocations)
    if any(in_pools(host.find_provider(u), total.get(u, {})) != need[u] for u in more):
        _add(total, more)
    kept = tuple(each for each in held.occupants if each.slot != name)
    return replace(held, allocations=total, occupants=(*kept, *_occupants({name: placed})))


def subtract(held: Holding, name: str, slot: Slot, host: HostView) -> Holding:
    """Plan that a consumer holds one device less; what it does not hold is not missed.

    Where it holds too little in pool units, it holds the device in the words of a view: the
    rest is then held in pool units.
    """
    total = _copied(held.allocations)
    for uuid, units in taken_by(slot, host).items():
        here = total.get(uuid, {})
        if any(here.get(resource_class, 0) < amount for resource_class, amount in units.items()):
            here = in_pools(host.find_provider(uuid), here)
        total[uuid] = {
            resource_class: amount - units.get(resource_class, 0)
            for resource_class, amount in here.items()
        }
    return replace(
        held,
        allocations=_without_nothing(total),
        occupants=tuple(each for each in held.occupants if each.slot != name),
    )


def taken_by(slot: Slot, host: HostView) -> Allocations:
    """Give what a slot takes; by its contract alone where its provider has no such offer now."""
    found = offer_of(slot, host)
    if found is not None:
        return units_on(slot.contract, found.offer)
    return {slot.provider: units_of(slot.contract) or {WHOLE_DEVICE: 1}}


def offer_of(slot: Slot, host: HostView) -> OfferView | None:
    """Find the offer that serves a slot now; None where its provider has none any more."""
    return find_offer(host, slot.provider, slot.contract.type, slot.contract.kind)


def root_resources(held: Holding, host: HostView, slots: Placed) -> dict[str, int]:
    """Give what a consumer holds on the host's own provider beside its devices."""
    root = root_of(host)
    devices = allocate(root, {}, _pairs(slots)).get(root, {})
    here = held.allocations.get(root, {})
    return {name: amount for name, amount in here.items() if name not in devices}


def claim_of(
    held: Holding, wanted: Holding, host: HostView, slots: Placed, *, claim_id: str
) -> Claim | None:
    """Give the claim to write; None where the consumer holds all of it already.

    Args:
        held: what it holds now.
        wanted: what it shall hold.
        host: where the guest is.
        slots: those that the decision looked at.
        claim_id: uuid of the claim.
    """
    if wanted.allocations == held.allocations and _same_places(held, wanted):
        return None
    return Claim(id=claim_id, holdings=(wanted,), facts=facts_of(host, _pairs(slots)))


def in_pools(provider: ProviderView | None, units: Mapping[str, int]) -> dict[str, int]:
    """Say in pool units what is held on a provider in whatever words."""
    total: dict[str, int] = {}
    views = {} if provider is None else provider.record.plan.views
    for name, amount in units.items():
        recipe = views[name].units if name in views else {name: 1}
        for pool, each in recipe.items():
            total[pool] = total.get(pool, 0) + each * amount
    return total


def _pairs(slots: Placed) -> dict[str, tuple[Contract, OfferView]]:
    return {name: (placed.slot.contract, placed.offer) for name, placed in slots.items()}


def _occupants(slots: Placed) -> tuple[Occupant, ...]:
    return tuple(
        replace(occupant, device=slots[occupant.slot].slot.device)
        for occupant in occupy(_pairs(slots))
    )


def _same_places(held: Holding, wanted: Holding) -> bool:
    """Whether every slot is where it shall be; a device that is not named may be any."""
    before = {each.slot: each for each in held.occupants}
    after = {each.slot: each for each in wanted.occupants}
    if before.keys() != after.keys():
        return False
    return all(
        each == (before[name] if each.device is not UNSET else _unnamed(before[name]))
        for name, each in after.items()
    )


def _unnamed(occupant: Occupant) -> Occupant:
    return replace(occupant, device=UNSET)


def _add(total: Allocations, more: Mapping[str, Mapping[str, int]]) -> None:
    for provider, units in more.items():
        here = total.setdefault(provider, {})
        for name, amount in units.items():
            here[name] = here.get(name, 0) + amount


def _copied(allocations: Mapping[str, Mapping[str, int]]) -> Allocations:
    return {provider: dict(units) for provider, units in allocations.items()}


def _without_nothing(total: Allocations) -> Allocations:
    kept = {p: {name: n for name, n in units.items() if n > 0} for p, units in total.items()}
    return {provider: units for provider, units in kept.items() if units}
