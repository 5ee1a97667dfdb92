"""A slot on its provider: the offer it takes, and the contract that is pinned of it.

What was chosen is held against the offer before it is pinned, so that a contract never says
what the provider does not give.  Everything that is wrong with a choice is told at once.

    place_slot(host, provider, type_name, kind, where=…) -> OfferView
    pin_slot(guest, name, asked, host, pinned_at=…, where=…) -> PlacedSlot
    require_offered(offer, contract, chosen, where=…) -> None

Source: specification of compatibility, section 9 ("Pinning"); design, section 3 ("A guest").
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from wherry.compat.life import in_effect_after_boot, keep
from wherry.compat.pinning import Choice, pin
from wherry.compat.sentences import explain
from wherry.inventory.host_view import HostView, OfferView, ProviderView
from wherry.inventory.serving import find_offer
from wherry.model.checks import Reason
from wherry.model.device import Contract, Offer, Range
from wherry.model.errors import InvalidRequest, NotFound
from wherry.model.guests import Chosen, Slot, SlotRequest

_VERSION_RULES: Final = frozenset({"R20", "R21", "R22", "R23", "R24"})
_FEATURE_RULES: Final = frozenset({"R30", "R32"})
_UNPROVEN: Final = frozenset({"VERSION_INCOMPARABLE", "FEATURES_UNREADABLE"})
"""Not refused where nothing was chosen; a choice that cannot be held against the offer is."""


class PlacedSlot(NamedTuple):
    """A slot with the offer that it takes."""

    slot: Slot
    offer: OfferView


def place_slot(
    host: HostView, provider: str, type_name: str, kind: str | UnsetType = UNSET, *, where: str
) -> OfferView:
    """Find the offer of a provider that serves a type.

    Args:
        where: path of the slot in the caller's document.

    Raises:
        NotFound: the host has no such provider.
        InvalidRequest: the provider does not offer the type; the message names what it does.
    """
    view = host.find_provider(provider)
    if view is None:
        raise NotFound(what=f"resource provider on host {host.name} with uuid", name=provider)
    found = find_offer(host, provider, type_name, kind)
    if found is None:
        of_kind = "" if kind is UNSET else f" of kind {kind}"
        message = f"provider {view.record.plan.name} offers no {type_name}{of_kind}; {_told(view)}"
        raise InvalidRequest(message, path=f"{where}.type")
    return found


def pin_slot(
    guest: str, name: str, asked: SlotRequest, host: HostView, *, pinned_at: str, where: str
) -> PlacedSlot:
    """Make the slot of a device that boots or is plugged now.

    A contract that is given is kept as given, and in effect is what sets its provider up for
    it; else one is pinned from the provider's offer and what was chosen.

    Args:
        guest: uuid of the guest.
        name: of the slot.
        asked: the device, as the caller has it.
        host: where the guest is.
        pinned_at: now, as RFC 3339.
        where: path of *asked* in the caller's document.

    Raises:
        NotFound: the host has no such provider.
        InvalidRequest: the provider does not offer the type or what was chosen, or a contract
            that is given is another guest's, slot's or type's.
    """
    if asked.contract is not UNSET:
        return _as_given(guest, name, asked, asked.contract, host, where)
    found = place_slot(host, asked.provider, asked.type, asked.kind, where=where)
    offer = found.offer
    choice = Choice(
        kind=asked.kind,  # type: ignore[arg-type] # the offer has been found by it
        type=asked.type,
        version=asked.chosen.version,
        features=asked.chosen.features,
        params=asked.chosen.params,
        guest_address=asked.guest_address,
    )
    contract = pin(offer, choice, consumer=guest, slot=name, pinned_at=pinned_at, keep=asked.keep)
    _require_record(contract, where)
    require_offered(offer, contract, asked.chosen, where=f"{where}.chosen")
    slot = Slot(
        provider=asked.provider,
        type=contract.type,
        device=asked.device,
        chosen=asked.chosen,
        in_effect=in_effect_after_boot(offer, choice),
        contract=contract,
    )
    return PlacedSlot(slot, found)


def require_offered(offer: Offer, contract: Contract, chosen: Chosen, *, where: str) -> None:
    """Make sure that the provider gives what was chosen.

    Args:
        offer: of the provider.
        contract: pinned from it with *chosen*.
        where: path of *chosen* in the caller's document.

    Raises:
        InvalidRequest: it does not; the message has every reason.
    """
    wrong = list(_wrong(offer, contract, chosen))
    if not wrong:
        return
    parts = dict.fromkeys(part for part, _ in wrong)
    sentences = " ".join(dict.fromkeys(sentence for _, sentence in wrong))
    message = f"the provider does not offer {offer.type} as chosen: {sentences}"
    raise InvalidRequest(message, path=f"{where}.{next(iter(parts))}")


def objections(offer: Offer, contract: Contract) -> tuple[Reason, ...]:
    """Give why a contract would not be what its own provider gives; empty where it is."""
    return tuple(r for r in keep(contract, offer).reasons if r.severity == "no")


def _wrong(offer: Offer, contract: Contract, chosen: Chosen) -> Iterator[tuple[str, str]]:
    """Name what is wrong with a choice: which part of it, and the sentence."""
    offered = offer.params or {}
    for name in chosen.params:
        if name not in offered:
            names = ", ".join(offered) or "none"
            yield f"params.{name}", f"There is no parameter {name}; there are: {names}."
    for reason in keep(contract, offer).reasons:
        part = _part(reason, chosen)
        if part is not None:
            yield part, explain(reason) + _offered(part, offer)


def _part(reason: Reason, chosen: Chosen) -> str | None:
    """Tell which part of a choice a reason speaks against; None if against none."""
    is_no = reason.severity == "no"
    if reason.rule in _VERSION_RULES and chosen.version is not UNSET:
        return "version" if is_no or reason.code in _UNPROVEN else None
    if reason.rule in _FEATURE_RULES and chosen.features is not UNSET:
        return "features" if is_no or reason.code in _UNPROVEN else None
    if reason.rule == "R46" and chosen.params and is_no:
        return "params"
    param = reason.detail.get("param")
    if param in chosen.params and (is_no or reason.detail.get("side") == "source"):
        return f"params.{param}"
    return None


def _offered(part: str, offer: Offer) -> str:
    if part == "version" and offer.interface is not UNSET:
        return f" It supports {_version_text(offer.interface.supports)}."
    if part == "features":
        return f" It has: {', '.join(sorted(offer.features or ())) or 'none'}."
    return ""


def _version_text(supports: object) -> str:
    match supports:
        case Range():
            ends = ["" if end is UNSET else str(end) for end in (supports.min, supports.max)]
            return " to ".join(ends).strip()
        case tuple():
            return ", ".join(supports)
        case _:
            return str(supports)


def _told(view: ProviderView) -> str:
    """Say what a provider offers, or why it offers nothing."""
    types = [str(offer.type) for offer in view.record.plan.offers if offer.type is not None]
    if types:
        return f"it offers: {', '.join(types)}"
    note = view.record.plan.note
    return "it offers nothing" if note is UNSET else f"it offers nothing: {note}"


def _as_given(
    guest: str, name: str, asked: SlotRequest, contract: Contract, host: HostView, where: str
) -> PlacedSlot:
    for field, wanted, given in (
        ("consumer", guest, contract.consumer),
        ("slot", name, contract.slot),
        ("type", asked.type, contract.type),
        ("kind", contract.kind if asked.kind is UNSET else asked.kind, contract.kind),
    ):
        if wanted != given:
            message = f"the contract's {field} is {given}, and the slot's is {wanted}"
            raise InvalidRequest(message, path=f"{where}.contract.{field}")
    found = place_slot(host, asked.provider, contract.type, contract.kind, where=where)
    return PlacedSlot(
        Slot(
            provider=asked.provider,
            type=contract.type,
            device=asked.device,
            chosen=asked.chosen,
            in_effect=in_effect_after_boot(found.offer, _as_chosen(contract, found.offer)),
            contract=contract,
        ),
        found,
    )


def _as_chosen(contract: Contract, offer: Offer) -> Choice:
    """Read a contract as the choice that it would have been pinned with."""
    offered = offer.params or {}
    ours = contract.params or {}
    return Choice(
        features=UNSET if contract.features is None else contract.features or (),
        params={name: value for name, value in ours.items() if name in offered},
    )


def _require_record(contract: Contract, where: str) -> None:
    """Refuse texts of the caller that no record can hold."""
    try:
        msgspec.convert(msgspec.to_builtins(contract), Contract)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error), path=where) from error
