"""Readers take no lock: whatever is written meanwhile, they find each provider where it stands."""

import sys
import threading
from dataclasses import replace

import numpy as np

from schedule.candidates.worlds import a_provider, uuid_of
from wherry.inventory.columns import ColumnsWriter, build, compact
from wherry.inventory.columns.index import RowIndex
from wherry.inventory.columns.keys import key_of

HOSTS, ROUNDS = 40, 150


def a_fleet():
    fleet = {}
    for number in range(HOSTS):
        root = a_provider(uuid_of(number), has={"VCPU": 8})
        child = a_provider(uuid_of(1000 + number), root, has={"VGPU": 4})
        fleet |= {root.uuid: root, child.uuid: child}
    return fleet


def write(writer, fleet):
    """Every kind of change but that one of the fleet goes: providers come, move, are described."""
    for turn in range(ROUNDS):
        root, child = fleet[uuid_of(turn % HOSTS)], fleet[uuid_of(1000 + turn % HOSTS)]
        new = a_provider(uuid_of(5000 + turn), root, has={"DISK_GB": turn + 1})
        writer.apply({new.uuid: new})
        other = fleet[uuid_of((turn + 7) % HOSTS)]
        writer.apply({child.uuid: replace(child, parent=other.uuid, root=other.uuid)})
        writer.use([(root.uuid, "VCPU", 8, 0, turn % 8), (child.uuid, "VGPU", 4, 0, turn % 4)])
        writer.apply({root.uuid: replace(root, traits=frozenset((f"CUSTOM_{turn}",)))})
        writer.apply({new.uuid: None, child.uuid: child})
        if turn % 40 == 39:
            writer.begin_compaction()
            writer.finish_compaction(compact(writer.columns))


def read(writer, fleet, ended, wrong):
    """Look for every provider of the fleet, again and again, each time in the newest columns."""
    looked = 0
    while not ended.is_set() or not looked:
        columns = writer.columns
        for uuid in fleet:
            row = columns.row(uuid)
            if row is None or not columns.is_live(row):
                wrong.append((uuid, row))
                continue
            tree = columns.tree(columns.tree_of(row))
            named = [each.uuid for each in tree]
            if uuid not in named or any(each.root != named[0] for each in tree):
                wrong.append((uuid, named))
            if sorted(columns.provider(row).inventories) != sorted(fleet[uuid].inventories):
                wrong.append((uuid, "other inventories"))
        looked += 1


def test_readers_find_every_tree_while_it_changes():
    fleet = a_fleet()
    writer, ended, wrong = ColumnsWriter(build(fleet.values())), threading.Event(), []
    readers = [threading.Thread(target=read, args=(writer, fleet, ended, wrong)) for _ in range(3)]
    for each in readers:
        each.start()
    try:
        write(writer, fleet)
    finally:
        ended.set()
        for each in readers:
            each.join()

    assert not wrong


def test_a_key_is_found_while_its_row_moves_to_where_the_column_has_grown():
    """The writer puts a longer column in place between the two reads of a look-up."""
    keys = np.frombuffer(b"".join(key_of(uuid_of(1)) for _ in range(3000)), np.uint8)
    keys = keys.reshape(-1, 16)
    index, ended, found = RowIndex(keys[:1], np.array([0], np.int32)), threading.Event(), []

    def look():
        while not ended.is_set():
            found.append(index.row(key_of(uuid_of(1))))

    reader, before = threading.Thread(target=look), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        reader.start()
        for row in range(1, len(keys)):
            index.put(keys[: row + 1], np.array([row], np.int32))
    finally:
        ended.set()
        reader.join()
        sys.setswitchinterval(before)

    assert found
    assert None not in found
