"""vDPA devices: little in sysfs, the rest from what ``vdpa -j`` answered.

Source: Linux ABI sysfs-bus-vdpa; docs/reference/introspection.md, "vDPA devices".
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import structs

from wherry.introspect.answers import flatten, parse_answer
from wherry.introspect.driver import read_override
from wherry.introspect.numa import node_of_device
from wherry.introspect.tree import ABSENT, Tree, link_text, list_names, resolve
from wherry.model.facts import Attribute, Device

DEVICES: Final = "/sys/bus/vdpa/devices"


def read_vdpa(tree: Tree) -> tuple[Device, ...]:
    """List the vDPA devices of a host by name; one that vanished has gone."""
    names = list_names(tree, DEVICES)
    found = (
        (n, resolve(tree, f"{DEVICES}/{n}")) for n in (names if isinstance(names, tuple) else ())
    )
    return tuple(_read_device(tree, name, at) for name, at in found if isinstance(at, str))


def add_vdpa_answers(devices: Iterable[Device], answers: Mapping[str, str]) -> tuple[Device, ...]:
    """Add what the tool said of each device, its configuration, and the device that manages it.

    They become attributes ``vdpa/<key>`` and ``vdpa/mgmtdev/<key>``.

    Args:
        devices: all devices; those that are not vDPA stay as they are.
        answers: JSON text by file name: ``vdpa-dev.json``, ``vdpa-config.json``,
            ``vdpa-mgmtdev.json``; any may be missing.

    Raises:
        InvalidFile: an answer is not what the tool writes.
    """
    dev = _part(answers, "vdpa-dev.json", "dev")
    config = _part(answers, "vdpa-config.json", "config")
    managers = _part(answers, "vdpa-mgmtdev.json", "mgmtdev")

    def said(name: str) -> dict[str, Attribute]:
        own = {**flatten(config.get(name)), **flatten(dev.get(name))}
        manager = flatten(managers.get(str(own.get("mgmtdev"))))
        return {f"vdpa/{k}": v for k, v in own.items()} | {
            f"vdpa/mgmtdev/{k}": v for k, v in manager.items()
        }

    return tuple(
        structs.replace(one, attributes={**one.attributes, **said(one.name)})
        if one.role == "vdpa"
        else one
        for one in devices
    )


def _part(answers: Mapping[str, str], file: str, key: str) -> Mapping[str, object]:
    return parse_answer(answers[file], key, file=file) if file in answers else {}


def _read_device(tree: Tree, name: str, folder: str) -> Device:
    override = read_override(tree, folder)
    return Device(
        name=name,
        bus="vdpa",
        path=folder,
        role="vdpa",
        driver=link_text(tree, f"{folder}/driver"),
        numa_node=node_of_device(tree, folder),
        attributes={} if override is ABSENT else {"driver_override": override},
    )
