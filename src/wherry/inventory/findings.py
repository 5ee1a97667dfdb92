"""What a derivation notices, by code: shown with the host, never silently dropped.

docs/reference/inventory.md lists every code, and a test holds the page to this table.
"""

from typing import Final

from wherry.model.inventory import Finding

CODES: Final = {
    "NO_PROFILE": "no profile covers the device: what it offers is unknown, so it offers nothing",
    "UNSETTLED": "the device kept changing while it was read: it offers nothing until read again",
    "TYPE_UNREADABLE": "a type's name, interface or units cannot be read: it is not offered",
    "TYPE_TWICE": "two types of one provider have one name: the second is not offered",
    "TYPE_CLOSED": "the host makes none of a type that the pools have room for",
    "TYPE_LIMIT": "the pools hold more of a type than its limit: it is not offered",
    "TYPE_TOO_LARGE": "the device has less in all than one instance takes: it is not offered",
    "DOOR_TWICE": "two types of one provider are doors to one type: the second is closed",
    "CAPACITY_UNKNOWN": "nobody tells what the device has: that is not zero, and not offered",
    "POOL_DIFFERS": "the profile and the host's counts tell two totals of one pool",
    "POOL_IN_USE": "units are in use that no instance accounts for: they are reserved",
    "LEAVING": "instances are being removed and still count as used",
    "UNKNOWN_INSTANCE": "an instance is of a type or parent that is not listed",
    "PLACE_UNKNOWN": "an instance sits nobody knows where: every place of its type counts as taken",
    "SHARED_IOMMU_GROUP": "the function moves together with others, so no guest gets it alone",
    "NO_IOMMU": "without an IOMMU group the function cannot be given to a guest",
    "NO_RESET": "the function cannot be reset between two guests",
    "HELD_BY_HOST": "the function is on a driver of the host, which uses it",
    "VIEW_AMBIGUOUS": "two types of one provider share a view's class: neither has it",
    "TRAIT_UNKNOWN": "a value makes no trait",
    "OFFER_REFUSED": "what was read makes no offer",
    "SOURCES_DIFFER": "two sources say different things of one device",
    "COUNTED_ELSEWHERE": "a client of Placement reports the same device: it is counted there alone",
    "COUNTS_DIFFER": "a client of Placement and the report count two numbers: the smaller holds",
    "HELD_APART": "of a device that is counted elsewhere, something is held on the report's own "
    "provider still: that is not to be had twice",
    "CLASS_UNTOLD": "a client of Placement counts the device in several classes, and nobody tells "
    "which is which: it is not offered",
    "TYPE_UNTOLD": "a client of Placement counts a class that may be one of several types: "
    "allocations alone pin no contract",
    "LINT": "one type name means two things, or a version does not tell a change",
}


def finding(code: str, device: str | None, detail: str = "") -> Finding:
    """Make a finding; *detail* is added to what the code means."""
    message = f"{CODES[code]}: {detail}" if detail else CODES[code]
    return (
        Finding(code=code, message=message)
        if device is None
        else Finding(code=code, device=device, message=message)
    )
