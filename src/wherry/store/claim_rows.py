"""A claim as rows, in the order in which both engines take them."""

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import UNSET

from wherry.model.claims import Claim, Holding, Occupant
from wherry.model.errors import InvalidRequest
from wherry.model.inventory import MAX_INT
from wherry.store.body import encode

ANY, ABSENT, PRESENT = -1, -2, -3
"""Expected generation of a consumer: whatever it is; that there is no such consumer; that there
is one, at any generation."""
UNKNOWN = "unknown"
"""Type of a consumer that was made by a client that knew of no types."""

HoldingRow = tuple[str, str | None, str, str, int]
AllocationRow = tuple[int, str, str, int]
OccupantRow = tuple[int, str, str, str, str | None, str | None]
PlaceRow = tuple[str, str, str]

_deterministic = msgspec.json.Encoder(order="deterministic")


class Refused(Exception):
    """What stands in a claim's way, in the words of PostgreSQL's function."""

    def __init__(self, **detail: Any) -> None:
        super().__init__(detail["error"])
        self.detail = detail


@dataclass(frozen=True, slots=True)
class ClaimRows:
    """A claim, flattened.

    Attributes:
        id: None: nobody will say the claim again, and it is not written down.
        holdings: consumer, type (None: as it is), project, user, expected generation; sorted by
            consumer.
        allocations: index of the holding, provider, class, units.
        occupants: index of the holding, provider, slot, type, exclusive value, device.
        facts: provider and the facts generation that it must have.
        named: providers that a client of Placement named, sorted; None: no such client asks.
        is_plain: refused as ``special`` unless one consumer, of no guest and with no devices,
            takes from providers that are no devices of a host, or lets go of all.
        places: consumer, slot and the place asked for it.
    """

    id: str | None
    digest: str
    at: float
    holdings: tuple[HoldingRow, ...]
    allocations: tuple[AllocationRow, ...]
    occupants: tuple[OccupantRow, ...]
    facts: tuple[tuple[str, int], ...]
    named: tuple[str, ...] | None
    is_plain: bool = False
    places: tuple[PlaceRow, ...] = ()


def claim_rows(claim: Claim, *, at: float, named: Collection[str] | None = None) -> ClaimRows:
    """Flatten a claim, sorted by consumer, provider, class.

    Raises:
        InvalidRequest: a consumer or slot is named twice, or an amount is no amount.
    """
    holdings = sorted(claim.holdings, key=lambda holding: holding.consumer)
    _require_sound(holdings)
    return ClaimRows(
        id=claim.id,
        digest=blake2b(_deterministic.encode(claim), digest_size=16).hexdigest(),
        at=at,
        holdings=tuple(_holding_row(holding) for holding in holdings),
        allocations=tuple(
            (index, provider, name, units)
            for index, holding in enumerate(holdings)
            for provider, classes in sorted(holding.allocations.items())
            for name, units in sorted(classes.items())
        ),
        occupants=tuple(
            _occupant_row(index, occupant)
            for index, holding in enumerate(holdings)
            for occupant in sorted(holding.occupants, key=lambda o: (o.provider, o.slot))
        ),
        facts=tuple(sorted(claim.facts.items())),
        named=None if named is None else tuple(sorted(named)),
        places=tuple(
            (holding.consumer, occupant.slot, occupant.place)
            for holding in holdings
            for occupant in holding.occupants
            if occupant.place is not UNSET
        ),
    )


def _holding_row(holding: Holding) -> HoldingRow:
    expected = holding.expected_generation
    number = ANY if expected is UNSET else ABSENT if expected is None else expected
    return (holding.consumer, holding.consumer_type, holding.project, holding.user, number)


def _occupant_row(index: int, occupant: Occupant) -> OccupantRow:
    exclusive = None if occupant.exclusive is None else encode(occupant.exclusive)
    device = None if occupant.device is UNSET else occupant.device
    return (index, occupant.provider, occupant.slot, occupant.type, exclusive, device)


def _require_sound(holdings: list[Holding]) -> None:
    if not holdings:
        raise InvalidRequest("a claim has at least one holding", path="$.holdings")
    if len({holding.consumer for holding in holdings}) != len(holdings):
        raise InvalidRequest("a claim names each consumer once", path="$.holdings")
    for holding in holdings:
        where = f"$.holdings[{holding.consumer}]"
        if len({occupant.slot for occupant in holding.occupants}) != len(holding.occupants):
            raise InvalidRequest("a consumer names each slot once", path=f"{where}.occupants")
        for provider, classes in holding.allocations.items():
            if not classes or not all(0 < units <= MAX_INT for units in classes.values()):
                raise InvalidRequest(
                    f"units are 1 to {MAX_INT}", path=f"{where}.allocations[{provider}]"
                )
