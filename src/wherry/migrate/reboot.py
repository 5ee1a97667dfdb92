"""What a reboot makes of a guest's contracts.

    plan_reboot(guest, host, asked, *, held, claim_id, now, configure_failed=…) -> RebootDecision

A warm reboot stays in its QEMU process: what the claim has masked or set stays so, and only the
version may move on.  A new process is given what the present provider offers, with what is
chosen for it.  A contract marked ``keep`` survives either where the provider can still be
configured to it.  A slot whose provider offers its type no more keeps its contract, and is named.

A reboot has happened: it is not refused for what the provider offers by now, only for a choice
made with it that cannot be met.  Which targets it closes is the caller's to find, who has the
fleet: the guest as it was and as it is are both given.

A new contract may take other units than the one before (a driver that changed its types): then
there is a claim to write.

Source: specification of compatibility, R33 and section 9 ("Life of a contract").
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.compat.life import Reboot, reboot
from wherry.inventory.host_view import HostView
from wherry.migrate.holdings import claim_of, hold, offer_of, root_resources, taken_by
from wherry.migrate.life import require_at_rest
from wherry.migrate.pinned import PlacedSlot, objections, require_offered
from wherry.migrate.signal import render_time
from wherry.migrate.slots import chosen_of
from wherry.model.checks import Reason
from wherry.model.claims import Claim, Holding
from wherry.model.device import Contract
from wherry.model.errors import InvalidRequest, NotFound
from wherry.model.guests import Guest, Slot
from wherry.model.wire import RebootRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootDecision:
    """What to write, all of it or nothing, and what to tell the administrator."""

    before: Guest
    guest: Guest
    claim: Claim | None
    """None where the consumer holds already what the guest needs."""
    pinned: tuple[str, ...]
    """Slots whose contract is another one now."""
    reasons: Mapping[str, tuple[Reason, ...]]
    """Slot to why a marked contract could not be kept, or why its provider does not give what
    is chosen for it; slots of which there is nothing to tell are left out."""
    not_offered: tuple[str, ...]
    """Slots whose provider offers their type no more: their contracts stay as they were."""

    @property
    def is_changed(self) -> bool:
        """Whether the guest differs from the stored one."""
        return self.guest != self.before


def plan_reboot(
    guest: Guest,
    host: HostView | None,
    asked: RebootRequest,
    *,
    held: Holding,
    claim_id: str,
    now: float,
    configure_failed: Collection[str] = (),
) -> RebootDecision:
    """Decide what a guest's record becomes by a reboot.

    Args:
        guest: as stored.
        host: where it is; None where it is not known any more.
        asked: how it has rebooted, and what is chosen from now on.
        held: what its consumer holds now.
        claim_id: uuid of the claim.
        now: seconds since the epoch.
        configure_failed: slots whose marked contract was kept, but whose settings could not
            be applied: asked again with these, they are pinned as without the mark.

    Raises:
        NotFound: the host is not known, or a slot is named that the guest does not have.
        InvalidRequest: the request contradicts itself, or a provider does not offer what is
            chosen with it.
        AlreadyExists: a migration holds the guest.
    """
    if host is None:
        raise NotFound(what="host", name=guest.host)
    require_at_rest(guest)
    _require_sound(guest, asked)
    at = render_time(now)
    slots: dict[str, PlacedSlot] = {}
    left: dict[str, Slot] = {}
    reasons: dict[str, tuple[Reason, ...]] = {}
    for name, stored in guest.slots.items():
        slot = replace(stored, chosen=asked.chosen.get(name, stored.chosen))
        found = offer_of(slot, host)
        if found is None:
            left[name] = slot
            continue
        how = Reboot(
            kind=asked.kind,
            in_effect=slot.in_effect,
            chosen=chosen_of(slot),
            negotiated=asked.versions.get(name, UNSET),
            pinned_at=at,
            configure_failed=name in configure_failed,
        )
        after = reboot(slot.contract, found.offer, how)
        if name in asked.chosen and after.is_pinned_anew:
            where = f"$.chosen.{name}"
            require_offered(found.offer, after.contract, slot.chosen, where=where)
        told = after.reasons or objections(found.offer, after.contract)
        if told:
            reasons[name] = told
        slots[name] = PlacedSlot(
            replace(slot, contract=after.contract, in_effect=after.in_effect), found
        )
    every = {name: slots[name].slot if name in slots else left[name] for name in guest.slots}
    process = _process(guest, asked)
    return RebootDecision(
        before=guest,
        guest=replace(guest, slots=every, process=process),
        claim=_claim(guest, host, slots, left, held=held, claim_id=claim_id),
        pinned=tuple(
            name
            for name, slot in every.items()
            if _is_another(slot.contract, guest.slots[name].contract)
        ),
        reasons=reasons,
        not_offered=tuple(left),
    )


def _is_another(after: Contract, before: Contract) -> bool:
    """Whether more than the time of its pinning differs."""
    return replace(after, pinned_at=before.pinned_at) != before


def _process(guest: Guest, asked: RebootRequest) -> str | UnsetType:
    """Say in which process it runs now; of a new one that is not named, a report will tell."""
    if asked.process is not UNSET or asked.kind == "new_process":
        return asked.process
    return guest.process


def _claim(
    guest: Guest,
    host: HostView,
    slots: Mapping[str, PlacedSlot],
    left: Mapping[str, Slot],
    *,
    held: Holding,
    claim_id: str,
) -> Claim | None:
    if host.root is None:
        # What is held stays; nothing can be taken where the host has no provider of its own.
        return None
    freed = {uuid for name in slots for uuid in taken_by(guest.slots[name], host)}
    resources = root_resources(held, host, slots)
    wanted = hold(held, host, slots, resources=resources, freed=freed, left=left)
    return claim_of(held, wanted, host, slots, claim_id=claim_id)


def _require_sound(guest: Guest, asked: RebootRequest) -> None:
    warm = asked.kind == "warm"
    if warm and asked.chosen:
        message = "a warm reboot shows what is in effect: choose with kind new_process"
        raise InvalidRequest(message, path="$.chosen")
    if not warm and asked.versions:
        message = "a new process has negotiated nothing yet: versions go with kind warm"
        raise InvalidRequest(message, path="$.versions")
    for name in (*asked.chosen, *asked.versions):
        if name not in guest.slots:
            raise NotFound(what=f"slot of guest {guest.uuid} named", name=name)
    known = {UNSET, guest.process}
    if warm and guest.process is not UNSET and asked.process not in known:
        message = (
            f"a warm reboot stays in process {guest.process}, and {asked.process} is"
            " another one: tell it as new_process"
        )
        raise InvalidRequest(message, path="$.process")
