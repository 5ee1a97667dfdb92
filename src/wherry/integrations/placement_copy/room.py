"""Inventories that let all allocations in while they are written.

A Placement may hold what it would not take today: allocations above a capacity that was
lowered since, or in amounts that the limits no longer allow.  And while a target is brought up
to date, one consumer may need what another is still to let go of.  So where an allocation could
be refused, its inventory is made roomy first, and what it shall be once all is written.

Source: Placement API reference, "Update resource provider inventories": a capacity may be
lowered below what is used.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wherry.integrations.placement_copy.world import Consumer, Provider
from wherry.model.inventory import MAX_INT, Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What will be asked of one provider.

    Attributes:
        amounts: that will be written, by resource class.
        peak: units of a class that are held at most at once, in whatever order is written.
    """

    amounts: Mapping[str, frozenset[int]] = field(default_factory=dict)
    peak: Mapping[str, int] = field(default_factory=dict)


NO_DEMAND = Demand()


def sum_demand(written: Mapping[str, Consumer], held: Mapping[str, Consumer]) -> dict[str, Demand]:
    """Sum up what is asked of each provider, before and after.

    Args:
        written: consumers that will be written, as they shall be.
        held: consumers of the target, those that are deleted first left out.
    """
    amounts: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    peak: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for uuid in written.keys() | held.keys():
        before = dict(held[uuid].rows()) if uuid in held else {}
        after = dict(written[uuid].rows()) if uuid in written else {}
        for (provider, name), amount in after.items():
            amounts[provider][name].add(amount)
        for provider, name in before.keys() | after.keys():
            row = (provider, name)
            peak[provider][name] += max(before.get(row, 0), after.get(row, 0))
    return {
        provider: Demand(
            amounts={name: frozenset(each) for name, each in amounts[provider].items()},
            peak=dict(units),
        )
        for provider, units in peak.items()
    }


def make_room(wanted: Provider, has: Provider | None, demand: Demand) -> dict[str, Inventory]:
    """Say which inventories a provider has while allocations are written.

    Args:
        wanted: the provider as it shall be.
        has: as the target has it; None where it is new.
        demand: what will be asked of it.
    """
    before = has.inventories if has else {}
    staged = {}
    for name in wanted.inventories.keys() | demand.peak.keys():
        # A class that shall go stays until nobody holds it any more.
        keeps = wanted.inventories.get(name) or before.get(name)
        amounts = demand.amounts.get(name, frozenset())
        if amounts and not (keeps and _fits(keeps, amounts, demand.peak[name])):
            keeps = Inventory(total=min(MAX_INT, demand.peak[name]))
        if keeps is not None:
            staged[name] = keeps
    return staged


def _fits(inventory: Inventory, amounts: Iterable[int], peak: int) -> bool:
    return peak <= inventory.capacity and all(
        inventory.min_unit <= amount <= inventory.max_unit and amount % inventory.step_size == 0
        for amount in amounts
    )
