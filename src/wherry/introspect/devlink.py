"""Firmware versions and port kinds from what ``devlink -j`` answered.

The running firmware differs from the stored one until the device is reset.  A VF of a NIC
in switchdev mode shows as a port of flavour ``pcivf`` of its PF.

Source: Linux networking/devlink; docs/reference/introspection.md, "Programs beside sysfs".
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import structs

from wherry.introspect.address import parse_address
from wherry.introspect.answers import flatten, parse_answer
from wherry.model.facts import Attribute, Device

INFO: Final = "devlink-info.json"
ESWITCH: Final = "devlink-eswitch.json"
PORTS: Final = "devlink-ports.json"
_RUNNING = "versions/running/"
_WHOLE = ("fw", "fw.version", "fw.bundle_id", "fw.mgmt")  # devlink-info.rst, generic versions


def add_devlink_answers(
    devices: Iterable[Device], answers: Mapping[str, str]
) -> tuple[Device, ...]:
    """Add ``devlink/versions/running/<component>`` and the like to the PCI functions named.

    Args:
        devices: all devices; those not named stay as they are.
        answers: JSON text by file name: ``devlink-info.json`` (``devlink -j dev info``),
            ``devlink-eswitch.json`` (``devlink -j dev eswitch show``) and
            ``devlink-ports.json`` (``devlink -j port show``); any may be missing.

    Raises:
        InvalidFile: an answer is not what the tool writes.
    """
    info = _by_address(answers, INFO, "info")
    modes = _by_address(answers, ESWITCH, "dev")
    ports = _ports_of_vfs(answers)

    def said(one: Device) -> dict[str, Attribute]:
        own = {**flatten(info.get(one.name)), **flatten(modes.get(one.name), "eswitch/")}
        own |= flatten(ports.get((one.physfn or "", one.vf_index)), "port/")
        return {f"devlink/{key}": value for key, value in own.items()} | _firmware(own)

    return tuple(
        structs.replace(one, attributes={**said(one), **one.attributes}) for one in devices
    )


def handles(answer: str) -> tuple[str, ...]:
    """Name the PCI devices of a ``devlink -j dev info``, as other commands want them.

    Raises:
        InvalidFile: the answer is not what the tool writes.
    """
    names = parse_answer(answer, "info", file=INFO)
    return tuple(n for n in names if n.startswith("pci/") and parse_address(n[4:]))


def _firmware(own: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Give the version that runs as ``firmware_version``, where drivers publish theirs too."""
    running = {k.removeprefix(_RUNNING): v for k, v in own.items() if k.startswith(_RUNNING)}
    named = next((running[name] for name in _WHOLE if name in running), None)
    only = next(iter(running.values())) if len(running) == 1 else None
    found = only if named is None else named
    return {} if found is None else {"firmware_version": found}


def _ports_of_vfs(answers: Mapping[str, str]) -> dict[tuple[str, object], object]:
    """Give the ports of flavour ``pcivf`` by the PF's address and the VF's index."""
    if PORTS not in answers:
        return {}
    found: dict[tuple[str, object], object] = {}
    for handle, said in parse_answer(answers[PORTS], "port", file=PORTS).items():
        address = parse_address(handle.removeprefix("pci/").partition("/")[0])
        if not address or not isinstance(said, dict) or said.get("flavour") != "pcivf":
            continue
        if said.get("external") is not True:  # a DPU also shows the VFs of the host it serves
            found[address, _index(said.get("vfnum"))] = said
    return found


def _index(value: object) -> object:
    """Keep a VF's number, where it is one: what is none finds no VF."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _by_address(answers: Mapping[str, str], file: str, key: str) -> dict[str, object]:
    if file not in answers:
        return {}
    found = parse_answer(answers[file], key, file=file)
    split = ((handle.partition("/"), said) for handle, said in found.items())
    addresses = ((parse_address(name), said) for (bus, _, name), said in split if bus == "pci")
    return {address: said for address, said in addresses if address}
