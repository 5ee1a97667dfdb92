"""What an offer publishes: marks, which a deployment's salt turns into derived traits.

A mark is a tuple of plain values, its kind first; those that belong to a type name it by its
key.  Some marks are *words* as well: which of them occur in the fleet has to be known to who
asks (see `vocabulary`).

Source: docs/reference/compat.md, section 13, table of rules.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from wherry.compat.quantity import units_of
from wherry.compat.query import params, versions
from wherry.compat.query.vocabulary import Mark, is_forbidden
from wherry.compat.rules.modes import modes_of
from wherry.model.device import Contract, KindAndType, Migration, Offer, OfferInterface, OfferState

REPLUG: Final[Mark] = ("mode", "replug")
"""Of network devices alone, and of no type: the guest gets another device."""


class Key(NamedTuple):
    """What has to be equal for two devices to be of one type."""

    kind: str
    device_api: str
    type: str


def key_of(contract: Contract) -> Key:
    """Give the key under which a contract asks."""
    return Key(contract.kind, contract.device_api, contract.type)


def keys_of(offer: Offer) -> tuple[Key, ...]:
    """Give the keys that an offer serves; none if it offers nothing."""
    if offer.type is None:
        return ()
    keys = {Key(offer.kind, offer.device_api, offer.type): None}
    for door in offer.also_types or ():
        kind, name = (door.kind, door.type) if isinstance(door, KindAndType) else (offer.kind, door)
        keys[Key(kind, offer.device_api, name)] = None
    return tuple(keys)


def marks_of(offer: Offer) -> frozenset[Mark]:
    """Give all that an offer publishes on its provider."""
    found: set[Mark] = set()
    for key in keys_of(offer):
        found.update(_of_key(offer, key))
    if found and "replug" in modes_of(offer.migration) and offer.device_class == "network":
        found.add(REPLUG)
    return frozenset(found)


def marks_together(offers: Sequence[Offer]) -> frozenset[Mark]:
    """Give what the offers of one provider publish on it.

    What a contract forbids is left out where another offer for the same key does not have it:
    one offer must not hide another.
    """
    several = [marks_of(offer) for offer in offers]
    found = frozenset[Mark]().union(*several)
    serving: Counter[object] = Counter(key for offer in offers for key in keys_of(offer))
    having = Counter(mark for marks in several for mark in marks if is_forbidden(mark))
    return found - {mark for mark, count in having.items() if count < serving[mark[1]]}


def _of_key(offer: Offer, key: Key) -> Iterator[Mark]:
    yield ("type", key)
    yield ("model", key, None if offer.model is UNSET else offer.model)
    interface = OfferInterface() if offer.interface is UNSET else offer.interface
    yield from versions.publish("interface", key, interface.policy, interface.supports)
    state = OfferState() if offer.state is UNSET else offer.state
    yield from versions.publish("state", key, state.policy, state.accepts)
    for name, feature in (offer.features or {}).items():
        yield ("feature", key, name)
        if feature.guest_visible and not feature.maskable:
            yield ("stuck", key, name)
    for name, param in (offer.params or {}).items():
        yield from params.publish(key, name, param)
    yield ("units", key, units_mark(offer))
    yield from _moving(key, offer.migration)


def units_mark(record: Contract | Offer) -> tuple[tuple[str, int], ...] | None:
    """Give the amounts of a record in one order; None if it states none."""
    units = units_of(record)
    return None if units is None else tuple(sorted(units.items()))


def _moving(key: Key, migration: Migration | UnsetType) -> Iterator[Mark]:
    for mode in modes_of(migration):
        if mode != "replug":
            yield ("mode", key, mode)
    if migration is UNSET:
        return
    if migration.support == "yes":
        yield ("support", key)
    if "p2p" in (migration.flags or ()):
        yield ("p2p", key)
