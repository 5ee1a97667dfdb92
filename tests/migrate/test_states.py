"""The table of states, and the page that prints it."""

import pytest

from doc_tables import DOCS, read_table
from wherry.migrate.states import ENDED, FIRST, TRANSITIONS, find_transition, has_ended
from wherry.model.errors import WrongState
from wherry.store.migrations import OPEN, TIMED

PAGE = "reference/migration-states.md"
STATES = {state for state, _, _ in TRANSITIONS} | {step.state for step in TRANSITIONS.values()}


def test_the_page_states_exactly_the_transitions():
    """Row by row, in the same order."""
    printed = [
        (
            (row["state"], row["event"], row["case"]),
            (row["then"], row["ends"], row["who"], row["new token"] == "yes", row["what it means"]),
        )
        for row in read_table(PAGE, "state")
    ]

    assert printed == [(key, tuple(step)) for key, step in TRANSITIONS.items()]


def test_the_page_tells_of_every_state_what_each_end_holds():
    """Each state once, with those that hold both ends first."""
    told = (DOCS / PAGE).read_text(encoding="utf-8")
    head = told.index("## What each end holds")
    section = told[head : told.index("##", head + 2)]

    assert all(f"`{state}`" in section for state in STATES)


def test_nothing_follows_an_end_and_something_every_other_state():
    """A state without a way on would hold both ends for ever."""
    with_steps = {state for state, _, _ in TRANSITIONS}

    assert with_steps == STATES - ENDED
    assert {state for state in STATES if has_ended(state)} == ENDED


def test_both_ends_are_held_exactly_until_the_end():
    """An end is released by the step that ends the migration and by no other."""
    for step in TRANSITIONS.values():
        assert (step.effect in {"keep both", "change target"}) == (step.state not in ENDED)


def test_only_a_new_attempt_changes_the_target():
    """It has a token of its own, and both ends are asked anew."""
    for (_, event, _), step in TRANSITIONS.items():
        assert (step.effect == "change target") == (event == "retry")
        if event == "retry":
            assert (step.state, step.moves_token) == (FIRST, True)


def test_only_a_guest_that_arrived_gives_its_source_away():
    """And a clock alone never decides where a guest is."""
    for (_, event, case), step in TRANSITIONS.items():
        assert (step.effect == "release source") == (step.state == "finished")
        assert (step.state == "finished") == (case == "on target")
        if event in {"expire", "lose"}:
            assert step.effect != "release source"


def test_every_end_and_every_renewal_moves_the_token():
    """Whoever held the token before must not act on a migration that is over or not his."""
    for (_, event, _), step in TRANSITIONS.items():
        assert step.moves_token or not (step.state in ENDED or event == "renew")


def test_every_state_is_reached_from_the_first():
    """And from each of them an end is reached."""
    reached = {FIRST}
    while (
        more := {step.state for (state, _, _), step in TRANSITIONS.items() if state in reached}
        - reached
    ):
        reached |= more

    assert reached == STATES


def test_the_store_knows_the_same_open_states():
    """Those that hold something, and of these the ones that end by a clock."""
    timed = {state for state, event, _ in TRANSITIONS if event in {"expire", "lose"}}

    assert set(OPEN) == STATES - ENDED
    assert timed == TIMED


def test_what_is_not_in_the_table_is_refused_with_the_state():
    """The message says where the migration stands."""
    with pytest.raises(WrongState, match="migration m1 is finished: start is not possible") as e:
        find_transition("m1", "finished", "start", "")
    assert (e.value.state, e.value.event) == ("finished", "start")
