"""Policy packs as stored."""

from concurrent.futures import ThreadPoolExecutor

from engines import held_open, wait_for_a_lock
from wherry.model.checks import Pack
from wherry.store.engine import open_store
from wherry.store.packs import read_pack, read_packs, remove_pack, write_pack


def put(store, pack_id="acme", **fields):
    return store.write(lambda tx: write_pack(tx, Pack(id=pack_id, rows=(), **fields)))


def test_packs_are_read_in_order_of_their_id(store):
    for pack_id in ("b", "c", "a"):
        put(store, pack_id)

    assert [pack.id for pack in store.read(read_packs)] == ["a", "b", "c"]
    assert store.read(lambda tx: read_pack(tx, "b")) == Pack(id="b", rows=())
    assert store.read(lambda tx: read_pack(tx, "d")) is None


def test_a_pack_in_anothers_place_moves_the_generation_and_an_equal_one_does_not(store):
    assert [put(store), put(store), put(store, version="2"), put(store, version="2")] == [
        1,
        1,
        2,
        2,
    ]


def test_a_pack_that_comes_back_goes_on_above_the_generation_that_it_had(store):
    put(store)

    assert store.write(lambda tx: remove_pack(tx, "acme"))
    assert store.read(read_packs) == []
    assert not store.write(lambda tx: remove_pack(tx, "acme"))
    assert put(store) == 3


def test_two_who_bring_one_pack_at_once_move_its_generation_twice(postgresql_url):
    """Who follows the feed tells states apart by their generations."""
    store = open_store(postgresql_url)
    first = Pack(id="acme", rows=(), version="1")
    with ThreadPoolExecutor(1) as pool:
        with held_open(store, lambda tx: write_pack(tx, first)):
            second = pool.submit(put, store, version="2")
            wait_for_a_lock(store, second)
        assert second.result(30) == 2

    assert [pack.version for pack in store.read(read_packs)] == ["2"]
    store.close()
