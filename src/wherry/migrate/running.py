"""What a host's report of its running guests says of the guests on record.

    learn(host, running, *, stored, held, new_id, now) -> Learnt
    settle(migration, *, on_source, on_target, now) -> Signal | None
    runs_on(guest, running) -> bool | None

A contract comes from three places, and the later corrects the earlier: an allocation, the
guest's record, the report of the running guest.  A report tells the process, the device and
address of each slot, the version that the guest has negotiated, and what blocks a move.  A
process that is another one than on record is a reboot (`migrate.reboot`).

A guest that a migration holds is not touched: the move was decided on what is on record, and
the pre-flight tells if that is no longer so.  When the migration has ended, the next report is
learnt from; so a report is looked at also where it is equal to the one before.

What does not go with the record is a finding, never an error: a report is what is.  A guest on
record that is not among those that run is shut off, and keeps what it holds.

Source: design, section 3 ("A guest"); specification of compatibility, section 9.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from wherry.inventory.host_view import HostView
from wherry.migrate.life import locate
from wherry.migrate.reboot import RebootDecision, plan_reboot
from wherry.migrate.running_slots import correct, pair_up
from wherry.migrate.signal import Signal
from wherry.model.claims import Claim, Holding, Occupant
from wherry.model.facts import RunningGuest
from wherry.model.guests import Guest, Slot
from wherry.model.inventory import Finding
from wherry.model.migrations import Migration
from wherry.model.wire import RebootRequest

CODES: Final = {
    "GUEST_UNKNOWN": "a guest runs here that is not on record: what it has counts as reserved",
    "GUEST_ELSEWHERE": "a guest runs here that is on record on another host",
    "GUEST_TWICE": "two processes say that they are one guest: neither is believed",
    "GUEST_DEVICE_UNKNOWN": "the host names a device of a guest that its record does not have",
    "GUEST_DEVICE_TWICE": "the host names one device twice for a guest: neither is believed",
    "GUEST_DEVICE_ELSEWHERE": "a slot has a device of another provider than on record",
    "GUEST_DEVICE_AMBIGUOUS": "a guest's devices are alike and its slots are not: which is which "
    "cannot be told",
    "GUEST_DEVICE_TAKEN": "a guest has a device that another one holds: nothing of it is believed",
    "GUEST_SLOT_UNSEEN": "the host does not name a device that is on the guest's record",
    "GUEST_TEXT_UNFIT": "an address or version of a running guest is none",
    "GUEST_TYPE_GONE": "a guest has rebooted, and its provider offers its type no more",
    "GUEST_CONTRACT_UNMET": "a guest has rebooted, and its provider does not give what its "
    "contract says",
    "GUEST_CLAIM_REFUSED": "what a running guest has cannot be allocated to it",
}
"""What is noticed, by code; docs/reference/guest-findings.md prints this table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a report changes of one guest, all of it or nothing."""

    before: Guest
    guest: Guest
    claim: Claim | None
    """None where what its consumer holds stays as it is."""
    reboot: RebootDecision | None
    """What its new process made of its contracts; None where it is the same process."""
    told: tuple[str, ...]
    """What the report has told, in words, for the record."""

    @property
    def is_changed(self) -> bool:
        """Whether the guest differs from the stored one; if not, there is only a claim."""
        return self.guest != self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a report says of guests.

    A correction whose claim is refused is not written, and the refusal is a finding
    (``GUEST_CLAIM_REFUSED``): one guest does not stand in the way of a report.
    """

    corrections: tuple[Correction, ...]
    """By guest; those of whom there is nothing new are left out."""
    findings: tuple[Finding, ...]


def learn(
    host: HostView,
    running: Sequence[RunningGuest],
    *,
    stored: Mapping[str, Guest],
    held: Mapping[str, Holding],
    new_id: Callable[[], str],
    now: float,
) -> Learnt:
    """Compare the guests that run on a host with their records.

    Args:
        host: as this report has it, or later.
        running: `Report.guests`, where it is not None.
        stored: every guest on record that runs there, by uuid, wherever it is on record.
        held: what the consumer of each of these holds now.
        new_id: gives a fresh uuid for a claim.
        now: seconds since the epoch.
    """
    counts = Counter(guest.consumer for guest in running)
    corrections: list[Correction] = []
    findings: list[Finding] = []
    for uuid, count in sorted(counts.items()):
        seen = next(guest for guest in running if guest.consumer == uuid)
        known = stored.get(uuid)
        if known is not None and known.migration is not UNSET:
            continue
        code = _strange(known, count, host)
        if code is not None:
            where = f" {known.host}" if known is not None and code == "GUEST_ELSEWHERE" else ""
            findings.append(make_finding(code, f"{uuid}{where}"))
        elif known is not None:
            holding = held.get(uuid, Holding(consumer=uuid, expected_generation=None))
            correction, noticed = _correct(known, seen, host, holding, new_id=new_id, now=now)
            corrections += [correction] if correction else []
            findings += noticed
    return Learnt(corrections=tuple(corrections), findings=tuple(findings))


def settle(
    migration: Migration, *, on_source: bool | None, on_target: bool | None, now: float
) -> Signal | None:
    """Tell what ends a lost migration, from what both hosts have reported since; None: nothing.

    Args:
        migration: as stored.
        on_source: whether the source runs the guest (`runs_on`); None: it has not told since
            the migration was lost.
        on_target: the same of the target.
        now: seconds since the epoch.
    """
    if migration.state != "lost":
        return None
    case = locate(source_runs=on_source, target_runs=on_target)
    if case is None:
        return None
    host = migration.source if case == "on source" else migration.target
    note = f"both hosts report: the guest runs on {host}"
    return Signal(event="recover", now=now, case=case, note=note)


def runs_on(guest: str, running: Sequence[RunningGuest] | None) -> bool | None:
    """Tell whether a guest is among those that run; None where nobody could tell these."""
    return None if running is None else any(each.consumer == guest for each in running)


def make_finding(code: str, detail: str) -> Finding:
    """Make a finding of this table."""
    return Finding(code=code, message=f"{CODES[code]}: {detail}")


def _strange(known: Guest | None, count: int, host: HostView) -> str | None:
    if known is None:
        return "GUEST_UNKNOWN"
    if count > 1:
        return "GUEST_TWICE"
    return None if known.host == host.name else "GUEST_ELSEWHERE"


def _correct(
    known: Guest,
    seen: RunningGuest,
    host: HostView,
    held: Holding,
    *,
    new_id: Callable[[], str],
    now: float,
) -> tuple[Correction | None, list[Finding]]:
    findings: list[Finding] = []
    told: list[str] = []
    reboot: RebootDecision | None = None
    guest, claim = known, None
    if known.process is UNSET:
        guest = replace(known, process=seen.process)
        told.append(f"runs in process {seen.process}")
    elif known.process != seen.process:
        asked = RebootRequest(process=seen.process)
        reboot = plan_reboot(known, host, asked, held=held, claim_id=new_id(), now=now)
        guest, claim = reboot.guest, reboot.claim
        told.append(f"rebooted: process {known.process} is {seen.process} now")
        findings += _of_reboot(reboot)
    pairing = pair_up(guest.slots, seen.slots, host)
    findings += [make_finding(code, f"{known.uuid} {text}") for code, text in pairing.noticed]
    slots: dict[str, Slot] = dict(guest.slots)
    devices: dict[str, str] = {}
    for name, running in pairing.pairs.items():
        if _is_taken(running.device, slots[name], held, host):
            findings.append(make_finding("GUEST_DEVICE_TAKEN", f"{known.uuid} {name}"))
            continue
        slots[name], words, unfit = correct(slots[name], running)
        devices[name] = running.device
        told += [f"{name}: {text}" for text in words]
        findings += [make_finding("GUEST_TEXT_UNFIT", f"{known.uuid} {name} {t}") for t in unfit]
    guest = replace(guest, slots=slots)
    claim = _name_devices(held, claim, devices, slots, host, new_id)
    if guest == known and claim is None:
        return None, findings
    correction = Correction(before=known, guest=guest, claim=claim, reboot=reboot, told=tuple(told))
    return correction, findings


def _of_reboot(reboot: RebootDecision) -> list[Finding]:
    uuid = reboot.guest.uuid
    gone = [make_finding("GUEST_TYPE_GONE", f"{uuid} {name}") for name in reboot.not_offered]
    unmet = [
        make_finding(
            "GUEST_CONTRACT_UNMET", f"{uuid} {name} {', '.join(each.code for each in reasons)}"
        )
        for name, reasons in reboot.reasons.items()
    ]
    return gone + unmet


def _is_taken(device: str, slot: Slot, held: Holding, host: HostView) -> bool:
    """Whether another consumer holds a device."""
    if any((each.provider, each.device) == (slot.provider, device) for each in held.occupants):
        return False
    provider = host.find_provider(slot.provider)
    return provider is not None and device in provider.record.use.devices


def _name_devices(
    held: Holding,
    claim: Claim | None,
    devices: Mapping[str, str],
    slots: Mapping[str, Slot],
    host: HostView,
    new_id: Callable[[], str],
) -> Claim | None:
    """Put the devices' names into what is held, so that no one counts them as nobody's.

    A slot that allocations alone tell of has no place yet where devices have names of their own.
    """
    before = held if claim is None else claim.holdings[0]
    known = {each.slot for each in before.occupants}
    new = tuple(
        Occupant(
            provider=slots[name].provider,
            slot=name,
            type=slots[name].type,
            device=device,
        )
        for name, device in devices.items()
        if name not in known and _has_device(host, slots[name].provider, device)
    )
    occupants = new + tuple(
        replace(each, device=devices[each.slot])
        if each.slot in devices and each.provider == slots[each.slot].provider
        else each
        for each in before.occupants
    )
    if occupants == before.occupants:
        return claim
    named = replace(before, occupants=occupants)
    if claim is None:
        return Claim(id=new_id(), holdings=(named,))
    return replace(claim, holdings=(named,))


def _has_device(host: HostView, provider: str, device: str) -> bool:
    found = host.find_provider(provider)
    return found is not None and device in found.record.plan.slots
