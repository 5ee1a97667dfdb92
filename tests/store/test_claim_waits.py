"""Processes that claim at the same time wait for each other in one order, and never in a ring."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from builders import FB
from store_worlds import NOW, a_claim, a_device, a_plan, holding, report
from wherry.store.claim_rows import claim_rows
from wherry.store.claims_postgresql import apply_claims
from wherry.store.engine import open_store

PATIENCE_S = 60


def rows(*names):
    """A claim for each of these: a consumer, and the board that it takes one unit of."""
    return [
        claim_rows(a_claim(holding(consumer, {board: {FB: 1}}, expected_generation=None)), at=NOW)
        for consumer, board in names
    ]


def is_waiting(url, pid):
    """Whether a session waits for a lock that another one has."""
    with psycopg.connect(url, autocommit=True) as link:
        found = link.execute("SELECT cardinality(pg_blocking_pids(%s))", (pid,)).fetchone()
        return found[0] > 0


def wait_until_waiting(url, pid):
    until = time.monotonic() + PATIENCE_S
    while not is_waiting(url, pid):
        assert time.monotonic() < until, "nobody has to wait"
        time.sleep(0.02)


@pytest.fixture
def boards(postgresql_url):
    """Two boards; names in the order in which they are locked."""
    store = open_store(postgresql_url)
    devices = [a_device(name, host="host", pool=8) for name in ("one", "two")]
    report(store, a_plan("host", *devices))
    store.close()
    return sorted(("one", "two"), key=lambda name: next(d.uuid for d in devices if d.name == name))


def test_a_group_and_a_claim_of_one_new_consumer_wait_in_one_order(postgresql_url, boards):
    """The group has locked a provider, and the claim has made its consumer there already.

    Each then waited for the other, until the database ended one of them after a second.
    """
    first, last = boards
    answers = {}

    def ask(name, link, *claims):
        answers[name] = apply_claims(link, rows(*claims))

    with (
        psycopg.connect(postgresql_url, autocommit=True) as group,
        psycopg.connect(postgresql_url, autocommit=True) as single,
        psycopg.connect(postgresql_url) as holder,
        ThreadPoolExecutor(2) as pool,
    ):
        holder.execute("SELECT FROM provider WHERE name = %s FOR UPDATE", (last,))
        asked = [pool.submit(ask, "group", group, ("ann", first), ("bob", last))]
        wait_until_waiting(postgresql_url, group.info.backend_pid)
        asked.append(pool.submit(ask, "single", single, ("ann", first)))
        wait_until_waiting(postgresql_url, single.info.backend_pid)
        holder.rollback()
        for each in asked:
            each.result(PATIENCE_S)

    errors = [answer.get("error") for answer in (*answers["group"], *answers["single"])]
    assert errors == [None, None, "consumer"], answers


def test_groups_that_name_new_consumers_in_other_orders_do_not_deadlock(postgresql_url, boards):
    """Each of two processes claims for both, in opposite orders and on boards of its own."""
    first, last = boards
    begin = threading.Barrier(2)

    def claim(names, board):
        with psycopg.connect(postgresql_url, autocommit=True) as link:
            found = []
            for turn in range(20):
                claims = rows(*((f"{name} {turn}", board) for name in names))
                begin.wait(PATIENCE_S)
                found += [answer.get("error") for answer in apply_claims(link, claims)]
            return found

    with ThreadPoolExecutor(2) as pool:
        sides = [pool.submit(claim, ["ann", "bob"], first)]
        sides.append(pool.submit(claim, ["bob", "ann"], last))
        found = [error for side in sides for error in side.result(PATIENCE_S)]

    # What there is is eight units of each board; each consumer was made at most once.
    assert set(found) <= {None, "consumer", "capacity"}
    assert found.count(None) <= 16
