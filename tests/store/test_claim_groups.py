"""Claims that share a trip: as if each had come alone, in any order of threads."""

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgspec
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from builders import FB, a_uuid
from claim_model import LARGE, NET, POOL, SMALL, WEIGHTS
from store_worlds import NOW, a_claim, a_device, a_plan, holding, occupant, report, used
from wherry.model.claims import Claim, Holding, Occupant
from wherry.model.errors import CapacityExceeded
from wherry.model.inventory import Inventory, PlannedProvider, View
from wherry.store import claims_postgresql, claims_sqlite
from wherry.store.audit import audit, overfull
from wherry.store.claim_rows import claim_rows
from wherry.store.claims import commit_claim
from wherry.store.engine import open_store
from wherry.store.holdings import read_holdings
from wherry.store.providers import read_providers

CONSUMERS, DEVICES = ("ann", "bob", "cat"), ("0.1", "0.2")
WORDS = (*CONSUMERS, "gpu", "nic", "none", *(f"claim {number}" for number in range(9)))
_worlds = itertools.count()

units = st.dictionaries(
    st.sampled_from([("gpu", POOL), ("gpu", SMALL), ("gpu", LARGE), ("nic", NET), ("none", NET)]),
    st.integers(1, 5),
    max_size=2,
)
places = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.one_of(
        st.tuples(st.just("gpu"), st.sampled_from([None, "red", "blue"]), st.none()),
        st.tuples(st.just("nic"), st.none(), st.sampled_from([None, None, *DEVICES, "9.9"])),
    ),
    max_size=2,
)
holdings = st.tuples(st.sampled_from(CONSUMERS), units, places, st.sampled_from([UNSET, None, 1]))
claims = st.tuples(
    st.integers(0, 8),
    st.lists(holdings, min_size=1, max_size=2, unique_by=lambda one: one[0]),
    st.sampled_from([1, 1, 1, 0]),
)


class World:
    """One of two that are alike but for their names."""

    def __init__(self, store):
        self.store, self.number = store, next(_worlds)
        host = f"host of {self.number}"
        gpu = PlannedProvider(
            uuid=self.uuid("gpu"),
            name=f"gpu of {self.number}",
            parent=a_uuid(host),
            inventories={POOL: Inventory(total=12)},
            views={name: View(type=name, units={POOL: weight}) for name, weight in WEIGHTS.items()},
        )
        nic = PlannedProvider(
            uuid=self.uuid("nic"),
            name=f"nic of {self.number}",
            parent=a_uuid(host),
            inventories={NET: Inventory(total=2)},
            slots=DEVICES,
        )
        report(store, a_plan(host, gpu, nic))

    def uuid(self, word):
        """Uuids of all worlds are in the same order: locks and refusals depend on it."""
        return f"{self.number:08x}-0000-4000-8000-{WORDS.index(word):012x}"

    def rows(self, said):
        name, wanted, facts = said
        made = Claim(
            id=self.uuid(f"claim {name}"),
            holdings=tuple(self.holding(*one) for one in wanted),
            facts={self.uuid("gpu"): facts},
        )
        return claim_rows(made, at=NOW)

    def holding(self, consumer, amounts, slots, expected):
        allocations = {}
        for (provider, name), amount in amounts.items():
            allocations.setdefault(self.uuid(provider), {})[name] = amount
        return Holding(
            consumer=self.uuid(consumer),
            expected_generation=expected,
            allocations=allocations,
            occupants=tuple(
                Occupant(
                    provider=self.uuid(provider),
                    slot=slot,
                    type="t",
                    exclusive=exclusive,
                    device=UNSET if device is None else device,
                )
                for slot, (provider, exclusive, device) in slots.items()
            ),
        )

    def apply(self, group):
        """Make claims in one go; gives the answers."""
        rows = [self.rows(said) for said in group]
        module = claims_sqlite if self.store.dialect == "sqlite" else claims_postgresql
        return self.store.write(lambda tx: module.apply_claims(tx.driver, rows))

    def plain(self, value):
        """A value as text, in words that are the same in both."""
        text = json.dumps(value, sort_keys=True)
        for word in WORDS:
            text = text.replace(self.uuid(word), word)
        return text

    def answers(self, found):
        return [self.plain(without_digest(answer)) for answer in found]

    def shown(self):
        def read(tx):
            held = read_holdings(tx, [self.uuid(one) for one in CONSUMERS])
            records = read_providers(tx, uuids=[self.uuid("gpu"), self.uuid("nic")])
            assert audit(tx) == []
            return [
                [msgspec.to_builtins(held[self.uuid(one)]) for one in CONSUMERS],
                [[one.generation, msgspec.to_builtins(one.use)] for one in records],
            ]

        return self.plain(self.store.read(read))


def without_digest(answer):
    """What the names of the world do not change; an outcome that is said again is read."""
    kept = {name: value for name, value in answer.items() if name != "digest"}
    if "first" in kept:
        kept["first"] = json.loads(kept["first"])
    return kept


@pytest.mark.timeout(900)
def test_a_group_leaves_and_answers_what_its_claims_do_one_by_one(store):
    @settings(max_examples=max(25, settings.default.max_examples // 2))
    @given(groups=st.lists(st.lists(claims, min_size=1, max_size=6), min_size=1, max_size=3))
    def compare(groups):
        together, alone = World(store), World(store)
        for group in groups:
            answers = together.answers(together.apply(group))
            assert answers == alone.answers([alone.apply([one])[0] for one in group])
            assert together.shown() == alone.shown()

    compare()


def kind_of(answer):
    return {"error": answer["error"]} if "error" in answer else answer


@pytest.mark.timeout(900)
def test_both_engines_answer_the_same(sqlite_url, postgresql_url):
    """The same outcome, and a refusal of the same kind; how much was asked is told by the
    sum of a claim on one engine, and by the row that did not fit on the other."""
    lite, post = open_store(sqlite_url), open_store(postgresql_url)

    @settings(max_examples=max(40, settings.default.max_examples // 2))
    @given(groups=st.lists(st.lists(claims, min_size=1, max_size=4), min_size=1, max_size=4))
    def compare(groups):
        here, there = World(lite), World(post)
        for group in groups:
            answers = [world.answers(map(kind_of, world.apply(group))) for world in (here, there)]
            assert answers[0] == answers[1]
            assert here.shown() == there.shown()

    compare()
    lite.close()
    post.close()


def test_threads_that_claim_in_groups_never_share_the_last_place(store):
    """Some are refused in a group in which others are not."""
    report(store, a_plan("host1", a_device("gpu0", pool=5), a_device("gpu1", pool=3)))
    gate = threading.Barrier(16)

    def contend(number):
        gate.wait(30)
        gpu = f"gpu{number % 2}"
        made = a_claim(holding(f"guest{number}", {gpu: {FB: 1}}, occupant(gpu)))
        try:
            commit_claim(store, made, now=NOW)
        except CapacityExceeded:
            return None
        return number

    with ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            won = [number for number in pool.map(contend, range(16)) if number is not None]
            assert len(won) == 8
            assert (used(store, "gpu0"), used(store, "gpu1")) == (5, 3)
            assert store.read(overfull) == []
            list(
                pool.map(lambda n: commit_claim(store, a_claim(holding(f"guest{n}")), now=NOW), won)
            )
            assert (used(store, "gpu0"), used(store, "gpu1")) == (0, 0)


def test_a_claim_said_by_many_at_once_takes_effect_once(store):
    report(store, a_plan("host1", a_device("gpu0")))
    made = a_claim(holding("guest", {"gpu0": {FB: 1}}))

    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(lambda _: commit_claim(store, made, now=NOW), range(12)))

    assert sum(not one.repeated for one in told) == 1
    assert {one.providers[a_uuid("gpu0")] for one in told} == {told[0].providers[a_uuid("gpu0")]}
    assert used(store) == 1


def test_one_claim_that_cannot_be_taken_at_all_is_not_the_trouble_of_the_others(store):
    """A time that no database keeps, among claims that are sound."""
    report(store, a_plan("host1", a_device("gpu0")))
    sound = [claim_rows(a_claim(holding(f"g{n}", {"gpu0": {FB: 1}})), at=NOW) for n in range(12)]
    at = 2**70 if store.dialect == "sqlite" else "no time"
    broken = replace(claim_rows(a_claim(holding("g", {"gpu0": {FB: 1}})), at=NOW), at=at)
    gate = threading.Barrier(13)

    def put(rows):
        gate.wait(30)
        try:
            return "error" not in store.claim(rows)
        except (OverflowError, psycopg.DataError):
            return False

    with ThreadPoolExecutor(13) as pool:
        done = list(pool.map(put, [*sound, broken]))

    assert done == [True] * 12 + [False]
    assert used(store) == 12
