"""Every tree without a candidate is counted once, under a reason that holds."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from obvious_search.search import search
from schedule.candidates.worlds import AGGREGATES, a_group, a_provider, a_request, a_world
from schedule.search.dense_worlds import make_request, make_world
from wherry.inventory.columns import build
from wherry.schedule.search.explain import Cause, Explanation, Reason, explain
from wherry.schedule.search.find import find


def columns_of(world):
    return build(world.providers.values(), classes=world.classes, traits=world.traits)


def flags_of(columns, closed):
    """Say of each tree whether it is closed; None where none is, as the fleet says it."""
    if not closed:
        return None
    flags = np.zeros(columns.trees, bool)
    flags[[columns.tree_of(columns.row(root)) for root in closed]] = True
    return flags


def test_a_closed_tree_is_refused_for_that_alone():
    world = a_world(a_provider("one", has={"VCPU": 1}), a_provider("two", has={"VCPU": 1}))
    columns = columns_of(world)
    closed = flags_of(columns, {"two"})
    told = explain(columns, a_request(a_group(VCPU=2)), closed=closed)

    assert told.refused == {Reason(Cause.STATE): 1, Reason(Cause.CAPACITY, "VCPU"): 1}
    found = find(columns, a_request(a_group(VCPU=1)), closed=closed)
    assert [each.anchor for each in found.candidates()] == ["one"]


def fitting(world, request, closed=frozenset()):
    """The anchors of all candidates, asked tree by tree so that none hides behind another."""
    found = set()
    for root in set(world.trees) - closed:
        alone = replace(world, trees={root: world.trees[root]})
        found.update(each.anchor for each in search(alone, replace(request, limit=1)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_fitting_and_refused_trees_are_all_there_are(seed):
    """As many fit as the obvious search finds candidates in; causes of every kind come up."""
    dice = random.Random(seed)
    causes: Counter[Cause] = Counter()
    for _ in range(120):
        world = make_world(dice)
        columns = columns_of(world)
        for _ in range(4):
            request = make_request(dice, world)
            closed = {root for root in world.trees if dice.random() < 0.2}
            told = explain(columns, request, closed=flags_of(columns, closed))
            assert told.fitting == len(fitting(world, request, closed))
            assert told.fitting + sum(told.refused.values()) == len(world.trees)
            assert all(number > 0 for number in told.refused.values())
            causes.update(reason.cause for reason in told.refused)
    assert set(causes) == set(Cause)


HOST = a_provider("host", has={"VCPU": 4, "MEMORY_MB": 8}, traits=("CUSTOM_RED",))
NODES = tuple(a_provider(f"node{n}", HOST, has={"VGPU": 2}) for n in range(2))
OTHER = a_provider("other", has={"VCPU": 16}, aggregates=AGGREGATES[:1])


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        (a_request(a_group(VCPU=1)), {}),
        (a_request(a_group(VCPU=8)), {("capacity", "VCPU"): 1}),
        (a_request(a_group(VCPU=1, VGPU=3)), {("capacity", "VGPU"): 2}),
        (
            a_request(a_group("_A", VGPU=2), a_group("_B", VGPU=2), a_group("_C", VGPU=1)),
            {("capacity", "VGPU"): 1, ("total", "VGPU"): 1},
        ),
        (a_request(a_group(VCPU=1, required=("CUSTOM_RED",))), {("trait", "CUSTOM_RED"): 1}),
        (
            a_request(a_group(VCPU=1, required=(("CUSTOM_BLUE", "CUSTOM_RED"),))),
            {("trait", "CUSTOM_BLUE,CUSTOM_RED"): 1},
        ),
        (
            a_request(a_group(VCPU=1, member_of=(frozenset(AGGREGATES[:1]),))),
            {("aggregate", AGGREGATES[0]): 1},
        ),
        (
            a_request(a_group(VCPU=1), root_forbidden=frozenset({"CUSTOM_RED"})),
            {("root", ""): 1},
        ),
        (a_request(a_group(VCPU=1, in_tree="node1")), {("in_tree", ""): 1}),
        (a_request(a_group(VCPU=1, in_tree="nobody")), {("in_tree", ""): 2}),
        (
            a_request(a_group("_A", VGPU=1, required=("CUSTOM_RED",))),
            {("capacity", "VGPU"): 1, ("group", "_A"): 1},
        ),
        (
            a_request(
                a_group("_A", VCPU=1), a_group("_B", MEMORY_MB=1), group_policy="isolate"
            ),
            {("capacity", "MEMORY_MB"): 1, ("together", ""): 1},
        ),
    ],
)  # fmt: skip
def test_a_refused_tree_is_told_the_first_of_its_reasons(request_, refused):
    told = explain(columns_of(a_world(HOST, *NODES, OTHER)), request_)

    want = {Reason(Cause(cause), what): number for (cause, what), number in refused.items()}
    assert told == Explanation(fitting=2 - sum(refused.values()), refused=want)
