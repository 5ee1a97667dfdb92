"""A write to one provider in one trip leaves what the long way leaves, and refuses the same.

Two alike fleets in one store: what is asked of one by the use case that tries one trip is asked
of the other the long way.
"""

import itertools
import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders import a_uuid
from placement_wire import RP
from store_worlds import a_device, a_plan, report
from wherry.app.placement import inventories, plain_calls, providers, qualities
from wherry.model.errors import WherryError
from wherry.model.inventory import Inventory
from wherry.store import client_calls

_worlds = itertools.count()
NAMES = ("ann", "bob", "cat", "gpu")
names = st.sampled_from(NAMES)
generations = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 7, None, 2**70])
limits = st.builds(
    Inventory,
    total=st.sampled_from([1, 8, 100]),
    reserved=st.sampled_from([0, 0, 0, 8]),
    allocation_ratio=st.sampled_from([1.0, 16.0]),
)
stock = st.dictionaries(
    st.sampled_from(["VCPU", "MEMORY_MB", "CUSTOM_A", "CUSTOM_NONE"]), limits, max_size=3
)
traits = st.lists(
    st.sampled_from(["HW_CPU_X86_AVX", "CUSTOM_T", "CUSTOM_T", "CUSTOM_NO"]), max_size=3
)
steps = st.one_of(
    st.tuples(st.just("make"), names, st.sampled_from([None, *NAMES])),
    st.tuples(st.just("stock"), names, stock, generations, st.booleans()),
    st.tuples(st.just("traits"), names, traits, generations),
    st.tuples(st.just("aggregates"), names, st.lists(names, max_size=3), generations),
    st.tuples(st.just("take"), names, st.sampled_from(["VCPU", "CUSTOM_A"])),
    st.tuples(st.just("end"), names),
    st.tuples(st.just("report"), names),
)


class Fleet:
    """One of the two."""

    def __init__(self, wire, name):
        self.wire, self.engine, self.name, self.taken = wire, wire.engine, name, 0

    def word(self, word):
        return f"{word}-of-{self.name}"

    def uuid(self, word):
        return a_uuid(self.word(word))

    def plain(self, text):
        """A text in words that are the same in both."""
        for word in (*NAMES, "board", *(f"guest {number}" for number in range(self.taken))):
            text = text.replace(self.uuid(word), word).replace(self.word(word), word)
        return text

    def do(self, step, ways):
        """Take a step; gives what is told of it, a refusal in words."""
        what, name, *rest = step
        try:
            found = getattr(self, what)(ways, name, *rest)
        except WherryError as error:
            return type(error).__name__, self.plain(str(error))
        return self.plain(repr(found))

    def make(self, ways, name, parent):
        above = None if parent is None else self.uuid(parent)
        row = ways[0](self.engine, uuid=self.uuid(name), name=self.word(name), parent=above)
        return row.generation, row.moves, row.parent, row.root, row.owner, row.host

    def stock(self, ways, name, stock, generation, may_equal):
        done = ways[1](
            self.engine, self.uuid(name), stock, generation=generation, may_equal=may_equal
        )
        return done.generation, [(key, x.inventory, x.used) for key, x in done.stock.items()]

    def traits(self, ways, name, traits, generation):
        done = ways[2](self.engine, self.uuid(name), traits, generation=generation)
        return done.generation, list(done.names), [at is None for at in done.names.values()]

    def aggregates(self, ways, name, uuids, generation):
        done = ways[3](self.engine, self.uuid(name), uuids, generation=generation)
        return done.generation, done.uuids

    def take(self, _ways, name, klass):
        self.taken += 1
        body = {
            "allocations": {self.uuid(name): {"resources": {klass: 1}}},
            "project_id": "p",
            "user_id": "u",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }
        guest = self.uuid(f"guest {self.taken - 1}")
        return self.wire("PUT", f"/allocations/{guest}", body).status

    def end(self, _ways, name):
        return self.wire("DELETE", f"{RP}/{self.uuid(name)}").status

    def report(self, _ways, name):
        """A host of this name reports, and owns a board besides."""
        host = self.word(name)
        report(self.engine.store, a_plan(host, a_device(self.word("board"), host=host, pool=8)))

    def shown(self):
        """All that clients see of it, and what memory follows."""
        found = []
        for name in NAMES:
            path = f"{RP}/{self.uuid(name)}"
            for what in ("", "/inventories", "/traits", "/aggregates", "/usages"):
                answer = self.wire("GET", path + what)
                body = answer.json if answer.status == 200 else answer.status
                found.append(self.plain(json.dumps(body, sort_keys=True)))
        rows = self.wire.engine.store.read(
            lambda tx: tx.driver.execute(
                "SELECT uuid, generation, silent, facts_generation FROM provider ORDER BY name"
            ).fetchall()
        )
        uuids = {self.uuid(name) for name in NAMES}
        return found, [(self.plain(row[0]), *row[1:]) for row in rows if row[0] in uuids]


QUICK = (
    providers.create_provider,
    inventories.set_inventories,
    qualities.set_traits,
    qualities.set_aggregates,
)
LONG = (
    providers.create_closely,
    inventories.set_inventories_closely,
    qualities.set_traits_closely,
    qualities.set_aggregates_closely,
)


@pytest.fixture
def named(wire):
    """A fleet without providers, with names of its own."""
    wire.ok("PUT", "/traits/CUSTOM_T")
    wire.ok("PUT", "/resource_classes/CUSTOM_A")
    return wire


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(steps, min_size=1, max_size=12))
def test_what_is_written_in_one_trip_is_what_the_long_way_writes(named, asked):
    number = next(_worlds)
    quick, long = Fleet(named, f"quick-{number}"), Fleet(named, f"long-{number}")
    for step in asked:
        assert quick.do(step, QUICK) == long.do(step, LONG), step
    assert quick.shown() == long.shown()


def test_the_usual_writes_of_a_new_host_take_one_trip_each(named):
    """Else a general way that is as right but slow would pass for all of the above."""
    engine, root, child = named.engine, a_uuid("root"), a_uuid("child")
    has = {"VCPU": Inventory(total=8)}

    engine_knows = inventories.set_inventories
    assert plain_calls.create_plainly(engine, uuid=root, name="root", parent=None)
    # A class and a trait get their numbers when they are first had.
    engine_knows(engine, root, has, generation=0, may_equal=True)
    made = plain_calls.create_plainly(engine, uuid=child, name="child", parent=root)
    assert made is not None
    assert made.root == root
    seen, stock = plain_calls.set_inventories_plainly(
        engine, child, has, generation=0, may_equal=True
    )
    assert (seen, stock["VCPU"].inventory) == (1, has["VCPU"])
    seen, times = plain_calls.set_traits_plainly(engine, child, ["CUSTOM_T"], generation=1)
    assert (seen, list(times)) == (2, ["CUSTOM_T"])
    assert plain_calls.set_aggregates_plainly(engine, child, [root], generation=2) == 3


def test_a_write_that_was_decided_on_an_older_state_writes_nothing(named):
    engine, uuid = named.engine, a_uuid("one")
    providers.create_provider(engine, uuid=uuid, name="one", parent=None)

    assert client_calls.set_traits(engine.store, uuid, ["CUSTOM_T"], generation=5, now=1.0) is None
    assert client_calls.set_aggregates(engine.store, uuid, [uuid], generation=5, now=1.0) is None
    assert qualities.find_traits(engine, uuid).names == {}
    assert qualities.find_aggregates(engine, uuid).uuids == []


def test_of_writers_at_one_generation_one_alone_is_heard(named):
    engine, uuid = named.engine, a_uuid("one")
    providers.create_provider(engine, uuid=uuid, name="one", parent=None)
    ready, heard = threading.Barrier(6), []

    def write(number):
        ready.wait()
        done = client_calls.set_aggregates(
            engine.store, uuid, [a_uuid(str(number))], generation=0, now=1.0
        )
        if done is not None:
            heard.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(heard) == 1
    assert qualities.find_aggregates(engine, uuid).uuids == [a_uuid(str(heard[0]))]
