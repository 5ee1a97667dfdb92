"""Claims of devices with places: none overlaps another, and what is let go can be had again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from msgspec.structs import replace

from builders import FB, a_uuid, an_offer
from store_worlds import (
    NOW,
    a_claim,
    a_device,
    a_plan,
    claim,
    held,
    holding,
    occupant,
    report,
    stored,
)
from wherry.inventory.views import view_numbers
from wherry.model.device import Positions
from wherry.model.errors import CapacityExceeded, NoPlace
from wherry.model.inventory import Inventory, SeenInstance, View
from wherry.model.positions import parse_places
from wherry.store.audit import audit
from wherry.store.claims import commit_claim, write_claim
from wherry.store.columns_views import shown_views

SLICES = {"1g": 1, "2g": 2, "3g": 3, "4g": 4, "7g": 7}
MIG = {
    "1g": parse_places("{0,1,2,3,4,5,6}:1"),
    "2g": parse_places("{0,2,4}:2"),
    "3g": parse_places("{0,4}:4"),
    "4g": parse_places("{0}:4"),
    "7g": parse_places("{0}:8"),
}


def a_board(name: str = "gpu0", **fields: Any) -> Any:
    """A GPU with seven slices to compute with, on eight of memory."""
    offers = tuple(
        an_offer(
            provider=name,
            type=one,
            units={FB: n},
            pools={FB: {"total": 7}},
            positions=Positions(places=MIG[one]),
        )
        for one, n in SLICES.items()
    )
    views = {f"CUSTOM_{one.upper()}": View(type=one, units={FB: n}) for one, n in SLICES.items()}
    plan = a_device(name, inventories={FB: Inventory(total=7)}, offers=offers)
    return replace(plan, **{"views": views, **fields})


@pytest.fixture
def board(store: Any) -> Any:
    report(store, a_plan("host1", a_board()))
    return store


def take(store: Any, consumer: str, *types: str, **fields: Any) -> Any:
    units = sum(SLICES[one] for one in types)
    slots = [occupant(slot=f"s{n}", type=one, **fields) for n, one in enumerate(types)]
    return claim(store, holding(consumer, {"gpu0": {FB: units}}, *slots))


def sits(store: Any, consumer: str) -> list[Any]:
    return [each.place for each in held(store, consumer).occupants]


def free(store: Any) -> dict[str, int]:
    """What the views show, by both ways to count it."""
    record = stored(store, "gpu0")
    one = {
        v.type: view_numbers(record.plan, record.use, n).free for n, v in record.plan.views.items()
    }
    rows = store.read(lambda tx: list(shown_views(tx)))
    other = {
        record.plan.views[r.name].type: r.inventory.total - r.inventory.reserved - r.used
        for r in rows
    }
    assert one == other
    assert store.read(audit) == []
    return one


def test_what_is_free_follows_where_instances_sit(board: Any) -> None:
    assert free(board) == {"1g": 7, "2g": 3, "3g": 2, "4g": 1, "7g": 1}

    take(board, "one", "1g")

    assert sits(board, "one") == ["6:1"]
    assert free(board) == {"1g": 6, "2g": 3, "3g": 1, "4g": 1, "7g": 0}


def test_two_of_three_slices_close_the_board_to_one_of_seven(board: Any) -> None:
    take(board, "left", "3g")
    take(board, "right", "3g")

    assert {*sits(board, "left"), *sits(board, "right")} == {"0:4", "4:4"}
    assert free(board) == {"1g": 0, "2g": 0, "3g": 0, "4g": 0, "7g": 0}
    with pytest.raises(NoPlace) as caught:
        take(board, "small", "1g")
    assert caught.value.types == ("1g",)
    assert held(board, "small").allocations == {}


def test_a_release_frees_exactly_its_place(board: Any) -> None:
    take(board, "left", "3g")
    take(board, "right", "3g")
    there = sits(board, "left")

    claim(board, holding("left"))

    assert free(board)["3g"] == 1
    take(board, "again", "3g")
    assert sits(board, "again") == there


def test_several_devices_of_a_claim_find_places_together_or_none_does(board: Any) -> None:
    take(board, "guest", "2g", "3g", "2g")

    assert sorted(sits(board, "guest")) == ["0:2", "2:2", "4:4"]
    claim(board, holding("guest"))
    take(board, "first", "1g")
    with pytest.raises(NoPlace):
        take(board, "guest", "3g", "3g")
    assert held(board, "guest").occupants == ()


def test_a_place_passes_to_the_migration_and_back(board: Any) -> None:
    take(board, "guest", "3g")
    was = held(board, "guest")

    claim(
        board,
        holding("move", {"gpu0": {FB: 3}}, *was.occupants),
        holding("guest", {"gpu0": {FB: 3}}, occupant(slot="s0", type="3g")),
    )

    assert sits(board, "move") == [was.occupants[0].place]
    assert sits(board, "guest") != sits(board, "move")
    assert free(board)["3g"] == 0


def test_an_instance_that_sits_nobody_knows_where_closes_all_its_places(store: Any) -> None:
    seen = SeenInstance(id=a_uuid("m"), type="3g", units={FB: 3})
    views = {
        "CUSTOM_3G": View(type="3g", units={FB: 3}),
        "CUSTOM_1G": View(type="1g", units={FB: 1}),
    }
    report(store, a_plan("host1", a_board(views=views, instances=(seen,))))
    assert free(store) == {"3g": 0, "1g": 0}

    told = replace(seen, place="4:4")
    report(store, a_plan("host1", a_board(views=views, instances=(told,))), sequence=2)
    assert free(store) == {"3g": 1, "1g": 4}

    # To take over what is there takes no place, and who has it sits where it is seen.
    take(store, "owner", "3g", device=seen.id)
    assert sits(store, "owner") == ["4:4"]
    assert free(store) == {"3g": 1, "1g": 4}


def test_a_claim_said_again_gives_what_it_gave(board: Any) -> None:
    made = a_claim(holding("guest", {"gpu0": {FB: 3}}, occupant(slot="s0", type="3g")))
    first = board.write(lambda tx: write_claim(tx, made, now=NOW))
    take(board, "other", "3g")

    again = board.write(lambda tx: write_claim(tx, made, now=NOW))

    assert (first.repeated, again.repeated) == (False, True)
    assert again.providers == first.providers


def test_claims_that_race_for_the_last_places_get_one_each(board: Any) -> None:
    """In groups as they come, those that need no place among them."""

    def race(number: int) -> bool:
        made = a_claim(
            holding(f"racer{number}", {"gpu0": {FB: 3}}, occupant(slot="s0", type="3g"))
            if number % 3
            else holding(f"plain{number}", {"host1": {"VCPU": 1}})
        )
        try:
            commit_claim(board, made, now=NOW)
        except (CapacityExceeded, NoPlace):
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        won = list(pool.map(race, range(12)))

    winners = [n for n, is_won in enumerate(won) if is_won and n % 3]
    assert [sits(board, f"racer{n}") for n in winners] in [
        [["0:4"], ["4:4"]],
        [["4:4"], ["0:4"]],
    ]
    assert all(won[0::3])
    assert all(not held(board, f"racer{n}").allocations for n in range(12) if n not in winners)
    assert free(board)["3g"] == 0
