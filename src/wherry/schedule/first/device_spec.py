"""One ``[pci] device_spec`` of Nova: which devices nova-compute gives out, and as what.

Only ids and class tell anything of where a guest can go.  Addresses hold for the host of the
file; what Wherry gives out of a host is what the host's report and profiles say.

Source: Nova, ``[pci] device_spec`` of its configuration reference; nova.pci.devspec.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from msgspec import UNSET

from wherry.model.device_requests import Alternative
from wherry.schedule.first.near import hint
from wherry.schedule.first.spelling import as_class

ANY: Final = "*"
HEX: Final = re.compile(r"[0-9a-fA-F]{1,4}")
TAGS: Final = frozenset(
    {
        "physical_network",
        "remote_managed",
        "trusted",
        "managed",
        "live_migratable",
        "resource_class",
        "traits",
        "one_time_use",
    }
)
FIELDS: Final = frozenset({"vendor_id", "product_id", "address", "devname", *TAGS})
PARTS: Final = ("domain", "bus", "slot", "function")
LIMITS: Final = {"domain": 0xFFFF, "bus": 0xFF, "slot": 0x1F, "function": 0x7}


class Line(Protocol):
    """Where it stands, so that a refusal can say so."""

    def refuse(self, message: str) -> NoReturn:
        """Say what is wrong there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """What one says.

    Attributes:
        vendor_id, product_id: four digits in small letters; None: any.
        resource_class: as Nova spells it; None: one that is made of the ids.
        notes: what of it is not used.
    """

    vendor_id: str | None
    product_id: str | None
    resource_class: str | None
    notes: tuple[str, ...]

    def is_surely(self, one: Alternative) -> bool:
        """Whether it names the ids of an alternative."""
        return (self.vendor_id, self.product_id) == _ids(one)

    def may_be(self, one: Alternative) -> bool:
        """Whether devices of an alternative may be among those that it gives out."""
        vendor, product = _ids(one)
        return self.vendor_id in {None, vendor} and self.product_id in {None, product}


def parse_device_spec(said: Any, line: Line) -> DeviceSpec:
    """Read one.

    Raises:
        InvalidFile: it is not as Nova takes it.
    """
    if not isinstance(said, dict):
        line.refuse("a device_spec is a JSON object")
    for key in said.keys() - FIELDS:
        line.refuse(f"a device_spec has no {key}{hint(key, FIELDS)}")
    if "address" in said and "devname" in said:
        line.refuse("a device_spec has an address or a devname, and not both")
    _check_address(said.get("address"), line)
    named = said.get("resource_class")
    return DeviceSpec(
        vendor_id=_id(said, "vendor_id", line),
        product_id=_id(said, "product_id", line),
        resource_class=as_class(str(named)) if named else None,
        notes=tuple(_notes(said)),
    )


def _ids(one: Alternative) -> tuple[str | None, str | None]:
    if one.vendor_id is UNSET or one.product_id is UNSET:
        return None, None
    return one.vendor_id.lower(), one.product_id.lower()


def _id(said: Mapping[str, Any], key: str, line: Line) -> str | None:
    value = str(said.get(key, ANY)).strip()
    if value == ANY:
        return None
    if HEX.fullmatch(value) is None:
        line.refuse(f"{key} has {value!r} and takes up to four hexadecimal digits")
    return f"{int(value, 16):04x}"


def _check_address(address: Any, line: Line) -> None:
    if address is None:
        return
    if isinstance(address, str):
        _check_glob(address, line)
    elif isinstance(address, dict):
        _check_patterns(address, line)
    else:
        line.refuse("address is text with * for any, or an object of regular expressions")


def _check_glob(address: str, line: Line) -> None:
    rest, _, function = address.partition(".")
    fields = rest.split(":")
    if len(fields) > len(PARTS) - 1:
        line.refuse(f"address {address!r} is not DOMAIN:BUS:SLOT.FUNCTION")
    names = PARTS[3 - len(fields) : 3]
    for name, text in zip((*names, "function"), (*fields, function), strict=True):
        value = text.strip()
        if value in {"", ANY}:
            continue
        if HEX.fullmatch(value) is None or int(value, 16) > LIMITS[name]:
            line.refuse(f"{name} of address {address!r} is no number up to {LIMITS[name]:X}")


def _check_patterns(address: Mapping[str, Any], line: Line) -> None:
    for key, pattern in address.items():
        if key not in PARTS:
            line.refuse(f"an address has no {key}{hint(key, PARTS)}")
        try:
            re.compile(pattern)
        except (re.error, TypeError) as error:
            line.refuse(f"{key} of the address is no regular expression: {error}")


def _notes(said: Mapping[str, Any]) -> Iterator[str]:
    if "address" in said or "devname" in said:
        yield "device_spec: addresses and device names hold for one host, and are not used here"
    for key in sorted(said.keys() & TAGS - {"resource_class"}):
        yield f"device_spec: {key} is what nova-compute reports, and is not used here"
