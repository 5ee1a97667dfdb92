"""What has become of a slot since a migration was claimed, field by field.

Only what is pinned is compared: what follows the device is read anew, and the rules are asked
again on that.

Source: specification of compatibility, section 2 ("Pinned"); design, section 7, point 3.
"""

from typing import Any

from msgspec import UNSET, UnsetType, to_builtins

from wherry.compat.rebase import PINNED
from wherry.model.guests import Slot

Fields = dict[str, Any]

_MARKS = frozenset({"keep"})
"""An operator's mark says nothing of the device."""


def differences(
    before: Slot, now: Slot | None, address: str | UnsetType = UNSET
) -> tuple[Fields, Fields]:
    """Name what differs with its value before and now; None where there is no value.

    A name or an address that was not known before and is now makes no difference.

    Args:
        before: as the claim was decided on.
        now: as stored; None if the guest has no such slot any more.
        address: of the device in the running guest, if the source has told it.
    """
    if now is None:
        return {"type": before.type}, {"type": None}
    old, new = _fields(before), _fields(now)
    if address is not UNSET:
        new["guest_address"] = address
    for learnt in ("device", "guest_address"):
        if old[learnt] is None or new[learnt] is None:
            del old[learnt], new[learnt]
    changed = [name for name, value in old.items() if value != new[name]]
    return {name: old[name] for name in changed}, {name: new[name] for name in changed}


def _fields(slot: Slot) -> Fields:
    pinned = {name: getattr(slot.contract, name) for name in sorted(PINNED - _MARKS)}
    every = {"provider": slot.provider, "device": slot.device, **pinned}
    return {name: None if v is UNSET else to_builtins(v) for name, v in every.items()}
