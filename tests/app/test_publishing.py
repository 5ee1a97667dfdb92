"""Derived traits come with what they derive from, where the deployment wants them, and go again."""

from dataclasses import replace

import pytest

from engines import Fleet
from wherry.app.engine import Engine
from wherry.app.housekeeping import derive_anew
from wherry.compat.query.host import marks_of_host
from wherry.compat.query.labels import is_label, label
from wherry.compat.query.marks import marks_of
from wherry.store import tables
from wherry.store.audit import audit
from wherry.store.labels import read_label_names, read_salt
from wherry.store.placement_qualities import read_traits
from wherry.store.salt_rotation import rotate_salt
from wherry.store.upgrade import new_salt


@pytest.fixture
def engine(make, store_url) -> Engine:
    """An engine that publishes, with nothing in it yet; what it leaves is sound."""
    made = publishing(make(store_url), "yes")
    derive_anew(made)
    yield made
    assert made.store.read(audit) == []


def publishing(engine: Engine, word: str) -> Engine:
    engine.settings = replace(engine.settings, publish_traits=word)
    return engine


def labels(engine: Engine) -> dict[str, set[str]]:
    """Name of each provider to its labels; those without any are left out."""
    query = tables.provider.select()
    names = {row.id: row.name for row in engine.store.read(lambda tx: tx.rows(query))}
    traits = engine.store.read(read_traits)
    found = {names[n]: {t for t in some if is_label(t)} for n, some in traits.items()}
    return {name: some for name, some in found.items() if some}


def expected(engine: Engine) -> dict[str, set[str]]:
    """The twin: each provider's own offers, and the host's facts, one by one."""
    salt = engine.store.read(read_salt)
    found = {}
    for host in engine.view():
        for each in host.providers:
            marks = {mark for offer in each.offers for mark in marks_of(offer)}
            if each == host.root:
                marks = set(marks_of_host(host.record.check))
            found[each.record.plan.name] = {label(salt, mark) for mark in marks}
    kept = {name: {t for t in some if is_label(t)} for name, some in found.items()}
    return {name: some for name, some in kept.items() if some}


def test_offers_and_hosts_publish_with_the_report(engine):
    fleet = Fleet(engine, host1="mtty-fresh", host2="constructed-nvidia-vfio", host3="host-numa2")

    assert labels(engine) == expected(engine)
    assert {"host1_mtty", "host2_0000:81:00.0"} <= labels(engine).keys()

    fleet.report("host1", "mtty-stream-minor1")
    assert labels(engine) == expected(engine)


def test_nothing_is_published_unless_it_is_wanted(make, store_url):
    engine = make(store_url)
    Fleet(engine, host1="mtty-fresh")

    assert labels(engine) == {}
    assert engine.store.read(read_label_names) == []


def test_the_setting_brings_them_and_takes_them_away(make, store_url):
    """Hosts are derived anew; their generations for clients and their facts stay."""
    engine = make(store_url)
    Fleet(engine, host1="mtty-fresh", host2="igb-vfs")
    derive_anew(engine)
    before = counters(engine)

    assert derive_anew(publishing(engine, "yes")) == 2
    first = labels(engine)
    assert first == expected(engine) != {}
    assert counters(engine) == before

    assert derive_anew(publishing(engine, "no")) == 2
    assert labels(engine) == {}
    assert counters(engine) == before

    assert derive_anew(publishing(engine, "yes")) == 2
    assert labels(engine) == first
    assert derive_anew(engine) == 0


def counters(engine: Engine) -> dict[str, tuple[int, int]]:
    """What clients see of a provider's generation, and its facts generation."""
    rows = engine.store.read(lambda tx: tx.rows(tables.provider.select()))
    return {row.name: (row.generation - row.silent, row.facts_generation) for row in rows}


def test_an_equal_report_writes_no_label_anew(engine):
    fleet = Fleet(engine, host1="mtty-fresh")
    before = engine.store.read(lambda tx: tx.rows(tables.provider.select()))

    fleet.report("host1")

    assert engine.store.read(lambda tx: tx.rows(tables.provider.select())) == before


def test_what_is_gone_from_the_host_publishes_nothing(engine):
    """Also where a guest holds it still."""
    fleet = Fleet(engine, host1="mtty-fresh")
    fleet.boot("host1")
    assert "host1_mtty" in labels(engine)

    fleet.report("host1", "host-numa2")

    assert "host1_mtty" not in labels(engine)
    assert labels(engine) == expected(engine)


def test_a_rotation_gives_all_labels_other_names_and_the_fleet_follows(engine, make):
    fleet = Fleet(engine, host1="mtty-fresh", host2="igb-vfs")
    fleet.report("host2", "igb-novfs")  # leaves labels that nobody has any more
    engine.view()
    before, held = labels(engine), counters(engine)

    done = engine.store.write(lambda tx: rotate_salt(tx, new_salt()))

    now = labels(engine)
    assert now == expected(engine)
    assert now.keys() == before.keys()
    assert all(now[name].isdisjoint(before[name]) for name in now)
    assert counters(engine) == held
    known = set(engine.store.read(read_label_names))
    assert known == set().union(*now.values())
    assert (done.labels, done.providers) == (len(known), len(now))
    assert done.forgotten > 0

    fleet.report("host3", "mtty-fresh")
    assert labels(engine)["host3_mtty"] == now["host1_mtty"]


def test_a_database_that_publishes_nothing_gets_another_salt_as_well(make, store_url):
    engine = make(store_url)
    Fleet(engine, host1="mtty-fresh")
    before = engine.store.read(read_salt)

    done = engine.store.write(lambda tx: rotate_salt(tx, new_salt()))

    assert engine.store.read(read_salt) != before
    assert (done.labels, done.providers, done.forgotten) == (0, 0, 0)


def test_each_database_has_a_salt_of_its_own(make, sqlite_url, tmp_path):
    other = f"sqlite:///{tmp_path / 'other.db'}"

    salts = {make(url).store.read(read_salt) for url in (sqlite_url, other)}

    assert [len(salt) for salt in salts] == [32, 32]
