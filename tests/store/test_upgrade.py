"""Schema migrations: from nothing to the present one, on both engines alike."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy
from sqlalchemy import inspect

from builders import FB
from store_worlds import a_device, a_plan, claim, held, holding, report
from wherry.store import tables
from wherry.store.audit import audit
from wherry.store.engine import open_store, read_schema, upgrade_store
from wherry.store.feed import read_fleet
from wherry.store.tables import REVISION
from wherry.store.upgrade import Upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/fleet.db"
        return
    server = request.getfixturevalue("postgresql")
    yield server.create("empty")
    server.drop("empty")


def engine_of(url):
    parsed = sqlalchemy.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return sqlalchemy.create_engine(parsed)


def test_an_empty_database_gets_the_present_schema_once(empty_url):
    assert read_schema(empty_url) is None

    assert upgrade_store(empty_url) == Upgrade(None, REVISION)
    assert read_schema(empty_url) == REVISION
    assert not upgrade_store(empty_url).is_needed


def test_an_upgraded_database_serves(empty_url):
    upgrade_store(empty_url)
    store = open_store(empty_url)
    report(store, a_plan("host1", a_device("gpu0")))
    claim(store, holding("guest", {"gpu0": {FB: 1}}))

    assert held(store, "guest").expected_generation == 1
    assert store.read(audit) == []
    store.close()


def test_a_dry_run_gives_the_statements_and_writes_nothing(empty_url):
    planned = upgrade_store(empty_url, dry_run=True)

    assert planned.is_needed
    assert (planned.before, planned.after) == (None, REVISION)
    assert "CREATE TABLE provider" in planned.sql
    assert read_schema(empty_url) is None


def test_the_statements_of_a_dry_run_are_those_that_an_upgrade_runs(tmp_path):
    """Whoever may not run the program against the database runs its statements by hand."""
    by_hand, by_program = tmp_path / "hand.db", tmp_path / "program.db"
    sql = upgrade_store(f"sqlite:///{by_hand}", dry_run=True).sql
    upgrade_store(f"sqlite:///{by_program}")

    with sqlite3.connect(by_hand) as connection:
        connection.executescript(sql)
    connection.close()

    assert schema_of(by_hand) == schema_of(by_program)
    store = open_store(f"sqlite:///{by_hand}")
    assert store.read(read_fleet).changes == ()
    store.close()


def schema_of(path):
    """Names and definitions of all there is, without the blanks between the words."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    connection.close()
    return [(name, " ".join((sql or "").split())) for name, sql in rows]


def test_an_upgrade_that_is_done_needs_no_statements(store_url):
    assert upgrade_store(store_url, dry_run=True) == Upgrade(REVISION, REVISION)


def test_upgrades_at_the_same_time_follow_each_other(postgresql):
    url = postgresql.create("contended")
    try:
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(lambda _: upgrade_store(url), range(4)))
        assert sorted(one.is_needed for one in done) == [False, False, False, True]
        assert read_schema(url) == REVISION
    finally:
        postgresql.drop("contended")


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_the_tables_of_the_program_are_those_of_the_migrations(store_url):
    engine = engine_of(store_url)
    found = inspect(engine)

    assert set(found.get_table_names()) == {*tables.metadata.tables, "alembic_version"}
    for table in tables.metadata.sorted_tables:
        columns = {column["name"]: column for column in found.get_columns(table.name)}
        assert set(columns) == {column.name for column in table.columns}, table.name
        for column in table.columns:
            stored = columns[column.name]
            assert stored["nullable"] == column.nullable, (table.name, column.name)
            if column is not tables.change.c.xid:  # a type that SQLAlchemy cannot read back
                assert spell(stored["type"], engine) == spell(column.type, engine), column
        keys = found.get_pk_constraint(table.name)["constrained_columns"]
        assert keys == [column.name for column in table.primary_key], table.name
        indexes = {index["name"] for index in found.get_indexes(table.name) if "unique" in index}
        assert {index.name for index in table.indexes} <= indexes, table.name
    engine.dispose()


def spell(kind, engine):
    """A type in DDL; PostgreSQL has two names for one."""
    return kind.compile(engine.dialect).replace("DOUBLE PRECISION", "FLOAT")


def test_a_fleet_has_an_identity_that_stays(store_url):
    def identity():
        engine = engine_of(store_url)
        with engine.connect() as connection:
            found = connection.execute(
                sqlalchemy.text("SELECT value FROM meta WHERE key = 'fleet'")
            ).scalar()
        engine.dispose()
        return found

    before = identity()
    upgrade_store(store_url)
    open_store(store_url).close()

    assert len(before) == 36
    assert identity() == before
