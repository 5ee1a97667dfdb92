"""What driver profiles know of the pools that a device's types share."""

from collections.abc import Sequence
from typing import NamedTuple

from wherry.model.facts import Device, Facts


class PoolLine(NamedTuple):
    """One pool of a device, as a person reads it.

    Attributes:
        unit: what is counted, in the plural: ``ports``, ``MB``.
        total: units there are; None where unknown.
        free: units left; None where unknown.
        types: ids of the types that draw on it.
    """

    unit: str
    total: int | None
    free: int | None
    types: tuple[str, ...] = ()


def describe_pools(facts: Facts, device: Device) -> Sequence[PoolLine]:
    """Say what pools a device has; empty where no profile covers it."""
    del facts, device  # no profile is asked yet: the counts alone are shown
    return ()
