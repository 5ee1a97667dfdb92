"""A claim: what consumers shall hold, with what it was decided on.

Source: design, section 6.
"""

from typing import Literal

from msgspec import UNSET, UnsetType

from wherry.model.inventory import Value

ConsumerType = Literal["INSTANCE", "MIGRATION"] | str


class Occupant(Value, frozen=True, kw_only=True):
    """One device of a consumer on a provider: what exclusivity and device names look at."""

    provider: str
    slot: str
    type: str
    exclusive: str | int | bool | None = None
    """Value that the provider's instances must agree in; None where nothing is asked."""
    device: str | UnsetType = UNSET
    """mdev uuid or PCI address, once it is known."""
    place: str | UnsetType = UNSET
    """Where it sits of the provider's positions; left out: where it sits already, else where the
    claim puts it."""


class Holding(Value, frozen=True, kw_only=True):
    """All that one consumer shall hold after the claim; empty means that it ends."""

    consumer: str
    consumer_type: str = "INSTANCE"
    project: str = ""
    user: str = ""
    expected_generation: int | UnsetType | None = UNSET
    """Generation that the consumer must have; None that it must not exist; left out: any."""
    allocations: dict[str, dict[str, int]] = {}
    """Provider uuid to class to units; units are positive."""
    occupants: tuple[Occupant, ...] = ()


class Claim(Value, frozen=True, kw_only=True):
    """One atomic write: every holding is as said, or nothing changed.

    ``facts`` holds the facts generation of each provider that the decision looked at; the
    claim fails if one moved on.  A claim's ``id`` takes effect once.
    """

    id: str
    holdings: tuple[Holding, ...]
    facts: dict[str, int] = {}


class ClaimOutcome(Value, frozen=True, kw_only=True):
    """What a claim that took effect left behind."""

    claim: str
    consumers: dict[str, int | None]
    """Consumer to its generation; None for one that holds nothing now and has ended."""
    providers: dict[str, int] = {}
    """Each provider that changed, to its generation."""
    devices: dict[str, dict[str, str]] = {}
    """Consumer to slot to device, of the claim's consumers with occupants of a named device."""
    repeated: bool = False
    """The claim had taken effect before; this is what it left then."""
