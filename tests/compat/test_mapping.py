"""The joint mapping equals that of a plain search through all mappings, and does not explode."""

from itertools import combinations, product
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from compat.worlds import UUIDS
from wherry.compat.guest import check_guest
from wherry.compat.mapping import best_mapping, world_of
from wherry.compat.quantity import demand_of
from wherry.model.checks import HostFacts, Needs, Policy
from wherry.model.device import Contract, Offer


def a_device(slot: str, **fields: Any) -> Contract:
    document = {
        "schema": "wherry.device/1", "record": "contract", "consumer": UUIDS[0], "slot": slot,
        "kind": "vf", "device_api": "virtio", "type": "a/x", "interface": {"policy": "none"},
        "migration": {"support": "yes"}, **fields,
    }  # fmt: skip
    return msgspec.convert(document, Contract)


def a_place(provider: int, **fields: Any) -> Offer:
    document = {
        "schema": "wherry.device/1", "record": "offer", "generation": 0,
        "provider": f"00000000-0000-4000-8000-{provider:012}",
        "kind": "vf", "device_api": "virtio", "type": "a/x", "interface": {"policy": "none"},
        "migration": {"support": "yes"}, **fields,
    }  # fmt: skip
    return msgspec.convert(document, Offer)


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def same(left: Any, right: Any) -> bool:
    if isinstance(left, tuple) and isinstance(right, tuple):
        return set(left) == set(right)
    return type(left) is type(right) and left == right


Chosen = list[tuple[Contract, Offer]]


def is_feasible(contracts: list[Contract], offers: list[Offer], chosen: tuple[int, ...]) -> bool:
    """The conditions of section 10, word by word; the verdicts of pairs are looked at apart."""
    pairs = [(contract, offers[index]) for contract, index in zip(contracts, chosen, strict=True)]
    whole = [
        index
        for (contract, offer), index in zip(pairs, chosen, strict=True)
        if offer.pools is UNSET or not demand_of(contract, offer)
    ]
    return len(set(whole)) == len(whole) and has_room(pairs, offers) and all_agree(pairs)


def has_room(pairs: Chosen, offers: list[Offer]) -> bool:
    taken: dict[tuple[str, str], int] = {}
    for contract, offer in pairs:
        if offer.pools is not UNSET:
            for name, amount in demand_of(contract, offer).items():
                key = (offer.pools[name].provider or offer.provider, name)
                taken[key] = taken.get(key, 0) + amount
    return all(amount <= free(key, offers) for key, amount in taken.items())


def free(key: tuple[str, str], offers: list[Offer]) -> int:
    return min(
        pool.total - pool.reserved - pool.used
        for offer in offers
        for name, pool in (offer.pools or {}).items()
        if (pool.provider or offer.provider, name) == key
    )


def all_agree(pairs: Chosen) -> bool:
    for (one, first), (other, second) in combinations(pairs, 2):
        if first.provider != second.provider:
            continue
        for exclusive in (first.exclusive, second.exclusive):
            if exclusive is UNSET:
                continue
            by = exclusive.by
            values = [c.type if by == "type" else (c.params or {}).get(by) for c in (one, other)]
            if not same(*values):
                return False
    return True


def plain_search(
    contracts: list[Contract], offers: list[Offer], weights: list[list[int]]
) -> tuple[int, ...] | None:
    best: tuple[int, tuple[int, ...]] | None = None
    for chosen in product(range(len(offers)), repeat=len(contracts)):
        worst = max((weights[i][j] for i, j in enumerate(chosen)), default=0)
        if worst < 3 and is_feasible(contracts, offers, chosen):
            best = min(best or (worst, chosen), (worst, chosen))
    return None if best is None else best[1]


units = st.sampled_from([UNSET, {}, {"A": 1}, {"A": 2}, {"B": 1}, {"A": 1, "B": 1}])
params = st.sampled_from([UNSET, {"p": 1}, {"p": True}, {"p": None}, {"p": "b"}])
pools = st.fixed_dictionaries(
    {
        "A": st.fixed_dictionaries(
            {"total": st.integers(1, 4)}, optional={"provider": st.just(uuid(9))}
        ),
        "B": st.fixed_dictionaries({"total": st.integers(0, 2)}),
    }
)


def stated(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not UNSET}


@st.composite
def jointly(draw: st.DrawFn) -> tuple[list[Contract], list[Offer], list[list[int]]]:
    contracts = [
        a_device(f"s{n}", **stated(units=draw(units), params=draw(params)))
        for n in range(draw(st.integers(0, 4)))
    ]
    exclusive = st.sampled_from(
        [UNSET, UNSET, {"by": "p", "in_use": []}, {"by": "type", "in_use": []}]
    )
    kinds = [
        stated(units=draw(units), pools=draw(st.one_of(st.just(UNSET), pools, pools)),
               exclusive=draw(exclusive))
        for _ in range(2)
    ]  # fmt: skip
    offers = [
        a_place(draw(st.integers(0, 3)), **draw(st.sampled_from(kinds)))
        for _ in range(draw(st.integers(0, 4)))
    ]
    weight = st.sampled_from([0, 0, 0, 1, 2, 3])
    weights = [[draw(weight) for _ in offers] for _ in contracts]
    return contracts, offers, weights


@given(jointly())
def test_the_mapping_is_that_of_a_plain_search(world):
    contracts, offers, weights = world

    # A class that has no pool is refused before, by R51.
    assert best_mapping(world_of(contracts, offers), weights) == plain_search(
        contracts, offers, weights
    )


def mapped(contracts: list[Contract], offers: list[Offer]) -> tuple[int, ...] | None:
    return best_mapping(world_of(contracts, offers), [[0] * len(offers) for _ in contracts])


@pytest.mark.timeout(5)
@pytest.mark.parametrize("count", [8, 24])
def test_identical_offers_are_counted_and_not_permuted(count):
    """As many devices as offers fit in order; one more is refused without trying all orders."""
    contracts = [a_device(f"s{n}") for n in range(count)]
    offers = [a_place(n) for n in range(count)]

    assert mapped(contracts, offers) == tuple(range(count))
    assert mapped([*contracts, a_device("more")], offers) is None


@pytest.mark.timeout(5)
def test_pools_that_are_alike_are_counted_and_not_permuted():
    """Eight boards of 3 units hold eight devices of 2 units, and not a ninth."""
    contracts = [a_device(f"s{n}", units={"A": 2}) for n in range(8)]
    offers = [a_place(n, pools={"A": {"total": 3}}) for n in range(8)]

    assert mapped(contracts, offers) == tuple(range(8))
    assert mapped([*contracts, a_device("ninth", units={"A": 2})], offers) is None


@pytest.mark.timeout(5)
def test_devices_that_must_agree_are_parted_without_trying_all_orders():
    """Three sizes on two boards that each fix one size cannot be, however they are turned."""
    sizes = [1, 2, 3, 1, 2, 3, 1, 2]
    contracts = [a_device(f"s{n}", units={"A": 1}, params={"p": p}) for n, p in enumerate(sizes)]
    offers = [
        a_place(n // 4, pools={"A": {"total": 16}}, exclusive={"by": "p", "in_use": []})
        for n in range(8)
    ]

    assert mapped(contracts, offers) is None
    assert mapped(contracts[:2], offers) == (0, 4)


@pytest.mark.timeout(5)
def test_a_mix_that_does_not_fit_is_refused_in_time():
    """Devices of 3 and 2 units on boards of 4: the sum would fit, the pieces do not."""
    contracts = [a_device(f"s{n}", units={"A": 3 if n % 2 else 2}) for n in range(10)]
    offers = [a_place(n, pools={"A": {"total": 4}}) for n in range(7)]

    assert mapped(contracts, offers) is None


def test_the_first_of_the_best_is_taken_even_if_a_worse_one_comes_earlier():
    contracts = [a_device("s0"), a_device("s1")]
    offers = [a_place(0), a_place(1), a_place(2)]
    world = world_of(contracts, offers)

    assert best_mapping(world, [[1, 0, 0], [0, 0, 0]]) == (1, 0)
    assert best_mapping(world, [[1, 3, 3], [0, 2, 0]]) == (0, 2)
    assert best_mapping(world, [[3, 3, 3], [0, 0, 0]]) is None


def test_a_pool_that_offers_state_differently_has_the_least_of_them():
    """Two types of one board, whose pool one of them saw fuller than the other."""
    offers = [
        a_place(1, pools={"A": {"total": 4, "provider": uuid(9)}}),
        a_place(2, pools={"A": {"total": 4, "used": 3, "provider": uuid(9)}}),
    ]
    contracts = [a_device("s0", units={"A": 2}, type="a/x")]

    response = check_guest(contracts, Needs(), offers, HostFacts(), Policy())

    assert [reason.code for reason in response.reasons] == ["MAPPING"]
    assert response.reasons[0].detail == {"slots": ["s0"]}
