"""Reads the texts of plans; what was read of one device is taken again for others like it.

Boards of a fleet are alike: their plans differ in the address and in what follows from it.  A
text without these is a pattern, and texts of one pattern become the same value but for what was
taken out, which is put in anew.
"""

import re
import threading
from collections import OrderedDict

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from wherry.model.device import Offer
from wherry.model.inventory import PlannedProvider
from wherry.store.body import decode

# Texts with escapes are read as a whole: these spell what they mean.
_TEXT = r'"([^"\\\x00-\x1f]+)"'
_HEAD = re.compile(rf'\{{"uuid":{_TEXT},"name":{_TEXT}(?:,"parent":{_TEXT})?(?:,"device":{_TEXT})?')
# No text in JSON has a bare NUL.
_PROVIDER, _ADDRESS = '"provider":"\0"', '"address":"\0"'
_Key = tuple[str, bool, bool]


class PlanTexts:
    """Reads plans from their texts, as `decode` does; any number of threads may.

    Args:
        kept: most patterns that are remembered.
    """

    def __init__(self, *, kept: int = 1024) -> None:
        self._kept = kept
        self._known: OrderedDict[_Key, PlannedProvider] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._known)

    def read(self, text: str) -> PlannedProvider:
        """Read a plan.

        Args:
            text: as `encode` wrote it: each key once, nothing escaped that need not be.

        Raises:
            msgspec.DecodeError: the text is no plan, and of no pattern that is remembered.
        """
        head = _HEAD.match(text)
        if head is None:
            return decode(text, PlannedProvider)
        uuid, name, parent, named = head.groups()
        device = named or UNSET
        pattern = text[head.end() :].replace(f'"provider":"{uuid}"', _PROVIDER)
        if named:
            pattern = pattern.replace(f'"address":"{named}"', _ADDRESS)
        key = (pattern, parent is None, device is UNSET)
        found = self._find(key)
        if found is not None:
            return _placed(found, uuid, name, parent, device)
        plan = decode(text, PlannedProvider)
        # What was taken out of a text must be what is put into a value: no more, no less.
        if _holes(pattern) == _sites(plan) and plan == _placed(plan, uuid, name, parent, device):
            self._keep(key, plan)
        return plan

    def _find(self, key: _Key) -> PlannedProvider | None:
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                self._known.move_to_end(key)
        return found

    def _keep(self, key: _Key, plan: PlannedProvider) -> None:
        with self._lock:
            # The latest asked stands last.
            self._known[key] = plan
            if len(self._known) > self._kept:
                self._known.popitem(last=False)


def _holes(pattern: str) -> tuple[int, int]:
    return pattern.count(_PROVIDER), pattern.count(_ADDRESS)


def _sites(plan: PlannedProvider) -> tuple[int, int]:
    """Count what `_placed` puts in: providers of offers, and addresses of their parents."""
    return len(plan.offers), sum(_stands_at(offer, plan.device) for offer in plan.offers)


def _stands_at(offer: Offer, device: str | UnsetType) -> bool:
    if offer.parent is UNSET or device is UNSET:
        return False
    return offer.parent.address == device


def _placed(
    plan: PlannedProvider, uuid: str, name: str, parent: str | None, device: str | UnsetType
) -> PlannedProvider:
    """Give the plan of a device that is like this one."""
    offers = []
    for offer in plan.offers:
        above = offer.parent
        if above is not UNSET and _stands_at(offer, plan.device):
            above = replace(above, address=device)
        offers.append(replace(offer, provider=uuid, parent=above))
    changed = {"uuid": uuid, "name": name, "parent": parent, "device": device}
    return replace(plan, **changed, offers=tuple(offers))


read_plan = PlanTexts().read
"""Reads with what this process remembers."""
