"""Fixed places: what is free of a parent counts only where an instance of a type may sit."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_contract, an_offer
from compat.test_mapping import uuid
from wherry.compat.engine import check
from wherry.compat.mapping import best_mapping, world_of
from wherry.model.checks import Policy
from wherry.model.device import Offer, Positions
from wherry.model.positions import (
    bits_of,
    can_be_placed,
    choose_places,
    count_free,
    parse_places,
    union_of,
)

MIG = {
    "1g": parse_places("{0,1,2,3,4,5,6}:1"),
    "2g": parse_places("{0,2,4}:2"),
    "3g": parse_places("{0,4}:4"),
    "4g": parse_places("{0}:4"),
    "7g": parse_places("{0}:8"),
}
kinds = st.sampled_from(sorted(MIG))
places = st.lists(
    st.builds("{}:{}".format, st.integers(0, 5), st.integers(1, 3)), unique=True, max_size=4
)


def test_places_are_read_as_the_vendor_lists_them():
    assert parse_places("{0, 2,4}:2") == ("0:2", "2:2", "4:2")
    for bad in ("0,2:2", "{}:2", "{0}:0", "{100}:1", "{0}", ""):
        with pytest.raises(ValueError, match="places are written"):
            parse_places(bad)


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ((), {"1g": 7, "2g": 3, "3g": 2, "4g": 1, "7g": 1}),
        (("4:4",), {"1g": 4, "2g": 2, "3g": 1, "4g": 1, "7g": 0}),
        (("0:4", "4:4"), {"1g": 0, "2g": 0, "3g": 0, "4g": 0, "7g": 0}),
        (("3:1",), {"1g": 6, "2g": 2, "3g": 1, "4g": 0, "7g": 0}),
        (("6:1",), {"1g": 6, "2g": 3, "3g": 1, "4g": 1, "7g": 0}),
    ],
)
def test_what_is_free_depends_on_where_instances_sit(taken, free):
    assert {one: count_free(MIG[one], union_of(taken)) for one in MIG} == free


def test_the_first_small_one_goes_where_most_stays_possible():
    assert choose_places(["1g"], MIG, 0) == ("6:1",)
    assert choose_places(["3g"], MIG, 0) == ("4:4",)
    assert choose_places(["3g", "3g"], MIG, 0) == ("4:4", "0:4")
    assert choose_places(["2g", "3g", "2g"], MIG, 0) == ("0:2", "4:4", "2:2")
    assert choose_places(["7g", "1g"], MIG, 0) is None


@given(st.lists(kinds, max_size=4), st.integers(0, 255))
def test_places_are_found_wherever_there_are_any(wanted, taken):
    """Every way to seat all of them, tried one by one, is the slow twin."""

    def fits(way: tuple[str, ...]) -> bool:
        bits = [bits_of(place) for place in way]
        return all(not b & taken for b in bits) and sum(bits) == union_of(way)

    ways = [way for way in product(*(MIG[one] for one in wanted)) if fits(way)]
    found = choose_places(wanted, MIG, taken)

    assert (found in ways) if ways else (found is None)


@given(places.filter(bool), st.integers(0, 255))
def test_as_many_find_places_as_are_counted_free(some, taken):
    free = count_free(some, taken)

    assert can_be_placed([tuple(some)] * free, taken)
    assert not can_be_placed([tuple(some)] * (free + 1), taken)


def an_offer_of(one: str, provider: str, taken: tuple[str, ...] = ()) -> Offer:
    return an_offer(type=one, provider=provider, positions=Positions(places=MIG[one], taken=taken))


def test_an_offer_without_a_free_place_is_refused_though_units_are_left():
    offer = an_offer_of("3g", uuid(1), taken=("2:2", "6:1"))

    verdict = check(a_contract(type="3g"), offer, Policy())

    assert [reason.code for reason in verdict.reasons if reason.severity == "no"] == ["POSITIONS"]
    assert verdict.reasons[0].detail == {"wanted": ["0:4", "4:4"], "offered": ["2:2", "6:1"]}


@given(st.lists(kinds, max_size=4), st.lists(places, min_size=1, max_size=2))
def test_a_guest_is_mapped_if_and_only_if_all_its_devices_find_places(wanted, taken):
    """The twin gives each device a board in every way, and asks the boards one by one."""
    offers = [an_offer_of(one, uuid(n), tuple(some)) for n, some in enumerate(taken) for one in MIG]
    contracts = [a_contract(type=one, slot=f"s{n}") for n, one in enumerate(wanted)]
    weights = [[0 if offer.type == c.type else 3 for offer in offers] for c in contracts]

    def is_feasible(boards: tuple[int, ...]) -> bool:
        return all(
            can_be_placed([MIG[one] for one, b in zip(wanted, boards, strict=True) if b == n],
                          union_of(some))
            for n, some in enumerate(taken)
        )  # fmt: skip

    expected: Any = any(map(is_feasible, product(range(len(taken)), repeat=len(wanted))))

    assert (best_mapping(world_of(contracts, offers), weights) is not None) == expected
