"""One side of a pre-flight, answered from what was just read."""

from typing import Any

import pytest
from msgspec import UNSET

from wherry.agent.preflight import answer_source, answer_target
from wherry.model.facts import Device, Facts, Instance, Report, RunningGuest, RunningSlot
from wherry.model.migrations import JobSlot, PreflightJob

GUEST = "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"
MDEV = "5eed0000-0000-4000-8000-000000000001"
PARENT = "0000:3b:00.0"


def a_job(side: str = "target", *, process: Any = UNSET, **slot: Any) -> PreflightJob:
    known = {"provider": "p", "type": "acme/a1", "device_parent": PARENT}
    return PreflightJob(
        id="job",
        host="node-17",
        migration="m",
        token=3,
        side=side,  # type: ignore[arg-type] # a side
        deadline=0.0,
        wait_s=5.0,
        guest=GUEST,
        process=process,
        slots={"gpu0": JobSlot(**{**known, **slot})},
    )


def a_report(*, parents: tuple[str, ...] = (PARENT,), mdevs: tuple[str, ...] = (MDEV,)) -> Report:
    return Report(
        schema="wherry.report/1",
        host="node-17",
        boot_id="b",
        sequence=2,
        observed_at="2026-11-22T10:15:00Z",
        facts=Facts(
            devices=tuple(Device(name=p, bus="pci", role="function") for p in parents),
            instances=tuple(Instance(id=m, parent=PARENT, type="a1") for m in mdevs),
        ),
    )


RUNS = RunningGuest(
    consumer=GUEST,
    process="812.4711",
    slots={"hostdev0": RunningSlot(device=MDEV, guest_address="0000:00:05.0")},
)


def test_a_target_with_the_parent_confirms_and_sends_what_it_read() -> None:
    answer = answer_target(a_job(), a_report(mdevs=()))

    assert (answer.ok, answer.side, answer.token, answer.missing) == (True, "target", 3, ())
    assert answer.report == a_report(mdevs=())


@pytest.mark.parametrize(
    ("slot", "report"),
    [
        ({}, a_report(parents=())),
        ({"device": "0000:3b:00.4"}, a_report()),
    ],
    ids=["parent", "device"],
)
def test_a_target_whose_device_is_gone_names_the_slot(slot: dict[str, Any], report: Report) -> None:
    answer = answer_target(a_job(**slot), report)

    assert (answer.ok, answer.missing) == (False, ("gpu0",))


def test_a_source_whose_guest_runs_as_it_did_confirms() -> None:
    job = a_job("source", process="812.4711", device=MDEV)
    answer = answer_source(job, a_report(), (RUNS,), ())

    assert (answer.ok, answer.process, answer.objections) == (True, "812.4711", ())
    assert answer.guest_addresses == {"gpu0": "0000:00:05.0"}


def test_a_source_whose_mdev_is_gone_names_the_slot() -> None:
    answer = answer_source(a_job("source", device=MDEV), a_report(mdevs=()), (RUNS,), ())

    assert (answer.ok, answer.missing) == (False, ("gpu0",))


def test_another_qemu_process_is_no_confirmation_and_is_told() -> None:
    job = a_job("source", process="100.1", device=MDEV)
    answer = answer_source(job, a_report(), (RUNS,), ())

    assert (answer.ok, answer.process) == (False, "812.4711")


def test_a_guest_that_does_not_run_any_more_is_told_as_such() -> None:
    job = a_job("source", process="812.4711", device=MDEV)
    answer = answer_source(job, a_report(), (), ())

    assert (answer.ok, answer.process) == (False, None)


def test_where_processes_cannot_be_seen_nothing_is_told_of_them() -> None:
    job = a_job("source", process="812.4711", device=MDEV)
    answer = answer_source(job, a_report(), None, ())

    assert (answer.ok, answer.process, answer.guest_addresses) == (True, UNSET, {})


def test_an_objection_goes_along_in_its_own_words() -> None:
    answer = answer_source(a_job("source", device=MDEV), a_report(), (RUNS,), ("not now",))

    assert (answer.ok, answer.objections) == (False, ("not now",))
