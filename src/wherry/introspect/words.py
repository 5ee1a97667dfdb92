"""Words for what was read and what was not, and for lists of numbers."""

from collections.abc import Iterable
from typing import Final

from msgspec import UnsetType

from wherry.model.facts import Attribute, Binary, MigrationProbe, Unread

_REMEDY: Final = {
    "EACCES": "run as root, or it is write-only",
    "EPERM": "never read: it could wake a device or block",
    "ENOENT": "it has gone; look again",
    "ENODEV": "the device went away; look again",
    "EXDEV": "a link leads out of the root; it was not followed",
    "ELOOP": "a link where none belongs; it was not followed",
    "E2BIG": "more names than a folder may have; not kept",
    "EFBIG": "larger than 64 KiB; not kept",
    "EBADMSG": "not the number or text its name promises",
    "ENOTSUP": "no plain file, or the driver has nothing to say",
}


def why(value: object) -> str:
    """Say why there is no value: absent, binary, or an errno with what to do about it."""
    if not isinstance(value, Unread):
        return "binary" if isinstance(value, Binary) else "absent"
    remedy = _REMEDY.get(value.errno)
    return f"{value.errno}: {remedy}" if remedy else value.errno


def one_line(value: Attribute | UnsetType | None) -> str:
    """Give a text's lines as one, joined by commas; empty where it is no text."""
    return value.replace("\n", ", ").strip(", ") if isinstance(value, str) else ""


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers in order as a list with ranges: ``0-3,8``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)


def probe_said(probe: MigrationProbe | UnsetType) -> str:
    """Say what the kernel answered when it was asked whether this can migrate."""
    if not isinstance(probe, MigrationProbe):
        return ""
    if isinstance(probe.flags, Unread):
        if probe.flags.errno == "ENOTTY":
            return "its driver cannot migrate it"
        held = ": something holds it" if probe.flags.errno == "EBUSY" else ""
        return f"ability to migrate unknown ({probe.flags.errno}{held})"
    size = probe.stop_copy_bytes
    state = f", {size} bytes of state" if isinstance(size, int) else ""
    return f"can migrate ({', '.join(probe.flags)}{state})"
