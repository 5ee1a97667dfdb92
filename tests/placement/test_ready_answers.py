"""The bytes of an answer say what was said when each part of it was an object."""

import json
import random
from dataclasses import replace
from itertools import product

import pytest

from builders import a_uuid
from obvious_search.search import search
from obvious_search.summaries import summarize
from schedule.candidates.worlds import (
    AGGREGATES,
    TRAITS,
    a_group,
    a_provider,
    a_request,
    a_world,
)
from schedule.search.dense_worlds import make_request, make_world
from wherry.api.placement.microversions import bring_down
from wherry.api.placement.ready.answer import render_answer
from wherry.api.placement.ready.summaries import TreeBytes
from wherry.inventory.columns import ColumnsWriter, build
from wherry.model.provider import SHARES
from wherry.schedule.candidates.query import answer_form
from wherry.schedule.search.find import find, find_kept
from wherry.schedule.search.memory import Memory

MICROVERSIONS = ((1, 10), (1, 12), (1, 17), (1, 27), (1, 28), (1, 29), (1, 34), (1, 39))
MOST = 400


def columns_of(world):
    return build(world.providers.values(), classes=world.classes, traits=world.traits)


def slow_answer(world, request, candidates, microversion):
    """The answer as objects, brought down from the newest form."""
    body = {
        "allocation_requests": [
            {
                "allocations": {
                    uuid: {"resources": resources} for uuid, resources in each.allocations.items()
                },
                "mappings": {suffix: list(uuids) for suffix, uuids in each.mappings.items()},
            }
            for each in candidates
        ],
        "provider_summaries": {
            uuid: {
                "resources": {
                    name: {"capacity": load.capacity, "used": load.used}
                    for name, load in summary.resources.items()
                },
                "traits": sorted(summary.traits or (), key=lambda name: name.startswith("CUSTOM_")),
                "parent_provider_uuid": None if summary.kin is None else summary.kin.parent,
                "root_provider_uuid": None if summary.kin is None else summary.kin.root,
            }
            for uuid, summary in summarize(world, request, candidates).items()
        },
    }
    return bring_down("candidates", body, microversion)


def without_order(answer):
    """Candidates have no order, and neither have providers of one that is a list."""
    found = []
    for each in answer["allocation_requests"]:
        held = each["allocations"]
        if isinstance(held, list):
            held = sorted(held, key=lambda one: one["resource_provider"]["uuid"])
        found.append(json.dumps({**each, "allocations": held}, sort_keys=True))
    return {**answer, "allocation_requests": sorted(found)}


@pytest.mark.parametrize("seed", range(3))
def test_the_bytes_say_what_the_objects_said(seed):
    """At every form of an answer, from trees whose bytes are kept and from others."""
    dice = random.Random(seed)
    for _ in range(60):
        world = make_world(dice)
        columns, kept = columns_of(world), TreeBytes()
        for _ in range(4):
            request, mv = make_request(dice, world), dice.choice(MICROVERSIONS)
            request = replace(request, form=answer_form(mv), nested=mv >= (1, 29), limit=MOST)
            candidates = list(search(world, request))
            if len(candidates) == MOST:
                continue
            answer = json.loads(render_answer(find(columns, request), request.form, kept))
            want = slow_answer(world, request, candidates, mv)
            assert without_order(answer) == without_order(want)


def test_kept_candidates_are_told_as_they_would_be_anew():
    """From every host on, some or all of them, in several forms, while hosts fill up."""
    hosts = [a_provider(a_uuid(f"host{n}"), has={"VCPU": 4, "DISK_GB": 9}) for n in range(5)]
    world = a_world(*hosts)
    writer, kept, memory = ColumnsWriter(columns_of(world)), TreeBytes(), Memory()
    for used, mv, limit, start in product((0, 3), ((1, 10), (1, 39)), (3, 5, 8), range(5)):
        hosts[1] = replace(hosts[1], used={"VCPU": used})
        writer.use([(hosts[1].uuid, "VCPU", 4, 0, used)])
        request = replace(a_request(a_group(VCPU=2), limit=limit), form=answer_form(mv))
        found = find_kept(writer.columns, request, start=start, memory=memory)
        answer = json.loads(render_answer(found, request.form, kept))
        want = slow_answer(a_world(*hosts), request, list(found.candidates()), mv)
        assert answer == want
        assert found.count == min(limit, 5 if not used else 4)


def test_a_limited_answer_shows_only_the_trees_it_allocates_from():
    hosts = [a_provider(f"host{n}", has={"VCPU": 4}) for n in range(5)]
    columns = columns_of(a_world(*hosts))
    request = a_request(a_group(VCPU=1), limit=2)

    answer = json.loads(render_answer(find(columns, request, start=3), request.form, TreeBytes()))

    assert list(answer["provider_summaries"]) == ["host3", "host4"]


def test_candidates_of_several_forms_come_in_the_order_of_the_search():
    """Those on one provider and those on two are rendered apart and put together again."""
    host = a_provider("host", has={"VCPU": 4})
    nodes = [a_provider(f"node{n}", host, has={"VCPU": 4, "MEMORY_MB": 4}) for n in range(3)]
    columns = columns_of(a_world(host, *nodes))
    request = a_request(a_group("_A", VCPU=1), a_group("_B", MEMORY_MB=1), limit=9)

    found = find(columns, request)
    answer = json.loads(render_answer(found, request.form, TreeBytes()))

    assert len(found.batches) > 1
    told = [
        {s: tuple(u) for s, u in each["mappings"].items()} for each in answer["allocation_requests"]
    ]
    assert told == [each.mappings for each in found.candidates()]


def test_bytes_of_trees_are_dropped_when_there_are_too_many():
    """Those asked for again stay; what was dropped is made anew."""
    hosts = [a_provider(f"host{n}", has={"VCPU": 4}) for n in range(64)]
    columns = columns_of(a_world(*hosts))
    small = TreeBytes(most=4000)
    request = a_request(a_group(VCPU=1))
    want = render_answer(find(columns, request), request.form, TreeBytes())
    for _ in range(3):
        assert render_answer(find(columns, request), request.form, small) == want
        assert small.size <= 4000


def test_bytes_of_a_tree_that_changed_are_made_anew():
    host = a_provider("host", has={"VCPU": 4})
    writer, kept = ColumnsWriter(columns_of(a_world(host))), TreeBytes()
    request = a_request(a_group(VCPU=1))
    for used in (0, 1, 3):
        writer.apply({"host": replace(host, used={"VCPU": used})})
        answer = json.loads(render_answer(find(writer.columns, request), request.form, kept))
        assert answer["provider_summaries"]["host"]["resources"]["VCPU"]["used"] == used


def test_pages_of_which_some_trees_changed_say_what_new_ones_would():
    """In two pages at once; other pages stay."""
    hosts = {f"host{n}": a_provider(f"host{n}", has={"VCPU": 4}) for n in range(200)}
    writer, kept = ColumnsWriter(columns_of(a_world(*hosts.values()))), TreeBytes()
    request = a_request(a_group(VCPU=1))
    for used in ({}, {"host3": 1, "host5": 2, "host70": 3}, {"host70": 1, "host199": 2}):
        writer.use([(uuid, "VCPU", 4, 0, units) for uuid, units in used.items()])
        found = find(writer.columns, request)
        said = json.loads(render_answer(found, request.form, kept))
        assert said == json.loads(render_answer(found, request.form, TreeBytes()))
        for uuid, units in used.items():
            assert said["provider_summaries"][uuid]["resources"]["VCPU"]["used"] == units


def test_a_tree_that_only_stands_in_for_a_group_without_resources_is_not_shown():
    store = a_provider(
        "store", has={"DISK_GB": 9}, traits=(SHARES, TRAITS[0]), aggregates=AGGREGATES[:1]
    )
    host = a_provider("host", has={"VCPU": 4}, aggregates=AGGREGATES[:1])
    request = a_request(
        a_group("_1", VCPU=1), a_group("_N", required=TRAITS[:1]), group_policy="none",
        same_subtree=(frozenset({"_N"}),),
    )  # fmt: skip
    found = find(columns_of(a_world(store, host)), request)

    answer = json.loads(render_answer(found, request.form, TreeBytes()))

    assert [each["mappings"] for each in answer["allocation_requests"]] == [
        {"_1": ["host"], "_N": ["store"]}
    ]
    assert list(answer["provider_summaries"]) == ["host"]
