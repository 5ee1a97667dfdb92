"""Views: what a class per type shows of the pools that it is charged to."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import FB, a_provider, an_offer
from wherry.inventory.views import (
    is_closed,
    pool_free,
    seen_use,
    view_free,
    view_numbers,
)
from wherry.model.inventory import Inventory, PlannedProvider, SeenInstance, Use, View

POOLS = ("CUSTOM_A", "CUSTOM_B")


def a_planned(
    pools: Mapping[str, int], views: Mapping[str, Mapping[str, int]], reserved: int = 0
) -> PlannedProvider:
    """A provider with pools, and views by their class, each of a type of the same name."""
    return PlannedProvider(
        uuid="00000000-0000-4000-8000-000000000001",
        name="device",
        inventories={
            name: Inventory(total=total, reserved=min(reserved, total))
            for name, total in pools.items()
        },
        views={name: View(type=name, units=dict(units)) for name, units in views.items()},
    )


@st.composite
def states(draw: st.DrawFn) -> tuple[PlannedProvider, Use]:
    """A provider, with claims of views and of bare pool units and with stray instances."""
    pools = {name: draw(st.integers(1, 24)) for name in POOLS}
    units = st.dictionaries(st.sampled_from(POOLS), st.integers(1, 5), min_size=1)
    views = {f"CUSTOM_VIEW_{i}": draw(units) for i in range(draw(st.integers(1, 3)))}
    provider = a_planned(pools, views, reserved=draw(st.integers(0, 2)))
    used = {name: draw(st.integers(0, 3)) for name in (*views, *POOLS)}
    charged = {
        pool: used[pool] + sum(used[v] * of.get(pool, 0) for v, of in views.items())
        for pool in POOLS
    }
    stray = {pool: draw(st.integers(0, 3)) for pool in POOLS}
    return provider, Use(used=used, charged=charged, stray=stray)


def count_by_claiming(provider: PlannedProvider, use: Use, view: View) -> int:
    """Claim one instance after the other, as long as every pool has room for it."""
    held = {pool: use.charged[pool] + use.stray[pool] for pool in provider.inventories}
    made = 0
    while True:
        for pool, amount in view.units.items():
            held[pool] += amount
            inventory = provider.inventories[pool]
            if held[pool] > inventory.total - inventory.reserved:
                return made
        made += 1


@given(states())
def test_a_view_has_free_what_can_be_claimed_one_by_one(state: tuple[PlannedProvider, Use]) -> None:
    provider, use = state

    for name, view in provider.views.items():
        numbers = view_numbers(provider, use, name)

        assert numbers.free == view_free(provider, use, view)
        assert numbers.free == count_by_claiming(provider, use, view)
        assert numbers.used == use.used[name]
        assert numbers.reserved >= 0
        assert numbers.total == numbers.used + numbers.reserved + numbers.free


@given(states())
def test_a_view_of_an_empty_device_is_what_its_pools_hold(
    state: tuple[PlannedProvider, Use],
) -> None:
    provider, _ = state

    for name, view in provider.views.items():
        numbers = view_numbers(provider, Use(), name)

        whole = min(provider.inventories[p].total // n for p, n in view.units.items())
        assert (numbers.total, numbers.used) == (whole, 0)


def test_a_claim_of_one_type_moves_what_its_sibling_has_reserved() -> None:
    """24 ports: one mtty-2 leaves 22 of mtty-1, and total - reserved - used says so."""
    provider = a_planned({"CUSTOM_A": 24}, {"ONE": {"CUSTOM_A": 1}, "TWO": {"CUSTOM_A": 2}})
    use = Use(used={"TWO": 1}, charged={"CUSTOM_A": 2})

    one, two = (view_numbers(provider, use, name) for name in ("ONE", "TWO"))

    assert (one.total, one.reserved, one.used, one.free) == (24, 2, 0, 22)
    assert (two.total, two.reserved, two.used, two.free) == (12, 0, 1, 11)


def test_a_view_whose_pools_shrank_shows_what_is_held_and_nothing_free() -> None:
    provider = a_planned({"CUSTOM_A": 2}, {"TWO": {"CUSTOM_A": 2}})
    use = Use(used={"TWO": 3}, charged={"CUSTOM_A": 6})

    numbers = view_numbers(provider, use, "TWO")

    assert (numbers.total, numbers.reserved, numbers.used, numbers.free) == (3, 0, 3, 0)


def test_a_pool_that_is_not_there_has_nothing() -> None:
    assert pool_free(a_planned({"CUSTOM_A": 2}, {}), Use(), "CUSTOM_B") == 0


def test_units_of_a_class_are_held_by_allocations_and_by_strays() -> None:
    use = Use(used={"CUSTOM_A": 1}, charged={"CUSTOM_A": 3}, stray={"CUSTOM_A": 2})

    assert use.held("CUSTOM_A") == 5
    assert Use(used={"VCPU": 4}).held("VCPU") == 4


def a_board(*sizes: int, by: str = "fb_mb") -> PlannedProvider:
    """A board whose types exclude each other by size."""
    offers = [
        an_offer(
            type=f"acme/gpu-{size}",
            params={"fb_mb": {"type": "int", "value": size}},
            exclusive={"by": by, "in_use": []},
            units={FB: size},
        )
        for size in sizes
    ]
    return a_provider("gpu", host="host1", offers=offers).plan


def test_a_closed_type_has_nothing_free_though_its_pool_has() -> None:
    board = a_board(2048, 4096)
    use = Use(charged={FB: 2048}, exclusive=(2048,))

    free = [view_free(board, use, View(type=o.type, units=o.units)) for o in board.offers]

    assert free == [7, 0]
    assert [is_closed(board, use, offer.type) for offer in board.offers] == [False, True]


def test_values_are_compared_as_in_json() -> None:
    board = a_board(1)

    assert is_closed(board, Use(exclusive=(True,)), "acme/gpu-1")
    assert not is_closed(board, Use(exclusive=(1,)), "acme/gpu-1")
    assert is_closed(board, Use(exclusive=(1, 2)), "acme/gpu-1")


def test_what_instances_must_agree_in_may_be_the_type_itself() -> None:
    board = a_board(1, 2, by="type")

    assert not is_closed(board, Use(exclusive=("acme/gpu-1",)), "acme/gpu-1")
    assert is_closed(board, Use(exclusive=("acme/gpu-1",)), "acme/gpu-2")
    assert not is_closed(board, Use(exclusive=("acme/gpu-1",)), "acme/other")


def test_what_a_host_shows_is_held_by_nobody_yet() -> None:
    """Instances on the host count as strays, and close the board to other sizes."""
    board = replace(
        a_board(2048, 4096),
        instances=(
            SeenInstance(id="1", type="acme/gpu-2048", units={FB: 2048}, exclusive=2048),
            SeenInstance(id="2", type="acme/gpu-2048", units={FB: 2048}, exclusive=2048),
        ),
    )

    assert seen_use(board) == Use(stray={FB: 4096}, exclusive=(2048,))
