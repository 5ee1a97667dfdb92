"""What a report of running guests corrects in their records, and what settles a lost move."""

import re
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import FB, a_contract, a_fleet, a_host, a_host_view, a_uuid, an_offer
from guest_worlds import (
    GUEST,
    NOW,
    a_report,
    a_reported_view,
    a_request,
    a_slot_request,
    boot,
    held_after,
    provider_of,
    with_instances,
)
from wherry.migrate.running import CODES, learn, make_finding, runs_on, settle
from wherry.migrate.running_slots import blocker_name
from wherry.model.checks import GuestResponse, Policy
from wherry.model.facts import Instance, RunningGuest, RunningSlot
from wherry.model.inventory import SeenInstance, Use
from wherry.model.migrations import Migration

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "guest-findings.md"
GPU0 = a_uuid("host1_gpu0")
MDEV1, MDEV2 = a_uuid("mdev 1"), a_uuid("mdev 2")


def a_running(process="17.1", consumer=GUEST, **slots):
    """A guest that runs; slots by name, as the device or as a running slot."""
    devices = {
        name: RunningSlot(device=each) if isinstance(each, str) else each
        for name, each in slots.items()
    }
    return RunningGuest(consumer=consumer, process=process, slots=devices)


def look(host, *running, guest=None, held=None):
    ids = count()
    return learn(
        host,
        running,
        stored={} if guest is None else {guest.uuid: guest},
        held={} if held is None else {held.consumer: held},
        new_id=lambda: a_uuid(f"claim {next(ids)}"),
        now=NOW + 60,
    )


def codes(learnt):
    return [finding.code for finding in learnt.findings]


def a_host_with(*devices, type_name="acme/gpu-a", use=None, on=0, **fields):
    """The default host with instances seen on one of its devices."""
    seen = tuple(SeenInstance(id=each, type=type_name, units={FB: 4096}) for each in devices)
    uuid = a_uuid(f"host1_gpu{on}")
    changes = [
        replace(change, plan=replace(change.plan, instances=seen), use=use or Use())
        if getattr(change, "plan", None) is not None and change.plan.uuid == uuid
        else change
        for change in a_host("host1", **fields)
    ]
    return a_fleet(changes).view.get("host1")


# Process


def test_the_first_report_tells_the_process_and_the_device():
    host = a_host_with(MDEV1)
    guest, held = boot(a_request(), host)

    learnt = look(host, a_running(gpu0=MDEV1), guest=guest, held=held)

    (correction,) = learnt.corrections
    assert correction.guest.process == "17.1"
    assert correction.guest.slots["gpu0"].device == MDEV1
    assert correction.guest.slots["gpu0"].contract == guest.slots["gpu0"].contract
    assert correction.reboot is None
    assert correction.told == ("runs in process 17.1", f"gpu0: device {MDEV1}")
    assert learnt.findings == ()


def test_a_device_that_is_known_now_is_named_in_the_claim():
    """So that the instance on the host is the guest's, and not counted as nobody's."""
    host = a_host_with(MDEV1)
    guest, held = boot(a_request(), host)

    (correction,) = look(host, a_running(gpu0=MDEV1), guest=guest, held=held).corrections

    (holding,) = correction.claim.holdings
    assert holding.allocations == held.allocations
    assert [(each.slot, each.device) for each in holding.occupants] == [("gpu0", MDEV1)]
    assert correction.claim.facts == {}


def test_another_process_is_a_reboot():
    """Y came with the driver's update; the guest is shown it since its process is a new one."""
    then = a_host_view(offers=[an_offer(supports="1.0", features={"X": {}})])
    now = a_host_view(offers=[an_offer(supports="1.1", features={"X": {}, "Y": {}})])
    guest, held = boot(a_request(), then)
    known = replace(guest, process="17.1")

    (correction,) = look(now, a_running("18.2", gpu0=MDEV1), guest=known, held=held).corrections

    assert correction.guest.process == "18.2"
    assert correction.guest.slots["gpu0"].contract.features == ("X", "Y")
    assert correction.reboot.pinned == ("gpu0",)
    assert correction.told[0] == "rebooted: process 17.1 is 18.2 now"
    same = look(now, a_running("17.1"), guest=known, held=held)
    assert same.corrections == ()


def test_a_reboot_claims_and_names_the_device_in_one_claim():
    guest, held = boot(a_request(), a_host_view())
    grown = a_host_view(offers=[an_offer(units={FB: 6144})])
    known = replace(guest, process="17.1")

    (correction,) = look(grown, a_running("18.2", gpu0=MDEV1), guest=known, held=held).corrections

    after = held_after(held, correction.claim)
    assert after.allocations[GPU0] == {FB: 6144}
    assert after.occupants[0].device == MDEV1


def test_a_reboot_on_a_provider_that_offers_the_type_no_more_is_told():
    guest, held = boot(a_request(), a_host_view())
    known = replace(guest, process="17.1")

    learnt = look(a_host_view(offers=[]), a_running("18.2"), guest=known, held=held)

    assert codes(learnt) == ["GUEST_TYPE_GONE", "GUEST_SLOT_UNSEEN"]
    assert learnt.corrections[0].guest.slots == guest.slots


def test_a_reboot_whose_choice_is_not_given_any_more_is_told_with_the_reasons():
    request = a_request(slots={"gpu0": a_slot_request(chosen={"features": ("X", "Y")})})
    guest, held = boot(request, a_host_view(offers=[an_offer(features={"X": {}, "Y": {}})]))
    host = a_host_view(offers=[an_offer(features={"X": {}})])

    learnt = look(
        host, a_running("18.2", gpu0=MDEV1), guest=replace(guest, process="17.1"), held=held
    )

    assert codes(learnt) == ["GUEST_CONTRACT_UNMET"]
    assert learnt.findings[0].message.endswith("gpu0 FEATURE_MISSING")


# What corrects a contract


def test_a_report_corrects_address_version_and_blockers():
    host = a_host_with(MDEV1)
    guest, held = boot(a_request(), host)
    seen = RunningSlot(
        device=MDEV1,
        guest_address="0000:00:05.0",
        version="2.0.1",
        blockers=("VFIO device: dirty tracking off", "cuda"),
    )

    (correction,) = look(host, a_running(gpu0=seen), guest=guest, held=held).corrections

    contract = correction.guest.slots["gpu0"].contract
    assert contract.guest_address == "0000:00:05.0"
    assert contract.interface.version == "2.0.1"
    assert contract.interface.policy == guest.slots["gpu0"].contract.interface.policy
    assert contract.migration.blockers == ("VFIO-device:-dirty-tracking-off", "cuda")
    assert contract.migration.flags == guest.slots["gpu0"].contract.migration.flags
    assert "gpu0: version 2.0.1" in correction.told


def test_a_version_that_is_reported_is_assumed_no_more():
    host = a_host_with(MDEV1)
    given = a_contract(
        interface={"version": None}, assumed=["interface.version", "migration", "features.X"]
    )
    guest, held = boot(a_request(slots={"gpu0": a_slot_request(contract=given)}), host)
    seen = RunningSlot(device=MDEV1, version="2.0.1")

    (correction,) = look(host, a_running(gpu0=seen), guest=guest, held=held).corrections

    contract = correction.guest.slots["gpu0"].contract
    assert contract.assumed == ("migration", "features.X")
    assert contract.interface.version == "2.0.1"


def test_blockers_go_when_none_is_told_and_stay_when_nobody_looked():
    host = a_host_with(MDEV1)
    guest, held = boot(a_request(), host)
    blocked = RunningSlot(device=MDEV1, blockers=("cuda",))
    (first,) = look(host, a_running(gpu0=blocked), guest=guest, held=held).corrections
    held = held_after(held, first.claim)

    unasked = look(host, a_running(gpu0=MDEV1), guest=first.guest, held=held)
    assert unasked.corrections == ()

    free = a_running(gpu0=RunningSlot(device=MDEV1, blockers=()))
    (second,) = look(host, free, guest=first.guest, held=held).corrections
    assert second.guest.slots["gpu0"].contract == guest.slots["gpu0"].contract
    assert second.told == ("gpu0: blockers none",)


@pytest.mark.parametrize(
    "seen",
    [
        RunningSlot(device=MDEV1, guest_address="bus 0, device 5"),
        RunningSlot(device=MDEV1, version=""),
        RunningSlot(device=MDEV1, version="9" * 201),
    ],
)
def test_a_text_that_no_contract_can_hold_is_a_finding_and_corrects_nothing(seen):
    host = a_host_with(MDEV1)
    guest, held = boot(a_request(), host)

    learnt = look(host, a_running(gpu0=seen), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_TEXT_UNFIT"]
    assert learnt.corrections[0].guest.slots["gpu0"].contract == guest.slots["gpu0"].contract


@given(st.text(max_size=150))
def test_whatever_the_lower_level_says_makes_a_name_of_a_blocker(text):
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", blocker_name(text))


# Which device is which slot


def test_a_device_is_found_by_itself_whatever_the_hypervisor_calls_it():
    host = a_host_with(MDEV1, MDEV2)
    slots = {
        "gpu0": a_slot_request(device=MDEV2),
        "gpu1": a_slot_request(device=MDEV1),
    }
    guest, held = boot(a_request(slots=slots), host)
    seen = a_running(
        hostdev0=RunningSlot(device=MDEV1, guest_address="0000:00:05.0"),
        hostdev1=RunningSlot(device=MDEV2, guest_address="0000:00:06.0"),
    )

    learnt = look(host, seen, guest=guest, held=held)

    told = learnt.corrections[0].guest.slots
    assert told["gpu0"].contract.guest_address == "0000:00:06.0"
    assert told["gpu1"].contract.guest_address == "0000:00:05.0"
    assert learnt.findings == ()


def test_a_device_of_another_name_is_found_by_its_provider_and_type():
    host = a_host_with(MDEV1)
    guest, held = boot(a_request(), host)

    learnt = look(host, a_running(hostdev0=MDEV1), guest=guest, held=held)

    assert learnt.corrections[0].guest.slots["gpu0"].device == MDEV1
    assert learnt.findings == ()


def test_devices_that_are_alike_go_to_slots_that_are_alike():
    host = a_host_with(MDEV1, MDEV2)
    slots = {"gpu0": a_slot_request(), "gpu1": a_slot_request()}
    guest, held = boot(a_request(slots=slots), host)

    learnt = look(host, a_running(hostdev0=MDEV1, hostdev1=MDEV2), guest=guest, held=held)

    told = learnt.corrections[0].guest.slots
    assert {slot.device for slot in told.values()} == {MDEV1, MDEV2}
    assert learnt.findings == ()


def test_devices_that_are_alike_are_not_guessed_to_slots_that_are_not():
    offer = an_offer(features={"X": {}, "Y": {}})
    host = a_host_with(MDEV1, MDEV2, offers=[offer])
    slots = {"gpu0": a_slot_request(chosen={"features": ("X",)}), "gpu1": a_slot_request()}
    guest, held = boot(a_request(slots=slots), host)

    learnt = look(host, a_running(hostdev0=MDEV1, hostdev1=MDEV2), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_DEVICE_AMBIGUOUS"]
    assert all(slot.device is UNSET for slot in learnt.corrections[0].guest.slots.values())


def test_a_device_of_another_provider_is_told_and_not_believed():
    host = a_host_with(MDEV1, on=1, devices=2)
    guest, held = boot(a_request(), host)

    learnt = look(host, a_running(gpu0=MDEV1), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_DEVICE_ELSEWHERE"]
    assert "host1_gpu1" in learnt.findings[0].message
    assert learnt.corrections[0].guest.slots == guest.slots


def test_a_device_that_another_guest_holds_is_not_believed():
    host = a_host_with(MDEV1, use=Use(devices=(MDEV1,)))
    guest, held = boot(a_request(), host)

    learnt = look(host, a_running(gpu0=MDEV1), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_DEVICE_TAKEN"]
    assert learnt.corrections[0].guest.slots == guest.slots
    assert learnt.corrections[0].claim is None


def test_a_device_that_is_named_twice_is_not_believed():
    host = a_host_with(MDEV1)
    guest, held = boot(a_request(), host)

    learnt = look(host, a_running(gpu0=MDEV1, gpu1=MDEV1), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_DEVICE_TWICE", "GUEST_SLOT_UNSEEN"]
    assert learnt.corrections[0].guest.slots == guest.slots


def test_a_device_that_is_not_on_record_and_a_slot_that_is_not_seen_are_told():
    host = a_host_view()
    guest, held = boot(a_request(), host)

    learnt = look(host, a_running(nic0="0000:81:00.2"), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_DEVICE_UNKNOWN", "GUEST_SLOT_UNSEEN"]


def test_a_slot_that_agents_do_not_see_is_not_missed():
    offer = an_offer(device_api="virtio", kind="vdpa")
    host = a_host_view(offers=[offer])
    guest, held = boot(a_request(), host)

    assert codes(look(host, a_running(), guest=guest, held=held)) == []


# Guests that are not on record here


def test_a_guest_that_is_not_on_record_is_a_finding():
    learnt = look(a_host_view(), a_running(consumer=a_uuid("stranger")))

    assert codes(learnt) == ["GUEST_UNKNOWN"]
    assert a_uuid("stranger") in learnt.findings[0].message
    assert learnt.corrections == ()


def test_a_guest_that_is_on_record_elsewhere_is_a_finding():
    guest, held = boot(a_request(), a_host_view())

    learnt = look(a_host_view("host2"), a_running(), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_ELSEWHERE"]
    assert learnt.findings[0].message.endswith(f"{GUEST} host1")


def test_two_processes_of_one_guest_are_both_not_believed():
    guest, held = boot(a_request(), a_host_view())

    learnt = look(a_host_view(), a_running("17.1"), a_running("18.2"), guest=guest, held=held)

    assert codes(learnt) == ["GUEST_TWICE"]
    assert learnt.corrections == ()


def test_a_guest_that_a_migration_holds_is_not_touched_on_either_end():
    guest, held = boot(a_request(), a_host_view())
    moving = replace(guest, process="17.1", migration=a_uuid("move"))

    for host in (a_host_view(), a_host_view("host2")):
        learnt = look(host, a_running("18.2", gpu0=MDEV1), guest=moving, held=held)
        assert (learnt.corrections, learnt.findings) == ((), ())


def test_a_guest_that_does_not_run_keeps_its_record():
    guest, held = boot(a_request(), a_host_view())

    learnt = look(a_host_view(), guest=replace(guest, process="17.1"), held=held)

    assert (learnt.corrections, learnt.findings) == ((), ())


def test_a_guest_with_a_serial_port_of_a_recorded_host_is_found_by_its_mdev():
    """A real report: an mdev of mtty-2 on its parent, named by QEMU as ``hostdev0``."""
    empty = a_reported_view(a_report("mtty-fresh"))
    parent = provider_of(empty, "mtty/mtty-2")
    slots = {"port0": replace(a_slot_request(type="mtty/mtty-2"), provider=parent)}
    guest, held = boot(a_request(slots=slots, resources={}), empty)
    device = empty.find_provider(parent).record.plan.device
    mdev = Instance(id=MDEV1, parent=device, type="mtty-2")
    host = a_reported_view(with_instances(a_report("mtty-fresh", sequence=2), mdev))

    learnt = look(host, a_running(hostdev0=MDEV1), guest=guest, held=held)

    (correction,) = learnt.corrections
    assert correction.guest.slots["port0"].device == MDEV1
    assert correction.claim.holdings[0].occupants[0].device == MDEV1
    assert learnt.findings == ()


running_slots = st.builds(
    RunningSlot,
    device=st.sampled_from((MDEV1, MDEV2, "0000:81:00.2")),
    guest_address=st.sampled_from((UNSET, "0000:00:05.0", "Bus 0")),
    version=st.sampled_from((UNSET, "2.0.1", "")),
    blockers=st.sampled_from((UNSET, (), ("cuda", "a b"))),
)


@given(
    st.sampled_from((UNSET, "17.1", "18.2")),
    st.lists(st.sampled_from((UNSET, MDEV1, MDEV2)), max_size=3),
    st.dictionaries(st.sampled_from(("gpu0", "gpu1", "hostdev0")), running_slots, max_size=3),
)
def test_a_report_learnt_twice_changes_nothing_the_second_time(process, devices, seen):
    """And whatever it says, the consumer holds as much as before, and records stay records."""
    host = a_host_with(MDEV1, MDEV2)
    slots = {
        f"gpu{number}": a_slot_request(device=each)
        for number, each in enumerate(devices)
        if each is UNSET or each not in devices[:number]
    }
    guest, held = boot(a_request(slots=slots), host)
    guest = replace(guest, process=process)

    first = look(host, a_running("17.1", **seen), guest=guest, held=held)
    assert len(first.corrections) <= 1
    for correction in first.corrections:
        after = held_after(held, correction.claim)
        assert after.allocations == held.allocations
        second = look(host, a_running("17.1", **seen), guest=correction.guest, held=after)
        assert second.corrections == ()
        known = [slot.device for slot in correction.guest.slots.values() if slot.device]
        assert all(correction.guest.slots[name].provider == GPU0 for name in slots)
        assert sum(u.get(FB, 0) for u in after.allocations.values()) == 4096 * len(slots)
        assert set(known) <= {MDEV1, MDEV2, "0000:81:00.2"}


# A lost migration


def a_lost_migration(state="lost"):
    answer = GuestResponse(
        verdict="ok", accepted=True, modes={}, reasons=(), downtime_ms=None, mapping=()
    )
    return Migration(
        uuid=a_uuid("move"),
        guest=GUEST,
        source="host1",
        target="host2",
        state=state,
        token=3,
        lease_until=NOW,
        lease_s=60,
        policy=Policy(),
        answer=answer,
        source_slots={},
        target_slots={},
    )


@pytest.mark.parametrize(
    ("on_source", "on_target", "case"),
    [
        (True, False, "on source"),
        (False, True, "on target"),
        (True, True, None),
        (False, False, None),
        (None, True, None),
        (True, None, None),
    ],
)
def test_a_lost_migration_is_settled_by_what_both_ends_report(on_source, on_target, case):
    signal = settle(a_lost_migration(), on_source=on_source, on_target=on_target, now=NOW)

    assert (None if signal is None else signal.case) == case
    if signal is not None:
        assert (signal.event, signal.token) == ("recover", None)
        assert ("host1" if case == "on source" else "host2") in signal.note


def test_a_migration_that_is_not_lost_is_not_settled_by_reports():
    """Before the switch-over the source runs the guest, which is as it should be."""
    started = a_lost_migration("started")

    assert settle(started, on_source=True, on_target=False, now=NOW) is None


def test_where_a_guest_runs_is_not_known_of_a_host_that_cannot_tell():
    assert runs_on(GUEST, None) is None
    assert runs_on(GUEST, ()) is False
    assert runs_on(GUEST, (a_running(),)) is True


# The table


def test_the_page_lists_every_code_and_no_other():
    listed = re.findall(r"^\| `(GUEST_[A-Z_]+)` \|", PAGE.read_text(), re.MULTILINE)

    assert sorted(listed) == sorted(CODES)
    for code in CODES:
        assert make_finding(code, "x").message == f"{CODES[code]}: x"
