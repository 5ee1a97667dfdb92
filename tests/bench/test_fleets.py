"""Fleets that are measured are what they are said to be."""

from collections import Counter

import pytest

from obvious_search.search import search
from obvious_search.world import make_world
from wherry.bench.fleets import FLEETS, HUNDRED, RARE
from wherry.bench.queries import HOPELESS, QUERIES, read

SIZES = {"flat": 1, "vgpu": 7, "pci": 9, "mig": 11}


def world(fleet, hosts):
    columns = FLEETS[fleet](hosts)
    known = {"classes": columns.known_classes, "traits": columns.known_traits}
    return make_world(columns.providers(), **known)


@pytest.mark.parametrize("fleet", FLEETS)
def test_each_host_has_as_many_providers_as_its_shape(fleet):
    sizes = Counter(each.root for each in FLEETS[fleet](7).providers())

    assert len(sizes) == 7
    assert set(sizes.values()) == {SIZES[fleet]}


@pytest.mark.parametrize("fleet", FLEETS)
def test_a_seed_gives_one_fleet(fleet):
    one, same, other = (list(FLEETS[fleet](5, seed).providers()) for seed in (3, 3, 4))

    assert one == same
    assert one != other


@pytest.mark.parametrize("fleet", FLEETS)
def test_nothing_is_in_use_where_no_load_is_asked_for_and_something_is_else(fleet):
    assert not any(each.used for each in FLEETS[fleet](20, load=0).providers())
    assert any(each.used for each in FLEETS[fleet](20).providers())


@pytest.mark.parametrize(
    "query",
    [query for some in QUERIES.values() for query in some if query.per_host and query.groups < 8],
    ids=lambda query: query.name,
)
def test_a_query_has_as_many_candidates_as_were_counted_by_hand(query):
    """On three hosts the obvious search finds every one."""
    found = list(search(world(query.name.split(".")[0], 3), read(query.text, limit=None)))

    assert len(found) == query.count(3)


def test_every_query_of_the_mixed_fleet_has_candidates_and_the_hopeless_have_none():
    mixed = world("mig", 60)

    for query in QUERIES["mig"]:
        assert next(iter(search(mixed, read(query.text))), None), query.name
    for name, text in HOPELESS.items():
        assert next(iter(search(mixed, read(text))), None) is None, name


def test_one_host_of_a_hundred_has_the_rare_trait():
    rare = [RARE in each.traits for each in FLEETS["flat"](3 * HUNDRED).providers()]

    assert sum(rare) == 3


def test_a_fleet_of_one_host_knows_the_names_that_larger_ones_are_asked_for():
    assert FLEETS["mig"](1).known_classes == FLEETS["mig"](200).known_classes
