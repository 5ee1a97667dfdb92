"""Which types an offer serves, and which offer of a provider serves a type; at most one does.

Source: specification of compatibility, sections 6 (R11, R12) and 13 ("On one provider").
"""

from msgspec import UNSET, UnsetType

from wherry.inventory.host_view import HostView, OfferView
from wherry.model.device import Kind, KindAndType, Offer


def serves(offer: Offer, type_name: str, kind: str | UnsetType = UNSET) -> bool:
    """Whether an offer serves a type; a kind that is left out is the offer's own."""
    if kind is UNSET or kind == offer.kind:
        return type_name == offer.type or type_name in (offer.also_types or ())
    return any(
        isinstance(each, KindAndType) and (each.kind, each.type) == (kind, type_name)
        for each in offer.also_types or ()
    )


def served_by(offer: Offer) -> dict[str, Kind]:
    """Give the types that an offer serves, and as what.

    As its own kind, if as several; of other kinds the first by name, in whichever order the
    offer lists them.
    """
    if offer.type is None:
        return {}
    served: dict[str, Kind] = {offer.type: offer.kind}
    for other in sorted(offer.also_types or (), key=_other_kind):
        if isinstance(other, KindAndType):
            served.setdefault(other.type, other.kind)
        else:
            served.setdefault(other, offer.kind)
    return served


def _other_kind(door: str | KindAndType) -> str:
    return door.kind if isinstance(door, KindAndType) else ""


def find_offer(
    host: HostView, provider: str, type_name: str, kind: str | UnsetType = UNSET
) -> OfferView | None:
    """Find the offer of one of a host's providers that serves a type; None if none does."""
    for each in host.offers:
        if each.provider.uuid == provider:
            planned = each.provider.record.plan.offers[each.index]
            if serves(planned, type_name, kind):
                return each
    return None
