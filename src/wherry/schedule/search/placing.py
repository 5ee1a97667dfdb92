"""Places the slots of a request in one tree: every way, or one of each class.

Providers that are alike may change places, and so may slots of one kind; a *class* is all ways
that come out of one by such exchanges.  Equal slots stand together in the request, so the first
of each class takes equal slots in rising places and no untouched provider while a lower one
that is alike is untouched.

Source: design, section 5 (last point); the rules are those of Placement's API reference.
"""

import itertools
from collections.abc import Hashable, Iterator
from functools import lru_cache

from wherry.model.errors import DeadlineExceeded
from wherry.schedule.candidates.deadline import Expired
from wherry.schedule.search.compile import Compiled
from wherry.schedule.search.ground import Ground, places

Way = tuple[int, ...]
"""The place that each slot is served at."""
PATIENCE = 64
"""Dead ends after which it is asked before each step whether the groups still fit at all."""
STEPS = 32
"""Steps between two looks at the clock."""


def first_ways(compiled: Compiled, ground: Ground, expired: Expired) -> Iterator[Way]:
    """Give one way of each class.

    Raises:
        DeadlineExceeded: while iterating.
    """
    if not has_classes(compiled, ground):
        yield from all_ways(compiled, ground, expired)
        return
    names = {place: lowest(mask) for mask in ground.alike for place in places(mask)}
    seen: set[Hashable] = set()
    for way in _Placing(compiled, ground, expired, only_firsts=True).ways():
        loads: dict[int, list[int]] = {}
        for slot, place in zip(compiled.slots, way, strict=True):
            loads.setdefault(place, []).append(slot.kind)
        name = tuple(sorted((names.get(at, at), tuple(each)) for at, each in loads.items()))
        if name not in seen:
            seen.add(name)
            yield way


def all_ways(compiled: Compiled, ground: Ground, expired: Expired) -> Iterator[Way]:
    """Give every way.

    Raises:
        DeadlineExceeded: while iterating.
    """
    return _Placing(compiled, ground, expired, only_firsts=False).ways()


def has_choice(ground: Ground) -> bool:
    """Whether any slot has more than one option."""
    return any(mask & (mask - 1) for mask in ground.options)


def has_classes(compiled: Compiled, ground: Ground) -> bool:
    """Whether any class may hold more than one way."""
    return bool(ground.alike) or len({slot.kind for slot in compiled.slots}) < len(compiled.slots)


def lowest(mask: int) -> int:
    """The lowest place of a mask."""
    return (mask & -mask).bit_length() - 1


class _Placing:
    """Depth first, without recursion; a branch ends as soon as a rule says no."""

    def __init__(
        self, compiled: Compiled, ground: Ground, expired: Expired, *, only_firsts: bool
    ) -> None:
        self._slots, self._ground = compiled.slots, ground
        self._isolate, self._nested = compiled.isolate, compiled.nested
        self._expired, self._only_firsts = expired, only_firsts
        self._spread = sum(slot.is_spread for slot in compiled.slots)
        self._shared = [
            [part for part in slot.amounts if part[0] in compiled.sums] for slot in compiled.slots
        ]
        self._subtrees = [
            _Subtree(members, ground) for members in compiled.subtrees if len(members) > 0
        ]
        self._of_slot = [
            [each for each in self._subtrees if place in each.members]
            for place in range(len(compiled.slots))
        ]
        # How many slots of its kind stand from each slot on.
        self._left = [1] * len(compiled.slots)
        for place in range(len(compiled.slots) - 2, -1, -1):
            if compiled.slots[place].kind == compiled.slots[place + 1].kind:
                self._left[place] += self._left[place + 1]
        self._chosen: list[int] = []
        self._loads: dict[tuple[str, int], int] = {}
        # Places that were seen to have no room for an amount of a class beside what they have.
        self._full = dict.fromkeys(itertools.chain.from_iterable(self._shared), 0)
        self._taken = 0
        self._dead_ends = 0

    def ways(self) -> Iterator[Way]:
        chosen, last = self._chosen, len(self._slots) - 1
        untried = [self._options(0)]
        found_before = [0]
        found = steps = 0
        while untried:
            depth = len(untried) - 1
            steps += 1
            if steps % STEPS == 0 and self._expired():
                raise DeadlineExceeded
            if len(chosen) > depth:
                self._undo(depth)
            mask = untried[depth]
            if not mask:
                untried.pop()
                self._dead_ends += found_before.pop() == found
                continue
            low = mask & -mask
            untried[depth] = mask ^ low
            if not self._take(depth, low.bit_length() - 1):
                continue
            if depth == last:
                found += 1
                yield tuple(chosen)
            elif self._dead_ends < PATIENCE or self._could_go_on(depth + 1):
                untried.append(self._options(depth + 1))
                found_before.append(found)

    def _options(self, depth: int) -> int:
        """Places to try for a slot, after the slots before it have theirs."""
        slot, ground, chosen = self._slots[depth], self._ground, self._chosen
        mask = ground.options[depth]
        if self._isolate and not slot.is_spread:
            mask &= ~self._taken
            if mask.bit_count() < self._left[depth]:
                return 0
        for part in self._shared[depth]:
            mask &= ~self._full[part]
        if not self._nested:
            for place in chosen:
                mask &= 1 << place | (~ground.kin[place] if ground.kin else 0)
        if self._only_firsts:
            if depth and self._slots[depth - 1].kind == slot.kind:
                mask &= -1 << chosen[-1]
            touched = 0
            for place in chosen:
                touched |= 1 << place
            for alike in ground.alike:
                untouched = alike & ~touched
                mask &= ~(untouched & (untouched - 1))
        return mask

    def _take(self, depth: int, place: int) -> bool:
        """Put a slot at a place, if no rule forbids it."""
        bit = 1 << place
        holding, loads = self._ground.holding, self._loads
        shared = self._shared[depth]
        for part in shared:
            name, amount = part
            load = loads.get((name, place), 0)
            if load and not holding[name, load + amount] & bit:
                self._full[part] |= bit
                return False
        if depth + 1 == self._spread and not self._has_traits(bit):
            return False
        for number, each in enumerate(self._of_slot[depth]):
            if not each.take(depth, place):
                for taken in self._of_slot[depth][:number]:
                    taken.undo()
                return False
        for name, amount in shared:
            loads[name, place] = loads.get((name, place), 0) + amount
        if self._isolate and not self._slots[depth].is_spread:
            self._taken |= bit
        self._chosen.append(place)
        return True

    def _undo(self, depth: int) -> None:
        place = self._chosen.pop()
        for name, amount in self._shared[depth]:
            self._loads[name, place] -= amount
            for part in self._full:
                if part[0] == name:
                    self._full[part] &= ~(1 << place)
        for each in self._of_slot[depth]:
            each.undo()
        if self._isolate and not self._slots[depth].is_spread:
            self._taken &= ~(1 << place)

    def _has_traits(self, last: int) -> bool:
        """The providers of the group without a suffix have its required traits together."""
        spread = last
        for place in self._chosen:
            spread |= 1 << place
        return all(having & spread for having in self._ground.having)

    def _could_go_on(self, depth: int) -> bool:
        """Whether the groups from a slot on can each have a provider of their own."""
        if not self._isolate:
            return True
        owners: dict[int, int] = {}
        masks = [
            self._ground.options[n] & ~self._taken
            for n in range(depth, len(self._slots))
            if not self._slots[n].is_spread
        ]
        return all(_seat(number, masks, owners, [0]) for number in range(len(masks)))


def _seat(number: int, masks: list[int], owners: dict[int, int], tried: list[int]) -> bool:
    """Give a group a provider of its own, moving others where needed."""
    while mask := masks[number] & ~tried[0]:
        low = mask & -mask
        tried[0] |= low
        owner = owners.get(low)
        if owner is None or _seat(owner, masks, owners, tried):
            owners[low] = number
            return True
    return False


@lru_cache(maxsize=1024)
def _above(below: tuple[int, ...]) -> tuple[int, ...]:
    """For each place itself and all above it."""
    found = [0] * len(below)
    for top, mask in enumerate(below):
        for place in places(mask):
            found[place] |= 1 << top
    return tuple(found)


class _Subtree:
    """Slots of which one has to be served at or above the places of all others."""

    def __init__(self, members: tuple[int, ...], ground: Ground) -> None:
        self.members = frozenset(members)
        below = ground.below
        self._above = _above(below)
        # Where a slot after each member could still put the top.
        self._later: dict[int, int] = {}
        later = 0
        for member in sorted(members, reverse=True):
            self._later[member] = later
            later |= ground.options[member]
        tops = 0
        for top in places(later):
            if all(ground.options[member] & below[top] for member in members):
                tops |= 1 << top
        self._tops = [tops]
        self._held = [0]

    def take(self, member: int, place: int) -> bool:
        """Serve a member at a place, if some top is left that is served or may be."""
        tops = self._tops[-1] & self._above[place]
        held = self._held[-1] | 1 << place
        if not tops & (held | self._later[member]):
            return False
        self._tops.append(tops)
        self._held.append(held)
        return True

    def undo(self) -> None:
        """Take the last one back."""
        self._tops.pop()
        self._held.pop()
