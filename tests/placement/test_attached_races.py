"""nova-compute and a host's agent at the same moment: no request fails, nothing counts twice."""

import itertools
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy
from msgspec.structs import replace

from builders import a_uuid
from engines import held_open, wait_for_a_lock
from guest_worlds import a_report
from nova_compute import Nova
from placement_wire import RP, Wire, holds
from wherry.app.engine import open_engine
from wherry.app.guests import get_guest
from wherry.app.reports import put_report
from wherry.app.settings import Settings
from wherry.model.claims import Claim, Holding
from wherry.model.errors import ReportOutdated
from wherry.model.guests import Guest
from wherry.store.audit import audit
from wherry.store.claims import write_claim
from wherry.store.guests import remove_guest, write_guest
from wherry.store.holdings import lock_holdings
from wherry.store.transaction import Tx

MTTY_2, PORT = "CUSTOM_MTTY_2", "CUSTOM_MTTY_PORT"
PORTS = 24
ROUNDS = 6


@pytest.fixture(params=["own", "external"])
def wires(request, store_url, tmp_path):
    """Clients of services on one database: two processes where there can be, else one."""
    count = 2 if store_url.startswith("postgresql") else 1
    settings = Settings(state_dir=tmp_path, database=store_url, roots=request.param)
    engines = [open_engine(settings) for _ in range(count)]
    yield [Wire(one) for one in (engines * 2)[:2]]
    try:
        assert engines[0].store.read(audit) == []
    finally:
        for one in engines:
            one.close()


def reports(wire: Wire, numbers, recordings=("mtty-fresh", "mtty-3mdevs")) -> None:
    """Reports of a host whose instances and devices come and go; the last has the device."""
    for number in numbers:
        said = a_report(recordings[number % len(recordings)], sequence=number)
        if number % 5 == 0:
            said = replace(said, facts=replace(said.facts, devices=(), instances=()))
        try:
            put_report(wire.engine, said)
        except ReportOutdated:
            pytest.fail("no other agent reports this host")


def held_ports(wire: Wire) -> int:
    """Ports that guests hold of the device, on whosever provider."""
    ports = 0
    for one in wire.ok("GET", RP)["resource_providers"]:
        used = wire.ok("GET", f"{RP}/{one['uuid']}/usages")["usages"]
        weights = {PORT: 1, "CUSTOM_MTTY_1": 1, MTTY_2: 2}
        ports += sum(weights.get(name, 0) * units for name, units in used.items())
    return ports


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(3))
def test_nova_and_a_reporting_agent_are_in_nobodys_way(wires, seed):
    """Every request of Nova's succeeds with the generation that it knows, again and again."""
    ours, theirs = wires
    nova = Nova(ours)
    numbers = itertools.count(1)

    def nova_computes() -> None:
        dice = random.Random(seed)
        nova.root()
        for _ in range(ROUNDS):
            nova.device("mtty", **{MTTY_2: dice.choice((3, 12, 20))})
            nova.put_traits("mtty", "CUSTOM_NOVA")
            nova.put_inventories("mtty", **{MTTY_2: dice.choice((3, 12, 20))})
            nova.put_inventories("", VCPU=64, MEMORY_MB=dice.randint(1000, 4000))
            nova.put_traits("mtty")
            assert ours("DELETE", f"{RP}/{nova.uuid('mtty')}").status == 204
        nova.device("mtty", **{MTTY_2: 20})

    with ThreadPoolExecutor(2) as pool:
        computing = pool.submit(nova_computes)
        while not computing.done():
            reports(theirs, [next(numbers)])
        computing.result(60)
    last = next(number for number in numbers if number % 5 and number % 2 == 0)
    reports(theirs, [last])

    assert nova.offered(MTTY_2) == 12
    assert nova.free("mtty") == {MTTY_2: 12}
    assert nova.traits("mtty") == ["CUSTOM_SERIAL_MTTY"]
    [device] = [one for one in ours.engine.view().get("host1").providers if one.offers]
    assert device.uuid == nova.uuid("mtty")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_given_twice_while_a_device_changes_hands(wires, seed):
    """Guests take ports on whichever provider there is; together never more than the device's."""
    ours, theirs = wires
    nova = Nova(ours)
    nova.root()
    reports(ours, [1], ("mtty-fresh",))

    def guests(number: int) -> list[int]:
        dice = random.Random(f"{seed} {number}")
        statuses = []
        for turn in range(12):
            names = {"host1_wherry_mtty": {PORT: 2}, "host1_mtty": {MTTY_2: 1}}
            name = dice.choice(tuple(names))
            found = theirs.ok("GET", f"{RP}?name={name}")["resource_providers"]
            for one in found:
                body = holds({one["uuid"]: {"resources": names[name]}})
                guest = a_uuid(f"guest {number} {turn}")
                statuses.append(theirs("PUT", f"/allocations/{guest}", body).status)
        return statuses

    def changes_hands() -> None:
        nova.device("mtty", **{MTTY_2: 12})
        reports(ours, [2, 3, 4], ("mtty-fresh",))

    with ThreadPoolExecutor(4) as pool:
        racing = [pool.submit(guests, number) for number in range(3)]
        pool.submit(changes_hands).result(60)
        statuses = [status for one in racing for status in one.result(60)]

    # A provider may be gone between it was found and asked for.
    assert set(statuses) <= {204, 400, 409}
    assert held_ports(ours) == 2 * statuses.count(204) <= PORTS
    left = nova.offered(MTTY_2)
    assert held_ports(ours) + 2 * left <= PORTS
    for number in range(left):
        assert nova.boot(f"last {number}", "mtty", MTTY_2) == 204
    assert nova.boot("one more", "mtty", MTTY_2) == 409


def test_what_is_being_taken_of_the_reports_own_counts_when_nova_comes(postgresql_url, tmp_path):
    """A request that makes a provider Nova's waits for who takes ports, and sees what was taken."""
    engine = open_engine(Settings(state_dir=tmp_path, database=postgresql_url))
    wire = Wire(engine)
    nova = Nova(wire)
    nova.root()
    nova.post("by another name", "mtty", parent=nova.uuid())
    nova.put_inventories("mtty", **{MTTY_2: 12})
    reports(wire, [1], ("mtty-fresh",))
    [own] = wire.ok("GET", f"{RP}?name=host1_wherry_mtty")["resource_providers"]
    held = Holding(consumer=a_uuid("guest"), allocations={own["uuid"]: {PORT: 20}})
    claim = Claim(id=a_uuid("claim"), holdings=(held,))
    renamed = {"name": "host1_mtty", "parent_provider_uuid": nova.uuid()}
    with ThreadPoolExecutor(1) as pool:
        with held_open(engine.store, lambda tx: write_claim(tx, claim, now=1.0)):
            renaming = pool.submit(wire, "PUT", f"{RP}/{nova.uuid('mtty')}", renamed)
            wait_for_a_lock(engine.store, renaming)
        assert renaming.result(30).status == 200
    assert nova.offered(MTTY_2) == 2
    engine.close()


def test_a_client_writes_a_guest_that_a_report_is_just_putting_on_record(postgresql_url, tmp_path):
    """The client's request is decided anew and succeeds; it knows of no record."""
    engine = open_engine(Settings(state_dir=tmp_path, database=postgresql_url))
    wire = Wire(engine)
    nova = Nova(wire)
    nova.root()
    nova.device("mtty", **{MTTY_2: 12})
    reports(wire, [1], ("mtty-fresh",))
    assert nova.boot("guest", "mtty", MTTY_2) == 204
    guest = a_uuid("guest")
    engine.store.write(lambda tx: remove_guest(tx, guest))

    def put_on_record(tx: Tx) -> None:
        lock_holdings(tx, [guest])
        write_guest(tx, Guest(uuid=guest, host="host1"))

    two, one = ({nova.uuid("mtty"): {"resources": {MTTY_2: units}}} for units in (2, 1))
    body = {guest: holds(two, 1), a_uuid("another"): holds(one)}
    with ThreadPoolExecutor(1) as pool:
        with held_open(engine.store, put_on_record):
            posting = pool.submit(wire, "POST", "/allocations", body)
            wait_for_a_lock(engine.store, posting)
        assert posting.result(30).status == 204
    assert len(get_guest(engine, guest).slots) == 2
    engine.close()


def comes_and_goes(nova: Nova) -> None:
    for _ in range(8):
        nova.device("mtty", **{MTTY_2: 20})
        nova.put_traits("mtty", "CUSTOM_NOVA")
        assert nova.wire("DELETE", f"{RP}/{nova.uuid('mtty')}").status == 204


def counts(nova: Nova) -> None:
    uuid = nova.uuid("mtty")
    nova.device("mtty", **{MTTY_2: 20})
    for number in range(16):
        body = {"inventories": {MTTY_2: {"total": 12 + number}}}
        body["resource_provider_generation"] = nova.wire.generation(uuid)
        # A guest may have moved the generation on meanwhile.
        assert nova.wire("PUT", f"{RP}/{uuid}/inventories", body).status in {200, 409}


def is_reported(nova: Nova) -> None:
    for number in range(1, 25):
        recording = ("mtty-fresh", "mtty-3mdevs")[number % 2]
        put_report(nova.wire.engine, a_report(recording, nova.host, sequence=number))


def comes_to_guests(nova: Nova) -> None:
    for number in range(12):
        assert nova.boot(f"guest {number}", "mtty", MTTY_2) in {204, 400, 409}
        freed = nova.wire("DELETE", f"/allocations/{a_uuid(f'guest {number}')}")
        assert freed.status in {204, 404}


@pytest.mark.timeout(120)
def test_clients_and_reports_do_not_wait_for_each_other_in_a_circle(postgresql_url, tmp_path):
    """A deadlock would be run again and nobody would see it, but for the second that it takes."""
    engine = open_engine(Settings(state_dir=tmp_path, database=postgresql_url))
    one, other = (Nova(Wire(engine), host) for host in ("host0", "host1"))
    one.root()
    other.root()
    work = [(comes_and_goes, one), (is_reported, one), (counts, other), (is_reported, other)]
    with ThreadPoolExecutor(6) as pool:
        for each in [pool.submit(*pair) for pair in (*work, (comes_to_guests, other))]:
            each.result(100)
    engine.close()
    assert count_deadlocks(postgresql_url) == 0


def count_deadlocks(url):
    engine = sqlalchemy.create_engine(
        sqlalchemy.make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=sqlalchemy.NullPool,
    )
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text(query)).scalar_one()
