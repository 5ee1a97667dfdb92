"""A NIC that is unplugged before a move and plugged anew after it: both devices' lives."""

import pytest
from msgspec import UNSET

from builders import FB, a_contract, a_fleet, a_guest, a_host, a_provider, a_uuid, an_offer
from moves import LEASE_S, MIGRATION, a_move
from wherry.migrate.story import tell
from wherry.model.checks import Policy
from wherry.model.errors import InvalidRequest, TokenExpired, WrongState
from wherry.model.inventory import Use

GUEST = a_uuid("guest")
NO_STATE = {"support": "no", "modes": ["cold", "replug"]}
NIC = {"device_class": "network", "migration": NO_STATE, "interface": {"policy": "none"}}


def a_nic(**fields):
    """What a host offers of a NIC whose state cannot travel."""
    return an_offer(**{**NIC, **fields})


def a_replug(**fields):
    """A guest with one NIC, in slot gpu0 as the builders have it, that is being moved."""
    guest = a_guest(a_contract(**NIC, params={"mtu": 1500}), process="4711:1")
    fleet = a_fleet(a_host("host1", offers=[a_nic()]), a_host("host2", offers=[a_nic()]))
    move = a_move(guest, fleet=fleet, policy=Policy(replug=("gpu0",)), **fields)
    move.start()
    return move


def tell_plug(move, event, case="", **fields):
    return move.signal(event, 2.0, case=case, slot="gpu0", token=1, by="nova", **fields)


def units(move):
    """Units of the device that the guest holds, by host."""
    held = move.ledger[GUEST].allocations
    return {
        move.fleet.home_of(uuid): amounts[FB] for uuid, amounts in held.items() if FB in amounts
    }


def test_both_devices_are_held_until_the_new_one_is_in():
    """The new contract is pinned from the target's offer, and inherits nothing of the old."""
    move = a_replug()
    tell_plug(move, "unplug")
    assert (move.held_by(MIGRATION), move.held_by(GUEST)) == ({"host1"}, {"host2"})
    tell_plug(move, "plug", "in target")
    move.signal("finish", token=1)

    slot = move.guest.slots["gpu0"]
    assert slot.provider == a_uuid("host2_gpu0")
    assert not slot.contract.params
    assert slot.contract.pinned_at.startswith("1970-01-01T00:00:02")
    assert units(move) == {"host2": 4096}
    assert move.ledger.keys() == {GUEST}


def test_the_contract_is_that_of_what_is_offered_when_it_is_plugged():
    """The target's driver was upgraded while the guest was on its way."""
    move = a_replug()
    tell_plug(move, "unplug")
    newer = a_nic(params={"mtu": {"type": "int", "rule": "eq", "value": 9000}})
    move.fleet.apply(
        [a_provider("host2_gpu0", host="host2", offers=[newer], use=Use(), generation=2)]
    )
    tell_plug(move, "plug", "in target")
    move.signal("finish", token=1)

    assert move.guest.slots["gpu0"].contract.params == {"mtu": 9000}


def test_a_plug_that_fails_leaves_the_guest_without_the_nic():
    """On the target, with nothing held for it; what was said is kept."""
    move = a_replug()
    tell_plug(move, "unplug")
    tell_plug(move, "plug", "nowhere", error="no free slot", note="no free slot")
    move.signal("finish", token=1)

    assert (move.guest.host, move.guest.slots) == ("host2", {})
    assert units(move) == {}
    assert move.held_by(GUEST) == {"host2"}
    assert move.migration.error == "no free slot"
    assert any("could not plug gpu0" in line and "no free slot" in line
               for line in tell(move.migration))  # fmt: skip


@pytest.mark.parametrize(
    ("told", "slots", "held"),
    [
        ([], {"gpu0"}, {"host1": 4096}),
        ([("unplug", "")], set(), {}),
        ([("unplug", ""), ("plug", "in source")], {"gpu0"}, {"host1": 4096}),
        ([("unplug", ""), ("plug", "in target")], set(), {}),
    ],
)
@pytest.mark.parametrize("ending", ["failed", "aborted", "lost"])
def test_a_move_that_comes_to_nothing_leaves_what_is_in_the_guest(told, slots, held, ending):
    """Whether it was told to have failed, given up, or found on its source by reports."""
    move = a_replug()
    for event, case in told:
        tell_plug(move, event, case)
    if ending == "failed":
        move.signal("finish", 3.0, case="on source", token=1)
    elif ending == "aborted":
        move.signal("abort", 3.0, token=1)
    else:
        move.settle(2.0 + LEASE_S)
        move.signal("recover", 1e6, case="on source")

    assert move.guest.host == "host1"
    assert (set(move.guest.slots), units(move)) == (slots, held)
    assert move.ledger.keys() == {GUEST}
    assert move.guest.migration is UNSET


def test_what_was_not_told_counts_as_planned():
    """An orchestrator that says only that the guest has arrived has plugged what it was to."""
    move = a_replug()
    move.signal("finish", token=1)

    assert move.guest.slots["gpu0"].provider == a_uuid("host2_gpu0")
    assert units(move) == {"host2": 4096}


def test_told_twice_changes_nothing_and_an_old_token_tells_nothing():
    move = a_replug()
    tell_plug(move, "unplug")
    before = move.migration
    tell_plug(move, "unplug")
    assert move.migration == before
    with pytest.raises(TokenExpired):
        move.signal("plug", 2.0, case="in target", slot="gpu0", token=7)
    move.signal("renew", 3.0, token=1)
    with pytest.raises(TokenExpired):
        tell_plug(move, "unplug")


def test_only_a_slot_that_was_asked_for_is_replugged():
    """And only what is out is plugged; before the start nothing is."""
    plain = a_move()
    plain.start()
    with pytest.raises(InvalidRequest, match="not moved by replug"):
        tell_plug(plain, "unplug")
    move = a_replug()
    with pytest.raises(InvalidRequest, match="not unplugged yet"):
        tell_plug(move, "plug", "in target")
    with pytest.raises(WrongState):
        tell_plug(a_move(), "unplug")
