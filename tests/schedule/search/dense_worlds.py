"""Worlds and requests for the search on columns: most requests are met, in many ways.

They are made from dice and not drawn one value at a time, so that a hundred thousand of them
take minutes.  Hosts come in a few models, several of each, and every feature of a request that
candidates depend on comes up often; `seen` names those of one pair.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from obvious_search.world import World
from schedule.candidates.worlds import AGGREGATES, NOWHERE, TRAITS, a_world, uuid_of
from wherry.model.inventory import Inventory
from wherry.model.provider import SHARES, Provider
from wherry.schedule.candidates.request import CandidatesRequest, Group

HOST = ("VCPU", "MEMORY_MB", "DISK_GB")
DEVICE = ("VGPU", "CUSTOM_UNIT")
WIDE = 65
"""Places that do not fit into one 64-bit word."""


def make_world(dice: random.Random) -> World:
    """Make a world of some hosts of a few models, and now and then somebody who shares."""
    models = [_model(dice) for _ in range(dice.choice((1, 1, 2, 3)))]
    placed: list[Provider] = []
    for _ in range(dice.randint(1, 4)):
        placed += _place(dice.choice(models), dice, len(placed))
    if dice.random() < 0.3:
        placed += [_storage(dice, len(placed) + n) for n in range(dice.choice((1, 1, 2)))]
    if dice.random() < 0.1:
        wide = dice.randrange(len(placed))
        placed += list(_crowd(dice, placed[wide], len(placed)))
    return a_world(*placed)


Model = list[tuple[int, Provider]]
"""Place of the parent, and all else of a provider; parents first."""


def _model(dice: random.Random) -> Model:
    """A host: alone, with devices below it, or with devices below NUMA nodes, and deeper."""
    found: Model = [(-1, _has(dice, HOST, 3))]
    if dice.random() < 0.25:
        return found
    kinds = [_has(dice, DEVICE, 2) for _ in range(dice.choice((1, 1, 2)))]
    nodes = [0]
    if dice.random() < 0.6:
        node = _has(dice, ("VCPU", "CUSTOM_UNIT"), 2)
        found += [(0, node)] * dice.choice((1, 2, 2))
        nodes = list(range(1, len(found)))
    for _ in range(dice.randint(1, 5)):
        found.append((dice.choice(nodes), dice.choice(kinds)))
        if dice.random() < 0.1:
            nodes.append(len(found) - 1)
    return found


def _has(dice: random.Random, classes: tuple[str, ...], most: int) -> Provider:
    inventories = {name: _inventory(dice) for name in dice.sample(classes, dice.randint(1, most))}
    if dice.random() < 0.1:
        inventories = {}
    traits = {trait for trait in TRAITS if dice.random() < 0.4}
    aggregates = {each for each in AGGREGATES if dice.random() < 0.25}
    return Provider(
        uuid="", root="", inventories=inventories, traits=frozenset(traits),
        aggregates=frozenset(aggregates),
    )  # fmt: skip


def _inventory(dice: random.Random) -> Inventory:
    total = dice.choice((1, 1, 2, 3, 4, 8))
    return Inventory(
        total=total,
        reserved=dice.choice((0, 0, 0, 0, 1)),
        min_unit=dice.choice((1, 1, 1, 1, 1, 2)),
        max_unit=dice.choice((2**31 - 1, total, total, 2)),
        step_size=dice.choice((1, 1, 1, 1, 1, 2)),
        allocation_ratio=dice.choice((1.0, 1.0, 1.0, 1.5, 4.0, 0.7)),
    )


def _place(model: Model, dice: random.Random, number: int) -> list[Provider]:
    """Place a host of a model; here and there it differs from others of it."""
    found: list[Provider] = []
    for parent, has in model:
        uuid = uuid_of(number + len(found))
        used = {
            name: dice.randint(1, held.total)
            for name, held in has.inventories.items()
            if dice.random() < 0.12
        }
        traits = has.traits ^ {dice.choice(TRAITS)} if dice.random() < 0.05 else has.traits
        found.append(
            replace(
                has, uuid=uuid, root=found[0].uuid if found else uuid, used=used, traits=traits,
                parent=found[parent].uuid if parent >= 0 else None,
            )
        )  # fmt: skip
    return found


def _storage(dice: random.Random, number: int) -> Provider:
    """A provider that shares, in one aggregate mostly."""
    has = _has(dice, ("DISK_GB", "DISK_GB", "CUSTOM_UNIT", "VCPU"), 2)
    aggregates = frozenset(dice.sample(AGGREGATES, dice.choice((1, 1, 2))))
    uuid = uuid_of(number)
    return replace(
        has, uuid=uuid, root=uuid, traits=has.traits | {SHARES},
        aggregates=aggregates if dice.random() < 0.9 else frozenset(),
    )  # fmt: skip


def _crowd(dice: random.Random, parent: Provider, number: int) -> Iterator[Provider]:
    """So many children that places of the tree do not fit into 64 bits."""
    has = _has(dice, DEVICE, 1)
    odd = {dice.randrange(WIDE) for _ in range(3)}
    for n in range(WIDE):
        used = {} if n in odd else dict.fromkeys(has.inventories, 99)
        yield replace(
            has, uuid=uuid_of(number + n), root=parent.root, parent=parent.uuid, used=used
        )


def make_request(dice: random.Random, world: World) -> CandidatesRequest:
    """Make a request for a world."""
    old = dice.random() < 0.12
    alone = dice.choice((0, 1, 1, 2, 2, 3)) if dice.random() < 0.8 else 0
    groups: list[Group] = []
    tree = dice.choice(list(world.trees.values()))
    if not alone or dice.random() < 0.5:
        groups.append(_group(dice, tree, world, "", most=3))
    for number in range(alone):
        suffix = f"_{number}"
        if number and groups[-1].suffix and dice.random() < 0.5:
            groups.append(replace(groups[-1], suffix=suffix))
        else:
            groups.append(_group(dice, tree, world, suffix, most=2))
    suffixes = [group.suffix for group in groups if group.suffix]
    subtrees: list[frozenset[str]] = []
    if suffixes and not old and dice.random() < 0.5:
        if dice.random() < 0.4:
            groups.append(Group(suffix="_N", **_qualities(dice, world, 0.6)))
            suffixes.append("_N")
            subtrees.append(frozenset(suffixes))
        more = dice.choice((0, 1, 1, 2)) if subtrees else dice.choice((1, 1, 2))
        subtrees += [
            frozenset(dice.sample(suffixes, dice.randint(1, len(suffixes)))) for _ in range(more)
        ]
    dice.shuffle(groups)
    root = frozenset((dice.choice(TRAITS),)) if dice.random() < 0.08 else frozenset[str]()
    return CandidatesRequest(
        groups=tuple(groups),
        group_policy=dice.choice(("none", "isolate")) if len(suffixes) > 1 else None,
        same_subtree=tuple(subtrees),
        root_required=root,
        root_forbidden=frozenset((dice.choice(TRAITS),)) - root
        if dice.random() < 0.05
        else frozenset(),
        nested=not old,
    )


def _group(
    dice: random.Random, tree: Sequence[Provider], world: World, suffix: str, *, most: int
) -> Group:
    """Ask for what some provider has, or all of one tree together where there is no suffix."""
    stocked = [each for each in tree if each.inventories]
    held = ["VCPU"]
    if stocked and suffix:
        held = list(dice.choice(stocked).inventories)
    elif stocked:
        held = [name for each in stocked for name in each.inventories]
    names = {dice.choice(held) for _ in range(dice.choice((1, 1, 1, most)))}
    resources = {name: dice.choice((1, 1, 1, 1, 1, 2, 2, 3)) for name in sorted(names)}
    often = 0.12 if suffix or len(resources) == 1 else 0.3
    return Group(suffix=suffix, resources=resources, **_qualities(dice, world, often))


def _qualities(dice: random.Random, world: World, often: float) -> dict[str, object]:
    fields: dict[str, object] = {}
    if dice.random() < often:
        either = [frozenset(dice.sample(TRAITS, dice.choice((1, 1, 2)))) for _ in range(2)]
        fields["required"] = tuple(dict.fromkeys(either[: dice.choice((1, 1, 2))]))
    if dice.random() < often / 2:
        fields["forbidden"] = frozenset((dice.choice(TRAITS),))
    if dice.random() < often / 2:
        known = (*AGGREGATES, *AGGREGATES, NOWHERE)
        fields["member_of"] = (frozenset(dice.sample(known, dice.choice((1, 2, 2)))),)
    if dice.random() < often / 2:
        fields["not_member_of"] = frozenset((dice.choice(AGGREGATES),))
    if dice.random() < often / 2:
        fields["in_tree"] = dice.choice((*world.providers, *world.providers, NOWHERE))
    return fields


FEATURES = (
    "wide tree", "summed amounts", "isolate", "same_subtree", "sharing", "resourceless group",
    "in_tree", "before 1.29", "traits together", "member_of", "root traits",
)  # fmt: skip


def seen(world: World, request: CandidatesRequest) -> set[str]:
    """Name what comes up in a pair."""
    sums: dict[str, int] = {}
    for group in request.groups:
        for name in group.resources:
            sums[name] = sums.get(name, 0) + 1
    facts = {
        "wide tree": any(len(tree) > 64 for tree in world.trees.values()),
        "summed amounts": request.group_policy != "isolate" and max(sums.values()) > 1,
        "isolate": request.group_policy == "isolate",
        "same_subtree": bool(request.same_subtree),
        "sharing": bool(world.sharing),
        "resourceless group": not all(group.resources for group in request.groups),
        "in_tree": any(group.in_tree for group in request.groups),
        "before 1.29": not request.nested,
        "traits together": any(group.is_spread and group.required for group in request.groups),
        "member_of": any(group.member_of for group in request.groups),
        "root traits": bool(request.root_required or request.root_forbidden),
    }
    return {name for name, holds in facts.items() if holds}
