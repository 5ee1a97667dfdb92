"""Stores are opened by their URL, and say in plain words why they cannot be."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from builders import FB
from store_worlds import a_device, a_plan, claim, held, holding, report
from wherry.model.errors import BadConfiguration, StoreInUse, StoreUnavailable
from wherry.store.audit import audit
from wherry.store.engine import open_store, read_schema, read_store, upgrade_store
from wherry.store.tables import REVISION

NOWHERE = "postgresql://wherry@/fleet?host=/nonexistent"
OWNER = """
import sys
from wherry.store.engine import open_store
store = open_store(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def test_a_sqlite_file_is_made_with_its_folders_and_keeps_what_is_written(tmp_path):
    url = f"sqlite:///{tmp_path}/deep/er/fleet.db"
    store = open_store(url)
    report(store, a_plan("host1", a_device("gpu0")))
    claim(store, holding("guest", {"gpu0": {FB: 1}}))
    store.close()

    again = open_store(url)

    assert held(again, "guest").expected_generation == 1
    again.close()


def test_a_second_owner_of_a_sqlite_file_is_refused_and_told_by_whom(sqlite_url):
    first = open_store(sqlite_url)

    with pytest.raises(StoreInUse, match=rf"owned by another process \(pid {os.getpid()}\)"):
        open_store(sqlite_url)
    with pytest.raises(StoreInUse, match="PostgreSQL for several processes"):
        upgrade_store(sqlite_url)
    first.close()

    open_store(sqlite_url).close()


def test_a_second_process_is_refused_until_the_first_has_ended_however_it_ends(sqlite_url):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, sqlite_url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(StoreInUse, match=f"pid {owner.pid}"):
            open_store(sqlite_url)
        owner.kill()
        owner.wait()

    open_store(sqlite_url).close()


def test_several_stores_share_a_postgresql_database(postgresql_url):
    stores = [open_store(postgresql_url) for _ in range(3)]
    report(stores[0], a_plan("host1", a_device("gpu0")))
    claim(stores[1], holding("guest", {"gpu0": {FB: 1}}))

    assert held(stores[2], "guest").expected_generation == 1
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    "url",
    [
        "fleet.db",
        "mysql://fleet",
        "sqlite://",
        "sqlite:///:memory:?cache=shared",
        "sqlite:///fleet.db?mode=ro",
        "postgresql://host:port/fleet",
        "",
    ],
)
def test_what_is_no_url_of_a_database_is_refused(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(BadConfiguration):
        open_store(url)

    assert list(tmp_path.iterdir()) == []


def test_a_url_with_a_password_is_not_repeated_in_a_message():
    with pytest.raises(BadConfiguration) as caught:
        open_store("mysql://me:secret@host/fleet")

    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_in_one_line():
    for ask in (open_store, upgrade_store, read_schema, lambda url: read_store(url, audit)):
        with pytest.raises(StoreUnavailable, match="does not answer") as caught:
            ask(NOWHERE)
        assert "\n" not in str(caught.value)
        assert "sqlalche.me" not in str(caught.value)


def test_a_database_that_the_server_does_not_have_is_named(postgresql):
    with pytest.raises(StoreUnavailable, match='"nobodys" does not exist'):
        open_store(postgresql.url("nobodys"))


def test_a_postgresql_database_without_a_schema_says_what_to_run(postgresql):
    url = postgresql.create("bare")
    try:
        with pytest.raises(StoreUnavailable, match=r"no schema yet.*run `wherry db upgrade`"):
            open_store(url)
    finally:
        postgresql.drop("bare")


def test_a_schema_of_a_newer_program_is_left_alone(store_url):
    change_revision(store_url, "9999")

    for ask in (open_store, upgrade_store, lambda url: read_store(url, audit)):
        with pytest.raises(StoreUnavailable, match="schema 9999, written by a newer Wherry"):
            ask(store_url)
    assert read_schema(store_url) == "9999"


def change_revision(url, revision):
    url = sqlalchemy.make_url(url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sqlalchemy.text(f"UPDATE alembic_version SET version_num = '{revision}'")
        )
    engine.dispose()


@pytest.mark.parametrize(
    "content", [b"this is no database, though a file" * 99, b"SQLite format 3\0"]
)
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "fleet.db"
    path.write_bytes(content)

    with pytest.raises(StoreUnavailable, match=r"cannot be used as a database: file is"):
        open_store(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailable, match="file is"):
        read_schema(f"sqlite:///{path}")

    assert path.read_bytes() == content


def test_a_folder_where_the_file_should_be_is_told(tmp_path):
    with pytest.raises(StoreUnavailable, match="cannot be used as a database"):
        open_store(f"sqlite:///{tmp_path}")


def test_a_file_where_a_folder_should_be_is_told(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StoreUnavailable, match="cannot be used as a database"):
        open_store(f"sqlite:///{tmp_path}/file/fleet.db")


def test_a_closed_store_says_so(store_url):
    store = open_store(store_url)
    store.close()
    store.close()

    for use in (store.read, store.write):
        with pytest.raises(StoreUnavailable, match="the store is closed"):
            use(audit)


def test_closing_finishes_the_work_that_waits(sqlite_url):
    store = open_store(sqlite_url)
    report(store, a_plan("host1", a_device("gpu0")))
    begun, go_on = threading.Event(), threading.Event()

    def slow(_tx):
        begun.set()
        assert go_on.wait(30)

    threads = [threading.Thread(target=store.write, args=(slow,))]
    threads[0].start()
    assert begun.wait(30)
    threads.append(
        threading.Thread(target=claim, args=(store, holding("guest", {"gpu0": {FB: 1}})))
    )
    threads[1].start()
    while store._queue.empty():
        time.sleep(0.001)
    closing = threading.Thread(target=store.close)
    closing.start()
    go_on.set()
    for thread in (*threads, closing):
        thread.join(30)

    again = open_store(sqlite_url)
    assert held(again, "guest").expected_generation == 1
    again.close()


def test_a_unit_of_work_that_waits_for_another_is_a_mistake_and_no_deadlock(sqlite_url):
    store = open_store(sqlite_url)

    with pytest.raises(RuntimeError, match="cannot wait for another"):
        store.write(lambda _tx: store.write(audit))
    store.close()


def test_what_fails_beside_others_in_a_group_undoes_itself_alone(sqlite_url):
    """Units of work share a commit; one that fails leaves the others'."""
    store = open_store(sqlite_url)
    report(store, a_plan("host1", a_device("gpu0", pool=64)))
    failed = []

    def work(number):
        try:
            claim(store, holding(f"guest{number}", {"gpu0": {FB: 1 if number % 2 else 99}}))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {type(error).__name__ for error in failed} == {"CapacityExceeded"}
    assert len(failed) == 32
    assert [held(store, f"guest{n}").expected_generation for n in range(64)] == [None, 1] * 32
    assert store.read(audit) == []
    store.close()


def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(sqlite_url):
    store = open_store(sqlite_url)
    report(store, a_plan("host1", a_device("gpu0")))
    store.write(
        lambda tx: tx.driver.execute(
            f"PRAGMA max_page_count = {tx.driver.execute('PRAGMA page_count').fetchone()[0]}"
        ).fetchone()
    )

    def fill(tx):
        tx.driver.execute("INSERT INTO meta (key, value) VALUES ('much', zeroblob(10000000))")

    with pytest.raises(StoreUnavailable, match="database or disk is full"):
        store.write(fill)

    assert store.read(audit) == []
    assert held(store, "guest").expected_generation is None
    store.close()


def end_sessions(url):
    """What a server that is started anew does to the connections of a pool."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_reads_and_writes_go_on_when_the_server_was_started_anew(postgresql_url):
    store = open_store(postgresql_url)
    report(store, a_plan("host1", a_device("gpu0")))

    end_sessions(postgresql_url)
    claim(store, holding("guest", {"gpu0": {FB: 1}}))
    end_sessions(postgresql_url)

    assert held(store, "guest").expected_generation == 1
    assert claim(store, holding("guest", {"gpu0": {FB: 2}})).consumers != {}
    store.close()


def test_where_every_connection_is_in_use_the_next_one_is_told_after_a_while(store_url):
    store = open_store(store_url, pool_size=1)
    store._engine.pool._timeout = 0.1
    go_on, readers = threading.Event(), []
    at_most = store._engine.pool.size() + store._engine.pool._max_overflow

    def read(_tx):
        begun.wait(30)
        assert go_on.wait(30)

    # The writer of SQLite has one of its own.
    free = at_most - (store.dialect == "sqlite")
    begun = threading.Barrier(free + 1)
    for _ in range(free):
        readers.append(threading.Thread(target=store.read, args=(read,)))
        readers[-1].start()
    begun.wait(30)
    with pytest.raises(StoreUnavailable, match=r"in use|at once"):
        store.read(audit)
    go_on.set()
    for reader in readers:
        reader.join(30)

    assert store.read(audit) == []
    store.close()


def test_a_store_can_be_read_while_a_service_owns_it(store_url):
    service = open_store(store_url)
    report(service, a_plan("host1", a_device("gpu0")))

    assert read_store(store_url, audit) == []
    assert read_schema(store_url) == REVISION
    with pytest.raises(StoreUnavailable):
        read_store(store_url, lambda tx: tx.execute(sqlalchemy.text("DELETE FROM change")))
    service.close()


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path):
    url = f"sqlite:///{tmp_path}/fleet.db"

    assert read_schema(url) is None
    with pytest.raises(StoreUnavailable, match="there is no database"):
        read_store(url, audit)
    assert not Path(tmp_path / "fleet.db").exists()
