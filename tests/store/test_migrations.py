"""Migrations as stored, with their history and when somebody must look at them."""

import pytest
from msgspec.structs import replace

from builders import a_slot, a_uuid
from wherry.model.checks import GuestResponse, Policy
from wherry.model.errors import NotFound
from wherry.model.migrations import Migration, Step
from wherry.store.feed import Event, read_changes, read_fleet
from wherry.store.migrations import (
    prune_migrations,
    read_due,
    read_migration,
    read_migrations,
    read_next_due,
    read_page,
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


def test_of_renewals_in_a_row_the_last_is_stored(store):
    """It takes the place of the one before, with its token."""
    first, again = a_step("renew"), replace(a_step("renew"), token=2)
    put(store, a_migration(history=(a_step(), first)))
    put(store, a_migration(history=(a_step(), again)))

    assert get(store).history == (a_step(), again)


def begun(at, name, **fields):
    """A migration that began, and whose last step is, at a time."""
    return a_migration(name, history=(replace(a_step(), at=at),), **fields)


def test_migrations_are_listed_a_page_at_a_time_the_latest_first(store):
    """Also those that began in the same millisecond: each of them on one page."""
    times = [f"2026-01-0{day}T00:00:00.000Z" for day in (3, 1, 2, 2, 2)]
    for number, at in enumerate(times):
        put(store, begun(at, f"m{number}", target="host9" if number == 1 else "host2"))

    def page(**where):
        return store.read(lambda tx: read_page(tx, limit=2, **where))

    pages, marker = [], None
    while found := page(marker=marker):
        pages.append(found)
        marker = found[-1].uuid

    every = [one for found in pages for one in found]
    assert [len(found) for found in pages] == [2, 2, 1]
    assert [one.history[0].at[9] for one in every] == ["3", "2", "2", "2", "1"]
    assert len({one.uuid for one in every}) == 5
    assert [one.uuid for one in page(host="host9")] == [a_uuid("m1")]
    assert page(states=["finished"]) == page(guest=a_uuid("other")) == []
    with pytest.raises(NotFound):
        page(marker=a_uuid("nobody"))


def test_what_ended_long_ago_is_forgotten_and_what_holds_something_is_not(store):
    """With its steps; the age is that of the last step."""
    old, new = "2026-01-01T00:00:00.000Z", "2026-03-01T00:00:00.000Z"
    put(store, begun(old, "ended", state="finished"))
    put(store, begun(old, "lost", state="lost"))
    put(store, begun(new, "late", state="aborted"))
    steps = tuple(replace(a_step(), at=at) for at in (old, new))
    put(store, a_migration("long", state="finished", history=steps))

    pruned = store.write(lambda tx: prune_migrations(tx, before="2026-02-01T00:00:00.000Z"))

    assert pruned == 1
    assert get(store, "ended") is None
    assert all(get(store, name) for name in ("lost", "late", "long"))
    put(store, begun(new, "ended"))
    assert len(get(store, "ended").history) == 1


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
