"""What two processes, or two clients of one, do to the same thing at the same moment."""

from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any

import pytest
from msgspec.structs import replace

from engines import (
    GUEST,
    MOVE,
    Between,
    Clock,
    EngineMaker,
    Fleet,
    another,
    held_open,
    running,
    wait_for_a_lock,
)
from reports import a_report
from wherry.app import guests, hosts, migrations, reports
from wherry.app.engine import Engine
from wherry.app.housekeeping import DERIVED_WITH, derive_anew, end_leases
from wherry.inventory.derive import plan_host
from wherry.model.caller import LOCAL_ADMIN
from wherry.model.claims import Claim
from wherry.model.errors import AlreadyExists, ConsumerChanged, StoreUnavailable, WrongState
from wherry.model.guests import GuestRequest
from wherry.model.migrations import Migration
from wherry.model.wire import AbortRequest, HostPatch
from wherry.store.claims import write_claim
from wherry.store.feed import prune_changes
from wherry.store.guests import remove_guest, write_guest
from wherry.store.holdings import read_holding
from wherry.store.hosts import write_host_state
from wherry.store.meta import read_note
from wherry.store.reports import store_report
from wherry.store.transaction import Store, Tx


def meanwhile(store: Store, write: Any, act: Any) -> Any:
    """Give what *act* gives that waits for a transaction which commits *write* then."""
    with ThreadPoolExecutor(1) as pool:
        with held_open(store, write):
            acting: Future[Any] = pool.submit(act)
            wait_for_a_lock(store, acting)
        return acting.result(60)


def move_consumer_on(tx: Tx, uuid: str) -> None:
    """Write what a consumer holds as a client of the Placement API: the same, once more."""
    claim = Claim(id=another(uuid, 77), holdings=(read_holding(tx, uuid),))
    write_claim(tx, claim, now=0.0)


def test_deriving_anew_does_not_undo_a_report_that_comes_meanwhile(
    make: EngineMaker, postgresql_url: str
) -> None:
    """The host is what its latest report says, whichever of the two is written last."""
    one, other = make(postgresql_url), make(postgresql_url)
    Fleet(one, a="mtty-exhausted")
    later = a_report("mtty-fresh", host="a", sequence=2)
    plan = plan_host(later, one.profiles)

    meanwhile(
        one.store,
        lambda tx: store_report(tx, later, reports.digest_of(later), plan, now=0.0),
        lambda: derive_anew(other),
    )

    stored = hosts.get_host(one, "a")
    assert stored.host.sequence == 2
    totals = {each.plan.uuid: each.plan for each in stored.providers}
    assert totals == {each.uuid: each for each in plan.providers}


def test_what_is_noticed_of_guests_outlives_a_derivation(engine: Engine) -> None:
    """It comes of the report, not of the profiles; and a host that stays the same stays still."""
    fleet = Fleet(engine)
    fleet.report("a", guests=(running(),))
    before = hosts.get_host(engine, "a").host
    assert "GUEST_UNKNOWN" in {each.code for each in before.findings}

    assert derive_anew(engine) == 1

    assert hosts.get_host(engine, "a").host == before


def test_labels_that_two_operators_set_at_once_are_both_set(
    make: EngineMaker, postgresql_url: str
) -> None:
    """A patch changes the labels that it names and no other."""
    engine = make(postgresql_url)
    Fleet(engine, a="mtty-fresh")

    meanwhile(
        engine.store,
        lambda tx: write_host_state(tx, "a", labels={"rack": "7"}),
        lambda: hosts.patch_host(engine, "a", HostPatch(labels={"row": "b"})),
    )

    assert hosts.get_host(engine, "a").host.labels == {"rack": "7", "row": "b"}


@pytest.mark.parametrize("before", range(3), ids=["packs", "records", "claim"])
def test_a_request_to_migrate_that_arrives_twice_at_once_begins_one_migration(
    engine: Engine, before: int
) -> None:
    """A client that repeats it before it has the answer gets the same migration, however the
    two meet."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh", c="mtty-fresh")
    fleet.boot("a")
    store, first = engine.store, []
    engine.store = Between(store, before, lambda: first.append(fleet.begin()))

    second = fleet.begin()

    engine.store = store
    assert [one.target for one in first] == [second.target]
    assert fleet.used(second.target) == 1


def test_a_migration_asked_for_again_is_told_as_the_clock_has_it(
    engine: Engine, clock: Clock
) -> None:
    """Its lease ran out meanwhile: it is not told as one that could start."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh")
    fleet.boot("a")
    fleet.begin()
    clock.pass_by(100)

    assert fleet.begin().state == "expired"


def test_two_first_records_of_a_guest_at_once_are_one_after_the_other(
    make: EngineMaker, postgresql_url: str
) -> None:
    """The second finds the first, though neither allocates anything: it is on another host."""
    engine = make(postgresql_url)
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh")
    guests.put_guest(engine, another(GUEST, 1), GuestRequest(host="a", resources={}))
    first = guests.get_guest(engine, another(GUEST, 1))

    with pytest.raises(AlreadyExists, match="on record on host a"):
        meanwhile(
            engine.store,
            lambda tx: write_guest(tx, replace(first, uuid=GUEST, generation=0)),
            lambda: guests.put_guest(fleet.engine, GUEST, GuestRequest(host="b", resources={})),
        )

    assert guests.get_guest(engine, GUEST).generation == 1


def test_a_guest_that_was_written_meanwhile_is_not_overwritten(engine: Engine) -> None:
    """Who decided on a record that has moved on is told, and decides anew."""
    fleet = Fleet(engine, a="mtty-fresh")
    guest = fleet.boot("a")
    engine.store.write(lambda tx: write_guest(tx, replace(guest, tenant="later")))

    with pytest.raises(ConsumerChanged):
        engine.store.write(lambda tx: write_guest(tx, guest))

    assert guests.get_guest(engine, GUEST).tenant == "later"


def test_a_migration_is_no_guest(engine: Engine) -> None:
    """Its uuid is the one of the consumer that holds the source: no record may take that."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh")
    fleet.boot("a")
    fleet.begin()

    with pytest.raises(AlreadyExists, match="holds the place of a guest"):
        fleet.boot("a", MOVE)

    migrations.abort(engine, MOVE, AbortRequest(token=1), LOCAL_ADMIN)
    assert (fleet.used("a"), fleet.used("b")) == (1, 0)


def test_a_step_is_taken_though_a_client_touches_what_is_held_meanwhile(
    make: EngineMaker, postgresql_url: str
) -> None:
    """The step is decided anew on what the consumer holds then."""
    engine = make(postgresql_url)
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh")
    fleet.boot("a")
    fleet.begin()

    ended: Migration = meanwhile(
        engine.store,
        lambda tx: move_consumer_on(tx, MOVE),
        lambda: migrations.abort(engine, MOVE, AbortRequest(token=1), LOCAL_ADMIN),
    )

    assert ended.state == "aborted"
    assert (fleet.used("a"), fleet.used("b")) == (1, 0)


def test_a_running_guest_is_learnt_though_a_client_touches_what_it_holds(
    make: EngineMaker, postgresql_url: str
) -> None:
    """What the report tells is written after what the client wrote; nothing is refused."""
    engine = make(postgresql_url)
    fleet = Fleet(engine, a="mtty-3mdevs")
    device = fleet.reports["a"].facts.instances[0]
    fleet.report("a", "mtty-3mdevs", guests=(running(port=device.id),))
    fleet.boot("a", type_name=f"mtty/{device.type}")

    meanwhile(
        engine.store,
        lambda tx: move_consumer_on(tx, GUEST),
        lambda: fleet.report("a", "mtty-3mdevs", guests=(running(port=device.id),)),
    )

    assert guests.get_guest(engine, GUEST).slots["port"].device == device.id
    assert not [
        each for each in hosts.get_host(engine, "a").host.findings if each.code.startswith("GUEST_")
    ]


def test_one_migration_that_cannot_end_keeps_no_other_from_it(
    engine: Engine, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Its guest's record was lost with a damaged table: the others' leases end all the same."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh")
    fleet.boot("a")
    fleet.boot("a", another(GUEST, 1))
    fleet.begin()
    fleet.begin(uuid=another(MOVE, 1), guest=another(GUEST, 1), lease_s=120)
    engine.store.write(lambda tx: remove_guest(tx, GUEST))
    clock.pass_by(120)

    assert end_leases(engine) == 1

    assert migrations.get(engine, another(MOVE, 1)).state == "expired"
    assert MOVE in caplog.text


def test_the_preflight_of_a_move_that_has_begun_is_refused(engine: Engine) -> None:
    """Whoever asks again after the start is told so, and does not take it for a yes."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh")
    fleet.boot("a")
    fleet.begin()
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(migrations.preflight, engine, MOVE, 1) for _ in range(2)]
        while any(not each.done() for each in asked):
            fleet.answer("a")
            fleet.answer("b")
    assert {each.result().state for each in asked} == {"confirmed"}
    assert migrations.preflight(engine, MOVE, 1).state == "confirmed"
    migrations.start(engine, MOVE, 1, LOCAL_ADMIN)

    with pytest.raises(WrongState, match="started"):
        migrations.preflight(engine, MOVE, 1)


def test_one_process_at_a_time_drops_old_rows(make: EngineMaker, postgresql_url: str) -> None:
    """Two at once could put the floor of the feed below what is dropped already, and a reader
    would miss changes."""
    one, other = make(postgresql_url), make(postgresql_url)
    fleet = Fleet(one, a="mtty-fresh")
    for number in range(4):
        fleet.boot("a", another(GUEST, number))

    dropped = meanwhile(
        one.store,
        lambda tx: prune_changes(tx, keep=1_000),
        lambda: other.store.write(lambda tx: prune_changes(tx, keep=1)),
    )

    assert dropped > 0


def test_what_is_to_be_done_once_is_done_when_the_database_answers_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A host is derived anew though the server was away in the middle of it."""
    monkeypatch.setattr("wherry.app.engine.AGAIN_S", 0.01)
    Fleet(engine, a="mtty-fresh")
    store = engine.store
    engine.store = Between(store, 2, lose_the_database)

    engine.run("derive hosts anew", lambda: derive_anew(engine))
    until = monotonic() + 60
    while store.read(lambda tx: read_note(tx, DERIVED_WITH)) is None:
        assert monotonic() < until
        sleep(0.01)

    assert "the server is away" in caplog.text


def lose_the_database() -> None:
    raise StoreUnavailable("the server is away")
