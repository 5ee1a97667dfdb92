"""What the providers of several slots must meet together.

Each rule looks at the slots placed so far, and says no only where no further slot could make
it good: a rule that holds for all slots placed makes the candidate valid.

Source: Placement API reference, "List allocation candidates"; Placement 16.0.0, probed.
"""

from collections import Counter
from collections.abc import Sequence

from obvious_search.eligible import Slot
from obvious_search.world import World
from wherry.model.provider import Provider
from wherry.schedule.candidates.request import CandidatesRequest

Placed = Sequence[tuple[Slot, Provider]]
"""Slots with the provider chosen for each; a prefix of all slots."""


def is_open(world: World, request: CandidatesRequest, placed: Placed) -> bool:
    """Whether the last choice breaks no rule."""
    return (
        has_room(placed)
        and (request.group_policy != "isolate" or is_isolated(placed))
        and (request.nested or is_flat(placed))
        and has_traits(placed)
        and all(
            is_subtree(world, suffixes, placed)
            for suffixes in request.same_subtree
            if placed[-1][0].group.suffix in suffixes
        )
    )


def has_room(placed: Placed) -> bool:
    """Slots on one provider fit its free units and ``max_unit`` together."""
    provider = placed[-1][1]
    asked: Counter[str] = Counter()
    for slot, chosen in placed:
        if chosen.uuid == provider.uuid:
            asked.update(slot.resources)
    return all(provider.holds(name, amount) for name, amount in asked.items())


def is_isolated(placed: Placed) -> bool:
    """No two groups with a suffix on one provider; the group without may be anywhere."""
    last, provider = placed[-1]
    return last.group.is_spread or all(
        slot.group.is_spread or chosen.uuid != provider.uuid for slot, chosen in placed[:-1]
    )


def is_flat(placed: Placed) -> bool:
    """Before 1.29: no two providers of one tree are allocated from."""
    provider = placed[-1][1]
    return all(
        chosen.uuid == provider.uuid or chosen.root != provider.root for _, chosen in placed[:-1]
    )


def has_traits(placed: Placed) -> bool:
    """The providers of the group without a suffix have its required traits together."""
    last = placed[-1][0]
    spread = [chosen for slot, chosen in placed if slot.group.is_spread]
    if not last.group.is_spread or len(spread) < len(last.group.resources):
        return True
    traits = frozenset[str]().union(*(provider.traits for provider in spread))
    return all(not either.isdisjoint(traits) for either in last.group.required)


def is_subtree(world: World, suffixes: frozenset[str], placed: Placed) -> bool:
    """One of the providers of these groups stands above all others, or is all of them."""
    chosen = [provider for slot, provider in placed if slot.group.suffix in suffixes]
    if len(chosen) < len(suffixes):
        # Whoever comes may stand above all, but not in two trees.
        return len({provider.root for provider in chosen}) == 1
    shared = frozenset.intersection(*(world.ancestry(each.uuid) for each in chosen))
    return any(provider.uuid in shared for provider in chosen)
