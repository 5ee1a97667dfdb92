"""Reading what a profile points at: a value, absent, or unread; the three stay apart.

Source: design, section 3 ("Device facts"); specification of compatibility, section 2.
"""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Final

from msgspec import UNSET

from wherry.model.device import ParamType, Scalar
from wherry.model.facts import Attribute, Device, Host
from wherry.profiles.pairs import parse_pairs, parse_size_mb
from wherry.profiles.patterns import LONGEST, Form, parse_form
from wherry.profiles.schema import Source


class Missing(Enum):
    """Why there is no value."""

    ABSENT = "absent"
    """The host does not state it."""
    UNREAD = "unread"
    """It is there, and could not be read or understood."""


ABSENT: Final = Missing.ABSENT
UNREAD: Final = Missing.UNREAD

IDS: Final = {
    "vendor": "vendor",
    "device": "device",
    "subvendor": "subsystem_vendor",
    "subdevice": "subsystem_device",
    "class": "class",
    "revision": "revision",
}
"""Word in profiles to attribute; all are hex with ``0x``, which profiles leave out."""
FIRMWARE: Final = ("firmware", "firmware_version", "firmware_rev", "fw_version", "fw_ver")
"""Attributes that drivers publish their firmware in; the first that reads is taken."""

_HEX_ID = re.compile(r"(?:0x)?([0-9a-fA-F]{1,8})", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_MASK = re.compile(r"0x[0-9a-fA-F]{1,256}", re.ASCII)
_YES: Final = frozenset({"1", "Y", "y", "yes", "true", "on", "enabled"})
_NO: Final = frozenset({"0", "N", "n", "no", "false", "off", "disabled"})


@dataclass(frozen=True)
class Look:
    """What can be read of one type on one device: attributes as the host gave them."""

    host: Host
    device: Device
    parent: Device
    driver: str
    """Driver whose module is meant; empty where there is none."""
    type_attributes: dict[str, Attribute]
    """With ``id`` and ``name``; empty for a function."""


def read_text(source: Source, look: Look) -> Scalar | Missing:
    """Read what *source* points at: text, or what its table holds for it."""
    text = _attribute(source, look)
    if isinstance(text, Missing):
        return text
    if source.key is not UNSET:
        pair = parse_pairs(text[:LONGEST]).get(source.key)
        if pair is None:
            return ABSENT
        text = pair
    if source.form is not UNSET:
        field = _field(source.form, source.field, text)
        if field is None:
            return ABSENT
        text = field
    return text if source.table is UNSET else source.table.get(text, UNREAD)


def read_number(source: Source, look: Look) -> int | Missing:
    """Read a number, a size in MiB, or a multiple; what is none of these is unread."""
    value = read_text(source, look)
    if isinstance(value, str):
        value = _number(value, size=source.size is not UNSET)
    if isinstance(value, Missing):
        return value
    if isinstance(value, bool):
        return UNREAD
    return int(value) * (1 if source.times is UNSET else source.times)


def read_value(source: Source, look: Look, type_: ParamType) -> Scalar | tuple[str, ...] | Missing:
    """Read a value of a parameter's type; text that is no such value is unread."""
    if type_ == "int":
        return read_number(source, look)
    value = read_text(source, look)
    if isinstance(value, Missing):
        return value
    if type_ == "bool":
        return value if isinstance(value, bool) else _truth(str(value))
    if not isinstance(value, str):
        return UNREAD
    if type_ == "mask":
        return value if _MASK.fullmatch(value) else UNREAD
    return split_names(value) if type_ == "set" else value


def split_names(text: str) -> tuple[str, ...]:
    """Give the distinct names in a text with blanks or commas between, sorted."""
    return tuple(sorted(set(re.split(r"[\s,]+", text)) - {""}))


def hex_id(value: Attribute | None, digits: int = 4) -> str | None:
    """Give an id as profiles spell it, lower case without ``0x``; None where it is none."""
    found = _HEX_ID.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else f"{int(found[1], 16):0{digits}x}"


def ids_of(device: Device) -> dict[str, str]:
    """Give the PCI ids of a device that could be read, by their word in profiles."""
    width = {"class": 6, "revision": 2}
    read = {
        word: hex_id(device.attributes.get(name), width.get(word, 4)) for word, name in IDS.items()
    }
    return {word: value for word, value in read.items() if value is not None}


def firmware_of(device: Device) -> str | None:
    """Give the firmware version that a device publishes, or None."""
    values = (device.attributes.get(name) for name in FIRMWARE)
    return next((value for value in values if isinstance(value, str) and value), None)


def _attribute(source: Source, look: Look) -> str | Missing:
    value = _raw(source, look)
    if value is None:
        return ABSENT
    return value if isinstance(value, str) else UNREAD


def _raw(source: Source, look: Look) -> Attribute | None:
    name = source.attribute
    if source.of == "type":
        return look.type_attributes.get(name)
    if source.of == "module":
        return _of_module(look, name)
    if source.of == "host":
        return _of_host(look.host, name)
    device = look.device if source.of == "device" else look.parent
    special = {"name": device.name, "driver": look.driver or None, **ids_of(device)}
    return special.get(name, device.attributes.get(name))


def _of_module(look: Look, name: str) -> Attribute | None:
    module = look.host.modules.get(look.driver.replace("-", "_"))
    if module is None:
        return None
    values = {"version": module.version, "srcversion": module.srcversion, "taint": module.taint}
    value = values.get(name, UNSET)
    if value is not UNSET:
        return value
    return module.parameters.get(name.removeprefix("parameters."))


def _of_host(host: Host, name: str) -> Attribute | None:
    plain = {"arch": host.arch, "kernel": host.kernel}
    table, _, key = name.partition(".")
    tables: dict[str, dict[str, Attribute]] = {
        "versions": dict(host.versions),
        "kernel_config": dict(host.kernel_config),
        "dmi": host.dmi,
    }
    value = plain.get(name, UNSET)
    return tables.get(table, {}).get(key) if value is UNSET else value


def _field(forms: str | tuple[str, ...], field: object, text: str) -> str | None:
    for one in (forms,) if isinstance(forms, str) else forms:
        form = _form(one)
        found = form.take_apart(text)
        if found is not None:
            return found[field if isinstance(field, str) else form.fields[0]]
    return None


@cache
def _form(text: str) -> Form:
    return parse_form(text)


def _number(text: str, *, size: bool) -> int | Missing:
    if size:
        found = parse_size_mb(text)
        return UNREAD if found is None else found
    return int(text) if _NUMBER.fullmatch(text) else UNREAD


def _truth(text: str) -> bool | Missing:
    if text in _YES:
        return True
    return False if text in _NO else UNREAD
