"""One side of a pre-flight, answered from what was just read.

It confirms or objects; it decides nothing that the service would not.  Facts go along as a
report, and the rules run there.

Source: design, section 7, point 3.
"""

from msgspec import UNSET

from wherry.model.facts import Facts, Report, RunningGuest
from wherry.model.migrations import JobAnswer, JobSlot, PreflightJob


def answer_target(job: PreflightJob, report: Report) -> JobAnswer:
    """Answer for the target: are the devices, or the parents that would make them, there?"""
    missing = _missing(job, report.facts, of_source=False)
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
    missing = _missing(job, report.facts, of_source=True)
    guest = _find(job.guest, running)
    against = (*objections, *_process_objections(job, running, guest))
    return JobAnswer(
        token=job.token,
        side="source",
        ok=not missing and not against,
        process=guest.process if guest else UNSET,
        missing=missing,
        report=report,
        objections=against,
        guest_addresses=_guest_addresses(job, guest),
    )


def _missing(job: PreflightJob, facts: Facts, *, of_source: bool) -> tuple[str, ...]:
    devices = {device.name for device in facts.devices}
    present = devices | {instance.id for instance in facts.instances}
    return tuple(
        name
        for name, slot in sorted(job.slots.items())
        if not _is_there(slot, devices, present, of_source=of_source)
    )


def _is_there(slot: JobSlot, devices: set[str], present: set[str], *, of_source: bool) -> bool:
    """Look for a slot's device: on the source itself, on the target what would make it."""
    if of_source and slot.device is not UNSET and slot.device not in present:
        return False
    parent = slot.device_parent if slot.device_parent is not UNSET else None
    return parent is None or parent in devices


def _find(uuid: str, running: tuple[RunningGuest, ...] | None) -> RunningGuest | None:
    return next((guest for guest in running or () if guest.consumer == uuid), None)


def _process_objections(
    job: PreflightJob, running: tuple[RunningGuest, ...] | None, guest: RunningGuest | None
) -> tuple[str, ...]:
    if running is None or job.process is UNSET:
        return ()
    if guest is None:
        return (f"no QEMU process of guest {job.guest} runs here",)
    if guest.process != job.process:
        return (f"guest {job.guest} runs in process {guest.process}, not in {job.process}",)
    return ()


def _guest_addresses(job: PreflightJob, guest: RunningGuest | None) -> dict[str, str]:
    by_device = {slot.device: slot for slot in guest.slots.values()} if guest else {}
    found = {
        name: by_device[slot.device].guest_address
        for name, slot in job.slots.items()
        if slot.device is not UNSET and slot.device in by_device
    }
    return {name: address for name, address in found.items() if address is not UNSET}
