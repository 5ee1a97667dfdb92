"""Alternates, forced destinations and moved facts, as the use cases write them."""

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from uuid import UUID

import pytest
from msgspec import UNSET

from engines import GUEST, MOVE, Clock, Fleet, running
from wherry.agent.preflight import answer_target
from wherry.app import groups, guests, hosts, jobs, migrations, tenancy
from wherry.app.engine import Engine
from wherry.app.housekeeping import end_leases
from wherry.app.placement.qualities import set_aggregates
from wherry.model.caller import LOCAL_ADMIN, Caller
from wherry.model.checks import Policy
from wherry.model.errors import (
    InvalidRequest,
    NotAllowed,
    NoTarget,
    NotFound,
    NotStarted,
    TokenExpired,
)
from wherry.model.groups import GroupRequest
from wherry.model.migrations import Migration
from wherry.model.tenancy import AggregateRequest
from wherry.model.wire import FinishRequest, HostPatch, RenewRequest
from wherry.store.audit import audit


@pytest.fixture
def fleet(engine: Engine) -> Fleet:
    """A guest on a, and three hosts that take it."""
    made = Fleet(engine, a="mtty-fresh", b="mtty-3mdevs", c="mtty-3mdevs", d="mtty-3mdevs")
    made.boot("a")
    return made


def preflight(fleet: Fleet, *answering: str, silent: Clock | None = None) -> Migration:
    """Ask for the pre-flight; the agents named answer, in order, until it is over."""
    engine = fleet.engine
    token = migrations.get(engine, MOVE).token
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(migrations.preflight, engine, MOVE, token)
        until = monotonic() + 60
        while not asked.done():
            assert monotonic() < until
            now = migrations.get(engine, MOVE)
            # All jobs come at once: an agent that looked before would be passed by the others.
            for host in answering if now.preflight_until else ():
                fleet.answer(host)
            now = migrations.get(engine, MOVE)
            # The source has answered, and the target never will.
            if silent and now.target not in answering and now.confirmed == ("source",):
                silent.pass_by(10)
                end_leases(engine)
            sleep(0.02)
        return asked.result()


def events(move: Migration) -> list[tuple[str, str]]:
    return [(step.event, step.host) for step in move.history]


def used(fleet: Fleet) -> str:
    assert fleet.engine.store.read(audit) == []
    return "".join(host for host in "abcd" if fleet.used(host))


def test_a_target_whose_facts_moved_is_given_up_for_the_next(fleet: Fleet) -> None:
    """Without being asked again: one transaction, a new attempt, a new token."""
    first = fleet.begin("b", alternates=2)
    assert (first.target, first.alternates, first.token) == ("b", ("c", "d"), 1)
    fleet.report("b", "mtty-stream-minor1")

    done = preflight(fleet, "b", "c", "a")

    assert (done.state, done.target, done.alternates) == ("confirmed", "c", ("d",))
    assert done.token == done.attempt == 2
    assert ("retry", "c") in events(done)
    refused = next(step for step in done.history if step.event == "retry")
    assert "PREFLIGHT_FACTS_MOVED" in {reason.code for reason in refused.reasons}
    assert used(fleet) == "ac"
    guest = guests.get_guest(fleet.engine, GUEST)
    assert (guest.host, guest.migration) == ("a", MOVE)

    with pytest.raises(TokenExpired):
        migrations.renew(fleet.engine, MOVE, RenewRequest(token=1), LOCAL_ADMIN)
    migrations.start(fleet.engine, MOVE, 2, LOCAL_ADMIN)
    migrations.finish(fleet.engine, MOVE, FinishRequest(token=2), LOCAL_ADMIN)
    assert guests.get_guest(fleet.engine, GUEST).host == "c"
    assert used(fleet) == "c"


def test_a_silent_target_is_given_up_for_the_next(fleet: Fleet, clock: Clock) -> None:
    """Silence is a refusal; the source is asked again, and answers again."""
    fleet.begin("b", alternates=("d",))

    done = preflight(fleet, "a", "d", silent=clock)

    assert (done.state, done.target, done.token) == ("confirmed", "d", 2)
    refused = next(step for step in done.history if step.event == "retry")
    assert [(r.code, r.detail) for r in refused.reasons] == [
        ("PREFLIGHT_TIMEOUT", {"side": "target"})
    ]
    assert used(fleet) == "ad"


def test_the_last_refusal_tells_of_every_target(fleet: Fleet, clock: Clock) -> None:
    """When none is left the source is given back, and each reason names its host."""
    fleet.begin("b", alternates=2)
    fleet.report("c", "mtty-stream-minor1")

    done = preflight(fleet, "a", silent=clock)

    assert (done.state, done.target) == ("refused", "d")
    assert [event for event in events(done) if event[0] != "confirm"] == [
        ("claim", "b"), ("pass over", "c"), ("retry", "d"), ("refuse", "d"),
    ]  # fmt: skip
    told = {(reason.code, reason.detail["host"]) for reason in done.history[-1].reasons}
    assert {("PREFLIGHT_TIMEOUT", "b"), ("PREFLIGHT_TIMEOUT", "d")} <= told
    assert ("STATE_FORMAT_NOT_EQUAL", "c") in told
    assert used(fleet) == "a"
    assert guests.get_guest(fleet.engine, GUEST).migration is UNSET


def test_an_answer_to_the_attempt_before_comes_too_late(fleet: Fleet, clock: Clock) -> None:
    """The agent of the target that was given up answers after all: nobody waits for it."""
    fleet.begin("b", alternates=1)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(migrations.preflight, fleet.engine, MOVE, 1)
        until = monotonic() + 60
        while not (late := jobs.wait_for_jobs(fleet.engine, "b", 0)):
            assert monotonic() < until
            sleep(0.01)
        clock.pass_by(10)
        end_leases(fleet.engine)
        answer = answer_target(late[0], fleet.reports["b"])
        with pytest.raises(NotFound):
            jobs.answer_job(fleet.engine, "b", late[0].id, answer)
        fleet.answer("c")
        fleet.answer("a")
        assert asked.result(60).target == "c"


def test_what_the_source_alone_objects_to_is_not_tried_elsewhere(fleet: Fleet) -> None:
    """Another process of the guest stands in the way of every target."""
    fleet.report("a", guests=(running(process="1-1"),))
    fleet.begin("b", alternates=2)
    fleet.reports["a"] = fleet.report("a", guests=(running(process="2-2"),))

    done = preflight(fleet, "a", "b")

    assert (done.state, done.target) == ("refused", "b")
    assert "PREFLIGHT_PROCESS" in {reason.code for reason in done.history[-1].reasons}


def test_sent_again_after_a_new_attempt_it_is_the_same_migration(fleet: Fleet) -> None:
    """The request named the first target, which was tried."""
    fleet.begin("b", alternates=1)
    fleet.report("b", "mtty-stream-minor1")
    done = preflight(fleet, "b", "c", "a")

    assert fleet.begin("b", alternates=1) == done


def test_a_target_that_refuses_at_the_claim_leaves_it_to_the_alternates(fleet: Fleet) -> None:
    """The first of the hosts named that takes the guest is claimed."""
    fleet.report("b", "mtty-stream-minor1")

    assert fleet.begin("b", alternates=("d",)).target == "d"


def test_an_alternate_that_nobody_knows_is_told(fleet: Fleet) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        fleet.begin("b", alternates=("nowhere",))


CONFIRMED_THEN = [
    ("mtty-stream-minor1", True),  # its driver emits another stream
    ("mtty-fresh", False),  # other instances, the same offer
]


@pytest.mark.parametrize(("then", "moved"), CONFIRMED_THEN)
def test_facts_that_moved_after_the_confirmation_are_looked_at_again(
    fleet: Fleet, then: str, moved: bool
) -> None:
    """The facts that the rules read, not their generation: what does not matter does not stop."""
    fleet.begin("b")
    token = preflight(fleet, "a", "b").token
    fleet.report("b", then)

    if not moved:
        assert migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN).state == "started"
        return
    with pytest.raises(NotStarted, match="refused") as told:
        migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN)
    codes = {reason.code for reason in told.value.reasons}  # type: ignore[attr-defined]
    assert codes == {"PREFLIGHT_FACTS_MOVED", "STATE_FORMAT_NOT_EQUAL"}
    assert migrations.get(fleet.engine, MOVE).state == "refused"
    assert used(fleet) == "a"


def test_facts_that_moved_after_the_confirmation_leave_it_to_an_alternate(fleet: Fleet) -> None:
    """It is claimed, and both ends are asked anew; nothing has started."""
    fleet.begin("b", alternates=1)
    token = preflight(fleet, "a", "b").token
    fleet.report("b", "mtty-stream-minor1")

    with pytest.raises(NotStarted, match="claimed"):
        migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN)
    done = preflight(fleet, "a", "c")

    assert (done.state, done.target) == ("confirmed", "c")
    assert migrations.start(fleet.engine, MOVE, done.token, LOCAL_ADMIN).state == "started"


def test_tenants_and_groups_that_moved_after_the_claim_are_asked_again(fleet: Fleet) -> None:
    """In the pre-flight by aggregates, at the start by a group and the hosts' states."""
    engine, closing, other = fleet.engine, str(UUID(int=7)), str(UUID(int=8))
    fleet.boot("a", uuid=other)
    fleet.begin("b", alternates=2)
    root = engine.view().get("b").root.uuid  # type: ignore[union-attr]
    set_aggregates(engine, root, [closing], generation=None)
    tenancy.put_aggregate(engine, closing, AggregateRequest(tenants=("others",)))

    done = preflight(fleet, "b", "a", "c")

    assert (done.state, done.target) == ("confirmed", "c")
    refused = next(step for step in done.history if step.event == "retry")
    assert "HOST_AGGREGATE" in {reason.code for reason in refused.reasons}

    groups.put_group(engine, "near", GroupRequest(policy="affinity", guests=(GUEST, other)))
    hosts.patch_host(engine, "c", HostPatch(state="maintenance"))
    with pytest.raises(NotStarted, match="refused") as told:
        migrations.start(engine, MOVE, done.token, LOCAL_ADMIN)
    codes = {reason.code for reason in told.value.reasons}  # type: ignore[attr-defined]
    assert {"HOST_TOGETHER", "HOST_STATE"} <= codes
    assert migrations.get(engine, MOVE).state == "refused"
    assert used(fleet) == "a"


def test_a_start_that_is_sent_again_does_not_look_at_facts(fleet: Fleet) -> None:
    """The guest is on its way: what moves now is for the hypervisor to tell."""
    fleet.begin("b")
    token = preflight(fleet, "a", "b").token
    migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN)
    fleet.report("b", "mtty-stream-minor1")

    assert migrations.start(fleet.engine, MOVE, token, LOCAL_ADMIN).state == "started"


def test_a_forced_destination_is_recorded_with_who_and_why(engine: Engine) -> None:
    """What nobody knows of its version is passed over; the verdict is stored as it is."""
    fleet = Fleet(engine, a="constructed-nvidia-a6000", b="constructed-nvidia-a6000")
    fleet.boot("a", type_name="nvidia/RTXA6000-2Q")
    with pytest.raises(NoTarget):
        fleet.begin("b")

    move = fleet.begin("b", force=True, reason="the rack loses power")

    assert move.forced is not UNSET
    assert (move.forced.by, move.forced.why) == (LOCAL_ADMIN.name, "the rack loses power")
    assert move.forced.accept == Policy().accept
    assert (move.answer.verdict, move.answer.accepted) == ("unknown", False)
    token = preflight(fleet, "a", "b").token
    assert migrations.start(engine, MOVE, token, LOCAL_ADMIN).state == "started"


def test_force_never_passes_over_a_no(fleet: Fleet) -> None:
    fleet.report("b", "mtty-stream-minor1")

    with pytest.raises(NoTarget) as told:
        fleet.begin("b", force=True)
    assert "STATE_FORMAT_NOT_EQUAL" in told.value.refused.by_reason  # type: ignore[attr-defined]
    assert used(fleet) == "a"


def test_a_destination_is_forced_by_its_name_and_by_administrators(fleet: Fleet) -> None:
    with pytest.raises(InvalidRequest, match="say which host"):
        fleet.begin(force=True)
    asked = migrations.MigrationRequest(guest=GUEST, target="b", force=True)
    with pytest.raises(NotAllowed, match="administrator"):
        migrations.begin(fleet.engine, MOVE, asked, Caller(role="service"))
