"""``wherry db``: schema and soundness, as text and as JSON, with the exits of every command."""

import json

import pytest
import sqlalchemy

from builders import FB
from cli.inspect_golden import run
from store_worlds import a_device, a_plan, claim, holding, report
from wherry.cli.db import without_password
from wherry.store.engine import open_store, read_schema
from wherry.store.tables import REVISION


def db(capsys, command, url, *words):
    """Run ``wherry db COMMAND`` on a database: status, output, complaints."""
    return run(capsys, "db", command, "--database", url, *words)


def as_json(capsys, command, url, *words):
    status, out, err = db(capsys, command, url, "--json", *words)
    assert err == ""
    return status, json.loads(out)


def change(url, statement):
    """Break something behind the program's back."""
    parsed = sqlalchemy.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(parsed)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement))
    engine.dispose()


def fill(url):
    """A fleet with one claim."""
    store = open_store(url)
    report(store, a_plan("host1", a_device("gpu0")))
    claim(store, holding("guest", {"gpu0": {FB: 4096}}))
    return store


def test_a_database_at_the_present_schema_is_a_yes(capsys, store_url):
    status, out, err = db(capsys, "status", store_url)

    assert (status, err) == (0, "")
    assert out == f"database  {store_url}\nschema    {REVISION}\nneeded    {REVISION}\n"
    assert as_json(capsys, "status", store_url) == (
        0,
        {"database": store_url, "schema": REVISION, "needed": REVISION, "is_current": True},
    )


def test_no_database_yet_is_a_no_and_says_what_to_do(capsys, tmp_path):
    url = f"sqlite:///{tmp_path}/fleet.db"

    status, out, _ = db(capsys, "status", url)

    assert status == 1
    assert "none yet" in out
    assert "run `wherry db upgrade`" in out
    assert as_json(capsys, "status", url)[1]["schema"] is None
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_a_newer_program_is_a_no(capsys, store_url):
    change(store_url, "UPDATE alembic_version SET version_num = '9999'")

    status, out, _ = db(capsys, "status", store_url)
    assert status == 1
    assert "written by a newer Wherry" in out

    status, out, err = db(capsys, "upgrade", store_url)
    assert (status, out) == (3, "")
    assert "written by a newer Wherry" in err


def test_an_upgrade_makes_the_schema_once(capsys, tmp_path):
    url = f"sqlite:///{tmp_path}/fleet.db"

    assert db(capsys, "upgrade", url)[:2] == (
        0,
        f"the database went from nothing to schema {REVISION}\n",
    )
    assert db(capsys, "upgrade", url)[:2] == (0, f"the database is at schema {REVISION} already\n")
    assert as_json(capsys, "upgrade", url) == (
        0,
        {"database": url, "before": REVISION, "after": REVISION, "sql": None},
    )
    assert read_schema(url) == REVISION


def test_a_dry_run_prints_the_statements_and_changes_nothing(capsys, tmp_path):
    url = f"sqlite:///{tmp_path}/fleet.db"

    status, out, _ = db(capsys, "upgrade", url, "--dry-run")

    assert status == 0
    assert out.startswith("CREATE TABLE alembic_version")
    assert "CREATE TABLE allocation" in out
    assert as_json(capsys, "upgrade", url, "--dry-run")[1]["before"] is None
    assert list(tmp_path.iterdir()) == []


def test_a_sound_database_is_a_yes_also_beside_a_running_service(capsys, store_url):
    service = fill(store_url)

    assert db(capsys, "check", store_url) == (0, "the database is sound\n", "")
    assert as_json(capsys, "check", store_url) == (
        0,
        {"database": store_url, "is_sound": True, "findings": [], "notes": []},
    )
    service.close()


def test_an_inventory_below_its_use_is_a_note(capsys, store_url):
    service = fill(store_url)
    report(service, a_plan("host1", a_device("gpu0", pool=1000)), sequence=2)

    status, out, _ = db(capsys, "check", store_url)

    assert status == 0
    assert f"note: provider gpu0 has 4096 of {FB} in use and 1000 in all\n" in out
    service.close()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE inventory SET used = used + 1 WHERE used > 0", "used 4097, allocated 4096"),
        ("UPDATE inventory SET charged = 0", "charged 0, not 4096"),
        ("DELETE FROM allocation", "holds nothing"),
        ("DELETE FROM consumer", "is no consumer"),
        ("UPDATE inventory SET stray = 5 WHERE used > 0", "stray 5, not 0"),
        ("UPDATE inventory SET cap = 7 WHERE used > 0", "is not stored as planned"),
    ],
)
def test_what_breaks_an_invariant_is_a_no_and_named(capsys, store_url, statement, says):
    fill(store_url).close()
    change(store_url, statement)

    status, out, _ = db(capsys, "check", store_url)

    assert status == 1
    assert out.startswith("broken: ")
    assert says in out
    assert as_json(capsys, "check", store_url)[1]["is_sound"] is False


def test_an_owned_file_cannot_be_upgraded_and_is_trouble(capsys, sqlite_url):
    service = open_store(sqlite_url)

    status, out, err = db(capsys, "upgrade", sqlite_url)

    assert (status, out) == (3, "")
    assert "owned by another process" in err
    assert err.count("\n") == 1
    service.close()


@pytest.mark.parametrize("command", ["status", "upgrade", "check"])
def test_a_server_that_is_not_there_is_trouble_in_one_line(capsys, command):
    status, out, err = db(capsys, command, "postgresql://wherry@/fleet?host=/nonexistent")

    assert (status, out) == (3, "")
    assert err.count("\n") == 1
    assert "does not answer" in err


def test_a_check_of_no_database_is_trouble(capsys, tmp_path):
    status, _, err = db(capsys, "check", f"sqlite:///{tmp_path}/fleet.db")

    assert status == 3
    assert "there is no database" in err


@pytest.mark.parametrize("words", [("--database", "mysql://x"), ("--nonsense",), ("extra",)])
def test_bad_usage_is_told_in_one_line(capsys, words):
    status, out, err = run(capsys, "db", "status", *words)

    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_the_database_is_found_as_the_service_finds_it(capsys, monkeypatch, tmp_path):
    fill(f"sqlite:///{tmp_path}/wherry.sqlite3").close()

    assert run(capsys, "db", "check", "--state-dir", tmp_path)[0] == 0
    monkeypatch.setenv("WHERRY_STATE_DIR", str(tmp_path))
    assert run(capsys, "db", "check")[0] == 0
    config = tmp_path / "wherry.toml"
    config.write_text('[serve]\ndatabase = "sqlite:////nonexistent/fleet.db"\nport = 1\n')
    assert run(capsys, "db", "check", "--config", config)[0] == 3


def test_a_password_is_not_shown(capsys):
    url = "postgresql://me:secret@/fleet?host=/nonexistent"

    assert without_password(url) == "postgresql://me:***@/fleet?host=/nonexistent"
    assert "secret" not in "".join(map(str, db(capsys, "status", url)))
