"""Agents wait for work without asking the database again and again."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from engines import MOVE, Fleet
from wherry.app import jobs, migrations
from wherry.app.bell import Bell, SharedLook
from wherry.app.engine import Engine
from wherry.store.transaction import Store


def test_a_ring_between_looking_and_waiting_is_not_missed() -> None:
    bell = Bell()
    before = bell.rings
    bell.ring()

    began = time.monotonic()
    bell.wait(before, 60)

    assert time.monotonic() - began < 50


def test_a_wait_without_a_ring_ends_with_its_time() -> None:
    bell = Bell()
    began = time.monotonic()
    bell.wait(bell.rings, 0.2)
    assert time.monotonic() - began >= 0.19


def test_all_whom_a_ring_wakes_share_one_look() -> None:
    shared: SharedLook[int] = SharedLook()
    looks: list[int] = []

    def look() -> int:
        looks.append(1)
        time.sleep(0.05)
        return len(looks)

    with ThreadPoolExecutor(8) as pool:
        seen = [each.result() for each in [pool.submit(shared.get, 3, look) for _ in range(8)]]

    assert seen == [1] * 8
    assert shared.get(2, look) == 1
    assert shared.get(4, look) == 2


def test_those_who_wait_read_nothing_until_something_happens(engine: Engine) -> None:
    """Many agents hold their long-polls for little: two reads each, and a last look for all."""
    Fleet(engine, a="mtty-fresh")
    counted = Counting(engine.store)
    engine.store = counted

    with ThreadPoolExecutor(8) as pool:
        waits = [pool.submit(jobs.wait_for_jobs, engine, "a", 60) for _ in range(8)]
        until = time.monotonic() + 50
        while len(counted.reads) < 8 * 2 and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.2)
        assert len(counted.reads) == 8 * 2
        engine.let_go()
        assert [each.result(50) for each in waits] == [()] * 8

    assert len(counted.reads) == 8 * 2 + 1


def test_work_ends_a_wait_at_once_for_the_host_that_has_it(engine: Engine) -> None:
    """The others go on waiting, and the one look after the ring is shared."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh", c="mtty-fresh")
    fleet.boot("a")
    fleet.begin("b")
    with ThreadPoolExecutor(8) as pool:
        waiting = {name: pool.submit(jobs.wait_for_jobs, engine, name, 60) for name in "ab"}
        idle = pool.submit(jobs.wait_for_jobs, engine, "c", 1.5)
        time.sleep(0.3)
        asked = pool.submit(migrations.preflight, engine, MOVE, 1)
        assert [one.side for one in waiting["a"].result(50)] == ["source"]
        assert [one.side for one in waiting["b"].result(50)] == ["target"]
        assert idle.result(50) == ()
        fleet.answer("a")
        fleet.answer("b")
        assert asked.result(50).state == "confirmed"


def test_all_waits_end_when_the_engine_lets_go(engine: Engine) -> None:
    Fleet(engine, a="mtty-fresh")
    began = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        waits = [pool.submit(jobs.wait_for_jobs, engine, "a", 60) for _ in range(3)]
        threading.Timer(0.2, engine.let_go).start()
        assert [each.result(50) for each in waits] == [(), (), ()]
    assert time.monotonic() - began < 50


class Counting:
    """A store that counts what is read of it; all else is the store's."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads: list[object] = []

    def read(self, fn: object) -> object:
        self.reads.append(fn)
        return self._store.read(fn)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)
