"""Columns that were changed are the columns of what is there now."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from inventory.columns.histories import apply_plainly, changes, use_plainly, uses
from inventory.columns.naive import by_uuid, check
from obvious_search.world import make_world, renew_world
from schedule.candidates.worlds import CLASSES, TRAITS, a_provider, uuid_of, worlds
from wherry.inventory.columns import ColumnsWriter, UnknownUse, build, compact
from wherry.inventory.columns import index as index_module
from wherry.inventory.columns import writer as writer_module
from wherry.model.provider import SHARES


class History(RuleBasedStateMachine):
    """Everything that changes a fleet, beside the plain world in which it changes too."""

    @initialize(world=worlds())
    def begin(self, world):
        self.writer = ColumnsWriter(
            build(world.providers.values(), classes=world.classes, traits=world.traits)
        )
        self.world = world
        self.read = []
        self.stamps = {}

    @rule(data=st.data(), few=st.booleans())
    def use(self, data, few):
        rows = data.draw(uses(self.world.providers))
        told = data.draw(st.permutations(rows))
        with pytest.MonkeyPatch.context() as patch:
            if not few:
                patch.setattr(writer_module, "FEW", 0)
                patch.setattr(index_module, "FEW", 0)
            self.writer.use(told)
        changed = use_plainly(self.world.providers, rows)
        self.world = renew_world(self.world, {uuid: changed[uuid] for uuid, *_ in rows})

    @rule(data=st.data())
    def change(self, data):
        before = self.writer.columns
        forms = form_of(before)
        changed = data.draw(changes(dict(self.world.providers)))
        self.writer.apply(changed)
        self.world = renew_world(self.world, changed)
        assert form_of(before) == forms, "who reads the old columns sees another form"
        for uuid in set(forms) & set(self.world.providers):
            row = before.row(uuid)
            assert row is not None
            assert before.uuid(row) == uuid

    @rule(traits=st.sets(st.sampled_from((*TRAITS, "CUSTOM_NEW"))))
    def tell(self, traits):
        known = {*traits, *self.world.traits} - {"CUSTOM_NEW"} | traits
        self.writer.apply({}, traits=known, classes=CLASSES)
        self.world = renew_world(self.world, {}, traits=known, classes=CLASSES)

    @rule(data=st.data(), busy=st.booleans())
    def compact(self, data, busy):
        """Off-line: what changes meanwhile is not lost."""
        self.writer.begin_compaction()
        assert not self.writer.wants_compaction
        anew = None if busy and data.draw(st.booleans()) else compact(self.writer.columns)
        if busy:
            self.use(data, few=True)
            self.change(data)
        self.writer.finish_compaction(anew or compact(self.writer.columns))
        if not busy:
            assert self.writer.dead_rows == 0

    @invariant()
    def is_the_plain_world(self):
        columns = self.writer.columns
        check(columns, self.world)
        assert self.writer.live_rows == len(self.world.providers)
        assert self.writer.dead_rows == columns.rows - len(self.world.providers)
        for tree in range(columns.trees):
            if columns.count[tree]:
                content = columns.tree(tree)
                known = self.stamps.setdefault((tree, int(columns.stamp[tree])), content)
                assert known == content, "a tree changed under the same stamp"


def form_of(columns):
    """Who stands where, and which classes each has."""
    return {
        uuid: (each.parent, each.root, sorted(each.inventories))
        for uuid, each in by_uuid(columns).items()
    }


TestHistory = History.TestCase
TestHistory.settings = settings(stateful_step_count=10)


def test_a_tree_past_64_and_255_providers_grows_shrinks_and_is_used():
    root = a_provider(uuid_of(0), has={"VCPU": 2})
    arms = {uuid_of(n): a_provider(uuid_of(n), root, has={"VGPU": n}) for n in range(1, 300)}
    writer = ColumnsWriter(build([root]))
    world = make_world([root])
    for names in (range(1, 64), range(64, 66), range(66, 254), range(254, 300)):
        changed = {uuid_of(n): arms[uuid_of(n)] for n in names}
        writer.apply(changed)
        world = renew_world(world, changed)
        check(writer.columns, world)
    used = {uuid: replace(each, used={"VGPU": 1}) for uuid, each in arms.items()}
    writer.use([(uuid, "VGPU", int(uuid[:8], 16), 0, 1) for uuid in used])
    world = renew_world(world, used)
    check(writer.columns, world)
    gone = dict.fromkeys(uuid_of(n) for n in range(60, 300))

    writer.apply(gone)

    check(writer.columns, renew_world(world, gone))
    assert writer.dead_rows > 500


@pytest.mark.parametrize("count", [1, 50])
def test_use_of_what_is_not_there_writes_nothing(count):
    hosts = [a_provider(uuid_of(n), has={"VCPU": 2}) for n in range(count)]
    writer = ColumnsWriter(build(hosts))
    good = [(each.uuid, "VCPU", 2, 0, 1) for each in hosts]
    for bad in ((uuid_of(99), "VCPU"), (uuid_of(0), "DISK_GB")):
        with pytest.raises(UnknownUse):
            writer.use([*good, (*bad, 2, 0, 1)])

    assert by_uuid(writer.columns) == {each.uuid: each for each in hosts}


def test_a_provider_below_one_that_is_not_there_is_refused():
    writer = ColumnsWriter(build([a_provider("host", has={"VCPU": 1})]))
    child = replace(a_provider("child"), parent="other", root="other")

    with pytest.raises(ValueError, match="other"):
        writer.apply({"child": child})

    assert list(by_uuid(writer.columns)) == ["host"]


def test_many_trait_sets_need_wider_numbers():
    """More than 256 sets: numbers no longer fit a byte, and the old columns keep theirs."""
    hosts = {uuid_of(n): a_provider(uuid_of(n), has={"VCPU": n + 1}) for n in range(300)}
    writer = ColumnsWriter(build(hosts.values()))
    before, world = writer.columns, make_world(hosts.values())
    named = {
        uuid: replace(each, traits=frozenset((f"CUSTOM_{uuid[:8]}", SHARES)))
        for uuid, each in hosts.items()
    }

    writer.apply(named)

    check(writer.columns, make_world(named.values()))
    assert writer.columns.traits.dtype == "uint16"
    assert before.traits.dtype == "uint8"
    assert by_uuid(before) == world.providers
    assert apply_plainly(hosts, named) == named


def test_many_come_where_nobody_was():
    writer = ColumnsWriter(build([]))
    hosts = {uuid_of(n): a_provider(uuid_of(n), has={"VCPU": n + 1}) for n in range(100)}

    writer.apply(hosts)

    check(writer.columns, make_world(hosts.values()))


def test_dead_rows_and_values_that_nobody_names_are_worth_a_compaction():
    host = a_provider(uuid_of(0), has={"VCPU": 10_000})
    writer = ColumnsWriter(build([host]))
    for reserved in range(5000):
        writer.use([(host.uuid, "VCPU", 10_000, reserved, 0)])
    assert writer.wants_compaction
    writer.begin_compaction()

    writer.finish_compaction(compact(writer.columns))

    assert not writer.wants_compaction
    assert len(writer.columns.classes["VCPU"].table) == 1
    assert writer.columns.provider(0).inventories["VCPU"].reserved == 4999
