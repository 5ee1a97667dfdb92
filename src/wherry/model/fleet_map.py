"""The fleet at a glance: each host's devices, and how much of each is held.

What many devices share is said once, in tables: a fleet of 10,000 hosts with eight devices
each is about 1.5 MB of JSON, and a tenth of that compressed.
"""

from msgspec import Struct

from wherry.model.inventory import HostState, Value


class MapPool(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A pool of a device: a class, and how many units of it can be held at once."""

    name: str
    capacity: int


class MapKind(Value, frozen=True, kw_only=True, omit_defaults=False):
    """What devices of one kind have in common."""

    driver: str | None
    """Of the physical device; None where it is not known."""
    types: tuple[str, ...]
    features: tuple[str, ...]
    """Those that any of the types offers."""
    pools: tuple[MapPool, ...]
    """By name; none where nothing is counted, such as of a device that is held back."""
    note: str | None
    """What an operator should know of it."""


class MapDevice(Struct, frozen=True, array_like=True):
    """A device, written as a list: number of its name, number of its kind, units held by pool.

    Units are in the order of the kind's pools; more than the capacity where the pool is
    over-full.
    """

    name: int
    kind: int
    held: tuple[int, ...]


class MapHost(Value, frozen=True, kw_only=True, omit_defaults=False):
    """A host and its devices, by name."""

    name: str
    state: HostState
    labels: dict[str, str]
    devices: tuple[MapDevice, ...]


class FleetMap(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Hosts by name, and the tables that their devices number into."""

    names: tuple[str, ...]
    kinds: tuple[MapKind, ...]
    hosts: tuple[MapHost, ...]
