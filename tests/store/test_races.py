"""Many writers at once: one winner for the last place, no deadlock, nothing lost."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select, text

from builders import FB, a_uuid
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
    used,
)
from wherry.model.errors import CapacityExceeded, ExclusiveConflict, SlotTaken, WherryError
from wherry.store import tables
from wherry.store.audit import audit, overfull
from wherry.store.claims import write_claim

THREADS = 8


@pytest.fixture
def pool():
    with ThreadPoolExecutor(THREADS) as threads:
        yield threads


def race(pool, store, make, losing):
    """Let all threads make a claim at once; gives who won. Who loses must lose by *losing*."""
    gate = threading.Barrier(THREADS)

    def contend(number):
        gate.wait(30)
        try:
            claim(store, make(number))
        except losing:
            return None
        return number

    return [number for number in pool.map(contend, range(THREADS)) if number is not None]


def count_allocations(store):
    return store.read(
        lambda tx: tx.execute(select(func.count()).select_from(tables.allocation)).scalar()
    )


def rounds(store, pool, number, make, losing):
    for _ in range(number):
        winners = race(pool, store, make, losing)
        assert len(winners) == 1
        assert count_allocations(store) == len(winners)
        assert store.read(overfull) == []
        claim(store, holding(f"guest{winners[0]}"))
    assert count_allocations(store) == 0


ROUNDS = [15, pytest.param(1000, marks=[pytest.mark.full, pytest.mark.timeout(1800)])]


@pytest.mark.parametrize("number", ROUNDS)
def test_the_last_two_units_have_one_winner_each_time(store, pool, number):
    report(store, a_plan("host1", a_device("gpu0", pool=2)))

    rounds(store, pool, number, lambda n: holding(f"guest{n}", {"gpu0": {FB: 2}}), CapacityExceeded)


def test_the_last_view_of_a_shared_pool_has_one_winner_each_time(store, pool):
    report(store, a_plan("host1", a_device("gpu0", pool=7, views={"VGPU": 4, "CUSTOM_LARGE": 6})))

    def make(n):
        return holding(f"guest{n}", {"gpu0": {("VGPU", "CUSTOM_LARGE")[n % 2]: 1}})

    rounds(store, pool, 10, make, CapacityExceeded)


def test_a_named_device_has_one_winner_each_time(store, pool):
    report(store, a_plan("host1", a_device("gpu0")))

    def make(n):
        return holding(f"guest{n}", {"gpu0": {FB: 1}}, occupant(slot="a", device="m1"))

    rounds(store, pool, 10, make, SlotTaken)


def test_a_board_gets_one_size_in_each_race(store, pool):
    report(store, a_plan("host1", a_device("gpu0")))

    for _ in range(10):
        winners = race(
            pool,
            store,
            lambda n: holding(f"guest{n}", {"gpu0": {FB: 1}}, occupant(slot="a", exclusive=n % 3)),
            ExclusiveConflict,
        )
        assert len({number % 3 for number in winners}) == 1
        assert count_allocations(store) == len(winners)
        claim(store, *(holding(f"guest{number}") for number in winners))


def test_devices_are_each_given_once(store, pool):
    devices = tuple(f"0.{number}" for number in range(THREADS))
    report(store, a_plan("host1", a_device("gpu0", slots=devices)))

    winners = race(
        pool,
        store,
        lambda n: holding(f"guest{n}", {"gpu0": {FB: 1}}, occupant(slot="a")),
        SlotTaken,
    )

    given = [held(store, f"guest{number}").occupants[0].device for number in winners]
    assert sorted(given) == list(devices)


def test_one_claim_said_by_many_takes_effect_once(store, pool):
    report(store, a_plan("host1", a_device("gpu0")))
    made = a_claim(holding("guest", {"gpu0": {FB: 1}}))

    outcomes = list(
        pool.map(
            lambda _: store.write(lambda tx: write_claim(tx, made, now=NOW)), range(THREADS * 4)
        )
    )

    assert sum(not outcome.repeated for outcome in outcomes) == 1
    assert len({outcome.consumers[a_uuid("guest")] for outcome in outcomes}) == 1
    assert held(store, "guest").expected_generation == 1


def test_many_who_change_one_consumer_follow_each_other(store, pool):
    report(store, a_plan("host1", a_device("gpu0")))

    def add(_):
        while True:
            now = held(store, "guest")
            units = now.allocations.get(a_uuid("gpu0"), {}).get(FB, 0) + 1
            try:
                claim(store, replace(now, allocations={a_uuid("gpu0"): {FB: units}}))
            except WherryError:
                continue
            return

    list(pool.map(add, range(24)))

    assert used(store) == 24
    assert held(store, "guest").expected_generation == 24


def deadlocks(store):
    """How many the server has broken up in this database."""
    if store.dialect == "sqlite":
        return 0
    return store.read(
        lambda tx: tx.execute(
            text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        ).scalar()
    )


def test_claims_and_reports_in_every_order_meet_no_deadlock(store, pool):
    """Guests swap places two by two, on providers named in any order, while hosts report."""
    hosts = {f"host{n}": [f"gpu{n}{k}" for k in range(3)] for n in range(3)}

    def tell(host, sequence):
        # New classes and traits each time: their ids are shared by all hosts.
        devices = [
            a_device(
                name,
                host=host,
                pool=1000 + sequence,
                traits=tuple(f"CUSTOM_{(sequence + k) % 5}" for k in range(3)),
            )
            for name in hosts[host]
        ]
        random.Random(sequence).shuffle(devices)
        report(store, a_plan(host, *devices), sequence=sequence)

    for host in hosts:
        tell(host, 1)
    providers = [name for names in hosts.values() for name in names]

    def work(number):
        dice = random.Random(number)
        if number < len(hosts):
            for sequence in range(2, 12):
                tell(f"host{number}", sequence)
            return
        for _ in range(12):
            guests = dice.sample(range(6), 2)
            claim(
                store,
                *(
                    holding(
                        f"guest{guest}",
                        {name: {FB: dice.randint(1, 3)} for name in dice.sample(providers, 3)},
                        occupant(dice.choice(providers), "a"),
                    )
                    for guest in guests
                ),
            )

    list(pool.map(work, range(THREADS)))

    assert store.read(audit) == []
    time.sleep(0.1)  # the server counts a moment later
    assert deadlocks(store) == 0


def test_first_reports_with_the_same_new_names_meet_no_deadlock(store, pool):
    def tell(number):
        order = list(range(6))
        random.Random(number).shuffle(order)
        devices = [
            a_device(
                f"gpu{number}{k}",
                host=f"host{number}",
                traits=(f"CUSTOM_NEW_{k}",),
                views={f"CUSTOM_VIEW_{k}": 1},
            )
            for k in order
        ]
        return report(store, a_plan(f"host{number}", *devices)).outcome

    assert set(pool.map(tell, range(THREADS))) == {"stored"}
    time.sleep(0.1)
    assert deadlocks(store) == 0


def test_first_reports_of_one_host_follow_each_other(store, pool):
    def tell(number):
        try:
            return report(store, a_plan("host1", a_device("gpu0")), sequence=number).outcome
        except WherryError as error:
            return error.code

    outcomes = list(pool.map(tell, range(1, THREADS + 1)))

    assert outcomes.count("stored") == 1
    assert set(outcomes) <= {"stored", "unchanged", "report.outdated"}
