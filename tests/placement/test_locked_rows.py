"""A lock that was waited for gives the row as it is once the lock is had."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from builders import a_uuid
from engines import held_open, wait_for_a_lock
from placement_wire import RP, Wire
from wherry.app.engine import open_engine
from wherry.app.settings import Settings
from wherry.store.placement_providers import find_provider, lock_providers, read_named
from wherry.store.placement_trees import delete_provider, insert_provider, update_provider

CHILD, OTHER, NEW = a_uuid("child"), a_uuid("other"), a_uuid("new")


def move(tx, to):
    parent = None if to is None else find_provider(tx, to)
    update_provider(tx, find_provider(tx, CHILD), name="moved", parent=parent, now=1.0)


def move_below_a_new_one(tx, *, above):
    parent = None if above is None else find_provider(tx, above)
    insert_provider(tx, uuid=NEW, name="new", parent=parent, now=1.0)
    move(tx, NEW)


CHANGES = {
    "another tree": lambda tx: move(tx, OTHER),
    "a root": lambda tx: move(tx, None),
    "below a root that is newer": lambda tx: move_below_a_new_one(tx, above=None),
    "below a child that is newer": lambda tx: move_below_a_new_one(tx, above=OTHER),
    "gone": lambda tx: delete_provider(tx, find_provider(tx, CHILD)),
}


@pytest.mark.parametrize("with_hosts", [False, True])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_locked_is_as_it_is_then(postgresql_url, tmp_path, change, with_hosts):
    engine = open_engine(Settings(state_dir=tmp_path, database=postgresql_url))
    wire = Wire(engine)
    root = a_uuid("root")
    for uuid, parent in ((root, None), (CHILD, root), (OTHER, None)):
        wire.ok("POST", RP, {"uuid": uuid, "name": uuid, "parent_provider_uuid": parent})

    def lock(tx):
        return lock_providers(tx, [CHILD], with_hosts=with_hosts), read_named(tx, [CHILD])

    with ThreadPoolExecutor(1) as pool:
        with held_open(engine.store, CHANGES[change]):
            locking = pool.submit(engine.store.write, lock)
            wait_for_a_lock(engine.store, locking)
        locked, read = locking.result(30)
    assert locked == read
    assert (CHILD in locked) is (change != "gone")
    engine.close()
