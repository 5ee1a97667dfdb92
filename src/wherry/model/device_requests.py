"""Device requests: what a flavor calls by a name, and which devices serve it.

What Nova calls an alias.  Several alternatives of one name serve it alike: a flavor that asks for
two may get one of each.

Source: Nova, "PCI passthrough" of its administrator's guide; docs/reference/device-requests.md.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from wherry.model.device import ResourceClass
from wherry.model.inventory import Value

RequestName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z")]
PciId = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{4}\Z")]
TraitName = Annotated[str, Meta(pattern=r"^[A-Z0-9_]{1,255}\Z")]
DeviceType = Literal["type-PCI", "type-PF", "type-VF"]
NumaPolicy = Literal["required", "preferred", "legacy", "socket"]


class Alternative(Value, frozen=True, kw_only=True):
    """One kind of device that serves a request: by its ids, or by what it is counted in."""

    vendor_id: PciId | UnsetType = UNSET
    product_id: PciId | UnsetType = UNSET
    device_type: DeviceType | UnsetType = UNSET
    """``type-PCI`` a whole function, ``type-PF`` one that could have VFs, ``type-VF`` a VF; left
    out: any of them."""
    resource_class: ResourceClass | UnsetType = UNSET
    """What it is counted in; left out: what the ids are counted in."""
    traits: tuple[TraitName, ...] = ()
    live_migratable: bool | UnsetType = UNSET
    """Whether its state must be movable, or must not; left out: either."""

    def __post_init__(self) -> None:
        """Hold it to something that can be looked for."""
        if (self.vendor_id is UNSET) != (self.product_id is UNSET):
            raise ValueError("`vendor_id` and `product_id` go together")
        if self.vendor_id is UNSET and self.resource_class is UNSET:
            raise ValueError("give `vendor_id` and `product_id`, or `resource_class`")


class DeviceRequest(Value, frozen=True, kw_only=True):
    """Body of ``PUT /wherry/device-requests/{request}``."""

    alternatives: Annotated[tuple[Alternative, ...], Meta(min_length=1, max_length=16)]
    numa_policy: NumaPolicy = "legacy"


class StoredDeviceRequest(DeviceRequest, frozen=True, kw_only=True):
    """A device request with its name."""

    name: RequestName


class DeviceRequestList(Value, frozen=True, kw_only=True, omit_defaults=False):
    """All stored device requests, by name."""

    device_requests: tuple[StoredDeviceRequest, ...]
