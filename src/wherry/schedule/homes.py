"""What the present provider of each device of a guest offers."""

from collections.abc import Mapping

from wherry.inventory.host_view import HostView
from wherry.inventory.interning import Shape
from wherry.inventory.serving import find_offer
from wherry.model.guests import Guest


def find_homes(guest: Guest, source: HostView | None) -> Mapping[str, Shape]:
    """Give slot to what its present provider offers; slots without a known offer are left out."""
    if source is None:
        return {}
    homes: dict[str, Shape] = {}
    for name, slot in guest.slots.items():
        contract = slot.contract
        found = find_offer(source, slot.provider, contract.type, contract.kind)
        if found is not None:
            homes[name] = found.shape
    return homes
