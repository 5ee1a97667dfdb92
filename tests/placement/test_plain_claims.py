"""A request written in one step leaves what the long way leaves, and refuses the same.

Two alike fleets in one store: what is asked of one through `set_allocations` is asked of the
other step by step, through `write_allocations`.
"""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from builders import a_uuid
from placement_wire import RP
from store_worlds import NOW, a_device, a_plan, report
from wherry.app.placement.allocations import (
    Asked,
    delete_allocations,
    set_allocations,
    write_allocations,
)
from wherry.app.placement.refusals import NothingHeld
from wherry.model.errors import WherryError
from wherry.store.audit import audit
from wherry.store.placement_allocations import read_holdings

LIMITED = {"total": 12, "min_unit": 2, "max_unit": 6, "step_size": 2}
CONSUMERS = ("ann", "bob")
PROVIDERS = {
    "roomy": {"VCPU": 8, "MEMORY_MB": LIMITED},
    "small": {"VCPU": 3, "DISK_GB": {"total": 5, "reserved": 2}},
    "bare": {},
}
amounts = st.dictionaries(
    st.sampled_from(["VCPU", "VCPU", "MEMORY_MB", "DISK_GB", "CUSTOM_NONE"]),
    st.sampled_from([1, 2, 3, 4, 7, 2**40]),
    min_size=1,
    max_size=2,
)
requests = st.fixed_dictionaries(
    {
        "consumer": st.sampled_from(CONSUMERS),
        "allocations": st.dictionaries(
            st.sampled_from(["roomy", "roomy", "small", "gpu", "bare", "nowhere"]),
            amounts,
            max_size=2,
        ),
        "expected": st.sampled_from([UNSET, None, None, 1, 2]),
        "type": st.sampled_from([None, "INSTANCE"]),
        "is_delete": st.sampled_from([False, False, False, True]),
    }
)


class Fleet:
    """One of the two."""

    def __init__(self, wire, name):
        self.wire, self.engine, self.name = wire, wire.engine, name
        for provider, has in PROVIDERS.items():
            wire.provider(self.uuid(provider), **has)
        host = f"host of {name}"
        gpu = a_device(self.word("gpu"), host=host, pool=8, views={"VCPU": 2})
        report(wire.engine.store, a_plan(host, gpu))

    def word(self, word):
        return f"{word} of {self.name}"

    def uuid(self, word):
        return a_uuid(self.word(word))

    def asked(self, request):
        return Asked(
            consumer=self.uuid(request["consumer"]),
            project="p",
            user="u",
            type=request["type"],
            expected=request["expected"],
            allocations={self.uuid(one): has for one, has in request["allocations"].items()},
        )

    def plain(self, text):
        """A text in words that are the same in both."""
        for word in (*CONSUMERS, *PROVIDERS, "gpu", "nowhere"):
            text = text.replace(self.uuid(word), word)
        return text

    def refusal(self, write):
        """Why a write was refused, in words; None where it was not."""
        try:
            write()
        except WherryError as error:
            return type(error).__name__, self.plain(str(error))
        return None

    def quickly(self, request):
        asked = self.asked(request)
        if request["is_delete"]:
            return self.refusal(lambda: delete_allocations(self.engine, asked.consumer))
        return self.refusal(lambda: set_allocations(self.engine, [asked]))

    def slowly(self, request):
        asked = self.asked(request)

        def write(tx):
            held, said = None, asked
            if request["is_delete"]:
                held = read_holdings(tx, [asked.consumer]).get(asked.consumer)
                if held is None:
                    raise NothingHeld(asked.consumer)
                said = Asked(consumer=asked.consumer, project=held.project, user=held.user)
            write_allocations(
                tx, [said], claim=self.engine.new_id(), now=NOW, is_delete=request["is_delete"]
            )

        return self.refusal(lambda: self.engine.store.write(write))

    def shown(self):
        """All that clients see of it."""
        every = [self.wire.ok("GET", f"/allocations/{self.uuid(one)}") for one in CONSUMERS]
        every += [
            self.wire.ok("GET", f"{RP}/{self.uuid(word)}/{part}")
            for word in (*PROVIDERS, "gpu")
            for part in ("inventories", "usages", "allocations")
        ]
        return self.plain(json.dumps(every, sort_keys=True))


@pytest.mark.timeout(600)
def test_what_is_written_in_one_step_is_what_the_long_way_writes(wire):
    numbers = iter(range(10**6))

    @settings(suppress_health_check=[HealthCheck.too_slow], max_examples=25)
    @given(history=st.lists(requests, min_size=1, max_size=8))
    def compare(history):
        number = next(numbers)
        quick, slow = Fleet(wire, f"{number} quick"), Fleet(wire, f"{number} slow")
        for request in history:
            assert quick.quickly(request) == slow.slowly(request), request
            assert quick.shown() == slow.shown(), request

    compare()
    assert wire.engine.store.read(audit) == []


def test_a_plain_request_of_a_new_consumer_takes_one_step(wire, monkeypatch):
    """It never comes to the long way."""
    wire.provider(VCPU=4)

    def refuse(*_words, **_more):
        raise AssertionError("the long way")

    monkeypatch.setattr("wherry.app.placement.allocations.write_allocations", refuse)

    assert wire.allocate(on_1={"VCPU": 1}).status == 204
    assert wire("DELETE", "/allocations/c0000001-0000-4000-8000-000000000000").status == 204
