"""The fleet's hosts as columns: made from nothing, and followed from change to change."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import FB, a_fleet, a_host, a_host_record, a_provider, a_root, a_uuid, an_offer
from schedule.numa_twin import a_node
from schedule_worlds import fleets
from wherry.inventory.fleet import Fleet
from wherry.inventory.following import SPARE
from wherry.inventory.host_columns import (
    MOST,
    HostColumns,
    limits_of,
    make_columns,
    rows_of,
    standing_of,
)
from wherry.inventory.host_view import NO_NODE
from wherry.model.changes import Removed
from wherry.model.inventory import Inventory, Use


def hold_to_view(columns: HostColumns, fleet: Fleet) -> None:
    """Every cell is what the view of its host says, and every host has one row."""
    hosts = columns.hosts.tolist()
    assert Counter(host.name for host in hosts) == Counter(host.name for host in fleet.view)
    assert columns.row_of == {host.name: row for row, host in enumerate(hosts)}
    ends = np.cumsum(columns.lengths).tolist()
    classes = {name for _, name in columns.amounts}
    for row, host in enumerate(hosts):
        assert host is fleet.view.get(host.name)
        assert columns.tables.facts[columns.facts[row]] is host.facts
        assert columns.tables.standings[columns.standings[row]] == standing_of(host)
        assert columns.names[row] == host.name
        assert dict(columns.tables.labels[columns.labels[row]]) == host.record.labels
        assert columns.unused[row] == host.unused
        here = slice(ends[row] - columns.lengths[row], ends[row])
        numbers = columns.islands[here]
        assert tuple(columns.nodes[here].tolist()) == host.nodes
        assert tuple(columns.tables.islands[number] for number in numbers) == host.islands
        assert classes >= host.room.keys() | host.root_room.keys()
        for name in classes:
            free, total = host.room.get(name, (0, 0))
            assert columns.amount("free", name)[row] == free
            assert columns.amount("total", name)[row] == total
            assert columns.amount("root_free", name)[row] == host.root_room.get(name, 0)
            limits = host.root_limits.get(name)
            number = columns.amount("root_limits", name)[row]
            assert columns.tables.limits[number] == (limits and limits_of(limits))


def renumbered(changes, generation):
    return [replace(change, generation=generation) for change in changes]


@given(st.lists(fleets(4), min_size=1, max_size=4), st.data())
def test_columns_follow_every_change_of_the_fleet(worlds, data):
    """Hosts that come, go, change, grow and shrink; reloads as well; read at some moments."""
    fleet = Fleet()
    fleet.apply(change for host in fleets_of_many() for change in host)
    for generation, world in enumerate(worlds, start=2):
        changes = [change for host in world for change in renumbered(host, generation)]
        before = fleet.view
        if data.draw(st.integers(0, 5)) == 0:
            fleet.reload(changes)
        else:
            fleet.apply(changes)
        gone = data.draw(st.sampled_from([*(f"many{n}" for n in range(8)), *"abc"]))
        fleet.apply([Removed(what="host", key=gone, generation=generation)])
        if data.draw(st.booleans()):
            hold_to_view(fleet.view.columns, fleet)
            assert fleet.view.columns is fleet.view.columns
        if data.draw(st.integers(0, 3)) == 0:
            assert len(before.columns) == len(before)
    hold_to_view(fleet.view.columns, fleet)


def fleets_of_many():
    """Hosts enough that a change touches less than half of them."""
    return [a_host(f"many{n}", devices=n % 3) for n in range(8)]


def test_columns_of_a_moment_never_change():
    fleet = a_fleet(*fleets_of_many())
    before = fleet.view.columns
    copy = make_columns(fleet.view.shards)

    fleet.apply([a_root("many1", used={"VCPU": 9}, generation=2)])
    fleet.apply([a_provider("many1_gpu0", host="many1", use=Use(charged={FB: 1}), generation=2)])
    after = fleet.view.columns

    row = after.row_of["many1"]
    assert before.amount("root_free", "VCPU").tolist() == copy.amount("root_free", "VCPU").tolist()
    assert after.amount("root_free", "VCPU")[row] == 55
    assert before.islands.tolist() == copy.islands.tolist()


def test_a_change_of_use_leaves_every_host_in_its_row():
    """What is looked up by row stays where it is as long as no device comes or goes."""
    fleet = a_fleet(*fleets_of_many())
    before = fleet.view.columns
    fleet.apply([a_root("many1", used={"VCPU": 9}, generation=2)])

    assert fleet.view.columns.row_of is before.row_of
    assert fleet.view.columns.tables is before.tables


def test_devices_that_are_told_their_numa_nodes_are_followed():
    """In place, where as many devices are there as before, and where one has come."""
    fleet = a_fleet(*fleets_of_many())
    assert set(fleet.view.columns.nodes.tolist()) == {NO_NODE}
    for generation, name in ((2, "many2_gpu1"), (3, "many2_gpu9")):
        below = a_provider(name, host="many2", offers=[an_offer()], generation=generation)
        told = replace(below, plan=replace(below.plan, parent=a_uuid("many2_NUMA1")))
        fleet.apply([a_node("many2", 1), told])

        hold_to_view(fleet.view.columns, fleet)
        assert 0 in fleet.view.columns.nodes


def test_tables_forget_what_is_long_gone():
    """A fleet whose use changes for years holds no more than twice what it shows, and some."""
    fleet = a_fleet(*fleets_of_many())
    for generation in range(2, 2 * SPARE, 2):
        fleet.apply([a_root("many1", used={"VCPU": 9}, generation=generation)])
        offers = next(p.offers for p in fleet.view.get("many1").providers if p.offers)
        for more in range(2):
            use = Use(charged={FB: generation + more})
            fleet.apply([
                a_provider(
                    "many1_gpu0", host="many1", offers=offers, use=use, generation=generation + more
                )
            ])  # fmt: skip
            assert fleet.view.columns.tables.size <= 2 * SPARE
    hold_to_view(fleet.view.columns, fleet)


def test_amounts_that_no_column_holds_are_cut():
    """An allocation ratio can make a capacity of any size; nobody asks for as much."""
    huge = Inventory(total=2**31 - 1, allocation_ratio=1e30)
    fleet = a_fleet([a_host_record("host1"), a_root("host1", inventories={"VCPU": huge})])

    assert fleet.view.columns.amount("root_free", "VCPU").tolist() == [MOST]


def test_rows_are_found_by_name_and_each_once():
    columns = a_fleet(*fleets_of_many()).view.columns

    assert rows_of(columns, ("many3", "nobody", "many3")).tolist() == [columns.row_of["many3"]]
    assert rows_of(columns, ()).tolist() == []
