"""Labels on providers that clients have made: read with theirs, out of reach of their requests."""

import pytest

from guest_worlds import a_report
from nova_compute import Nova
from placement_wire import RP, Wire
from wherry.app.engine import open_engine
from wherry.app.guests import put_guest
from wherry.app.housekeeping import DERIVED_WITH, derive_anew
from wherry.app.queries import compile_query
from wherry.app.reports import put_report
from wherry.app.settings import Settings
from wherry.compat.query.labels import is_label
from wherry.model.guests import GuestRequest, SlotRequest
from wherry.model.queries import QueryRequest
from wherry.store import tables
from wherry.store.audit import audit
from wherry.store.meta import write_note
from wherry.store.salt_rotation import rotate_salt
from wherry.store.upgrade import new_salt

MTTY_2 = "CUSTOM_MTTY_2"
GUEST = "5b0c7d1e-0000-4000-8000-000000000001"


@pytest.fixture(params=["own", "external"])
def wire(request, store_url, tmp_path):
    """A client of a service that publishes; what is stored is sound when the test ends."""
    settings = Settings(
        state_dir=tmp_path, database=store_url, roots=request.param, publish_traits="yes"
    )
    engine = open_engine(settings)
    derive_anew(engine)
    yield Wire(engine)
    assert engine.store.read(audit) == []
    engine.close()


@pytest.fixture
def nova(wire):
    """nova-compute has a root and a device, and the host has reported."""
    made = Nova(wire)
    made.root()
    made.device("mtty", **{MTTY_2: 12})
    put_report(wire.engine, a_report("mtty-fresh", "host1"))
    return made


def labels(nova: Nova, name: str) -> set[str]:
    return {trait for trait in nova.traits(name) if is_label(trait)}


def test_a_client_s_root_and_device_publish(nova):
    """The root has the host's architecture, the device what its offers say."""
    assert "HW_ARCH_X86_64" in nova.traits("")
    assert len(labels(nova, "mtty")) > 5
    known = nova.wire.ok("GET", "/traits?associated=true")["traits"]
    assert labels(nova, "mtty") <= set(known)


def test_put_traits_neither_adds_nor_removes_them(nova):
    """A client that reads, changes and writes back, and one that names none."""
    before = nova.traits("mtty")

    assert nova.put_traits("mtty", *before, "CUSTOM_MINE") == sorted([*before, "CUSTOM_MINE"])
    assert nova.put_traits("mtty", "CUSTOM_MINE") == sorted([*before, "CUSTOM_MINE"])
    assert nova.put_traits("mtty") == before

    host = nova.traits("")
    assert nova.put_traits("") == host
    assert nova.wire("DELETE", f"{RP}/{nova.uuid()}/traits").status == 204
    assert nova.traits("") == host


def test_a_report_that_changes_what_is_seen_keeps_labels_and_traits_apart(nova):
    seen = {"CUSTOM_SERIAL_MTTY"} & set(nova.traits("mtty"))

    put_report(nova.wire.engine, a_report("mtty-3mdevs", "host1", sequence=2))

    assert labels(nova, "mtty")
    assert seen <= set(nova.traits("mtty"))
    put_report(nova.wire.engine, a_report("host-numa2", "host1", sequence=3))
    assert labels(nova, "mtty") == set()


def test_deriving_a_host_anew_moves_nothing_that_publishes(nova):
    """Labels are no facts: claims that were decided before still stand."""
    store = nova.wire.engine.store

    def counters():
        rows = store.read(lambda tx: tx.rows(tables.provider.select()))
        return {row.uuid: (row.generation, row.facts_generation) for row in rows}

    before = counters()
    store.write(lambda tx: write_note(tx, DERIVED_WITH, "something else"))

    assert derive_anew(nova.wire.engine) == 1
    assert counters() == before


def test_a_root_that_is_the_host_s_no_more_publishes_nothing(nova):
    body = {"name": "another-host", "parent_provider_uuid": None}
    nova.wire.ok("PUT", f"{RP}/{nova.uuid()}", body)

    assert labels(nova, "mtty") == set()
    assert nova.traits("") == []


def test_a_root_that_comes_after_the_report_publishes(wire):
    put_report(wire.engine, a_report("mtty-fresh", "host1"))
    nova = Nova(wire)

    nova.root()

    assert "HW_ARCH_X86_64" in nova.traits("")


def test_the_query_finds_devices_that_a_client_counts(nova):
    """In the client's class, on the client's provider; also after the salt is another."""
    engine = nova.wire.engine
    other = Nova(nova.wire, host="host2")
    other.root()
    other.device("mtty", **{MTTY_2: 12})
    put_report(engine, a_report("mtty-fresh", "host2"))
    slot = SlotRequest(provider=nova.uuid("mtty"), type="mtty/mtty-2")
    asked = GuestRequest(host="host1", resources={"VCPU": 1}, slots={"serial0": slot})
    put_guest(engine, GUEST, asked)

    def found() -> set[str]:
        answer = compile_query(engine, GUEST, QueryRequest())
        assert answer.query is not None
        body = nova.wire.ok("GET", answer.query)
        return {each["mappings"]["_serial0"][0] for each in body["allocation_requests"]}

    both = {nova.uuid("mtty"), other.uuid("mtty")}
    assert found() == both

    before = compile_query(engine, GUEST, QueryRequest()).query
    engine.store.write(lambda tx: rotate_salt(tx, new_salt()))
    assert found() == both
    assert nova.wire("GET", before).status == 400
