"""Groups as stored, and where the others of a guest's groups are."""

import pytest

from builders import a_guest, a_uuid
from wherry.model.groups import Group, Placed
from wherry.store.groups import (
    claim_beside,
    read_group,
    read_groups,
    read_neighbours,
    remove_group,
    write_group,
)
from wherry.store.guests import write_guest
from wherry.store.transaction import Store

A, B, C = (a_uuid(name) for name in "abc")


def put(store: Store, *groups: Group) -> None:
    for group in groups:
        store.write(lambda tx, group=group: write_group(tx, group))


def test_a_group_is_kept_and_replaced_and_forgotten(store: Store) -> None:
    web = Group(id="web", policy="anti-affinity", most=2, guests=(A, B))
    put(store, web, Group(id="db", policy="affinity"))
    assert store.read(read_groups) == [Group(id="db", policy="affinity"), web]

    put(store, Group(id="web", policy="affinity", guests=(C,)))
    assert store.read(lambda tx: read_group(tx, "web")).guests == (C,)
    assert store.read(lambda tx: read_neighbours(tx, A)) == ()

    assert store.write(lambda tx: remove_group(tx, "web"))
    assert not store.write(lambda tx: remove_group(tx, "web"))
    assert store.read(lambda tx: read_group(tx, "web")) is None


def test_the_others_are_counted_by_host(store: Store) -> None:
    web = Group(id="web", policy="anti-affinity", guests=(A, B, C))
    put(store, web)
    for uuid, host in ((A, "host1"), (B, "host2")):
        guest = a_guest(uuid=uuid, host=host, slots={}, generation=0)
        store.write(lambda tx, guest=guest: write_guest(tx, guest))

    assert store.read(lambda tx: read_neighbours(tx, A)) == (Placed(web, {"host2": 1}),)
    assert store.read(lambda tx: read_neighbours(tx, C)) == (Placed(web, {"host1": 1, "host2": 1}),)
    assert store.write(lambda tx: claim_beside(tx, C)) == store.read(
        lambda tx: read_neighbours(tx, C)
    )


@pytest.mark.parametrize("most", [0, -1])
def test_a_number_that_lets_nobody_in_is_refused(most: int) -> None:
    with pytest.raises(ValueError, match="most"):
        Group(id="web", policy="affinity", most=most)
