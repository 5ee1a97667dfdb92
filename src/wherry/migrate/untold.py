"""Units of which nobody can tell what they are, on boards where that decides.

Where the first instance fixes the size of the board, or instances sit in places of their own, units
alone do not say what is taken: 4096 MB are one type or four.  What a consumer holds there is made
of devices, in whichever words it was asked.

Source: design, section 5.
"""

from collections.abc import Mapping

from msgspec import UNSET

from wherry.compat.quantity import units_of
from wherry.inventory.host_view import HostView
from wherry.model.claims import Holding
from wherry.model.inventory import PlannedProvider


def find_untold(holding: Holding, host: HostView) -> str | None:
    """Name a provider on which a holding has units that its devices do not account for."""
    for provider in host.providers:
        plan, units = provider.record.plan, holding.allocations.get(provider.uuid)
        if units and _needs_types(plan) and not _is_told(plan, units, holding):
            return provider.uuid
    return None


def _needs_types(plan: PlannedProvider) -> bool:
    return any(
        offer.exclusive is not UNSET or offer.positions is not UNSET for offer in plan.offers
    )


def _is_told(plan: PlannedProvider, units: Mapping[str, int], holding: Holding) -> bool:
    recipes = {offer.type: units_of(offer) or {} for offer in plan.offers}
    types = [each.type for each in holding.occupants if each.provider == plan.uuid]
    if not all(one in recipes for one in types):
        # Of what is not offered any more nobody can say what it takes.
        return True
    held: dict[str, int] = {}
    for name, amount in units.items():
        recipe = plan.views[name].units if name in plan.views else {name: 1}
        _add(held, recipe, amount)
    told: dict[str, int] = {}
    for one in types:
        _add(told, recipes[one], 1)
    return held == told


def _add(total: dict[str, int], recipe: Mapping[str, int], times: int) -> None:
    for name, amount in recipe.items():
        total[name] = total.get(name, 0) + amount * times
