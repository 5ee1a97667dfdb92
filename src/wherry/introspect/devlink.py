"""Firmware versions and port kinds from what ``devlink -j`` answered.

The running firmware differs from the stored one until the device is reset.  VFs of a
switchdev NIC show as ports of flavour ``pcivf``.

Source: Linux networking/devlink; notes on introspection, 5.10.
"""

from collections.abc import Iterable, Mapping

from msgspec import structs

from wherry.introspect.address import parse_address
from wherry.introspect.answers import flatten, parse_answer
from wherry.model.facts import Attribute, Device

INFO = "devlink-info.json"
_RUNNING = "versions/running/"
_WHOLE = ("fw", "fw.version", "fw.bundle_id", "fw.mgmt")  # devlink-info.rst, generic versions
ESWITCH = "devlink-eswitch.json"


def add_devlink_answers(
    devices: Iterable[Device], answers: Mapping[str, str]
) -> tuple[Device, ...]:
    """Add ``devlink/versions/running/<component>`` and the like to the PCI functions named.

    Args:
        devices: all devices; those not named stay as they are.
        answers: JSON text by file name: ``devlink-info.json`` (``devlink -j dev info``) and
            ``devlink-eswitch.json`` (``devlink -j dev eswitch show``); any may be missing.

    Raises:
        InvalidFile: an answer is not what the tool writes.
    """
    info = _by_address(answers, INFO, "info")
    modes = _by_address(answers, ESWITCH, "dev")

    def said(name: str) -> dict[str, Attribute]:
        own = {**flatten(info.get(name)), **flatten(modes.get(name), "eswitch/")}
        return {f"devlink/{key}": value for key, value in own.items()} | _firmware(own)

    return tuple(
        structs.replace(one, attributes={**said(one.name), **one.attributes})
        if one.name in info or one.name in modes
        else one
        for one in devices
    )


def _firmware(own: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Give the version that runs as ``firmware_version``, where drivers publish theirs too."""
    running = {k.removeprefix(_RUNNING): v for k, v in own.items() if k.startswith(_RUNNING)}
    named = next((running[name] for name in _WHOLE if name in running), None)
    only = next(iter(running.values())) if len(running) == 1 else None
    found = only if named is None else named
    return {} if found is None else {"firmware_version": found}


def _by_address(answers: Mapping[str, str], file: str, key: str) -> dict[str, object]:
    if file not in answers:
        return {}
    found = parse_answer(answers[file], key, file=file)
    split = ((handle.partition("/"), said) for handle, said in found.items())
    addresses = ((parse_address(name), said) for (bus, _, name), said in split if bus == "pci")
    return {address: said for address, said in addresses if address}
