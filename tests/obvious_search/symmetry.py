"""Candidates that differ only in which of several equal devices they name.

Providers are *equal* where they stand under the same parent, have no providers below them,
and agree in traits, aggregates, inventories and use; slots are equal where they ask for the
same.  A *class* of candidates is all that come out of one by exchanging equal providers and
equal slots.  Everything the rules look at is the same for all of a class.

Source: design, section 5 (last point).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from obvious_search.eligible import Slot
from obvious_search.rules import Placed
from wherry.model.provider import Provider


@dataclass(frozen=True, slots=True)
class Symmetry:
    """Which providers and slots of one tree's search could change places."""

    place: Mapping[str, int]
    """Provider to its place in the order of all; equal slots prefer earlier ones."""
    twins: Mapping[str, tuple[str, ...]]
    """Provider to the equal ones before it; empty for the first of its kind."""
    has_equal_slots: bool

    @property
    def is_trivial(self) -> bool:
        """Whether every class has one candidate."""
        return not self.has_equal_slots and not any(self.twins.values())

    def is_first(self, placed: Placed) -> bool:
        """Whether the last choice may lead to the first candidate of a class.

        The first is the least in the order of places, slot by slot.  It has equal slots on
        providers in order, and takes no untouched provider while an equal one before it is
        untouched.
        """
        slot, provider = placed[-1]
        if len(placed) > 1:
            before, chosen = placed[-2]
            if before.kind == slot.kind and self.place[chosen.uuid] > self.place[provider.uuid]:
                return False
        touched = {chosen.uuid for _, chosen in placed[:-1]}
        return provider.uuid in touched or touched.issuperset(self.twins[provider.uuid])

    def class_of(self, placed: Placed) -> Hashable:
        """Name the class of a candidate."""
        loads: dict[str, list[int]] = {}
        for slot, provider in placed:
            loads.setdefault(provider.uuid, []).append(slot.kind)
        named = ((self._name(uuid), tuple(sorted(kinds))) for uuid, kinds in loads.items())
        return tuple(sorted(named))

    def _name(self, uuid: str) -> str:
        """One name for all equal providers: that of the first."""
        return next(iter(self.twins[uuid]), uuid)


def find_symmetry(slots: Sequence[Slot], reach: Sequence[Provider]) -> Symmetry:
    """Find what could change places among slots and the providers in reach of a tree."""
    parents = {provider.parent for provider in reach}
    earlier: dict[Hashable, list[str]] = {}
    twins = {}
    for provider in reach:
        alike = earlier.setdefault(_likeness(provider, parents), [])
        twins[provider.uuid] = tuple(alike)
        alike.append(provider.uuid)
    return Symmetry(
        place={provider.uuid: place for place, provider in enumerate(reach)},
        twins=twins,
        has_equal_slots=any(one.kind == next_.kind for one, next_ in pairwise(slots)),
    )


def _likeness(provider: Provider, parents: set[str | None]) -> Hashable:
    if provider.parent is None or provider.uuid in parents:
        return provider.uuid
    return (
        provider.parent,
        provider.traits,
        provider.aggregates,
        tuple(sorted((name, _units(provider, name)) for name in provider.inventories)),
    )


def _units(provider: Provider, name: str) -> tuple[float, ...]:
    held = provider.inventories[name]
    return (
        held.total,
        held.reserved,
        held.min_unit,
        held.max_unit,
        held.step_size,
        held.allocation_ratio,
        provider.used.get(name, 0),
    )
