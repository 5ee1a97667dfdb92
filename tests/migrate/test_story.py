"""The history of a migration, told in sentences."""

import re

from builders import a_fleet, a_host, a_uuid
from moves import LEASE_S, MIGRATION, a_move
from wherry.migrate.states import TRANSITIONS
from wherry.migrate.story import _WORDS, tell
from wherry.schedule.reasons import make_reason

GUEST = a_uuid("guest")
FLEET = ("host1", "host2", "host3", "host4")
SENTENCE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z a-z].*\.")


def told(move):
    """The sentences without their times."""
    lines = tell(move.migration)
    assert all(SENTENCE.fullmatch(line) for line in lines)
    return [line.partition(" ")[2] for line in lines]


def test_a_move_that_works_is_a_story_of_who_did_what():
    move = a_move()
    for side, host in (("source", "host1"), ("target", "host2")):
        move.signal("confirm", side=side, token=1, by=f"agent of {host}")
    move.signal("start", token=1, by="nova")
    move.signal("finish", token=1, by="nova")

    assert told(move) == [
        f"ann claimed host host2 for guest {GUEST}, which runs on host host1.",
        "The agent of host1 confirmed host host1: the other end has not answered yet.",
        (
            "The agent of host2 confirmed host host2: both ends have confirmed, and the move may"
            " start."
        ),
        "nova began to move the guest from host host1 to host2.",
        "nova said that the guest runs on host host2: its place on host host1 is free.",
    ]


def test_attempts_and_what_was_passed_over_are_told_with_their_reasons():
    """Also which target was given up for which."""
    fleet = a_fleet(*map(a_host, FLEET[:2]), a_host("host3", state="disabled"), a_host("host4"))
    move = a_move(fleet=fleet, alternates=("host3", "host4"))
    silent = make_reason("PREFLIGHT_TIMEOUT", side="target")
    move.refuse(reasons=(silent,))
    move.refuse(reasons=(silent,))

    assert told(move)[1:] == [
        (
            "Wherry passed over the alternate host host3. Why: The host is in state disabled"
            " [HOST_STATE]."
        ),
        (
            "Wherry refused host host2; host host4 was claimed instead, with token 2. Why: The"
            " target has not answered in time [PREFLIGHT_TIMEOUT]."
        ),
        (
            "Wherry refused the move to host host4: the place there is given back, and the guest"
            " stays on host host1. Why: host3: The host is in state disabled [HOST_STATE]; host2:"
            " The target has not answered in time [PREFLIGHT_TIMEOUT]; host4: The target has not"
            " answered in time [PREFLIGHT_TIMEOUT]."
        ),
    ]


def test_a_move_that_fails_late_is_told_beside_its_verdict():
    move = a_move()
    move.start()
    move.signal("finish", token=1, case="on source", error="Broken pipe", by="nova")

    assert told(move)[-1] == (
        "nova said that the move to host host2 failed (Broken pipe), after it had been allowed with"
        " verdict ok: the guest runs on host host1."
    )


def test_a_guest_that_is_lost_and_found_is_told():
    move = a_move()
    move.start()
    move.settle(1.0 + LEASE_S)
    move.signal("recover", 1e6, case="on target")

    lost, found = told(move)[-2:]
    assert lost.startswith("The lease ran out during the move: the guest may be on either host")
    assert found == "Reports of both hosts show that the guest runs on host host2."


def test_every_event_of_the_table_has_words():
    """And the story names the migration's own hosts, never its uuid."""
    events = {event for _, event, _ in TRANSITIONS}

    assert events <= _WORDS.keys()
    assert all(MIGRATION not in line for line in told(a_move()))
