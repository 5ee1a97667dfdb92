"""Few trees are found by a list of them, which holds until anything moves."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.columns.histories import apply_plainly, changes
from obvious_search.search import search
from schedule.candidates.worlds import TRAITS, a_group, a_provider, a_request, a_world, worlds
from schedule.search.dense_worlds import make_request
from wherry.inventory.columns import ColumnsWriter, build
from wherry.schedule.search import postings
from wherry.schedule.search.find import find
from wherry.schedule.search.memory import Memory
from wherry.schedule.search.postings import stretches

HOSTS = 100
RARE = a_request(a_group(VCPU=1, required=(TRAITS[0],)))


def hosts(traits):
    """Hosts of which some have the trait that is asked for."""
    return {
        f"h{n}": a_provider(f"h{n}", has={"VCPU": 4}, traits=TRAITS[:1] if n in traits else ())
        for n in range(HOSTS)
    }


def found(columns, memory, start=0, request=RARE):
    return [each.anchor for each in find(columns, request, start=start, memory=memory).candidates()]


@pytest.mark.parametrize(
    ("start", "order"), [(0, ["h3", "h50", "h99"]), (4, ["h50", "h99", "h3"]), (100, None)]
)
def test_trees_of_a_list_come_in_turn_from_where_the_search_begins(start, order):
    writer = ColumnsWriter(build(hosts({3, 50, 99}).values(), traits=TRAITS))

    assert found(writer.columns, Memory(), start) == (order or ["h3", "h50", "h99"])


def test_a_list_is_made_once_and_again_when_traits_have_changed(monkeypatch):
    """Claims leave it as it is; a trait that comes or goes, a host that comes or goes do not."""
    passes = []
    ask = postings.answers
    monkeypatch.setattr(
        postings, "answers", lambda lookup, ids: passes.append(len(ids)) or ask(lookup, ids)
    )
    now = hosts({3, 50})
    writer, memory = ColumnsWriter(build(now.values(), traits=TRAITS)), Memory()
    assert [found(writer.columns, memory) for _ in range(3)] == [["h3", "h50"]] * 3
    assert passes == [HOSTS]

    writer.use([("h3", "VCPU", 4, 0, 1)])
    assert found(writer.columns, memory) == ["h3", "h50"]
    assert passes == [HOSTS]

    writer.apply({"h7": replace(now["h7"], traits=frozenset(TRAITS[:1]))})
    assert found(writer.columns, memory) == ["h3", "h7", "h50"]
    writer.apply({"h3": replace(now["h3"], traits=frozenset())})
    assert found(writer.columns, memory) == ["h7", "h50"]
    writer.apply({"h50": None})
    assert found(writer.columns, memory) == ["h7"]
    writer.apply({"h100": a_provider("h100", has={"VCPU": 4}, traits=TRAITS[:1])})
    assert found(writer.columns, memory) == ["h7", "h100"]
    assert len(passes) == 5


def test_what_a_list_names_is_asked_once_more(monkeypatch):
    """As if somebody changed a tree while the list was made."""
    columns = build(hosts({3, 50}).values(), traits=TRAITS)
    everybody = np.arange(HOSTS, dtype=np.int32)
    monkeypatch.setattr(postings.Postings, "few", lambda *_: everybody)

    assert found(columns, Memory()) == ["h3", "h50"]


def test_what_many_have_is_not_listed():
    columns, memory = build(hosts(set(range(0, HOSTS, 2))).values(), traits=TRAITS), Memory()
    notes = memory.of(columns)

    assert len(found(columns, memory)) == HOSTS // 2
    [kept] = notes.postings._kept.values()
    assert kept.trees is None


@given(st.sets(st.integers(0, 10_000)), st.integers(0, 11_000))
def test_stretches_give_each_tree_once_from_a_place_on(trees, start):
    listed = np.array(sorted(trees), np.int32)

    given = [tree for some in stretches(listed, start) for tree in some.tolist()]

    assert given == [
        *sorted(t for t in trees if t >= start),
        *sorted(t for t in trees if t < start),
    ]


@given(data=st.data())
def test_lists_find_what_the_obvious_search_finds_while_everything_changes(data):
    """All is listed, however many have it."""
    world = data.draw(worlds())
    dice = random.Random(data.draw(st.integers(0, 2**32)))
    requests = [make_request(dice, world) for _ in range(3)]
    providers = dict(world.providers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "SHARE", 1)
        columns = build(providers.values(), classes=world.classes, traits=world.traits)
        writer, memory = ColumnsWriter(columns), Memory()
        for _ in range(4):
            for request in requests:
                again = find(writer.columns, request, memory=memory).candidates()
                slowly = search(a_world(*providers.values()), request)
                assert {each.key for each in again} == {each.key for each in slowly}
            changed = data.draw(changes(providers))
            providers = apply_plainly(providers, changed)
            writer.apply(changed)
