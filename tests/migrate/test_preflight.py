"""The pre-flight confirms what a migration was decided on, or says all that has changed."""

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from builders import (
    a_contract,
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
from moves import MIGRATION, a_move, named
from wherry.model.checks import Downtime, HostFacts, Needs, Policy
from wherry.model.errors import InvalidRequest, TokenExpired
from wherry.model.inventory import Inventory
from wherry.schedule.reasons import explain

THERE = a_uuid("host2_gpu0")


def move_facts(move, *offers, generation=2, host="host2"):
    """Have a host report other facts of its device."""
    record = a_provider(
        f"{host}_gpu0", host=host, offers=offers, generation=generation, facts_generation=generation
    )
    move.fleet.apply([record])


def as_on_the_wire(value):
    return msgspec.json.decode(msgspec.json.encode(value))


def change_guest(move, **fields):
    slot = move.guest.slots["gpu0"]
    move.guest = replace(move.guest, slots={"gpu0": replace(slot, **fields)})


@pytest.mark.parametrize("side", ["source", "target"])
def test_an_end_that_finds_all_as_it_was_confirms(side):
    """The sender is named in the history."""
    move = a_move()
    signal = move.judge(move.ask()[side])

    assert (signal.event, signal.side, signal.token, signal.reasons) == ("confirm", side, 1, ())
    assert signal.by == f"agent of {'host1' if side == 'source' else 'host2'}"


def test_both_confirm_and_their_answers_are_kept():
    """Without the reports that came with them, which are stored as any report is."""
    move = a_move()
    jobs = move.ask()
    for side in ("target", "source"):
        signal = move.judge(jobs[side])
        move.signal(signal.event, side=side, token=1, answer=signal.answer)

    assert move.migration.state == "confirmed"
    assert {side: answer.ok for side, answer in move.migration.answers.items()} == {
        "source": True,
        "target": True,
    }
    assert all(answer.report is UNSET for answer in move.migration.answers.values())


@pytest.mark.parametrize("generation", [2, 7])
def test_facts_that_moved_are_refused_with_both_generations(generation):
    """Even where the new offer would do: what was decided on is no longer there."""
    move = a_move()
    job = move.ask()["target"]
    move_facts(move, an_offer(supports="2.2.0"), generation=generation)
    signal = move.judge(job)

    assert signal.event == "refuse"
    assert named(signal.reasons) == [
        ("PREFLIGHT_FACTS_MOVED", {
            "side": "target", "provider": THERE, "wanted": 1, "offered": generation,
            "host": "host2",
        }),
    ]  # fmt: skip
    assert explain(signal.reasons[0]) == (
        f"The facts of provider {THERE} on the target moved: decided on generation 1, "
        f"now {generation}."
    )


def test_what_the_moved_facts_mean_is_told_as_well():
    """The same rules as before are asked on what was just read."""
    move = a_move()
    job = move.ask()["target"]
    move_facts(move, an_offer(supports="1.9.0", state={"policy": "exact", "accepts": "3"}))
    signal = move.judge(job)

    found = named(signal.reasons)
    assert [code for code, _ in found] == [
        "PREFLIGHT_FACTS_MOVED", "VERSION_MAJOR", "STATE_FORMAT_NOT_EQUAL",
    ]  # fmt: skip
    assert {detail["slot"] for code, detail in found[1:]} == {"gpu0"}


def test_claims_of_others_on_the_target_are_not_moved_facts():
    """Nor is the room that the migration itself holds there asked for a second time."""
    move = a_move()
    job = move.ask()["target"]
    full = a_provider("host2_gpu0", host="host2", offers=[an_offer()], generation=9)
    use = replace(full.use, charged={"CUSTOM_ACME_FB_MB": 16384}, exclusive=("other",))
    move.fleet.apply([replace(full, use=use)])

    assert move.judge(job).event == "confirm"


def test_a_target_that_is_gone_is_refused():
    """Every provider that the claim names is, and nothing is recorded of the device."""
    move = a_move()
    job = move.ask()["target"]
    move.fleet = a_fleet(a_host("host1"))
    found = named(move.judge(job).reasons)

    assert [code for code, _ in found] == ["PREFLIGHT_FACTS_MOVED"] * 2 + ["DESCRIPTOR_ABSENT"]
    assert {detail["provider"] for code, detail in found[:2]} == {THERE, a_uuid("host2")}
    assert {detail["offered"] for code, detail in found[:2]} == {None}


def test_a_host_that_went_into_maintenance_meanwhile_is_refused():
    """Its state is asked again; how much is free there is not."""
    move = a_move()
    job = move.ask()["target"]
    root = a_root("host2", inventories={"VCPU": Inventory(total=1)}, generation=2)
    move.fleet.apply([a_host_record("host2", state="maintenance", generation=2), root])

    assert named(move.judge(job).reasons) == [
        ("HOST_STATE", {"wanted": "enabled", "offered": "maintenance"}),
    ]  # fmt: skip


def test_a_host_that_lost_what_the_guest_needs_is_refused():
    """Such as a CPU feature, after a firmware update."""
    check = HostFacts(cpu_features=("avx2",))
    fleet = a_fleet(a_host("host1"), a_host("host2", check=check))
    move = a_move(a_guest(needs=Needs(cpu_features=("avx2",))), fleet=fleet)
    job = move.ask()["target"]
    fleet.apply([a_host_record("host2", check=HostFacts(cpu_features=()), generation=2)])

    assert named(move.judge(job).reasons) == [("CPU_FEATURE_MISSING", {"feature": "avx2"})]


def test_a_guest_in_another_process_is_refused_with_both():
    """It was stopped and started since, so its contracts are pinned anew."""
    move = a_move()
    signal = move.judge(move.ask()["source"], process="4799:8", ok=False)

    assert named(signal.reasons) == [
        ("PREFLIGHT_PROCESS", {"wanted": "4711:1", "offered": "4799:8"}),
    ]  # fmt: skip


def test_a_guest_that_does_not_run_is_refused():
    """Which is told apart from a host that cannot tell."""
    move = a_move()
    job = move.ask()["source"]
    gone, untold = move.judge(job, process=None, ok=False), move.judge(job, process=UNSET)

    assert named(gone.reasons) == [("PREFLIGHT_PROCESS", {"wanted": "4711:1", "offered": None})]
    assert untold.event == "confirm"
    assert untold.note == "the QEMU process could not be told"


@pytest.mark.parametrize(
    ("fields", "wanted", "offered"),
    [
        (
            {"contract": a_contract(version="2.1.1")},
            {"interface": {"policy": "semver", "version": "2.0.1"}},
            {"interface": {"policy": "semver", "version": "2.1.1"}},
        ),
        (
            {"contract": a_contract(features=["x"])},
            {"features": None},
            {"features": ["x"]},
        ),
        ({"provider": THERE}, {"provider": a_uuid("host1_gpu0")}, {"provider": THERE}),
        ({"device": "mdev-b"}, {"device": "mdev-a"}, {"device": "mdev-b"}),
    ],
)
def test_a_contract_that_was_pinned_anew_is_refused_with_what_differs(fields, wanted, offered):
    """The guest rebooted, or its device was exchanged, after the claim."""
    move = a_move(a_guest(slots={"gpu0": a_slot(device="mdev-a")}))
    job = move.ask()["source"]
    change_guest(move, **fields)
    found = named(move.judge(job).reasons)

    code, detail = found[0]
    assert code == "PREFLIGHT_CONTRACT"
    assert as_on_the_wire(detail) == {"slot": "gpu0", "wanted": wanted, "offered": offered}


def test_a_slot_that_was_unplugged_is_refused():
    """The migration would carry a device that the guest has no more."""
    move = a_move()
    job = move.ask()["source"]
    move.guest = replace(move.guest, slots={})

    assert named(move.judge(job).reasons) == [
        ("PREFLIGHT_CONTRACT", {
            "slot": "gpu0", "wanted": {"type": "acme/gpu-a"}, "offered": {"type": None},
        }),
    ]  # fmt: skip


def test_what_is_only_learnt_or_marked_is_the_same_contract():
    """A device's name, its address in the guest, and the operator's mark to keep it."""
    move = a_move()
    job = move.ask()["source"]
    learnt = a_contract(guest_address="0000:00:05.0", keep=True)
    change_guest(move, contract=learnt, device="mdev-a")

    assert move.judge(job, guest_addresses={"gpu0": "0000:00:05.0"}).event == "confirm"


def test_a_device_at_another_address_than_recorded_is_refused():
    """The address is pinned, and the stream would name it."""
    guest = a_guest(a_contract(guest_address="0000:00:05.0"))
    move = a_move(guest, policy=Policy(guest_addresses={"gpu0": "0000:00:05.0"}))
    signal = move.judge(move.ask()["source"], guest_addresses={"gpu0": "0000:00:06.0"})

    assert named(signal.reasons) == [
        ("PREFLIGHT_CONTRACT", {
            "slot": "gpu0",
            "wanted": {"guest_address": "0000:00:05.0"},
            "offered": {"guest_address": "0000:00:06.0"},
        }),
    ]  # fmt: skip


@pytest.mark.parametrize("first", ["source", "target"])
def test_a_device_prepared_at_another_address_is_refused_whoever_answers_first(first):
    """The source tells where it is in the guest, the target where the domain has it (R69)."""
    move = a_move()
    jobs = move.ask()
    addresses = {"source": {"gpu0": "0000:00:05.0"}, "target": {"gpu0": "0000:00:06.0"}}
    second = "target" if first == "source" else "source"
    signal = move.judge(jobs[first], guest_addresses=addresses[first])
    assert signal.event == "confirm"
    move.signal("confirm", side=first, token=1, answer=signal.answer)
    signal = move.judge(jobs[second], guest_addresses=addresses[second])

    assert named(signal.reasons) == [
        ("GUEST_ADDRESS", {"wanted": "0000:00:05.0", "offered": "0000:00:06.0", "slot": "gpu0"}),
    ]  # fmt: skip


def test_a_driver_of_the_source_that_writes_another_state_now_is_refused():
    """The state follows the device, so it is read anew and the rule is asked again."""
    move = a_move()
    job = move.ask()["source"]
    move_facts(move, an_offer(state={"policy": "exact", "emits": "2"}), host="host1")

    assert [code for code, _ in named(move.judge(job).reasons)] == ["STATE_FORMAT_NOT_EQUAL"]


def test_tags_that_the_target_does_not_know_are_refused_whatever_the_source_writes_now():
    """Of the tags only the contract tells, and this is the stage at which R28 is asked."""
    tags = {"policy": "exact", "emits": "1", "tags": {"fw_data": "required"}}
    knows = {"policy": "exact", "accepts": "1", "tags": ["fw_data"]}
    fleet = a_fleet(
        a_host("host1", offers=[an_offer()]), a_host("host2", offers=[an_offer(state=knows)])
    )
    move = a_move(a_guest(a_contract(state=tags)), fleet=fleet)
    job = move.ask()["target"]
    move_facts(move, an_offer(state={**knows, "tags": []}))

    assert ("STATE_TAG_UNKNOWN", {"tag": "fw_data", "wanted": "required", "slot": "gpu0"}) in named(
        move.judge(job).reasons
    )


def test_blockers_are_refused_each_by_its_slot():
    """As QEMU names them (R64)."""
    move = a_move()
    signal = move.judge(
        move.ask()["source"], ok=False, blockers={"gpu0": ("vfio: not supported", "pinned")}
    )

    assert named(signal.reasons) == [
        ("BLOCKER", {"blocker": "pinned", "slot": "gpu0"}),
        ("BLOCKER", {"blocker": "vfio: not supported", "slot": "gpu0"}),
    ]  # fmt: skip


@pytest.mark.parametrize("side", ["source", "target"])
def test_everything_that_an_end_says_is_told(side):
    """What is missing, what objects, and a blocker of a slot that the guest does not have."""
    move = a_move()
    signal = move.judge(
        move.ask()[side], ok=False, missing=("gpu0",), objections=("no space left",),
        blockers={"usb0": ("usb-host",)},
    )  # fmt: skip

    assert signal.event == "refuse"
    assert named(signal.reasons) == [
        ("PREFLIGHT_OBJECTION", {"side": side, "message": "no space left"}),
        ("PREFLIGHT_OBJECTION", {"side": side, "message": "usb0: usb-host"}),
        ("PREFLIGHT_DEVICE_ABSENT", {"side": side, "slot": "gpu0"}),
    ]  # fmt: skip


def test_a_plain_no_is_a_no():
    """Though nobody can say why; it must not look as if nothing had happened."""
    move = a_move()
    signal = move.judge(move.ask()["target"], ok=False)

    assert named(signal.reasons) == [
        ("PREFLIGHT_OBJECTION", {"side": "target", "message": "no reason was given"}),
    ]  # fmt: skip


def test_what_keeps_qemu_from_streaming_does_not_matter_to_a_cold_move():
    """It is noted all the same."""
    move = a_move(policy=Policy(mode="cold"))
    signal = move.judge(
        move.ask()["source"], ok=False, objections=("QEMU cannot be asked",),
        blockers={"gpu0": ("vfio",)},
    )  # fmt: skip

    assert signal.event == "confirm"
    assert signal.note == "not asked of a guest that is shut down: QEMU cannot be asked"


def test_a_warning_that_the_caller_took_is_taken_again():
    """What was accepted early is no reason to refuse late; what was not is."""
    move = a_move(a_guest(a_contract(description="a board")))
    jobs = move.ask()
    before = move.judge(jobs["target"])
    strict = replace(move.migration.policy, accept=("ok",))
    newer = an_offer(description="another board")
    move_facts(move, newer, generation=1)
    record = a_provider("host2_gpu0", host="host2", offers=[newer], generation=3)
    move.fleet.apply([record])

    assert before.event == "confirm"
    assert move.judge(jobs["target"]).event == "confirm"
    move.migration = replace(move.migration, policy=strict)
    assert [code for code, _ in named(move.judge(jobs["target"]).reasons)] == [
        "DESCRIPTION_DIFFERS"
    ]


def test_the_downtime_of_all_devices_is_held_against_the_budget_again():
    """The sum, as when the target was chosen."""
    heavy = {"support": "yes", "flags": ["stop_copy", "p2p"], "stop_copy_bytes": 600_000_000}
    policy = Policy(downtime=Downtime(budget_ms=1300, strict=True, bytes_per_s=10**9))
    fleet = a_fleet(a_host("host1", devices=2), a_host("host2", devices=2))
    pair = (a_contract(slot="gpu0", migration=heavy), a_contract(slot="gpu1", migration=heavy))
    move = a_move(a_guest(*pair), fleet=fleet, policy=policy)
    job = move.ask()["source"]
    assert move.judge(job).event == "confirm"
    slower = replace(policy, downtime=replace(policy.downtime, bytes_per_s=900_000_000))
    move.migration = replace(move.migration, policy=slower)

    assert named(move.judge(job).reasons) == [
        ("DOWNTIME_BUDGET", {"wanted": 1300, "offered": 1334}),
    ]  # fmt: skip


@pytest.mark.parametrize("token", [0, 2])
def test_an_answer_to_another_attempt_does_not_count(token):
    """Neither as a confirmation nor as a refusal."""
    move = a_move()
    job = move.ask()["source"]

    for ok in (True, False):
        with pytest.raises(TokenExpired):
            move.judge(job, token=token, ok=ok)


def test_a_job_of_another_attempt_cannot_be_answered_with_the_present_token():
    """What it asked for may have been another device."""
    move = a_move()
    job = replace(move.ask()["source"], token=0)

    with pytest.raises(TokenExpired):
        move.judge(job, token=1)


def test_an_answer_for_the_other_end_is_told_back():
    """An agent speaks for its own host alone."""
    move = a_move()

    with pytest.raises(InvalidRequest, match=r"asks the source.*`\$\.side`") as caught:
        move.judge(move.ask()["source"], side="target")
    assert caught.value.path == "$.side"


def test_a_refusal_gives_the_source_back_with_all_reasons_in_the_history():
    """And the guest may be moved again at once."""
    move = a_move()
    signal = move.judge(move.ask()["target"], ok=False, objections=("no",))
    move.signal(
        signal.event, side="target", token=1, answer=signal.answer, reasons=signal.reasons,
        by=signal.by,
    )  # fmt: skip

    assert move.migration.state == "refused"
    assert move.migration.history[-1].reasons == signal.reasons
    assert move.migration.history[-1].by == "agent of host2"
    assert move.migration.answers["target"].objections == ("no",)
    assert move.held_by(a_uuid("guest")) == {"host1"}
    assert move.held_by(MIGRATION) == set()
