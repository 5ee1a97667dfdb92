"""Migrations as stored, with their history and when somebody must look at them."""

import pytest
from msgspec.structs import replace

from builders import a_slot, a_uuid
from wherry.model.checks import GuestResponse, Policy
from wherry.model.migrations import Migration, Step
from wherry.store.feed import Event, read_changes, read_fleet
from wherry.store.migrations import (
    read_due,
    read_migration,
    read_migrations,
    read_next_due,
    write_migration,
)

ANSWER = GuestResponse(
    verdict="ok", accepted=True, modes={}, reasons=(), downtime_ms=None, mapping=()
)


def a_step(event="claim", state="claimed"):
    return Step(at="2026-01-01T00:00:00Z", event=event, state=state, token=1)


def a_migration(name="move", **fields):
    defaults = {
        "uuid": a_uuid(name),
        "guest": a_uuid("guest"),
        "source": "host1",
        "target": "host2",
        "state": "claimed",
        "token": 1,
        "lease_until": 1000.0,
        "lease_s": 60,
        "policy": Policy(),
        "answer": ANSWER,
        "source_slots": {"gpu0": a_slot()},
        "target_slots": {"gpu0": a_slot(provider="host2_gpu0")},
        "history": (a_step(),),
    }
    return Migration(**{**defaults, **fields})


def put(store, migration):
    store.write(lambda tx: write_migration(tx, migration))


def get(store, name="move"):
    return store.read(lambda tx: read_migration(tx, a_uuid(name)))


def test_a_migration_is_read_as_it_was_written(store):
    put(store, a_migration())

    assert get(store) == a_migration()
    assert get(store, "other") is None


def test_history_grows_and_is_never_rewritten(store):
    put(store, a_migration())
    longer = (a_step("rewritten"), a_step("confirm", "confirmed"))

    put(store, a_migration(state="confirmed", history=longer))

    assert [step.event for step in get(store).history] == ["claim", "confirm"]
    assert get(store).state == "confirmed"


def test_migrations_are_found_by_what_is_asked_of_them(store):
    put(store, a_migration("one"))
    put(store, a_migration("two", source="host3", target="host1", state="finished"))
    put(store, a_migration("three", guest=a_uuid("other"), source="host3", state="started"))

    def find(**where):
        found = store.read(lambda tx: read_migrations(tx, **where))
        assert [one.uuid for one in found] == sorted(one.uuid for one in found)
        words = {a_uuid(word): word for word in ("one", "two", "three")}
        return {words[one.uuid] for one in found}

    assert find() == {"one", "two", "three"}
    assert find(guest=a_uuid("guest")) == {"one", "two"}
    assert find(host="host1") == {"one", "two"}
    assert find(host="host3", states=["started", "lost"]) == {"three"}
    assert find(states=[]) == set()


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({}, 1000.0),
        ({"preflight_until": 500.0}, 500.0),
        ({"preflight_until": 2000.0}, 1000.0),
        ({"state": "confirmed", "preflight_until": 500.0}, 1000.0),
        ({"state": "started"}, 1000.0),
        ({"state": "lost"}, None),
        ({"state": "finished"}, None),
        ({"state": "aborted"}, None),
        ({"state": "expired"}, None),
        ({"state": "refused"}, None),
    ],
)
def test_each_state_says_when_it_must_be_looked_at(store, fields, due):
    put(store, a_migration(**fields))

    assert store.read(read_next_due) == due


def test_what_is_due_is_named_longest_ago_first(store):
    for name, until in (("b", 30.0), ("a", 10.0), ("later", 90.0), ("c", 50.0)):
        put(store, a_migration(name, lease_until=until))

    assert store.read(lambda tx: read_due(tx, now=50.0)) == [a_uuid(name) for name in "abc"]
    put(store, a_migration("a", lease_until=99.0))
    assert store.read(lambda tx: read_due(tx, now=50.0)) == [a_uuid(name) for name in "bc"]


def test_migrations_are_told_to_the_feed(store):
    cursor = store.read(read_fleet).cursor

    put(store, a_migration())
    put(store, replace(a_migration(), history=(a_step(), a_step("start", "started"))))

    batch = store.read(lambda tx: read_changes(tx, cursor))
    assert batch.events == (Event("migration", a_uuid("move"), 2),)
