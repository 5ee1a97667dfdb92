"""One side of a pre-flight, answered from what was just read.

It confirms or objects; it decides nothing that the service would not.  Facts go along as a
report, and the rules run there.

Source: design, section 7, point 3.
"""

from msgspec import UNSET, UnsetType

from wherry.model.facts import Facts, Report, RunningGuest
from wherry.model.migrations import JobAnswer, JobSlot, PreflightJob


def answer_target(job: PreflightJob, report: Report) -> JobAnswer:
    """Answer for the target: are the devices, or the parents that would make them, there?"""
    missing = _missing(job, report.facts)
    return JobAnswer(token=job.token, side="target", ok=not missing, missing=missing, report=report)


def answer_source(
    job: PreflightJob,
    report: Report,
    running: tuple[RunningGuest, ...] | None,
    objections: tuple[str, ...],
) -> JobAnswer:
    """Answer for the source: same process, same devices, nothing that blocks.

    Args:
        job: what is asked.
        report: what was just read.
        running: the guests that run; None where that cannot be told, which is no objection.
        objections: what the lower level says against it.
    """
    missing = _missing(job, report.facts)
    guest = _find(job.guest, running)
    process = _process_of(running, guest)
    same = UNSET in (process, job.process) or process == job.process
    return JobAnswer(
        token=job.token,
        side="source",
        ok=not missing and not objections and same,
        process=process,
        missing=missing,
        report=report,
        objections=objections,
        guest_addresses=_guest_addresses(job, guest),
    )


def _missing(job: PreflightJob, facts: Facts) -> tuple[str, ...]:
    devices = {device.name for device in facts.devices}
    present = devices | {instance.id for instance in facts.instances}
    return tuple(
        name for name, slot in sorted(job.slots.items()) if not _is_there(slot, devices, present)
    )


def _is_there(slot: JobSlot, devices: set[str], present: set[str]) -> bool:
    """Look for a slot's device, where it has a name already, and for what it is made from."""
    if slot.device is not UNSET and slot.device not in present:
        return False
    return slot.device_parent is UNSET or slot.device_parent in devices


def _find(uuid: str, running: tuple[RunningGuest, ...] | None) -> RunningGuest | None:
    return next((guest for guest in running or () if guest.consumer == uuid), None)


def _process_of(
    running: tuple[RunningGuest, ...] | None, guest: RunningGuest | None
) -> str | UnsetType | None:
    """Name the guest's QEMU process; None if none runs, nothing where that cannot be told."""
    if running is None:
        return UNSET
    return None if guest is None else guest.process


def _guest_addresses(job: PreflightJob, guest: RunningGuest | None) -> dict[str, str]:
    by_device = {slot.device: slot for slot in guest.slots.values()} if guest else {}
    found = {
        name: by_device[slot.device].guest_address
        for name, slot in job.slots.items()
        if slot.device is not UNSET and slot.device in by_device
    }
    return {name: address for name, address in found.items() if address is not UNSET}
