"""Candidates are ranked by NUMA nodes, then by the room that is left: as a plain loop says it."""

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from schedule.candidates.worlds import a_group, a_provider, a_request, a_world
from schedule.search.dense_worlds import make_request, make_world
from wherry.inventory.columns import build
from wherry.schedule.first.question import Query
from wherry.schedule.first.rank import rank, read_found
from wherry.schedule.search.find import find

NODE = ("HW_NUMA_ROOT",)


def read(world, request, devices=None, number=0):
    """Read the candidates of a request; *devices* is suffix to the device request it serves."""
    traits = {*world.traits, "HW_NUMA_ROOT"}
    columns = build(world.providers.values(), classes=world.classes, traits=traits)
    return list(read_found(find(columns, request), number, Query((), devices or {})))


def slow_score(world, one):
    """The least fraction that is left, provider by provider."""
    left = [
        (provider.inventories[name].capacity - provider.used.get(name, 0) - amount)
        / provider.inventories[name].capacity
        for uuid, units in one.allocations.items()
        for name, amount in units.items()
        for provider in [world.providers[uuid]]
    ]
    return min(left, default=1.0)


def slow_pieces(slots, one):
    """What each provider gives for each group, slot by slot."""
    total = {}
    for slot, row in zip(slots, one.rows, strict=True):
        here = total.setdefault((slot.suffix, row), Counter())
        here.update(dict(slot.amounts))
    return [
        (suffix, f"request {suffix}", row, tuple(sorted(units.items())))
        for (suffix, row), units in total.items()
    ]


@pytest.mark.parametrize("seed", range(3))
def test_scores_pieces_allocations_and_mappings_are_those_of_a_plain_loop(seed):
    dice = random.Random(seed)
    read_of = 0
    for _ in range(60):
        world = make_world(dice)
        request = replace(make_request(dice, world), limit=40)
        columns = build(world.providers.values(), classes=world.classes, traits=world.traits)
        found = find(columns, request)
        slots = found.compiled.slots
        devices = {slot.suffix: f"request {slot.suffix}" for slot in slots}
        ours = list(read_found(found, 0, Query((), devices)))
        plain = {each.key for each in found.candidates()}
        assert {
            (
                tuple(
                    sorted(
                        (u, n, a) for u, units in o.allocations.items() for n, a in units.items()
                    )
                ),
                tuple(sorted(o.mappings.items())),
            )
            for o in ours
        } == plain
        for one in ours:
            pieces = [(each.suffix, each.request, each.row, each.resources) for each in one.pieces]
            assert pieces == slow_pieces(slots, one)
            assert one.score == pytest.approx(slow_score(world, one))
        for order, turn in (("spread", -1), ("pack", 1)):
            scores = [turn * one.score for one in rank(ours, order)]
            assert all(a <= b + 1e-6 for a, b in pairwise(scores))
        read_of += len(ours)
    assert read_of > 100


def gpu_host(name, *nodes):
    """A host with a GPU below each of these nodes; None is below none."""
    host = a_provider(name, has={"VCPU": 4})
    found = [host]
    for number, node in enumerate(nodes):
        above = host
        if node is not None:
            above = next((p for p in found if p.uuid == f"{name} {node}"), None) or a_provider(
                f"{name} {node}", host, traits=NODE
            )
            found += [above] if above not in found else []
        found.append(a_provider(f"{name} gpu{number}", above, has={"VGPU": 1}))
    return found


def test_devices_on_one_node_come_before_unknown_ones_and_those_before_several():
    world = a_world(*gpu_host("far", 0, 1), *gpu_host("odd", 0, None), *gpu_host("near", 1, 1))
    request = a_request(a_group("_a", VGPU=1), a_group("_b", VGPU=1), group_policy="none")
    ranked = rank(read(world, request, {"_a": "gpu", "_b": "gpu"}), "spread")

    assert [(one.columns.uuid(int(one.columns.first[one.tree])), one.nodes) for one in ranked] == [
        ("near", "one"),
        ("odd", "unknown"),
        ("far", "several"),
    ]


def test_devices_that_change_places_make_one_candidate_and_other_groups_two():
    world = a_world(*gpu_host("host", 0, 1))
    request = a_request(a_group("_a", VGPU=1), a_group("_b", VGPU=1), group_policy="none")

    assert len(rank(read(world, request, {"_a": "gpu", "_b": "gpu"}), "spread")) == 1
    assert len(rank(read(world, request, {"_a": "gpu", "_b": "nic"}), "spread")) == 2
    assert len(rank(read(world, request), "spread")) == 2


def test_a_question_of_no_devices_tells_of_no_nodes():
    world = a_world(*gpu_host("host", 0))

    assert [one.nodes for one in read(world, a_request(a_group(VCPU=1)))] == [None]


def test_the_same_devices_in_other_words_make_one_candidate():
    host = a_provider("host")
    words = {"CUSTOM_PCI_10DE_20B0": 4, "CUSTOM_PCI_VF_10DE_20B0": 4, "CUSTOM_OTHER": 4}
    world = a_world(host, a_provider("gpu", host, has=words))
    ways = [
        each
        for number, name in enumerate(words)
        for each in read(
            replace(world, classes=frozenset(words)),
            a_request(a_group("_a", **{name: 1})),
            {"_a": "gpu"},
            number,
        )
    ]

    assert [one.query for one in rank(ways, "spread")] == [0, 2]
