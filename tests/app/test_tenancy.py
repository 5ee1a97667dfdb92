"""A host that comes to be for other tenants while a guest is on its way there."""

from functools import partial

from msgspec import convert

from builders import a_uuid
from engines import MOVE, Between, Fleet, another
from wherry.app import tenancy
from wherry.app.first.place import place
from wherry.app.placement.allocations import find_allocations
from wherry.app.placement.qualities import set_aggregates
from wherry.model.candidates import CandidatesAsked
from wherry.model.errors import NoTarget
from wherry.model.tenancy import AggregateRequest

RED = a_uuid("red")


def a_place(engine):
    """Two hosts, one of them in an aggregate; gives the fleet."""
    fleet = Fleet(engine, home="mtty-fresh", there="mtty-fresh")
    root = engine.view().get("there").root
    set_aggregates(engine, root.uuid, [RED], generation=root.record.generation)
    fleet.boot("home", tenant="alpha")
    return fleet


def close_at(engine, before, then, holds):
    """Do something while RED becomes one of others just before a transaction of it.

    Gives the error, if any came of it, and whether the claim was written before that; None where
    it was never closed.
    """
    store, held = engine.store, []

    def close():
        engine.store = store
        held.append(holds())
        tenancy.put_aggregate(engine, RED, AggregateRequest(tenants=("beta",)))

    error = None
    engine.store = Between(store, before, close)
    try:
        then()
    except NoTarget as raised:
        error = raised
    engine.store = store
    if held:
        tenancy.delete_aggregate(engine, RED)
    return error, held[0] if held else None


def close_at_each(engine, claim, holds):
    """Close the host at each moment of a claim until it is too late; gives how often it was not."""
    for turn in range(20):
        name = another(MOVE, turn)
        error, was_held = close_at(engine, turn, partial(claim, name), partial(holds, name))
        if error is None:
            assert was_held in {None, True}
            return turn
        assert was_held is False
    raise AssertionError("it is never claimed")


def test_a_claim_looks_again_whom_the_host_is_for(engine):
    """At whichever moment the host is closed, before the claim is written nothing is held there."""
    fleet = a_place(engine)
    turns = close_at_each(
        engine,
        lambda name: fleet.begin("there", uuid=name),
        lambda _: fleet.used("there") > 0,
    )

    assert turns >= 2
    assert fleet.used("there") > 0


def test_so_does_the_claim_of_a_new_guest(engine):
    a_place(engine)
    asked = {"resources": {"CUSTOM_MTTY_PORT": 24}, "tenant": "alpha"}

    def claim(name):
        said = {**asked, "claim": {"consumer": name, "project": "alpha"}}
        place(engine, convert(said, CandidatesAsked), deadline_s=30)

    assert (
        close_at_each(engine, claim, lambda name: find_allocations(engine, name) is not None) >= 2
    )
