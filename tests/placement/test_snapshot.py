"""A restart begins with the snapshot if that is this database's, and never with another."""

import shutil

import pytest

from inventory.columns.naive import check
from placement.test_world_in_memory import read_plainly
from placement_wire import RP, U1, U2, U3
from wherry.app.placement import world as world_module
from wherry.app.placement.world import PlacementWorld
from wherry.store import placement_world, snapshot
from wherry.store.engine import open_store
from wherry.store.feed import prune_changes
from wherry.store.meta import write_note
from wherry.store.placement_world import WorldReader
from wherry.store.snapshot import Unfit, read_snapshot


@pytest.fixture(autouse=True)
def _every_fleet_is_worth_saving(monkeypatch):
    monkeypatch.setattr(world_module, "WORTH_SAVING", 1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "columns.snapshot"


@pytest.fixture
def saved(wire, path):
    """A fleet of two providers and its snapshot."""
    wire.provider(VCPU=8)
    wire("POST", RP, {"uuid": U2, "name": U2, "parent_provider_uuid": U1})
    wire.ok("PUT", "/traits/CUSTOM_T")
    save(wire.engine.store, path)
    return wire


def save(store, path):
    world = PlacementWorld(store, path)
    world.columns()
    world.save()
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def begin(store, path):
    """What a process reads that starts now."""
    reader = WorldReader(path)
    return store.read(lambda tx: reader(tx, None))


def holds_all(store, path):
    """Whatever a process begins with, it ends with all there is."""
    check(PlacementWorld(store, path).columns(), store.read(read_plainly))
    return True


def test_a_restart_reads_what_changed_since_the_snapshot(saved, path):
    saved.allocate(on_1={"VCPU": 3})
    saved.provider(U3, DISK_GB=4)

    batch = begin(saved.engine.store, path)

    assert batch.columns.row(U3) is None
    assert set(batch.providers) == {U3}
    assert batch.use == [(U1, "VCPU", 8, 0, 3)]
    assert holds_all(saved.engine.store, path)


def test_columns_of_a_snapshot_are_written_in_memory_alone(saved, path):
    """The file stays what it was, and so does what others map."""
    before = path.read_bytes()
    world = PlacementWorld(saved.engine.store, path)
    world.columns()
    saved.allocate(on_1={"VCPU": 3})

    columns = world.columns()

    assert columns.provider(columns.row(U1)).used == {"VCPU": 3}
    assert path.read_bytes() == before


def test_a_snapshot_is_written_only_when_something_changed(saved, path):
    before = path.stat().st_ino
    world = PlacementWorld(saved.engine.store, path)
    world.columns()
    world.save()
    assert path.stat().st_ino == before, "nothing has changed since it was read"
    saved.allocate(on_1={"VCPU": 3})
    world.columns()

    world.save()

    assert path.stat().st_ino != before
    assert begin(saved.engine.store, path).use == []


def damaged(path, way):
    letters = bytearray(path.read_bytes())
    if way == "empty":
        letters = bytearray()
    elif way == "short":
        letters = letters[:-64]
    elif way == "long":
        letters += bytes(64)
    elif way == "beginning":
        letters[0] ^= 1
    elif way == "header":
        letters[60] ^= 1
    elif way == "numbers":
        letters[-200] ^= 1
    path.write_bytes(letters)


@pytest.mark.parametrize("way", ["empty", "short", "long", "beginning", "header", "numbers"])
def test_a_damaged_snapshot_is_not_used(saved, path, way, caplog):
    damaged(path, way)

    with pytest.raises(Unfit):
        saved.engine.store.read(lambda tx: read_snapshot(tx, path))

    assert holds_all(saved.engine.store, path)
    assert "is not used" in caplog.text


@pytest.mark.parametrize(("where", "what"), [("FORMAT", 99), ("REVISION", "9999")])
def test_a_snapshot_of_another_format_or_schema_is_not_used(saved, path, where, what, monkeypatch):
    monkeypatch.setattr(snapshot, where, what)

    with pytest.raises(Unfit, match="format 1"):
        saved.engine.store.read(lambda tx: read_snapshot(tx, path))

    assert holds_all(saved.engine.store, path)


def test_a_snapshot_that_the_database_does_not_know_is_not_used(saved, path):
    """Such as one of another database, or one that another process wrote over."""
    key = snapshot._key(path)
    saved.engine.store.write(lambda tx: write_note(tx, key, "another token"))

    with pytest.raises(Unfit, match="another database"):
        saved.engine.store.read(lambda tx: read_snapshot(tx, path))

    assert holds_all(saved.engine.store, path)


def test_a_database_that_was_put_back_does_not_get_what_came_after(path, tmp_path):
    """A backup, and another history since: the cursor alone would not tell."""
    live, backup = tmp_path / "live.sqlite3", tmp_path / "backup.sqlite3"
    url = f"sqlite:///{live}"
    store = open_store(url)
    store.close()
    shutil.copy(live, backup)
    store = open_store(url)
    store.write(lambda tx: tx.driver.execute(ADD, (U1, U1)) and tx.driver.execute(TOLD, (U1,)))
    save(store, path)
    store.close()
    shutil.copy(backup, live)
    store = open_store(url)
    store.write(lambda tx: tx.driver.execute(ADD, (U2, U2)) and tx.driver.execute(TOLD, (U2,)))

    with pytest.raises(Unfit, match="another state"):
        store.read(lambda tx: read_snapshot(tx, path))

    assert holds_all(store, path)
    store.close()


ADD = (
    "INSERT INTO provider (id, uuid, name, root, owner, generation, facts_generation, gone)"
    " VALUES (1, ?, ?, 1, 'client', 0, 0, 0)"
)
TOLD = "INSERT INTO change (kind, ref, generation) VALUES ('provider', ?, 1)"


def test_a_snapshot_is_not_used_once_the_feed_has_forgotten_its_cursor(saved, path):
    saved.allocate(on_1={"VCPU": 3})
    saved.engine.store.write(lambda tx: prune_changes(tx, keep=0))

    batch = begin(saved.engine.store, path)

    assert batch.columns.provider(batch.columns.row(U1)).used == {"VCPU": 3}
    assert not batch.use


def test_a_snapshot_is_not_used_where_much_has_changed(saved, path, monkeypatch):
    monkeypatch.setattr(placement_world, "REPLAYED", 0)
    saved.allocate(on_1={"VCPU": 3})

    batch = begin(saved.engine.store, path)

    assert batch.columns.provider(batch.columns.row(U1)).used == {"VCPU": 3}
    assert not batch.use


def test_a_folder_that_cannot_be_written_costs_the_snapshot_alone(wire, tmp_path, caplog):
    wire.provider(VCPU=8)
    (tmp_path / "state").write_text("a file is in the way")
    world = PlacementWorld(wire.engine.store, tmp_path / "state" / "columns.snapshot")
    world.columns()

    world.save()

    assert "no snapshot" in caplog.text
    assert holds_all(wire.engine.store, tmp_path / "state" / "columns.snapshot")
