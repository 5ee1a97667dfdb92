"""Whatever happened before, a host is as if its report had come last.

A host with a random history of nova-compute's requests and of reports is compared with one that
was told only how things ended, in the plainest order.
"""

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import a_uuid
from guest_worlds import a_report
from nova_compute import Nova
from placement_wire import RP, Wire
from wherry.app.engine import open_engine
from wherry.app.reports import put_report
from wherry.app.settings import Settings
from wherry.store.audit import audit

DERIVED, MINE = "CUSTOM_SERIAL_MTTY", "CUSTOM_MINE"
CLASSES = ("CUSTOM_MTTY_1", "CUSTOM_MTTY_2", "VGPU", "CUSTOM_X")
NO_DEVICE = "no device"
_hosts = count()


@dataclass
class Host:
    """A host and what was last said of it."""

    nova: Nova
    sequence: int = 0
    told: str | None = None
    stock: dict[str, int] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    guests: list[str] = field(default_factory=list)
    has_device: bool = False

    @property
    def derived(self) -> frozenset[str]:
        is_there = self.has_device and self.told not in {None, NO_DEVICE}
        return frozenset({DERIVED}) if is_there else frozenset()

    def report(self, recording: str) -> None:
        self.sequence += 1
        name = "mtty-fresh" if recording == NO_DEVICE else recording
        said = a_report(name, self.nova.host, sequence=self.sequence)
        if recording == NO_DEVICE:
            said = replace(said, facts=replace(said.facts, devices=(), instances=()))
        put_report(self.nova.wire.engine, said)
        self.told = recording

    def device(self, is_there: bool) -> None:
        if is_there and not self.has_device:
            self.nova.post(f"{self.nova.host}_mtty", "mtty", parent=self.nova.uuid())
            self.has_device = True
        elif not is_there and self.has_device and not self.guests:
            told = self.nova.wire("DELETE", f"{RP}/{self.nova.uuid('mtty')}")
            assert told.status == 204
            del self.nova.generations["mtty"]
            self.has_device, self.stock, self.own = False, {}, frozenset()

    def count(self, stock: dict[str, int]) -> None:
        if self.has_device and not self.guests:
            self.nova.put_inventories("mtty", **stock)
            self.stock = stock

    def traits(self, names: frozenset[str]) -> None:
        if self.has_device:
            shown = self.nova.put_traits("mtty", *names)
            self.own = names - (self.derived - self.own)
            assert set(shown) == self.own | self.derived

    def boot(self, number: int) -> None:
        """One guest more, where there is room, and never one too many."""
        if len(self.stock) != 1 or not self.has_device:
            return
        [name] = self.stock
        guest = f"{self.nova.host} guest {number}"
        is_free = self.nova.free("mtty")[name] > 0
        status = self.nova.boot(guest, "mtty", name)
        assert status == (204 if is_free else 409)
        if is_free:
            self.guests.append(guest)
            self._read_generations()

    def leave(self) -> None:
        if self.guests:
            told = self.nova.wire("DELETE", f"/allocations/{a_uuid(self.guests.pop())}")
            assert told.status == 204

    def _read_generations(self) -> None:
        for name in self.nova.generations:
            self.nova.generations[name] = self.nova.wire.generation(self.nova.uuid(name))


def steps():
    stock = st.one_of(
        st.just({}),
        st.dictionaries(st.sampled_from(CLASSES), st.sampled_from([3, 10, 12, 24, 30]), max_size=1),
        st.just({"CUSTOM_X": 2, "CUSTOM_Y": 3}),
    )
    recordings = st.sampled_from(["mtty-fresh", "mtty-3mdevs", "mtty-exhausted", NO_DEVICE])
    names = st.frozensets(st.sampled_from([DERIVED, MINE]))
    return st.lists(
        st.one_of(
            st.tuples(st.just(Host.report), recordings),
            st.tuples(st.just(Host.report), recordings),
            st.tuples(st.just(Host.device), st.booleans()),
            st.tuples(st.just(Host.count), stock),
            st.tuples(st.just(Host.count), stock),
            st.tuples(st.just(Host.traits), names),
            st.tuples(st.just(Host.boot), st.integers(0, 10**6)),
            st.tuples(st.just(Host.leave)),
        ),
        min_size=4,
        max_size=14,
    )


def told_plainly(wire: Wire, told: Host) -> Host:
    """A host of which only the end is told, the report last."""
    host = Host(Nova(wire, f"host{next(_hosts)}"))
    host.nova.root()
    host.device(told.has_device)
    if told.has_device:
        host.nova.put_inventories("mtty", **told.stock)
        host.nova.put_traits("mtty", *told.own)
    for number in range(len(told.guests)):
        [name] = told.stock
        assert host.nova.boot(f"{host.nova.host} guest {number}", "mtty", name) == 204
    for name in host.nova.generations:
        host.nova.generations[name] = wire.generation(host.nova.uuid(name))
    if told.told is not None:
        host.report(told.told)
    return host


@pytest.fixture(scope="module", params=["own", "external"])
def wire(request, sqlite_template, tmp_path_factory):
    folder = tmp_path_factory.mktemp("histories")
    path = folder / "fleet.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(
        Settings(state_dir=folder, database=f"sqlite:///{path}", roots=request.param)
    )
    yield Wire(engine)
    assert engine.store.read(audit) == []
    engine.close()


@settings(max_examples=settings.default.max_examples // 2)
@given(history=steps())
def test_only_how_it_ended_matters(wire, history):
    host = Host(Nova(wire, f"host{next(_hosts)}"))
    host.nova.root()
    for step, *words in history:
        step(host, *words)
    twin = told_plainly(wire, host)
    for name in host.stock or ("CUSTOM_MTTY_2",):
        wire.ok("PUT", f"/resource_classes/{name}") if name.startswith("CUSTOM_") else None
        assert host.nova.state(name) == twin.nova.state(name)
