"""Which classes and traits serve a device request in this fleet.

Devices are found by what they are counted in.  Ids are looked for in the classes that are made
of ids: ``CUSTOM_PCI_8086_10CA``, as Nova and the profiles of whole functions count, and
``CUSTOM_PCI_VF_8086_10CA`` for VFs.

Source: Nova, "PCI tracking in Placement"; docs/reference/inventory.md.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from math import comb, prod
from typing import Final

from msgspec import UNSET

from wherry.model.device_requests import Alternative, DeviceRequest, NumaPolicy
from wherry.model.errors import InvalidRequest
from wherry.schedule.first.near import hint

MOVABLE: Final = "HW_PCI_LIVE_MIGRATABLE"
MOST_CHOICES: Final = 64
"""Queries that one question may become by its alternatives."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Devices of one class that serve a request."""

    resource_class: str
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """So many devices of a request, and the kinds that serve it in this fleet, in order."""

    name: str
    count: int
    kinds: tuple[Kind, ...]
    numa_policy: NumaPolicy


Choice = tuple[tuple[Wanted, tuple[Kind, ...]], ...]
"""For each request the kind of each of its devices."""


def find_kinds(
    name: str, request: DeviceRequest, known: Collection[str]
) -> tuple[tuple[Kind, ...], tuple[str, ...]]:
    """Give the kinds that serve a request, and what is to be said of alternatives without any.

    Args:
        known: every resource class there is.
    """
    kinds: dict[Kind, None] = {}
    notes: list[str] = []
    for number, one in enumerate(request.alternatives, 1):
        names = classes_of(one)
        there = [each for each in names if each in known]
        kinds.update({_kind(one, each): None for each in there})
        if not there:
            which = f"device request {name}, alternative {number}"
            more = hint(names[0], known) if one.resource_class is not UNSET else ""
            notes.append(f"{which}: nothing here is counted in {' or '.join(names)}{more}")
    return tuple(kinds), tuple(notes)


def classes_of(one: Alternative) -> tuple[str, ...]:
    """Name the classes that may count an alternative's devices."""
    if one.resource_class is not UNSET:
        return (one.resource_class,)
    ids = f"{one.vendor_id}_{one.product_id}".upper()
    whole, vf = f"CUSTOM_PCI_{ids}", f"CUSTOM_PCI_VF_{ids}"
    return (whole, vf) if one.device_type in {"type-VF", UNSET} else (whole,)


def choose(wanted: Sequence[Wanted]) -> Iterator[Choice]:
    """Give every choice of kinds, the first alternatives first.

    Raises:
        InvalidRequest: there are too many.
    """
    number = prod(comb(len(one.kinds) + one.count - 1, one.count) for one in wanted)
    if number > MOST_CHOICES:
        message = f"the alternatives can be put together in {number} ways, and at most"
        raise InvalidRequest(f"{message} {MOST_CHOICES} are looked at: ask for fewer at once")
    each = (combinations_with_replacement(one.kinds, one.count) for one in wanted)
    for chosen in product(*each):
        yield tuple(zip(wanted, chosen, strict=True))


def _kind(one: Alternative, resource_class: str) -> Kind:
    traits = set(one.traits)
    if one.live_migratable is True:
        traits.add(MOVABLE)
    forbidden = (MOVABLE,) if one.live_migratable is False else ()
    return Kind(resource_class, tuple(sorted(traits)), forbidden)
