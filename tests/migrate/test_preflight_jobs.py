"""What both ends of a migration are asked, and how long they have."""

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from builders import (
    a_fleet,
    a_guest,
    a_host,
    a_host_record,
    a_provider,
    a_root,
    a_slot,
    a_uuid,
    an_offer,
)
from moves import a_move
from wherry.model.checks import Policy
from wherry.model.errors import WrongState

THERE = a_uuid("host2_gpu0")


def a_fleet_with_devices(**target):
    """Two hosts whose device providers name the device of the host."""
    return a_fleet(*(
        [
            a_host_record(host),
            a_root(host),
            a_provider(f"{host}_gpu0", host=host, offers=[an_offer()], device="0000:3b:00.0",
                       **more),
        ]
        for host, more in (("host1", {}), ("host2", target))
    ))  # fmt: skip


def test_the_source_is_asked_for_the_device_and_the_process():
    """What it holds now, by the names that it has there."""
    guest = a_guest(
        process="4711:1", slots={"gpu0": a_slot(device="9b5e0c52-0b3a-4c59-a1a8-2c33b8f0a001")}
    )
    job = a_move(guest, fleet=a_fleet_with_devices()).ask()["source"]

    assert (job.host, job.side, job.token, job.process) == ("host1", "source", 1, "4711:1")
    slot = job.slots["gpu0"]
    assert slot.device == "9b5e0c52-0b3a-4c59-a1a8-2c33b8f0a001"
    assert (slot.device_parent, slot.provider) == ("0000:3b:00.0", a_uuid("host1_gpu0"))


def test_the_target_is_asked_for_what_would_make_the_device():
    """With the settings that are part of the claim; no process of the guest runs there."""
    fleet = a_fleet_with_devices()
    fleet.apply([
        a_provider(
            "host2_gpu0", host="host2", offers=[an_offer(features={"x": {}})],
            device="0000:81:00.0", generation=2,
        )
    ])  # fmt: skip
    job = a_move(fleet=fleet).ask()["target"]

    assert (job.host, job.process) == ("host2", UNSET)
    slot = job.slots["gpu0"]
    assert (slot.provider, slot.device_parent, slot.device) == (THERE, "0000:81:00.0", UNSET)
    assert list(slot.configure["mask_features"]) == ["x"]


def test_the_target_is_asked_for_a_device_that_has_a_name_already():
    """A virtual function is not made for the guest, so it must be there."""
    move = a_move(fleet=a_fleet_with_devices(slots=("0000:3b:00.4", "0000:3b:00.5")))
    slot = replace(move.migration.target_slots["gpu0"], device="0000:3b:00.5")
    move.migration = replace(move.migration, target_slots={"gpu0": slot})

    assert move.ask()["target"].slots["gpu0"].device == "0000:3b:00.5"


def test_the_target_is_asked_for_the_type_that_serves_the_guests():
    """Another type's name may be served; what the host makes has its own."""
    served = an_offer(type="acme/gpu-a2", also_types=["acme/gpu-a"])
    fleet = a_fleet(a_host("host1"), a_host("host2", offers=[served]))

    assert a_move(fleet=fleet).ask()["target"].slots["gpu0"].type == "acme/gpu-a2"


def test_both_have_as_long_as_the_lease_lasts_at_most():
    """A deadline after the end of the lease would promise too much."""
    move = a_move(lease_s=20)
    jobs = move.ask(now=15.0, wait_s=30.0)

    assert {(job.deadline, job.wait_s) for job in jobs.values()} == {(20.0, 5.0)}
    assert move.migration.preflight_until == 20.0


def test_asking_again_puts_up_the_same_jobs():
    """So a repeated request leaves no second job behind."""
    move = a_move()
    first, second = move.ask(now=1.0), move.ask(now=2.0)

    assert [job.id for job in first.values()] == [job.id for job in second.values()]
    assert first["source"].id != first["target"].id


def test_nothing_is_asked_once_the_move_may_start():
    """The state is named."""
    move = a_move()
    move.confirm()

    with pytest.raises(WrongState, match="is confirmed: preflight"):
        move.ask()


def test_a_guest_that_is_shut_down_for_its_move_is_not_looked_for():
    """Its process and its mdevs are gone by then, and that is no objection."""
    job = a_move(policy=Policy(mode="cold")).ask()["source"]

    assert (job.process, job.slots) == (UNSET, {})


def test_a_host_that_is_not_known_any_more_can_still_be_asked():
    """Without the names of its devices."""
    move = a_move(fleet=a_fleet_with_devices())
    move.fleet = a_fleet(a_host("host1"))
    job = move.ask()["target"]

    assert job.slots["gpu0"].device_parent is UNSET
    assert job.slots["gpu0"].type == "acme/gpu-a"
