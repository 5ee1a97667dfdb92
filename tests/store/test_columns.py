"""Columns loaded by aggregates, and columns that followed, hold what each provider is."""

import random

import numpy as np
from sqlalchemy import select, true

from builders import FB, a_uuid, an_offer
from inventory.columns.naive import check
from obvious_search.world import make_world
from store_worlds import a_device, a_plan, claim, holding, occupant, report
from wherry.inventory.columns import ColumnsWriter
from wherry.model.errors import CapacityExceeded, ExclusiveConflict
from wherry.model.inventory import Inventory, SeenInstance
from wherry.store import columns_sqlite
from wherry.store.columns import Places, load_columns
from wherry.store.placement_qualities import DERIVED, write_traits
from wherry.store.placement_world import WorldReader, read_world_providers
from wherry.store.tables import provider

SMALL, LARGE = "CUSTOM_ACME_4", "CUSTOM_ACME_8"
TYPES = {SMALL: ("acme/custom_acme_4", 4096), LARGE: ("acme/custom_acme_8", 8192)}
OFFERS = tuple(
    an_offer(
        type=name, units={FB: units}, pools={FB: {"total": 16384}},
        exclusive={"by": "type", "in_use": []},
    )
    for name, units in TYPES.values()
)  # fmt: skip
ODD = {
    "VCPU": Inventory(total=64, allocation_ratio=4.0, reserved=2),
    "MEMORY_MB": Inventory(total=4096, min_unit=64, step_size=64, allocation_ratio=1.5),
    "DISK_GB": Inventory(total=100, max_unit=50),
}


def a_host(number, *, exclusive=True, stray=()):
    """A host with two boards; the first instance on one may fix the size of all on it."""
    host = f"host{number}"
    boards = [
        a_device(
            f"{host} gpu{n}", host=host, views={SMALL: 4096, LARGE: 8192},
            offers=OFFERS if exclusive else (), instances=stray if n == 0 else (),
        )
        for n in range(2)
    ]  # fmt: skip
    node = a_device(f"{host} node", host=host, inventories=ODD, traits=("CUSTOM_NODE",))
    return a_plan(host, node, *boards)


def plain(store):
    """Every provider as a value, one after the other."""
    return make_world(store.read(lambda tx: read_world_providers(tx, true())).values())


def is_all(store):
    check(store.read(load_columns), plain(store))
    return True


def take(store, dice, number):
    """Let a guest claim a view, or units of the pool themselves, or let go."""
    name = dice.choice((SMALL, SMALL, LARGE))
    board = f"host{dice.randrange(3)} gpu{dice.randrange(2)}"
    guest = f"guest{number % 7}"
    held = {board: {dice.choice((name, name, FB)): 1}} if dice.random() < 0.8 else {}
    kind = TYPES[name][0]
    some = [occupant(board, "a", type=kind, exclusive=kind)] if held else []
    try:
        claim(store, holding(guest, held, *some))
    except (CapacityExceeded, ExclusiveConflict):
        return False
    return True


def test_columns_follow_views_that_close_each_other(store):
    """Claims of views and pools, sizes fixed by the first, and instances that nobody allocated."""
    seen = SeenInstance(id="stray", type=TYPES[SMALL][0], units={FB: 4096}, exclusive="acme/other")
    report(store, a_host(0))
    report(store, a_host(1, exclusive=False))
    report(store, a_host(2, stray=(seen,)))
    assert is_all(store)
    reader, dice = WorldReader(), random.Random(1)
    batch = store.read(lambda tx: reader(tx, None))
    writer = ColumnsWriter(batch.columns)
    taken = 0
    for number in range(40):
        taken += take(store, dice, number)
        if number % 13 == 12:
            report(store, a_host(0, stray=(seen,) if number % 2 else ()), sequence=number)
        cursor = batch.cursor
        batch = store.read(lambda tx, cursor=cursor: reader(tx, cursor))
        writer.apply(batch.providers)
        writer.use(batch.use)
        check(writer.columns, plain(store))
    assert taken > 10
    assert is_all(store)


def test_a_fleet_of_nobody_is_loaded(store):
    assert store.read(load_columns).rows == 0


def test_entries_are_told_apart_that_mix_to_one_number(store, monkeypatch):
    """Should two kinds of entries ever look alike at first sight, they are looked at again."""
    report(store, a_host(0))
    report(store, a_host(1))
    monkeypatch.setattr(columns_sqlite, "MIXER", 0)

    assert is_all(store)


def test_a_trait_that_two_say_is_there_once(store):
    report(store, a_host(0))
    number = store.read(lambda tx: read_provider_number(tx, "host0 node"))
    told = ["CUSTOM_NODE", "CUSTOM_OTHER"]
    store.write(lambda tx: write_traits(tx, number, told, DERIVED))

    columns = store.read(load_columns)

    node = columns.provider(columns.row(a_uuid("host0 node")))
    assert node.traits == {"CUSTOM_NODE", "CUSTOM_OTHER"}
    assert is_all(store)
    # No report has told this: the database would not be sound.
    store.write(lambda tx: write_traits(tx, number, [], DERIVED))


def read_provider_number(tx, name):
    return tx.execute(select(provider.c.id).where(provider.c.uuid == a_uuid(name))).scalar()


def test_rows_are_found_whatever_the_ids():
    """Close together, or far apart as after many came and went."""
    for ids in ([1, 2, 4], [7, 10_000_000, 20_000_000]):
        rows = Places(np.array(ids)).of(np.array([ids[2], -1, ids[0]]))

        assert rows.tolist() == [2, -1, 0]
