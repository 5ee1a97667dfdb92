"""Reports that ask for little are written by bare statements, many together.

Their twin is the way with care, which every other report goes: what it writes, they write, and
whatever it would look at, they leave alone.
"""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import text

from builders import a_uuid
from engines import held_open, wait_for_a_lock
from reports import a_report
from store_rows import rows_of
from store_worlds import NOW, a_device, a_plan
from wherry.hosts import recordings
from wherry.inventory.derive import plan_host
from wherry.model.errors import ReportContradicts
from wherry.model.inventory import HostPlan, Inventory, PlannedProvider
from wherry.profiles.builtin import profiles_with
from wherry.store.added_hosts import add_hosts
from wherry.store.audit import audit
from wherry.store.bulk import numbers_array, texts_array
from wherry.store.changes import append_change
from wherry.store.engine import open_store
from wherry.store.feed import read_events
from wherry.store.gone import write_last_generation
from wherry.store.hosts import read_hosts, read_last_seen
from wherry.store.placement_names import CLASSES, rename
from wherry.store.providers import read_providers
from wherry.store.report_rows import NewHost, Seen, Sighting, new_host
from wherry.store.reports import store_report
from wherry.store.transaction import Store, Tx

PROFILES = profiles_with([])
_numbers = itertools.count()
HOST_ROWS = (
    "SELECT name, root, state, labels, boot_id, sequence, observed_at, last_seen, digest,"
    " generation, report, check_facts, findings FROM host JOIN host_report ON host = name"
    " WHERE name = :host"
)
# Whatever quotes, separates, escapes or means nothing in what PostgreSQL takes for an array.
ODD = st.text(st.sampled_from("\"\\{}, ()'ANULé\n"), max_size=8)


def a_host(plan: HostPlan, *, digest: str = "digest", **changes: Any) -> NewHost:
    """A host as it reports for the first time."""
    return new_host(a_report("mtty-fresh", host=plan.host, **changes), digest, plan, now=NOW)


def a_sighting(name: str = "host1", **changes: Any) -> Sighting:
    """The same host seen again, a minute later."""
    report = a_report("mtty-fresh", host=name)
    said = (name, report.boot_id, "digest", 2, "2026-11-27T12:01:00Z", NOW + 60)
    return Sighting(*said)._replace(**changes)


def stored(store: Store, host: str) -> Any:
    """All that is stored of a host; its name and what follows from it left out."""
    query = text(HOST_ROWS)
    row = store.read(lambda tx: tx.execute(query, {"host": host}).one())
    counters = store.read(
        lambda tx: [
            (each.plan.name.replace(host, "HOST"), each.generation, each.facts_generation)
            for each in read_providers(tx, host=host)
        ]
    )
    told = [value.replace(host, "HOST") if isinstance(value, str) else value for value in row]
    del told[1]
    return told, sorted(counters), rows_of(store, host)


def events(store: Store, act: Any) -> set[tuple[str, str, int]]:
    """Give what the feed tells of what *act* does."""
    cursor, _ = store.read(lambda tx: read_events(tx, None))
    act()
    _, told = store.read(lambda tx: read_events(tx, cursor))
    return {(each.kind, each.ref, each.generation) for each in told or ()}


def exists(store: Store, name: str) -> bool:
    return bool(store.read(lambda tx: read_last_seen(tx, names=[name])))


@pytest.mark.parametrize("recording", recordings.names())
def test_a_host_that_was_never_there_is_written_as_with_care(store, recording):
    """Every row of it, every counter, and what the feed tells."""
    at_once, care = (
        a_report(recording, host="at-once"),
        a_report(recording, host="careful"),
    )
    plan, twin = plan_host(at_once, PROFILES), plan_host(care, PROFILES)
    host = new_host(at_once, "digest", plan, now=NOW)

    told = events(store, lambda: store.add(host))
    told_twin = events(
        store,
        lambda: store.write(lambda tx: store_report(tx, care, "digest", twin, now=NOW)),
    )

    assert stored(store, "at-once") == stored(store, "careful")
    assert sorted((kind, number) for kind, _, number in told) == sorted(
        (kind, number) for kind, _, number in told_twin
    )
    assert {ref for _, ref, _ in told} == {"at-once", *(each.uuid for each in plan.providers)}


def _is_reported(store: Store) -> None:
    assert store.add(a_host(a_plan("host1")))


def _was_there(tx: Tx) -> None:
    write_last_generation(tx, "host", "host1", 7)


def _had_a_device(tx: Tx) -> None:
    write_last_generation(tx, "provider", a_uuid("gpu0"), 7)


def _client_made(uuid: str, name: str, host: str | None = None) -> Any:
    """A client's provider, as bare as may be."""

    def write(tx: Tx) -> None:
        sql = (
            "INSERT INTO provider (uuid, name, host, owner, generation, facts_generation, gone)"
            " VALUES (:uuid, :name, :host, 'client', 0, 0, :no)"
        )
        tx.execute(text(sql), {"uuid": uuid, "name": name, "host": host, "no": False})
        tx.execute(text("UPDATE provider SET root = id WHERE root IS NULL"))
        append_change(tx, "provider", uuid, 0)

    return write


@pytest.mark.parametrize(
    "before",
    [
        _was_there,
        _had_a_device,
        _client_made(a_uuid("theirs"), "host1"),
        _client_made(a_uuid("theirs"), "gpu0"),
        _client_made(a_uuid("gpu0"), "theirs"),
        _client_made(a_uuid("theirs"), "theirs", "host1"),
    ],
    ids=["host-gone", "device-gone", "root", "name", "uuid", "below"],
)
def test_a_host_of_which_anything_is_or_was_there_is_left_to_care(store, before):
    """And nothing of it is written."""
    store.write(before)

    assert not store.add(a_host(a_plan("host1", a_device("gpu0"))))

    assert not exists(store, "host1")
    assert [each.owner for each in store.read(lambda tx: list(read_providers(tx)))] in (
        [],
        ["client"],
    )


def test_a_host_that_is_there_is_left_as_it_is(store):
    _is_reported(store)
    before = stored(store, "host1")

    assert not store.add(a_host(a_plan("host1", a_device("gpu0")), digest="other"))

    assert stored(store, "host1") == before


def test_hosts_that_report_at_once_are_all_written_but_for_who_is_in_the_way(store):
    """Two of them claim one uuid: one at most has it, and the others do not suffer."""
    plans = [a_plan(f"h{each}", a_device(f"gpu{each}", host=f"h{each}")) for each in range(20)]
    twice = [a_plan(f"twin{each}", a_device("same", host=f"twin{each}")) for each in range(2)]
    with ThreadPoolExecutor(11) as pool:
        written = list(pool.map(lambda plan: store.add(a_host(plan)), [*plans, *twice]))

    for plan, is_written in zip([*plans, *twice], written, strict=True):
        assert exists(store, plan.host) == is_written
    # Whoever was in a group with the two is looked at again, alone.
    left = [plan for plan, done in zip(plans, written[:20], strict=True) if not done]
    assert all(store.add(a_host(plan)) for plan in left)
    assert sum(written[20:]) <= 1
    found = store.read(lambda tx: list(read_providers(tx)))
    assert len(found) == 40 + 2 * sum(written[20:])


def test_a_text_that_the_database_does_not_take_leaves_nothing(store):
    """PostgreSQL takes no NUL; SQLite takes it, as the way with care does."""
    named = a_plan("host1", a_device("nu\0l"))
    with ThreadPoolExecutor(4) as pool:
        others = [a_plan(f"h{each}") for each in range(3)]
        written = list(pool.map(lambda plan: store.add(a_host(plan)), [named, *others]))
    assert written[0] == (store.dialect == "sqlite")
    assert exists(store, "host1") == written[0]


@given(st.tuples(ODD, ODD, ODD, ODD), st.sets(ODD, max_size=3), st.sets(ODD, max_size=3))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_odd_names_are_stored_as_they_are(store, names, traits, slots):
    """Names of providers, traits, devices and classes: nothing in them separates or ends."""
    host = f"h{next(_numbers)}{names[0]}"
    device = PlannedProvider(
        uuid=a_uuid(f"device of {host}"),
        name=f"{host} {names[1]}",
        parent=a_uuid(host),
        traits=tuple(sorted(traits)),
        inventories={names[2]: Inventory(total=2, allocation_ratio=1.5)},
        slots=tuple(sorted(slots)),
        note=names[3],
    )
    assert store.add(a_host(a_plan(host, device)))

    records = store.read(lambda tx: list(read_providers(tx, host=host)))
    assert device in [each.plan for each in records]
    rows = rows_of(store, host)
    named = [row[1] for row in rows["provider_trait"] if row[0] != host]
    assert sorted(named) == sorted(each.replace(host, "HOST") for each in device.traits)
    assert len(rows["provider_device"]) == len(device.slots)


@given(st.lists(st.none() | ODD), st.lists(st.none() | st.integers() | st.floats(-1e9, 1e9)))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_arrays_are_read_as_they_were_written(postgresql_url, texts, numbers):
    numbers = [None if each is None else float(each) for each in numbers]
    with psycopg.connect(postgresql_url) as db:
        row = db.execute(
            "SELECT %s::text[], %s::float8[]", (texts_array(texts), numbers_array(numbers))
        ).fetchone()
    assert row == (texts, numbers)


def test_a_host_of_which_nothing_is_new_is_seen_and_nothing_moves(store):
    """No generation and no line in the feed; when it was seen last never goes back."""
    _is_reported(store)
    assert events(store, lambda: store.see(a_sighting())) == set()
    assert store.see(a_sighting(now=NOW + 30)) == Seen(1, 1, False)

    assert store.read(read_last_seen) == {"host1": NOW + 60}
    (told, _, _) = stored(store, "host1")
    assert (told[4], told[5]) == (2, "2026-11-27T12:01:00Z")


@pytest.mark.parametrize(
    "change",
    [{"digest": "other"}, {"boot_id": "another-boot"}, {"sequence": 0}],
    ids=["digest", "boot", "older"],
)
def test_what_may_be_news_or_old_is_left_to_care(store, change):
    _is_reported(store)
    before = stored(store, "host1")

    assert store.see(a_sighting(**change)) == "differs"

    assert stored(store, "host1") == before


def test_who_was_never_there_is_not_seen(store):
    assert store.see(a_sighting()) == "absent"
    assert not exists(store, "host1")


def test_a_host_with_a_provider_that_has_gone_is_left_to_care(store):
    """What is held of it may have been let go by now."""
    _is_reported(store)
    sql = text("UPDATE provider SET gone = :yes WHERE host = 'host1'")
    store.write(lambda tx: tx.execute(sql, {"yes": True}))

    assert store.see(a_sighting()) == "differs"

    store.write(lambda tx: tx.execute(sql, {"yes": False}))


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_host_of_a_lost_migration_says_so(store, end):
    _is_reported(store)
    sql = text(
        "INSERT INTO migration (uuid, guest, source, target, state, token, body)"
        f" VALUES ('{a_uuid('move')}', '{a_uuid('guest')}', :source, :target, :state, 1, '{{}}')"
    )
    ends = {"source": "elsewhere", "target": "elsewhere", end: "host1", "state": "lost"}
    store.write(lambda tx: tx.execute(sql, ends))
    assert store.see(a_sighting()) == Seen(1, 1, True)

    done = text("UPDATE migration SET state = 'finished'")
    store.write(lambda tx: tx.execute(done))
    assert store.see(a_sighting()) == Seen(1, 1, False)


def test_hosts_that_are_seen_at_once_are_each_told_their_own(store):
    """Some are as they were, some have news, some were never there."""
    for number in range(0, 12, 2):
        devices = [a_device(f"gpu{number}.{each}", host=f"h{number}") for each in range(number)]
        assert store.add(a_host(a_plan(f"h{number}", *devices)))
    said = [a_sighting(f"h{each}", digest="digest" if each % 3 else "other") for each in range(12)]
    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(store.see, said))

    for number, sight in enumerate(told):
        if number % 2:
            assert sight == "absent"
        else:
            assert sight == (Seen(1, 1 + number, False) if number % 3 else "differs")


def test_a_report_that_says_two_things_of_one_is_no_new_host():
    plan = a_plan("host1", a_device("gpu0"), replace(a_device("gpu0"), name="other"))
    with pytest.raises(ReportContradicts, match="one uuid"):
        a_host(plan)


@given(st.lists(ODD, max_size=4), st.integers(0, 3))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_hosts_are_found_by_odd_names(store, names, position):
    """Among several that are asked for, and beside one that no database can hold."""
    host = f"h{next(_numbers)}"
    assert store.add(a_host(a_plan(host)))
    asked = [*names[:position], host, *names[position:], "nu\0l"]

    found = store.read(lambda tx: [each.name for each in read_hosts(tx, names=asked)])

    assert found == [host]


def test_hosts_of_a_group_are_written_but_for_those_in_whose_way_something_is(postgresql_url):
    """Also where they bring names that nobody knew; who is in the way of two keeps its own."""
    store = open_store(postgresql_url)
    try:
        assert store.add(a_host(a_plan("there")))
        store.write(lambda tx: write_last_generation(tx, "provider", a_uuid("old"), 3))
        plans = [
            a_plan("h1", replace(a_device("g1", host="h1"), traits=("CUSTOM_NEW",))),
            a_plan("there", a_device("g2", host="there")),
            a_plan("h3", a_device("old", host="h3")),
            a_plan("h4", replace(a_device("g4", host="h4"), traits=("CUSTOM_NEW", "CUSTOM_2"))),
        ]
        with psycopg.connect(postgresql_url, autocommit=True) as db:
            assert add_hosts(db, [a_host(plan) for plan in plans]) == [True, False, False, True]

        found = {each.plan.name: each for each in store.read(lambda tx: list(read_providers(tx)))}
        assert found.keys() == {"there", "h1", "g1", "h4", "g4"}
        assert [found[name].plan.traits for name in ("g1", "g4")] == [
            ("CUSTOM_NEW",),
            ("CUSTOM_NEW", "CUSTOM_2"),
        ]
        assert len(rows_of(store, "h4")["provider_trait"]) == 2
        assert store.read(audit) == []
    finally:
        store.close()


def test_a_class_that_is_just_given_another_name_is_made_anew_for_a_new_host(postgresql_url):
    """What a host reports is stored by the names it says, whoever writes at the same moment."""
    store = open_store(postgresql_url)
    made = {"CUSTOM_OLD": Inventory(total=4)}
    assert store.add(a_host(a_plan("host1", a_device("gpu0", inventories=made))))
    other = a_plan("host2", a_device("gpu1", host="host2", inventories=made))
    with ThreadPoolExecutor(1) as pool:
        with held_open(store, lambda tx: rename(tx, CLASSES, "CUSTOM_OLD", "CUSTOM_NEW")):
            adding = pool.submit(store.add, a_host(other))
            wait_for_a_lock(store, adding)
        assert adding.result(30)
    query = text(
        "SELECT p.name, c.name FROM provider p JOIN inventory i ON i.provider = p.id"
        " JOIN resource_class c ON c.id = i.class WHERE p.name LIKE 'gpu%' ORDER BY 1"
    )
    rows = store.read(lambda tx: [tuple(row) for row in tx.execute(query)])
    store.close()
    assert rows == [("gpu0", "CUSTOM_NEW"), ("gpu1", "CUSTOM_OLD")]
