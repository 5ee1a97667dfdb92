"""Which providers could serve a part of a request, seen from one tree.

A *slot* is what one provider has to take as a whole: a group with a suffix, or one class of
the group without.  What several slots demand together is in `rules`.

Source: Placement API reference, "List allocation candidates"; Placement 16.0.0, probed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from obvious_search.world import World
from wherry.model.provider import Provider
from wherry.schedule.candidates.request import CandidatesRequest, Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A part of a request that one provider takes as a whole."""

    group: Group
    resources: Mapping[str, int]
    """Empty for a group that asks for no resources."""
    kind: int
    """Equal where two slots ask for the same and could change places."""
    options: tuple[Provider, ...]
    """Providers that could take it, were it alone."""


def is_anchor(world: World, request: CandidatesRequest, root: str) -> bool:
    """Whether a tree's root has the traits that are asked of roots."""
    traits = world.providers[root].traits
    return request.root_required <= traits and traits.isdisjoint(request.root_forbidden)


def make_slots(world: World, request: CandidatesRequest, anchor: str) -> tuple[Slot, ...]:
    """Cut a request into slots, with the providers in reach of one tree for each.

    Slots of one kind stand together, those of the group without a suffix come first.
    Empty if a slot has no option at all.
    """
    reach = world.reach(anchor)
    kinds: list[object] = []
    slots: list[Slot] = []
    for group, resources in _parts(request):
        meaning = _meaning(request, group, resources)
        if meaning not in kinds:
            kinds.append(meaning)
        options = tuple(
            provider
            for provider in reach
            if all(provider.takes(name, amount) for name, amount in resources.items())
            and _stands_right(world, group, provider, anchor)
        )
        if not options:
            return ()
        kind = kinds.index(meaning)
        slots.append(Slot(group=group, resources=resources, kind=kind, options=options))
    return tuple(sorted(slots, key=lambda slot: (not slot.group.is_spread, slot.kind)))


def _parts(request: CandidatesRequest) -> Iterator[tuple[Group, Mapping[str, int]]]:
    for group in request.groups:
        if group.is_spread:
            for name, amount in group.resources.items():
                yield group, {name: amount}
        else:
            yield group, group.resources


def _meaning(request: CandidatesRequest, group: Group, resources: Mapping[str, int]) -> object:
    """All that a slot asks, but the suffix it goes under."""
    return (
        group.is_spread,
        frozenset(resources.items()),
        frozenset(group.required),
        group.forbidden,
        frozenset(group.member_of),
        group.not_member_of,
        group.in_tree,
        tuple(group.suffix in together for together in request.same_subtree),
    )


def _stands_right(world: World, group: Group, provider: Provider, anchor: str) -> bool:
    """Whether traits, aggregates and tree of a provider suit a group."""
    if not group.forbidden.isdisjoint(provider.traits):
        return False
    if group.in_tree is not None and provider.root != world.providers[group.in_tree].root:
        return False
    if group.is_spread:
        return _spread_stands_right(world, group, provider, anchor)
    return (
        _meets(group.required, provider.traits)
        and _meets(group.member_of, provider.aggregates)
        and group.not_member_of.isdisjoint(provider.aggregates)
    )


def _spread_stands_right(world: World, group: Group, provider: Provider, anchor: str) -> bool:
    """As `_stands_right`, where an aggregate of the root spans the whole tree.

    A provider that shares is in an aggregate only by itself, and leaves its own tree only
    where no tree is asked for.  Required traits are asked of all providers together.
    """
    root = world.providers[anchor]
    is_guest = provider.root != anchor
    if is_guest and group.in_tree is not None:
        return False
    member = _meets(group.member_of, provider.aggregates) or (
        not is_guest and _meets(group.member_of, root.aggregates)
    )
    return member and group.not_member_of.isdisjoint(provider.aggregates | root.aggregates)


def _meets(wanted: tuple[frozenset[str], ...], has: frozenset[str]) -> bool:
    return all(not either.isdisjoint(has) for either in wanted)
