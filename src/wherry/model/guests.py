"""A guest: what it needs of its host, what it holds, and the contract of each slot.

Source: design, section 3 ("A guest"); specification of compatibility, sections 9 and 10.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from wherry.model.checks import Configure, Needs
from wherry.model.device import Contract, Scalar
from wherry.model.device_requests import NumaPolicy
from wherry.model.facts import HostName, SlotName, Uuid
from wherry.model.inventory import Value

Tenant = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{0,255}\Z")]
"""Project of a guest, as its cloud names it; empty for none."""


class Chosen(Value, frozen=True, kw_only=True):
    """What was chosen for a slot at boot: the version, the features and the parameters."""

    version: str | UnsetType = UNSET
    features: tuple[str, ...] | UnsetType = UNSET
    params: dict[str, Scalar | tuple[str, ...]] = {}


class SlotRequest(Value, frozen=True, kw_only=True):
    """One device that a guest has: where it comes from and how it was chosen."""

    provider: Uuid
    type: str
    kind: str | UnsetType = UNSET
    chosen: Chosen = Chosen()
    device: str | UnsetType = UNSET
    guest_address: str | UnsetType = UNSET
    keep: bool = False
    contract: Contract | UnsetType = UNSET
    """Kept as given, for callers who may; else the service pins one from the stored offer."""


class NumaAsked(Value, frozen=True, kw_only=True):
    """On which NUMA nodes of its host the devices of a guest stand."""

    policy: NumaPolicy = "required"
    """``required``: on so many, and each device's is known; ``legacy``: so many of those that are
    known; ``preferred``: where it can be had."""
    nodes: Annotated[int, Meta(ge=1, le=16)] = 1
    """On how many at most: as many as the guest has cells."""


class GuestRequest(Value, frozen=True, kw_only=True):
    """Body of ``PUT /wherry/guests/{uuid}``."""

    host: HostName
    tenant: Tenant = ""
    needs: Needs = Needs()
    resources: dict[str, int] | UnsetType = UNSET
    """Class to units on the host's own provider; left out: what the consumer holds."""
    numa: NumaAsked | UnsetType = UNSET
    """Left out: its devices may stand on any nodes."""
    slots: dict[SlotName, SlotRequest] = {}


class Slot(Value, frozen=True, kw_only=True):
    """A slot as stored."""

    provider: str
    type: str
    device: str | UnsetType = UNSET
    chosen: Chosen = Chosen()
    in_effect: Configure = Configure()
    contract: Contract


class Guest(Value, frozen=True, kw_only=True):
    """A guest as stored."""

    uuid: str
    host: str
    tenant: str = ""
    needs: Needs = Needs()
    resources: dict[str, int] = {}
    numa: NumaAsked | UnsetType = UNSET
    process: str | UnsetType = UNSET
    """Identity of its QEMU process as last reported."""
    slots: dict[str, Slot] = {}
    generation: int = 0
    migration: str | UnsetType = UNSET
    """uuid of the migration that holds it now."""


RebootKind = Literal["warm", "new_process"]
