"""The QEMU processes of a host, found in ``/proc`` by what they were started with.

A process is told by its pid and start time, so that a pid used anew is another process.

Source: proc(5); qemu(1), ``-uuid`` and ``-device vfio-pci``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import UNSET, UnsetType

from wherry.introspect.address import parse_address
from wherry.introspect.tree import Tree, list_names
from wherry.model.facts import RunningGuest, RunningSlot

READ_LIMIT = 1 << 20
_PROC_FILE = re.compile(r"/proc/[0-9]{1,10}/(cmdline|stat)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_SLOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}", re.ASCII)
_OFF = frozenset({"off", "false", "no"})
_START_TIME = 19  # field 22 of stat, counted from the state that follows the name


def may_read(path: str) -> bool:
    """Tell whether a live tree may open *path* for us."""
    return bool(_PROC_FILE.fullmatch(path))


def find_guests(tree: Tree) -> tuple[RunningGuest, ...] | None:
    """Find the guests that run on a host, by uuid; None where processes cannot be listed.

    A process that ends while we look is passed over; one that we may not see is not there.
    """
    names = list_names(tree, "/proc")
    if not isinstance(names, tuple):
        return None
    pids = sorted(int(name) for name in names if name.isascii() and name.isdigit())
    found = {guest.consumer: guest for pid in pids for guest in _guest_of(tree, pid)}
    return tuple(found[uuid] for uuid in sorted(found))


def _guest_of(tree: Tree, pid: int) -> Iterator[RunningGuest]:
    line = tree.read(f"/proc/{pid}/cmdline", READ_LIMIT)
    if not isinstance(line, bytes) or b"-uuid" not in line:
        return
    words = [word.decode("utf-8", "replace") for word in line.rstrip(b"\0").split(b"\0")]
    uuid = _value_of(words, "-uuid").lower()
    process = _process(tree, pid)
    if process and _UUID.fullmatch(uuid):
        yield RunningGuest(consumer=uuid, process=process, slots=parse_slots(words))


def _process(tree: Tree, pid: int) -> str | None:
    stat = tree.read(f"/proc/{pid}/stat", READ_LIMIT)
    if not isinstance(stat, bytes):
        return None
    # The name stands in parentheses and may hold anything, these too.
    fields = stat.rpartition(b")")[2].split()
    if len(fields) <= _START_TIME:
        return None
    return f"{pid}.{fields[_START_TIME].decode('ascii', 'replace')}"


def _value_of(words: Sequence[str], option: str) -> str:
    for place, word in enumerate(words[:-1]):
        if word in {option, f"-{option}"}:
            return words[place + 1]
    return ""


def parse_slots(words: Sequence[str]) -> dict[str, RunningSlot]:
    """Read the host devices of a command line: slot name to device.

    The slot is named by the device's ``id``, as libvirt writes it (``hostdev0``), else by
    the device itself.
    """
    slots: dict[str, RunningSlot] = {}
    for place, word in enumerate(words[:-1]):
        if word in {"-device", "--device"}:
            slots.update(_slot(words[place + 1]))
    return slots


def _slot(text: str) -> dict[str, RunningSlot]:
    properties = _properties(text)
    if not properties.get("driver", "").startswith("vfio-"):
        return {}
    device = _device(properties)
    name = properties.get("id", "")
    if device is None:
        return {}
    running = RunningSlot(device=device, blockers=_blockers(properties))
    return {name if _SLOT.fullmatch(name) else device: running}


def _blockers(properties: Mapping[str, str]) -> tuple[str, ...] | UnsetType:
    """What the guest was started with that keeps this device from being moved; else nobody knows.

    QEMU says so only when it is told to migrate.
    """
    return ("enable-migration=off",) if properties.get("enable-migration") in _OFF else UNSET


def _properties(text: str) -> dict[str, str]:
    if text.startswith("{"):
        found = re.findall(r'"([\w-]+)":\s*(?:"([^"\\]*)"|(true|false))', text)
        return {name: said or flag for name, said, flag in found}
    driver, *rest = text.split(",")
    pairs = (item.partition("=") for item in (f"driver={driver}", *rest))
    return {name: value for name, _, value in pairs}


def _device(properties: Mapping[str, str]) -> str | None:
    """Name of the device: an mdev's uuid or a PCI address."""
    if path := properties.get("sysfsdev"):
        name = path.rstrip("/").rpartition("/")[2].lower()
        return name if _UUID.fullmatch(name) else parse_address(name)
    host = properties.get("host", "")
    return parse_address(host) or parse_address(f"0000:{host}")  # QEMU's own short form
