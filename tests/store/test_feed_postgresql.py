"""On PostgreSQL transactions commit in another order than they begin; the cursor copes.

A cursor that remembers a number or the oldest running transaction misses rows of one that
began early and committed late, or tells rows again.  These tests hold such transactions open.
"""

import threading
from contextlib import contextmanager

import psycopg
import pytest

from builders import FB, a_uuid
from store_worlds import a_device, a_plan, claim, holding, report
from wherry.store.changes import append_change
from wherry.store.engine import open_store
from wherry.store.feed import Event, prune_changes, read_changes, read_fleet
from wherry.store.follower import FleetReader, Follower
from wherry.store.look import Look, look_since


@pytest.fixture
def fleet(postgresql_url):
    opened = open_store(postgresql_url)
    report(opened, a_plan("host1", a_device("gpu0"), a_device("gpu1")))
    yield opened
    opened.close()


def since(store, cursor):
    return store.read(lambda tx: read_changes(tx, cursor))


def events(store, cursor):
    """What is told since a cursor, and the next cursor."""
    batch = since(store, cursor)
    return [event.ref for event in batch.events], batch.cursor


def touch(store, ref):
    store.write(lambda tx: append_change(tx, "thing", ref, 1))


@contextmanager
def open_write(store, ref):
    """A transaction that has written a change and commits when the block ends."""
    written, go_on = threading.Event(), threading.Event()

    def write(tx):
        append_change(tx, "thing", ref, 1)
        written.set()
        assert go_on.wait(30)

    thread = threading.Thread(target=store.write, args=(write,))
    thread.start()
    try:
        assert written.wait(30)
        yield
    finally:
        go_on.set()
        thread.join()


def test_a_change_that_began_before_the_cursor_and_committed_after_it_is_told(fleet):
    with open_write(fleet, "early"):
        touch(fleet, "late")
        first, cursor = events(fleet, fleet.read(read_fleet).cursor)
        assert first == []

    assert events(fleet, cursor)[0] == ["early"]


def test_a_change_told_while_an_older_transaction_is_open_is_not_told_again(fleet):
    cursor = fleet.read(read_fleet).cursor
    with open_write(fleet, "early"):
        touch(fleet, "late")
        first, cursor = events(fleet, cursor)
        second, cursor = events(fleet, cursor)
        touch(fleet, "later")
        third, cursor = events(fleet, cursor)
    fourth, cursor = events(fleet, cursor)

    assert (first, second, third, fourth) == (["late"], [], ["later"], ["early"])
    assert events(fleet, cursor)[0] == []


def test_transactions_that_commit_in_any_order_are_each_told_once(fleet):
    cursor = fleet.read(read_fleet).cursor
    told = []
    with open_write(fleet, "a"):
        with open_write(fleet, "b"):
            with open_write(fleet, "c"):
                new, cursor = events(fleet, cursor)
                told += new
            new, cursor = events(fleet, cursor)
            told += new
        touch(fleet, "d")
        new, cursor = events(fleet, cursor)
        told += new
    new, cursor = events(fleet, cursor)

    assert [*told, *new] == ["c", "b", "d", "a"]


def test_a_reader_follows_while_a_stranger_holds_an_old_transaction_open(fleet, postgresql_url):
    with psycopg.connect(postgresql_url) as stranger:
        stranger.execute("SELECT pg_current_xact_id()")
        cursor = fleet.read(read_fleet).cursor
        for number in range(3):
            touch(fleet, str(number))
            new, cursor = events(fleet, cursor)
            assert new == [str(number)]


def test_changes_that_an_open_transaction_may_precede_are_not_pruned(fleet):
    cursor = fleet.read(read_fleet).cursor
    with open_write(fleet, "early"):
        for number in range(10):
            touch(fleet, str(number))
        fleet.write(lambda tx: prune_changes(tx, keep=0))

        batch = since(fleet, cursor)
        assert not batch.reload
        assert [event.ref for event in batch.events] == [str(number) for number in range(10)]

    assert since(fleet, batch.cursor).events == (Event("thing", "early", 1),)


def test_a_follower_sees_a_claim_acknowledged_while_an_older_one_waits(fleet):
    seen = {}

    def apply(batch):
        seen.update(
            {one.plan.name: one.use.charged for one in batch.changes if hasattr(one, "plan")}
        )

    follower = Follower(fleet, FleetReader(), apply)
    follower.catch_up()
    with open_write(fleet, "early"):
        claim(fleet, holding("guest", {"gpu0": {FB: 5}}))
        follower.catch_up()
        assert seen["gpu0"] == {FB: 5}
    follower.catch_up()
    assert seen["gpu1"] == {}


def test_a_database_restored_on_a_younger_server_tells_nothing_of_the_future(fleet, postgresql_url):
    """Transaction ids of the old server would be told again at every read, or far too late."""
    with psycopg.connect(postgresql_url) as restoring:
        restoring.execute(
            "INSERT INTO change (xid, kind, ref, generation)"
            " VALUES ('900000000000', 'thing', 'of the old server', 1)"
        )
    reopened = open_store(postgresql_url)
    try:
        assert events(reopened, reopened.read(read_fleet).cursor)[0] == []
        assert {
            one.plan.uuid for one in reopened.read(read_fleet).changes if hasattr(one, "plan")
        } == {a_uuid(name) for name in ("host1", "gpu0", "gpu1")}
    finally:
        reopened.close()


def look(store, cursor):
    return store.glance(lambda db: look_since(db, cursor))


def test_a_look_tells_what_changed_whatever_the_connection_has_forgotten(fleet):
    cursor = events(fleet, None)[1]
    assert look(fleet, cursor) == Look(cursor, ())
    fleet.glance(lambda db: db.execute("DEALLOCATE ALL"))
    assert look(fleet, cursor) == Look(cursor, ())

    with open_write(fleet, "late"):
        assert look(fleet, cursor).kinds == ()
        touch(fleet, "early")
        # The snapshots of one that is open differ from the cursor, and what it writes is not told.
        first = look(fleet, cursor)
        assert first.kinds == ("thing",)
        assert look(fleet, first.cursor) == Look(first.cursor, ())
    assert look(fleet, first.cursor).kinds == ("thing",)

    before = events(fleet, None)[1]
    claim(fleet, holding("guest", {"gpu0": {FB: 5}}))
    told = look(fleet, before)
    # The guest is a change too.
    assert "use" in told.kinds
    assert [row.used for row in told.stock if row.name == FB] == [5]


def test_a_cursor_that_is_none_is_refused_and_the_connection_goes_on(fleet):
    with pytest.raises(psycopg.Error, match="pg_snapshot"):
        look(fleet, "no snapshot")
    cursor = events(fleet, None)[1]
    assert look(fleet, cursor) == Look(cursor, ())
