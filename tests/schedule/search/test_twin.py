"""The search on columns finds what the obvious search finds.

Without a limit the same candidates; with one so many of them, each once, and none that differs
from another only in the names of equal devices before all that differ in more.
"""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obvious_search.eligible import make_slots
from obvious_search.search import search
from obvious_search.symmetry import find_symmetry
from schedule.candidates.worlds import (
    AGGREGATES,
    TRAITS,
    a_group,
    a_provider,
    a_request,
    a_world,
    queries,
    worlds,
)
from schedule.search.dense_worlds import FEATURES, make_request, make_world, seen
from wherry.inventory.columns import build
from wherry.model.provider import SHARES
from wherry.schedule.candidates.messages import BadQuery
from wherry.schedule.candidates.query import parse_candidates_query
from wherry.schedule.search.find import find, find_kept
from wherry.schedule.search.memory import Memory

MOST = 3000
"""Candidates of one request; more say nothing new and take long."""


def columns_of(world):
    return build(world.providers.values(), classes=world.classes, traits=world.traits)


def keys_of(columns, request, start):
    return [each.key for each in find(columns, request, start=start).candidates()]


def compare(world, columns, request, dice):
    """Compare one request; gives how many candidates it has, or None where they are too many."""
    every = list(search(world, replace(request, limit=MOST)))
    if len(every) == MOST:
        return None
    want = {each.key for each in every}
    start = dice.randrange(9)
    found = keys_of(columns, request, start)
    assert set(found) == want
    assert len(found) == len(want)
    if want:
        asked, memory = replace(request, limit=dice.randint(1, len(want) + 1)), Memory()
        # A candidate of a world that shares may belong to several anchors, and to a class in each.
        names = None if world.sharing else names_of(world, request, every)
        for found in (
            find(columns, asked, start=start),
            find_kept(columns, asked, memory=memory),
            find_kept(columns, asked, start=start, memory=memory),
        ):
            some = [each.key for each in found.candidates()]
            assert set(some) <= want
            assert len(set(some)) == len(some) == min(asked.limit, len(want))
            if names is not None:
                check_order(names, some)
    return len(want)


def names_of(world, request, every):
    """Give each candidate its host and class, by the twin's words for it."""
    return {each.key: (each.anchor, class_of(world, request, each)) for each in every}


def check_order(names, some):
    """One of each class before others, and hosts in turn."""
    told = [names[key] for key in some]
    classes = len(set(names.values()))
    firsts = told[:classes]
    assert len(set(firsts)) == len(firsts), "a class came twice before another came once"
    left = Counter(anchor for anchor, _ in set(names.values()))
    rounds = Counter()
    for anchor, _ in firsts:
        rounds[anchor] += 1
        waiting = [other for other in left if rounds[other] < min(left[other], rounds[anchor] - 1)]
        assert not waiting, "a host came again before another's turn"


def class_of(world, request, candidate):
    """Name the class of a candidate by the twin's words for it."""
    slots = make_slots(world, request, candidate.anchor)
    symmetry = find_symmetry(slots, world.reach(candidate.anchor))
    held = {uuid: dict(each) for uuid, each in candidate.allocations.items()}
    placed = []
    for slot in [each for each in slots if not each.group.is_spread]:
        (uuid,) = candidate.mappings[slot.group.suffix]
        placed.append((slot, world.providers[uuid]))
        for name, amount in slot.resources.items():
            held[uuid][name] -= amount
    for slot in [each for each in slots if each.group.is_spread]:
        ((name, _),) = slot.resources.items()
        (uuid,) = (uuid for uuid, each in held.items() if each.get(name))
        placed.append((slot, world.providers[uuid]))
    return symmetry.class_of(placed)


def draw_request(data, world):
    query = data.draw(queries(world))
    try:
        return parse_candidates_query(query.pairs, query.microversion)
    except BadQuery:
        return None


@given(data=st.data(), dice=st.randoms(use_true_random=True))
def test_a_drawn_query_is_answered_as_the_twin_answers_it(data, dice):
    world = data.draw(worlds())
    columns = columns_of(world)
    for _ in range(3):
        request = draw_request(data, world)
        if request is not None:
            compare(world, columns, request, dice)


STORE = a_provider(
    "store", has={"DISK_GB": 9}, traits=(SHARES, TRAITS[0]), aggregates=AGGREGATES[:1]
)
HOST = a_provider("host", has={"VCPU": 4}, aggregates=AGGREGATES[1:2])
NODE = a_provider("node", HOST, has={"MEMORY_MB": 4}, traits=TRAITS[1:2], aggregates=AGGREGATES[:1])


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        # The provider of the second class alone has the trait.
        (a_request(a_group(VCPU=1, MEMORY_MB=1, required=TRAITS[1:2])), 1),
        (a_request(a_group(MEMORY_MB=1, VCPU=1, required=TRAITS[:1])), 0),
        # A guest has the trait, and none of the host's own.
        (a_request(a_group(VCPU=1, DISK_GB=1, required=TRAITS[:1])), 1),
        (a_request(a_group(VCPU=1, MEMORY_MB=1, DISK_GB=1, required=TRAITS[2:])), 0),
        # An aggregate of the root keeps a guest away that is not in it.
        (a_request(a_group(DISK_GB=1, not_member_of=frozenset(AGGREGATES[1:2]))), 1),
        (a_request(a_group(DISK_GB=1, VCPU=1, not_member_of=frozenset(AGGREGATES[1:2]))), 0),
        (
            a_request(
                a_group(DISK_GB=1, not_member_of=frozenset(AGGREGATES[1:2])), a_group("_1", VCPU=1)
            ),
            0,
        ),
        (a_request(a_group(DISK_GB=1), a_group("_1", VCPU=1)), 1),
        # The store serves its own tree, and the host's; the candidate is the same.
        (a_request(a_group(DISK_GB=1)), 1),
        (a_request(a_group(DISK_GB=1), a_group("_1", DISK_GB=8)), 1),
        (a_request(a_group(DISK_GB=1), a_group("_1", DISK_GB=9)), 0),
        (a_request(a_group(VCPU=1, DISK_GB=1), nested=False), 1),
        (a_request(a_group(VCPU=1, MEMORY_MB=1), nested=False), 0),
        (a_request(a_group(VCPU=1, DISK_GB=1, in_tree="node")), 0),
        (a_request(a_group(VCPU=1), a_group("_1", DISK_GB=1, in_tree="store")), 1),
        (a_request(a_group(DISK_GB=1), root_required=frozenset(TRAITS[2:])), 0),
    ],
)
def test_what_comes_up_rarely_is_answered_as_the_twin_answers_it(request_, count):
    world = a_world(STORE, HOST, NODE)

    assert compare(world, columns_of(world), request_, random.Random(1)) == count


def test_trees_with_equal_masks_and_other_shapes_are_not_taken_for_each_other():
    """The GPU is the fourth provider of both hosts, below the first node or the second."""
    providers = []
    for host, above in (("a", 0), ("b", 1)):
        root = a_provider(host, has={"VCPU": 1})
        nodes = [a_provider(f"{host}n{n}", root, has={"MEMORY_MB": 1}) for n in range(2)]
        providers += [root, *nodes, a_provider(f"{host}g", nodes[above], has={"VGPU": 1})]
    world = a_world(*providers)
    request = a_request(
        a_group("_N", MEMORY_MB=1), a_group("_G", VGPU=1), group_policy="none",
        same_subtree=(frozenset({"_N", "_G"}),),
    )  # fmt: skip

    assert compare(world, columns_of(world), request, random.Random(1)) == 2
    found = find(columns_of(world), replace(request, limit=2)).candidates()
    assert [each.mappings["_N"] for each in found] == [("an0",), ("bn1",)]


def compare_dense(pairs, seed):
    """Compare so many pairs; gives how often each feature came up where something was found."""
    dice = random.Random(seed)
    often: Counter[str] = Counter()
    while often["pairs"] < pairs:
        world = make_world(dice)
        columns = columns_of(world)
        for _ in range(5):
            request = make_request(dice, world)
            count = compare(world, columns, request, dice)
            often["pairs"] += count is not None
            if count:
                often.update({"found", *seen(world, request)})
    return often


def test_dense_pairs_are_answered_as_the_twin_answers_them():
    often = compare_dense(3000, seed=1)
    assert often["found"] > 800
    for name in FEATURES:
        assert often[name] > 20, name


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_hundred_thousand_pairs(seed):
    often = compare_dense(10_000, seed)
    assert often["found"] > 2500
    for name in FEATURES:
        assert often[name] > 80, name
