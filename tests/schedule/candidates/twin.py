"""The slow twin of the search: make everything that could be, keep what the rules allow.

Written from the API reference anew, rule by rule on whole candidates, and sharing no code
with the search but the values.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import product

from obvious_search.world import World
from wherry.model.provider import SHARES, Provider
from wherry.schedule.candidates.candidate import Key
from wherry.schedule.candidates.request import CandidatesRequest, Group

Seats = tuple[tuple[str, str], ...]
"""(class, provider) pairs; the class is empty where a group asks for no resources."""


def find_all(world: World, request: CandidatesRequest) -> set[Key]:
    """Find every candidate of every anchor."""
    found = set()
    for anchor in [each for each in world.providers.values() if each.parent is None]:
        if not request.root_required <= anchor.traits or request.root_forbidden & anchor.traits:
            continue
        ways = [list(ways_of(world, group, anchor)) for group in request.groups]
        for seats in product(*ways):
            way = {group.suffix: seat for group, seat in zip(request.groups, seats, strict=True)}
            if is_valid(world, request, way):
                found.add(key_of(request, way))
    return found


def ways_of(world: World, group: Group, anchor: Provider) -> Iterator[Seats]:
    """Every way in which one group alone is served at an anchor."""
    if group.in_tree is not None and group.in_tree not in world.providers:
        return
    around = [each for each in world.providers.values() if can_reach(world, each, anchor)]
    if group.suffix:
        for each in around:
            if all(fits(each, name, amount) for name, amount in group.resources.items()) and (
                suits_alone(world, group, each)
            ):
                yield tuple((name, each.uuid) for name in group.resources or ("",))
        return
    options = [
        [(name, each.uuid) for each in around if fits(each, name, amount)]
        for name, amount in group.resources.items()
    ]
    for seats in product(*options):
        if suits_together(world, group, [world.providers[uuid] for _, uuid in seats], anchor):
            yield seats


def can_reach(world: World, provider: Provider, anchor: Provider) -> bool:
    """In the tree, or sharing an aggregate with any of the tree."""
    if provider.root == anchor.uuid:
        return True
    return SHARES in provider.traits and any(
        provider.aggregates & other.aggregates
        for other in world.providers.values()
        if other.root == anchor.uuid
    )


def fits(provider: Provider, name: str, amount: int) -> bool:
    """One group's amount against the inventory."""
    if name not in provider.inventories:
        return False
    held = provider.inventories[name]
    free = (held.total - held.reserved) * held.allocation_ratio - provider.used.get(name, 0)
    return held.min_unit <= amount <= min(held.max_unit, free) and amount % held.step_size == 0


def suits_alone(world: World, group: Group, provider: Provider) -> bool:
    """A group with a suffix looks at its one provider only."""
    return (
        all(either & provider.traits for either in group.required)
        and not group.forbidden & provider.traits
        and all(either & provider.aggregates for either in group.member_of)
        and not group.not_member_of & provider.aggregates
        and (group.in_tree is None or world.providers[group.in_tree].root == provider.root)
    )


def suits_together(world: World, group: Group, used: list[Provider], anchor: Provider) -> bool:
    """The group without a suffix: traits together, aggregates with the root's."""
    traits = frozenset[str]().union(*(each.traits for each in used))
    if group.forbidden & traits or not all(either & traits for either in group.required):
        return False
    for each in used:
        outside = each.root != anchor.uuid
        homes = [each.aggregates] if outside else [each.aggregates, anchor.aggregates]
        if not any(all(either & home for either in group.member_of) for home in homes):
            return False
        if group.not_member_of & (each.aggregates | anchor.aggregates):
            return False
        if group.in_tree is not None and (
            outside or world.providers[group.in_tree].root != each.root
        ):
            return False
    return True


def is_valid(world: World, request: CandidatesRequest, way: Mapping[str, Seats]) -> bool:
    """What the groups must meet together."""
    alone = [seats[0][1] for suffix, seats in way.items() if suffix]
    if request.group_policy == "isolate" and len(set(alone)) < len(alone):
        return False
    for suffixes in request.same_subtree:
        members = {uuid for suffix in suffixes for _, uuid in way[suffix]}
        if not any(all(is_above(world, top, each) for each in members) for top in members):
            return False
    sums: Counter[tuple[str, str]] = Counter()
    for group in request.groups:
        for name, uuid in way[group.suffix]:
            if name:
                sums[uuid, name] += group.resources[name]
    for (uuid, name), amount in sums.items():
        provider = world.providers[uuid]
        held = provider.inventories[name]
        if amount + provider.used.get(name, 0) > held.capacity or amount > held.max_unit:
            return False
    users = {uuid for uuid, _ in sums}
    return request.nested or len({world.providers[uuid].root for uuid in users}) == len(users)


def is_above(world: World, top: str, below: str) -> bool:
    """Whether a provider is another, or an ancestor of it."""
    at: str | None = below
    while at is not None and at != top:
        at = world.providers[at].parent
    return at is not None


def key_of(request: CandidatesRequest, way: Mapping[str, Seats]) -> Key:
    """The candidate that a way is."""
    sums: Counter[tuple[str, str]] = Counter()
    for group in request.groups:
        for name, uuid in way[group.suffix]:
            if name:
                sums[uuid, name] += group.resources[name]
    rows = tuple(sorted((uuid, name, amount) for (uuid, name), amount in sums.items()))
    mappings = {suffix: tuple(sorted({uuid for _, uuid in seats})) for suffix, seats in way.items()}
    return rows, tuple(sorted(mappings.items()))
