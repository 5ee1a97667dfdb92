"""What the change feed carries: the full state of an object after a change, or its end.

A change is applied only if it is newer than what is held of the object, so a feed may be
read twice, late or out of order.  Provider uuids are never reused; a host's name may be.

Source: design, section 6 ("Truth, columns, claims").
"""

from typing import Literal

from wherry.model.inventory import HostRecord, ProviderRecord, Value


class Removed(Value, frozen=True, kw_only=True):
    """A tombstone: the object is gone since it was at this generation."""

    what: Literal["provider", "host"]
    key: str
    """The provider's uuid, or the host's name."""
    generation: int
    """The last one that the object had; a host that comes back starts above it."""


Change = ProviderRecord | HostRecord | Removed
