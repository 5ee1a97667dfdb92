"""Whether a guest's devices would get fixes where it goes: a newer bugfix number.

The number says nothing of what the guest sees, so no verdict looks at it (R22); but "1.0.1"
may do in linear time what took "1.0.0" a quadratic one.  It is compared within one major and
minor version alone, of versions by the policy semver.

Source: S. Mooney on libvir-list, 2020-07-14; docs/reference/targets.md, "Ranking".
"""

import re
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from wherry.inventory.host_view import HostView
from wherry.inventory.interning import Shape
from wherry.model.device import ContractInterface, OfferInterface
from wherry.model.guests import Guest
from wherry.schedule.homes import find_homes

NEWER: Final = 1.0
SAME: Final = 0.5
"""Also where it is not known, or cannot be compared."""
OLDER: Final = 0.0

_WHOLE: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})")


class Version(NamedTuple):
    """A semver with its bugfix number."""

    major: int
    minor: int
    bugfix: int


class Fixes:
    """Compares bugfix numbers with those that a guest's devices have now.

    That is what the present provider shows; where its offer is not known, or is of another
    version by now, what the contract was pinned with.
    """

    def __init__(self, guest: Guest, source: HostView | None) -> None:
        homes = find_homes(guest, source)
        self._now = {
            name: _now(slot.contract.interface, homes.get(name))
            for name, slot in guest.slots.items()
        }

    def of(self, slot: str, target: Shape) -> float:
        """Give `NEWER`, `SAME` or `OLDER` of a slot on what offers this."""
        now, there = self._now[slot], _offered(target.value.interface)
        if now is None or there is None or now[:2] != there[:2] or now == there:
            return SAME
        return NEWER if there.bugfix > now.bugfix else OLDER


def _now(pinned: ContractInterface | UnsetType, home: Shape | None) -> Version | None:
    shown = None if home is None else _offered(home.value.interface)
    given = None if pinned is UNSET else _parse(pinned.policy, pinned.version)
    if given is None or shown is None:
        return given
    return shown if shown[:2] == given[:2] else given


def _offered(interface: OfferInterface | UnsetType) -> Version | None:
    return None if interface is UNSET else _parse(interface.policy, interface.supports)


def _parse(policy: object, text: object) -> Version | None:
    """Read a whole semver; two numbers alone state no bugfix."""
    if policy not in {UNSET, "semver"} or not isinstance(text, str):
        return None
    match = _WHOLE.fullmatch(text)
    return Version(int(match[1]), int(match[2]), int(match[3])) if match else None
