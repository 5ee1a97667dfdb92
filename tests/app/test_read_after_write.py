"""A read sees every write acknowledged before it began, through whichever process it comes."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from engines import EngineMaker, Fleet, another
from wherry.app import guests, offers
from wherry.app.engine import Engine

BASE = "7d1c2f52-9d6b-4c1e-8f7a-2f0a4f1f6a11"


def free(engine: Engine, host: str) -> int | None:
    """How many more fit on a host, as a process says."""
    return offers.list_offers(engine, host, "mtty/mtty-1").offers[0].fits


@contextmanager
def an_older_transaction(url: str) -> Iterator[None]:
    """Hold a transaction open that has written, and so has an id before all that follow."""
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://")) as link:
        link.execute("CREATE TABLE IF NOT EXISTS bystander (n int)")
        link.commit()
        link.execute("INSERT INTO bystander VALUES (1)")
        yield
        link.rollback()


@pytest.mark.parametrize("rounds", [12, pytest.param(500, marks=pytest.mark.full)])
@pytest.mark.parametrize("held_open", [False, True], ids=["alone", "older transaction open"])
@pytest.mark.timeout(1800)
def test_another_process_sees_what_was_acknowledged(
    make: EngineMaker, postgresql_url: str, rounds: int, held_open: bool
) -> None:
    """Write through one, read through the other, in turn; never what was before."""
    one, other = make(postgresql_url), make(postgresql_url)
    fleet = Fleet(one, a="mtty-fresh")
    assert free(other, "a") == 24

    def go_round() -> None:
        for number in range(rounds):
            writer, reader = (one, other) if number % 2 else (other, one)
            fleet.engine = writer
            uuid = another(BASE, number)
            fleet.boot("a", uuid)
            assert free(reader, "a") == 23
            guests.delete_guest(reader, uuid)
            assert free(writer, "a") == 24

    if held_open:
        with an_older_transaction(postgresql_url):
            go_round()
    else:
        go_round()


@pytest.mark.parametrize("rounds", [6, pytest.param(200, marks=pytest.mark.full)])
@pytest.mark.timeout(1800)
def test_readers_at_once_share_a_pass_that_began_after_they_came(
    make: EngineMaker, store_url: str, rounds: int
) -> None:
    """Eight readers and a writer: whoever reads after an acknowledged write sees it."""
    engine = make(store_url)
    reader = engine if engine.settings.is_embedded else make(store_url)
    fleet = Fleet(engine, a="mtty-fresh")
    acknowledged = 0
    begun, over = threading.Barrier(9), threading.Event()

    def read() -> int:
        looked = 0
        while not over.is_set():
            least = acknowledged
            left = free(reader, "a")
            assert left is not None
            assert 24 - left >= least
            looked += 1
            if looked == 1:
                begun.wait(60)
        return looked

    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(read) for _ in range(8)]
        begun.wait(60)
        for number in range(min(rounds, 24)):
            fleet.boot("a", another(BASE, number))
            acknowledged = number + 1
        over.set()
        assert all(each.result(60) > 0 for each in readers)


def test_a_commit_between_older_ones_is_not_missed(make: EngineMaker, postgresql_url: str) -> None:
    """A transaction that began first and commits last is seen when it commits, by a feed
    that has moved past its id meanwhile."""
    one, other = make(postgresql_url), make(postgresql_url)
    fleet = Fleet(one, a="mtty-fresh", b="mtty-fresh")
    entered, go_on = threading.Event(), threading.Event()

    def late(tx: object) -> None:
        from wherry.store.hosts import write_host_state

        write_host_state(tx, "b", state="maintenance")  # type: ignore[arg-type]
        entered.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(one.store.write, late)
        assert entered.wait(30)
        fleet.engine = other
        fleet.boot("a")
        view = other.view().get("b")
        assert view is not None
        assert view.record.state == "enabled"
        go_on.set()
        writing.result(30)

    for engine in (one, other):
        view = engine.view().get("b")
        assert view is not None
        assert view.record.state == "maintenance"
