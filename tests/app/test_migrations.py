"""A migration from claim to end, as the use cases write it, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import UNSET

from engines import GUEST, MOVE, Clock, EngineMaker, Fleet, another, running
from waiting import wait_until
from wherry.app import guests, jobs, migrations
from wherry.app.engine import Engine
from wherry.app.housekeeping import end_leases
from wherry.model.caller import LOCAL_ADMIN, Caller
from wherry.model.errors import (
    AlreadyExists,
    CapacityExceeded,
    NotAllowed,
    NoTarget,
    NotFound,
    TokenExpired,
    WrongState,
)
from wherry.model.migrations import Migration
from wherry.model.wire import AbortRequest, FinishRequest, RenewRequest


@pytest.fixture
def fleet(engine: Engine) -> Fleet:
    """Two hosts that take each other's guests, one that is full, one of another stream."""
    made = Fleet(
        engine,
        a="mtty-fresh",
        b="mtty-3mdevs",
        full="mtty-exhausted",
        new="mtty-stream-minor1",
    )
    made.boot("a")
    return made


def confirm(fleet: Fleet, *hosts: str) -> Migration:
    """Ask for the pre-flight and let the agents of *hosts* answer meanwhile."""
    claimed = migrations.get(fleet.engine, MOVE)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(migrations.preflight, fleet.engine, MOVE, claimed.token)
        for host in hosts:
            wait_until(lambda host=host: jobs.wait_for_jobs(fleet.engine, host, 1))
            fleet.answer(host)
        return asked.result(60)


def test_a_claim_holds_both_ends(fleet: Fleet) -> None:
    """The migration has the source, the guest the target, and the guest stays on record there."""
    move = fleet.begin()

    assert (move.source, move.target, move.state) == ("a", "b", "claimed")
    assert (fleet.used("a"), fleet.used("b")) == (1, 1)
    guest = guests.get_guest(fleet.engine, GUEST)
    assert (guest.host, guest.migration) == ("a", MOVE)


def test_the_same_request_begins_one_migration(fleet: Fleet) -> None:
    """Sent again, also with the target that was chosen, it gives what was begun."""
    first = fleet.begin()

    assert fleet.begin().token == first.token
    assert fleet.begin("b").history == first.history
    assert fleet.used("b") == 1
    with pytest.raises(AlreadyExists, match="goes to host b"):
        fleet.begin("full")


def test_a_guest_is_moved_by_one_migration_at_a_time(fleet: Fleet) -> None:
    """Another one is told which holds it."""
    fleet.begin()

    with pytest.raises(AlreadyExists, match=MOVE):
        fleet.begin(uuid=another(MOVE, 1))
    with pytest.raises(AlreadyExists, match=MOVE):
        guests.delete_guest(fleet.engine, GUEST)


def test_a_refused_target_is_told_with_its_reasons_and_nothing_is_held(fleet: Fleet) -> None:
    """The stream of the new build is another one: known before anything starts."""
    with pytest.raises(NoTarget) as told:
        fleet.begin("new")

    refused = told.value.refused
    assert "STATE_FORMAT_NOT_EQUAL" in refused.by_reason  # type: ignore[attr-defined]
    assert [row.host for row in refused.hosts] == ["new"]  # type: ignore[attr-defined]
    assert fleet.used("new") == 0
    with pytest.raises(NotFound):
        migrations.get(fleet.engine, MOVE)


def test_a_host_that_nobody_knows_is_no_target(fleet: Fleet) -> None:
    """A name that was mistyped is told as such."""
    with pytest.raises(NotFound, match="nowhere"):
        fleet.begin("nowhere")


def test_the_next_target_is_tried_where_others_were_faster(engine: Engine) -> None:
    """Eight guests at once, and two hosts with eight places: each gets one, none twice."""
    fleet = Fleet(engine, a="mtty-fresh", b="mtty-fresh", c="mtty-fresh")
    movers = [another(GUEST, number) for number in range(8)]
    for uuid in movers:
        fleet.boot("a", uuid)
    for number in range(22 + 18):
        fleet.boot("b" if number < 22 else "c", another(MOVE, number))

    def move(uuid: str) -> Migration:
        return fleet.begin(uuid=another(uuid, 1), guest=uuid)

    with ThreadPoolExecutor(len(movers)) as pool:
        targets = sorted(each.target for each in pool.map(move, movers))

    assert targets == ["b"] * 2 + ["c"] * 6
    assert (fleet.used("b"), fleet.used("c")) == (24, 24)


def test_what_is_full_for_good_is_a_refusal(fleet: Fleet) -> None:
    """A host whose pool is used up by instances that nobody allocated takes nobody."""
    with pytest.raises(NoTarget) as told:
        fleet.begin("full")

    assert "CAPACITY" in told.value.refused.by_reason  # type: ignore[attr-defined]
    with pytest.raises(CapacityExceeded):
        fleet.boot("full", another(GUEST, 1))


def test_a_move_from_claim_to_finish(fleet: Fleet) -> None:
    """Both ends confirm, the guest goes over with its contract, the source is free."""
    before = guests.get_guest(fleet.engine, GUEST)
    fleet.begin()
    confirmed = confirm(fleet, "a", "b")
    assert (confirmed.state, confirmed.confirmed) == ("confirmed", ("source", "target"))

    started = migrations.start(fleet.engine, MOVE, confirmed.token, LOCAL_ADMIN)
    done = migrations.finish(fleet.engine, MOVE, FinishRequest(token=started.token), LOCAL_ADMIN)

    assert (done.state, done.outcome) == ("finished", "finished")
    assert [step.event for step in done.history] == [
        "claim", "confirm", "confirm", "start", "finish",
    ]  # fmt: skip
    after = guests.get_guest(fleet.engine, GUEST)
    assert (after.host, after.migration) == ("b", UNSET)
    assert after.slots["port"].contract.type == before.slots["port"].contract.type
    assert (fleet.used("a"), fleet.used("b")) == (0, 1)


def test_a_move_that_failed_is_kept_beside_the_verdict(fleet: Fleet) -> None:
    """The guest has its place on the source again, and what the hypervisor said is kept."""
    fleet.begin()
    token = confirm(fleet, "a", "b").token
    migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN)

    asked = FinishRequest(token=token, outcome="failed", error="load of migration failed")
    done = migrations.finish(fleet.engine, MOVE, asked, LOCAL_ADMIN)

    assert (done.state, done.outcome) == ("aborted", "failed")
    assert done.error == "load of migration failed"
    assert done.answer.verdict == "ok"
    assert guests.get_guest(fleet.engine, GUEST).host == "a"
    assert (fleet.used("a"), fleet.used("b")) == (1, 0)


def test_silence_is_a_refusal(fleet: Fleet, clock: Clock) -> None:
    """The end that did not answer in time is named, and the target is given back."""
    fleet.begin()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(migrations.preflight, fleet.engine, MOVE, 1)
        wait_until(lambda: jobs.wait_for_jobs(fleet.engine, "a", 1))
        fleet.answer("a")
        clock.pass_by(10)
        end_leases(fleet.engine)
        done = asked.result(60)

    assert done.state == "refused"
    reasons = done.history[-1].reasons
    assert [(each.code, each.detail) for each in reasons] == [
        ("PREFLIGHT_TIMEOUT", {"side": "target"})
    ]
    assert (fleet.used("a"), fleet.used("b")) == (1, 0)


def test_facts_that_moved_meanwhile_refuse(fleet: Fleet) -> None:
    """The target's driver was changed after the claim: its agent's report tells."""
    fleet.begin()
    fleet.report("b", "mtty-stream-minor1")

    done = confirm(fleet, "b")

    assert done.state == "refused"
    codes = {each.code for each in done.history[-1].reasons}
    assert "PREFLIGHT_FACTS_MOVED" in codes
    # The other end is asked no more.
    assert jobs.wait_for_jobs(fleet.engine, "a", 0) == ()
    assert (fleet.used("a"), fleet.used("b")) == (1, 0)


def test_a_lease_that_ends_before_the_start_gives_the_target_back(
    fleet: Fleet, clock: Clock
) -> None:
    """Nobody came back: what was claimed is free, and the old token wins nothing any more."""
    fleet.begin()
    clock.pass_by(100)

    assert end_leases(fleet.engine) == 1
    assert migrations.get(fleet.engine, MOVE).state == "expired"
    assert (fleet.used("a"), fleet.used("b")) == (1, 0)
    with pytest.raises((TokenExpired, WrongState)):
        migrations.start(fleet.engine, MOVE, 1, LOCAL_ADMIN)


def test_a_lease_that_ends_after_the_start_releases_nothing(fleet: Fleet, clock: Clock) -> None:
    """The guest may be anywhere: both ends stay held until somebody tells."""
    fleet.begin()
    token = confirm(fleet, "a", "b").token
    migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN)
    clock.pass_by(100)

    assert migrations.get(fleet.engine, MOVE).state == "lost"
    assert (fleet.used("a"), fleet.used("b")) == (1, 1)


def test_reports_of_both_hosts_find_a_lost_guest_again(fleet: Fleet, clock: Clock) -> None:
    """One alone proves nothing; both together end the migration where the guest is."""
    fleet.begin()
    token = confirm(fleet, "a", "b").token
    migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN)
    clock.pass_by(101)
    end_leases(fleet.engine)

    clock.pass_by(1)
    fleet.report("b", "mtty-3mdevs", guests=(running(),))
    assert migrations.get(fleet.engine, MOVE).state == "lost"
    fleet.report("a", "mtty-fresh", guests=())

    assert migrations.get(fleet.engine, MOVE).state == "finished"
    assert guests.get_guest(fleet.engine, GUEST).host == "b"
    assert (fleet.used("a"), fleet.used("b")) == (0, 1)


def test_a_renewed_lease_expires_the_token_before(fleet: Fleet, clock: Clock) -> None:
    """Who renews carries it on; an old token never wins."""
    fleet.begin()
    clock.pass_by(90)
    renewed = migrations.renew(fleet.engine, MOVE, RenewRequest(token=1), LOCAL_ADMIN)
    clock.pass_by(90)

    assert end_leases(fleet.engine) == 0
    with pytest.raises(TokenExpired):
        migrations.renew(fleet.engine, MOVE, RenewRequest(token=1), LOCAL_ADMIN)
    assert renewed.token > 1


def test_only_an_administrator_aborts_without_a_token(fleet: Fleet) -> None:
    """A service has the token, or nothing to say here."""
    fleet.begin()
    with pytest.raises(NotAllowed):
        migrations.abort(fleet.engine, MOVE, AbortRequest(), Caller(role="service"))

    done = migrations.abort(fleet.engine, MOVE, AbortRequest(note="host burns"), LOCAL_ADMIN)

    assert (done.state, done.history[-1].note) == ("aborted", "host burns")
    assert (fleet.used("a"), fleet.used("b")) == (1, 0)


def test_an_answer_that_comes_twice_is_taken_once(fleet: Fleet) -> None:
    """An agent whose answer's answer was lost sends it again."""
    fleet.begin()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(migrations.preflight, fleet.engine, MOVE, 1)
        wait_until(lambda: jobs.wait_for_jobs(fleet.engine, "a", 1))
        job = jobs.wait_for_jobs(fleet.engine, "a", 0)[0]
        fleet.answer("a")
        with pytest.raises(NotFound, match="host b"):
            jobs.answer_job(fleet.engine, "b", job.id, migrations_answer(fleet, job.id))
        jobs.answer_job(fleet.engine, "a", job.id, migrations_answer(fleet, job.id))
        fleet.answer("b")
        assert asked.result(60).state == "confirmed"


def migrations_answer(fleet: Fleet, job_id: str) -> object:
    """Give the answer that the store has of a job."""
    from wherry.agent.preflight import answer_source
    from wherry.store.jobs import read_job

    job = fleet.engine.store.read(lambda tx: read_job(tx, job_id))
    assert job is not None
    report = fleet.reports["a"]
    return answer_source(job, report, report.guests, ())


def test_a_restart_loses_nothing(make: EngineMaker, store_url: str, clock: Clock) -> None:
    """Another process carries on with what the first has acknowledged."""
    first = make(store_url)
    fleet = Fleet(first, a="mtty-fresh", b="mtty-3mdevs")
    fleet.boot("a")
    fleet.begin()
    token = confirm(fleet, "a", "b").token
    first.close()

    second = make(store_url)
    migrations.start(second, MOVE, token, LOCAL_ADMIN)
    done = migrations.finish(second, MOVE, FinishRequest(token=token), LOCAL_ADMIN)

    assert done.state == "finished"
    assert guests.get_guest(second, GUEST).host == "b"
