"""Claims, moves, releases and shrinking inventories in any order: store and model agree."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec import UNSET
from msgspec.structs import replace

from builders import a_uuid
from claim_model import LARGE, NET, POOL, SMALL, WEIGHTS, Held, Model, Place
from store_worlds import NOW, a_claim, a_plan, report
from wherry.model.claims import Holding, Occupant
from wherry.model.errors import ConsumerChanged, FactsChanged, WherryError
from wherry.model.inventory import Inventory, PlannedProvider, View
from wherry.store.audit import audit
from wherry.store.claims import write_claim
from wherry.store.holdings import read_holdings
from wherry.store.providers import read_providers

CONSUMERS = ("ann", "bob", "cat", "dan")
DEVICES = ("0.1", "0.2", "0.3")
_worlds = itertools.count()

amounts = st.integers(1, 5)
units = st.dictionaries(
    st.sampled_from([("gpu", POOL), ("gpu", SMALL), ("gpu", LARGE), ("nic", NET)]),
    amounts,
    max_size=2,
)
places = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.one_of(
        st.builds(
            Place,
            provider=st.just("gpu"),
            exclusive=st.sampled_from([None, "red", "blue"]),
        ),
        st.builds(
            Place, provider=st.just("nic"), device=st.sampled_from([None, None, *DEVICES, "9.9"])
        ),
    ),
    max_size=2,
)
holdings = st.builds(Held, units=units, places=places)
consumers = st.sampled_from(CONSUMERS)


class Claims(RuleBasedStateMachine):
    """One world of its own in the store, and its model."""

    store = None

    @initialize()
    def begin(self):
        self.world = next(_worlds)
        self.host = f"host{self.world}"
        self.model = Model(totals={"gpu": 12, "nic": 3}, devices=DEVICES)
        self.sequence = 0
        self.facts = {"gpu": 0, "nic": 0}
        self.generations = {}
        self.shrunk = False
        self.said = None
        self.tell(changed={"gpu", "nic"})

    def uuid(self, word):
        return a_uuid(f"{word} of world {self.world}")

    def tell(self, changed):
        self.sequence += 1
        gpu = PlannedProvider(
            uuid=self.uuid("gpu"),
            name=f"gpu{self.world}",
            parent=a_uuid(self.host),
            inventories={POOL: Inventory(total=self.model.totals["gpu"])},
            views={name: View(type=name, units={POOL: weight}) for name, weight in WEIGHTS.items()},
        )
        nic = PlannedProvider(
            uuid=self.uuid("nic"),
            name=f"nic{self.world}",
            parent=a_uuid(self.host),
            inventories={NET: Inventory(total=self.model.totals["nic"])},
            slots=self.model.devices,
        )
        report(self.store, a_plan(self.host, gpu, nic), sequence=self.sequence)
        for name in changed:
            self.facts[name] += 1

    def holding(self, consumer, held, expected=UNSET):
        allocations = {}
        for (provider, name), amount in held.units.items():
            allocations.setdefault(self.uuid(provider), {})[name] = amount
        return Holding(
            consumer=self.uuid(consumer),
            expected_generation=expected,
            allocations=allocations,
            occupants=tuple(
                Occupant(
                    provider=self.uuid(place.provider),
                    slot=slot,
                    type="t",
                    exclusive=place.exclusive,
                    device=UNSET if place.device is None else place.device,
                )
                for slot, place in held.places.items()
            ),
        )

    def say(self, wanted, facts=None, expected=UNSET):
        """Make a claim; gives the name of its error, or None."""
        said = [self.holding(one, held, expected) for one, held in wanted.items()]
        seen = {self.uuid(name): number for name, number in (facts or self.facts).items()}
        made = replace(a_claim(*said), facts=seen)
        try:
            self.store.write(lambda tx: write_claim(tx, made, now=NOW))
        except WherryError as error:
            return type(error).__name__
        self.said = made
        return None

    def expect(self, wanted):
        """Claim, and find what the model says."""
        got = self.say(wanted)
        errors = self.model.apply(wanted)
        assert (got in errors) if errors else got is None, (got, errors)

    @rule(consumer=consumers, held=holdings)
    def claim(self, consumer, held):
        self.expect({consumer: held})

    @rule(one=consumers, other=consumers, held=holdings)
    def exchange(self, one, other, held):
        """Pass what one holds to another, who loses the own; give the one something else."""
        if one != other:
            now = self.model.of(one)
            self.expect({other: Held(dict(now.units), dict(now.places)), one: held})

    @rule(consumer=consumers)
    def release(self, consumer):
        """Letting go is never refused."""
        got = self.say({consumer: Held()})
        assert got is None
        assert self.model.apply({consumer: Held()}) == set()

    @rule(total=st.integers(0, 14))
    def resize_the_pool(self, total):
        if total != self.model.totals["gpu"]:
            self.shrunk |= total < self.model.totals["gpu"]
            self.model.totals["gpu"] = total
            self.tell({"gpu"})

    @rule(count=st.integers(1, 3))
    def change_the_devices(self, count):
        if count != len(self.model.devices):
            self.shrunk |= count < len(self.model.devices)
            self.model.devices = DEVICES[:count]
            self.model.totals["nic"] = count
            self.tell({"nic"})

    @rule(consumer=consumers, held=holdings, provider=st.sampled_from(["gpu", "nic"]))
    def claim_on_old_facts(self, consumer, held, provider):
        stale = {**self.facts, provider: self.facts[provider] - 1}
        assert self.say({consumer: held}, facts=stale) == FactsChanged.__name__

    @rule(consumer=consumers, held=holdings)
    def claim_as_somebody_who_moved_on(self, consumer, held):
        expected = (self.model.of(consumer).generation or 0) + 1
        assert self.say({consumer: held}, expected=expected) == ConsumerChanged.__name__

    @rule()
    def say_the_last_claim_again(self):
        if self.said is not None:
            said = self.said
            assert self.store.write(lambda tx: write_claim(tx, said, now=NOW)).repeated

    @invariant()
    def store_and_model_agree(self):
        self.store.read(self.compare)

    def compare(self, tx):
        assert audit(tx) == []
        uuids = {self.uuid(name): name for name in (*CONSUMERS, "gpu", "nic")}
        for uuid, found in read_holdings(tx, [self.uuid(one) for one in CONSUMERS]).items():
            wanted = self.model.of(uuids[uuid])
            amounts = {
                (uuids[provider], name): amount
                for provider, classes in found.allocations.items()
                for name, amount in classes.items()
            }
            slots = {
                one.slot: Place(
                    uuids[one.provider],
                    one.exclusive,
                    None if one.device is UNSET else one.device,
                )
                for one in found.occupants
            }
            assert (amounts, slots) == (wanted.units, wanted.places)
            assert found.expected_generation == wanted.generation
        charged = self.model.charged()
        for record in read_providers(tx, uuids=[self.uuid("gpu"), self.uuid("nic")]):
            name = uuids[record.plan.uuid]
            pool = POOL if name == "gpu" else NET
            assert record.use.charged.get(pool, 0) == charged[name, pool]
            assert self.shrunk or charged[name, pool] <= self.model.totals[name]
            assert record.generation >= self.generations.get(name, 0)
            assert record.facts_generation == self.facts[name]
            self.generations[name] = record.generation


@pytest.mark.timeout(1200)
def test_the_store_does_what_the_model_says(store):
    bound = type("Bound", (Claims,), {"store": store})
    examples = settings.default.max_examples // 6
    run_state_machine_as_test(
        bound, settings=settings(max_examples=examples, stateful_step_count=20, deadline=None)
    )
