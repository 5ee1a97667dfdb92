"""Whether the guest could come back, told before it leaves.

A device comes back as it went: what is replugged on the way is replugged on the way back.  The
way back looks at no pool and no value in use, so it is worked out once for each pair of contract,
target shape and home shape, and remembered for questions like it.

Source: specification of compatibility, section 9 ("return_path").
"""

from typing import cast

from msgspec.structs import replace

from wherry.compat.engine import check
from wherry.compat.guest import own_mode, pair_policy
from wherry.compat.verdicts import is_accepted
from wherry.inventory.host_view import HostView
from wherry.inventory.interning import Shape
from wherry.model.checks import MappingRow, ReturnPath
from wherry.model.device import Offer
from wherry.schedule.homes import find_homes
from wherry.schedule.question import Question


class WaysBack:
    """Tells the return path of each slot; None of it where the source's offer is not known."""

    def __init__(self, question: Question, source: HostView | None) -> None:
        guest = question.guest
        self._policy = pair_policy(question.policy)
        self._contracts = {name: slot.contract for name, slot in guest.slots.items()}
        self._homes = find_homes(guest, source)
        self._known = question.memory.ways

    def of(self, mapping: tuple[MappingRow, ...], host: HostView) -> dict[str, ReturnPath]:
        """Give slot to return path for those whose home is known."""
        return {
            row.slot: self._of_slot(row.slot, host.offers[row.offer].shape)
            for row in mapping
            if row.offer is not None and row.slot in self._homes
        }

    def is_open(self, slot: str, target: Shape) -> bool:
        """Whether a slot could come back from what offers this; not where its home is unknown."""
        return slot in self._homes and is_accepted(
            self._of_slot(slot, target).verdict, self._policy
        )

    def _of_slot(self, slot: str, target: Shape) -> ReturnPath:
        home = self._homes[slot]
        key = (slot, target.digest, home.digest)
        found = self._known.get(key)
        if found is None:
            found = self._work_out(slot, target.value, home.value)
            self._known[key] = found
        return found

    def _work_out(self, slot: str, target: Offer, home: Offer) -> ReturnPath:
        policy = replace(self._policy, mode=own_mode(slot, self._policy.mode, self._policy))
        # It is told because the home is given.
        return cast("ReturnPath", check(self._contracts[slot], target, policy, home).return_path)
