"""A migration's life: what each step does to the two ends, the guest and the history."""

import pytest
from msgspec import UNSET

from builders import a_contract, a_fleet, a_guest, a_host, a_provider, a_uuid, an_offer
from moves import LEASE_S, MIGRATION, a_move
from wherry.migrate.life import due, locate
from wherry.model.checks import Policy
from wherry.model.errors import AlreadyExists, NotAllowed, TokenExpired, WrongState
from wherry.model.inventory import Use

GUEST = a_uuid("guest")


def codes(step):
    return [(reason.code, dict(reason.detail)) for reason in step.reasons]


def test_a_claim_holds_both_ends_at_once():
    """The migration takes over what the guest held; the guest holds the same of the target."""
    move = a_move()

    assert move.migration.state == "claimed"
    assert move.held_by(MIGRATION) == {"host1"}
    assert move.held_by(GUEST) == {"host2"}
    assert move.guest.migration == MIGRATION
    assert move.guest.host == "host1"
    assert move.claims[0].id == MIGRATION
    assert [h.consumer_type for h in move.claims[0].holdings] == ["MIGRATION", "INSTANCE"]


def test_a_guest_that_moves_already_is_not_claimed_for_again():
    """The error names the migration that holds it."""
    guest = a_move().guest

    with pytest.raises(AlreadyExists, match=MIGRATION):
        a_move(guest)


def test_finishing_gives_the_source_back_and_the_guest_is_on_the_target():
    """Its slots are those of the target, and the process is not known until it reports."""
    move = a_move()
    move.start()
    decision = move.signal("finish", token=1)

    assert move.migration.state == "finished"
    assert move.migration.outcome == "finished"
    assert move.ledger.keys() == {GUEST}
    assert move.held_by(GUEST) == {"host2"}
    assert (move.guest.host, move.guest.migration, move.guest.process) == ("host2", UNSET, UNSET)
    assert move.guest.slots["gpu0"].provider == a_uuid("host2_gpu0")
    assert decision.withdraws_jobs


def test_the_contract_that_was_pinned_goes_along():
    """A newer target changes nothing that the guest sees."""
    move = a_move()
    before = move.guest.slots["gpu0"].contract
    move.start()
    move.signal("finish", token=1)
    after = move.guest.slots["gpu0"].contract

    assert after.interface == before.interface
    assert (after.type, after.units, after.params) == (before.type, before.units, before.params)


def test_what_the_claim_configures_is_in_effect_after_the_move():
    """A feature that the guest lacks is masked there, and stays masked."""
    offered = an_offer(features={"x": {}, "y": {}})
    fleet = a_fleet(a_host("host1"), a_host("host2", offers=[offered]))
    move = a_move(a_guest(a_contract(features=["x"])), fleet=fleet)
    move.start()
    move.signal("finish", token=1)

    assert move.guest.slots["gpu0"].in_effect.mask_features == ("y",)


def test_a_cold_move_pins_anew_what_the_target_offers():
    """The guest boots there, so it sees the newer version."""
    move = a_move(policy=Policy(mode="cold"))
    move.start()
    move.signal("finish", token=1)

    assert move.guest.slots["gpu0"].contract.interface.version == "2.1.1"


@pytest.mark.parametrize("moved", [False, True])
def test_a_finish_that_failed_gives_the_target_back_and_keeps_the_error(moved):
    """Refused late though allowed early: the hypervisor's words stand beside the verdict."""
    move = a_move()
    move.start()
    if moved:
        move.settle(LEASE_S + 5.0)
        assert move.migration.state == "lost"
    move.signal(
        "finish", LEASE_S + 6.0 if moved else 2.0, case="on source",
        token=move.migration.token, error="Broken pipe",
    )  # fmt: skip

    assert move.migration.state == "aborted"
    assert (move.migration.outcome, move.migration.error) == ("failed", "Broken pipe")
    assert move.migration.answer.verdict == "ok"
    assert move.held_by(GUEST) == {"host1"}
    assert move.ledger.keys() == {GUEST}
    assert move.guest.host == "host1"
    assert move.guest.slots["gpu0"].provider == a_uuid("host1_gpu0")


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_lease_that_runs_out_before_the_start_gives_the_target_back(confirmed):
    """Nothing has moved, so the guest has its source again."""
    move = a_move()
    if confirmed:
        move.confirm()
    move.settle(float(LEASE_S))

    assert move.migration.state == "expired"
    assert move.ledger.keys() == {GUEST}
    assert move.held_by(GUEST) == {"host1"}
    assert move.guest.migration is UNSET


def test_a_lease_that_runs_out_under_way_gives_nothing_back():
    """Nobody knows where the guest is: both ends stay held, and no clock ends that."""
    move = a_move()
    move.start(now=50.0)
    move.settle(50.0 + LEASE_S)

    assert move.migration.state == "lost"
    assert (move.held_by(MIGRATION), move.held_by(GUEST)) == ({"host1"}, {"host2"})
    assert due(move.migration, 1e12) is None


def test_starting_lets_the_lease_run_anew():
    """A move has its full time, however long the pre-flight took."""
    move = a_move()
    move.start(now=90.0)

    assert due(move.migration, 90.0 + LEASE_S - 0.001) is None
    assert due(move.migration, 90.0 + LEASE_S).event == "lose"


@pytest.mark.parametrize(
    ("where", "state", "home"),
    [("on target", "finished", "host2"), ("on source", "aborted", "host1")],
)
def test_a_lost_guest_is_found_by_reports(where, state, home):
    """Then the other end is given back as if somebody had told."""
    move = a_move()
    move.start()
    move.settle(1e6)
    move.signal("recover", 1e6, case=where)

    assert move.migration.state == state
    assert move.held_by(GUEST) == {home}
    assert move.guest.host == home
    assert move.ledger.keys() == {GUEST}


@pytest.mark.parametrize(
    ("source_runs", "target_runs", "where"),
    [
        (True, False, "on source"),
        (False, True, "on target"),
        (True, True, None),
        (False, False, None),
        (None, True, None),
        (True, None, None),
        (None, None, None),
    ],
)
def test_one_report_alone_does_not_tell_where_a_guest_is(source_runs, target_runs, where):
    """Until the switch-over both ends have a process of it."""
    assert locate(source_runs=source_runs, target_runs=target_runs) == where


def test_a_token_that_was_renewed_away_never_wins():
    """Whoever renewed carries the migration on; the other may not even abort."""
    move = a_move()
    move.confirm()
    move.signal("renew", token=1)

    assert move.migration.token == 2
    for event in ("start", "renew", "abort"):
        with pytest.raises(TokenExpired):
            move.signal(event, token=1)
    move.signal("start", token=2)
    assert move.migration.state == "started"


def test_a_token_expires_with_its_lease_before_anybody_writes_that_down():
    """The step of a holder that slept through its lease comes too late."""
    move = a_move()
    move.start()

    with pytest.raises(TokenExpired):
        move.signal("finish", 1.0 + LEASE_S, token=1)
    assert move.migration.state == "started"


def test_renewing_leaves_the_jobs_of_the_attempt_valid():
    """An agent answers with the token of its job, whatever the holder does meanwhile."""
    move = a_move()
    move.signal("renew", token=1)
    move.confirm()

    assert move.migration.state == "confirmed"
    assert move.migration.token == 2


def test_a_renewal_may_ask_for_another_length():
    """From now on, and for the renewals after it."""
    move = a_move()
    move.signal("renew", 10.0, token=1, lease_s=20)

    assert (move.migration.lease_s, move.migration.lease_until) == (20, 30.0)


def test_of_renewals_in_a_row_the_history_keeps_the_last():
    """A move of a day is renewed a thousand times."""
    move = a_move()
    for number in range(1, 5):
        move.signal("renew", float(number), token=number)

    assert [(step.event, step.token) for step in move.migration.history] == [
        ("claim", 1), ("renew", 5),
    ]  # fmt: skip


def test_every_step_needs_a_token_but_an_administrators_abort():
    """The service checks who may leave it out."""
    move = a_move()
    move.confirm()

    for event in ("start", "renew"):
        with pytest.raises(NotAllowed, match=f"{event} of migration {MIGRATION} needs its token"):
            move.signal(event)
    move.signal("abort")
    assert move.migration.state == "aborted"
    assert move.held_by(GUEST) == {"host1"}


@pytest.mark.parametrize(
    ("event", "fields", "state"),
    [
        ("finish", {"case": "on target"}, "finished"),
        ("finish", {}, "finished"),
        ("finish", {"case": "on source", "error": "Broken pipe"}, "aborted"),
        ("abort", {}, "aborted"),
    ],
)
def test_a_last_step_that_is_sent_again_is_answered_as_before(event, fields, state):
    """The answer may have been lost on its way: to ask again changes nothing and is no error."""
    move = a_move()
    move.start()
    move.signal(event, token=1, **fields)
    before, claims = move.migration, list(move.claims)
    again = move.signal(event, 99.0, token=1, **fields)

    assert again.migration == before
    assert again.migration.state == state
    assert again.claim is None
    assert move.claims == claims


def test_a_start_that_is_sent_again_is_answered_as_before():
    """But not once the lease has run out: by then nobody may tell the hypervisor to move."""
    move = a_move()
    move.start()
    before = move.migration

    assert move.signal("start", 2.0, token=1).migration == before
    with pytest.raises(WrongState):
        move.signal("start", 1.0 + LEASE_S, token=1)


def test_a_renewal_that_is_sent_again_is_refused():
    """Or two senders would hold the present token; who lost the answer reads the migration."""
    move = a_move()
    move.signal("renew", token=1)

    with pytest.raises(TokenExpired):
        move.signal("renew", token=1)


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("finish", {"case": "on source", "token": 1}),
        ("finish", {"case": "on target", "token": 2}),
        ("finish", {"case": "on target", "token": 0}),
        ("finish", {"case": "on target"}),
        ("abort", {"token": 1}),
        ("abort", {}),
        ("start", {"token": 1}),
    ],
)
def test_another_last_step_after_the_end_says_what_state_it_is_in(event, fields):
    """Only what took effect is confirmed again."""
    move = a_move()
    move.start()
    move.signal("finish", case="on target", token=1)

    with pytest.raises(WrongState, match="is finished"):
        move.signal(event, **fields)


def test_a_silent_end_is_told_before_its_lease():
    """The history names who was silent."""
    move = a_move()
    move.ask(now=1.0, wait_s=1000.0)
    move.signal("confirm", 2.0, side="target", token=1)
    move.settle(float(LEASE_S))

    assert move.migration.state == "refused"
    last = move.migration.history[-1]
    assert codes(last) == [("PREFLIGHT_TIMEOUT", {"side": "source"})]
    assert move.held_by(GUEST) == {"host1"}


def test_a_deadline_does_not_matter_any_more_once_both_have_confirmed():
    """From then on only the lease runs."""
    move = a_move()
    move.ask(now=1.0, wait_s=10.0)
    move.confirm(now=5.0)

    assert due(move.migration, 50.0) is None


def test_a_new_guest_record_is_what_a_lost_host_leaves():
    """Where the target is not known any more, its slots stay as they were claimed."""
    move = a_move()
    move.start()
    claimed = move.migration.target_slots
    move.fleet = a_fleet(a_host("host1"))
    move.signal("finish", token=1)

    assert move.guest.slots == claimed


def test_what_follows_the_device_is_read_anew_where_the_guest_arrives():
    """The target's driver was upgraded while the guest was on its way."""
    move = a_move()
    move.start()
    newer = an_offer(state={"policy": "exact", "accepts": "2", "emits": "2"})
    move.fleet.apply(
        [a_provider("host2_gpu0", host="host2", offers=[newer], use=Use(), generation=2)]
    )
    move.signal("finish", token=1)

    assert move.guest.slots["gpu0"].contract.state.emits == "2"
