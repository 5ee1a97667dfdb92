"""Device requests from Nova's own file: ``[pci] alias``, and what ``device_spec`` adds.

Several ``alias`` of one name are its alternatives.  A ``device_spec`` that has the ids of an
alternative and counts its devices in a class of its own makes that class another alternative:
so an alias by ids finds them as well where nova-compute counts them so.

Source: Nova, ``[pci]`` of its configuration reference; nova.pci.request, nova.pci.devspec.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn, cast, get_args

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from wherry.model.device_requests import (
    Alternative,
    DeviceRequest,
    NumaPolicy,
    RequestName,
    StoredDeviceRequest,
)
from wherry.model.errors import InvalidFile
from wherry.schedule.first.device_spec import DeviceSpec, parse_device_spec
from wherry.schedule.first.ini import read_options
from wherry.schedule.first.near import hint
from wherry.schedule.first.spelling import as_class, as_traits

ALIAS: Final = frozenset({("pci", "alias"), ("DEFAULT", "pci_alias")})
SPEC: Final = frozenset(
    {
        ("pci", "device_spec"),
        ("pci", "passthrough_whitelist"),
        ("DEFAULT", "pci_passthrough_whitelist"),
    }
)
FIELDS: Final = frozenset(
    {
        "name",
        "capability_type",
        "product_id",
        "vendor_id",
        "device_type",
        "numa_policy",
        "resource_class",
        "traits",
        "live_migratable",
    }
)
YES: Final = frozenset({"1", "t", "true", "on", "y", "yes"})
NO: Final = frozenset({"0", "f", "false", "off", "n", "no"})


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file says.

    Attributes:
        notes: what was read and is not used, and why.
    """

    requests: tuple[StoredDeviceRequest, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    file: str
    number: int

    def refuse(self, message: str) -> NoReturn:
        raise InvalidFile(message, file=self.file, line=self.number)


@dataclass(slots=True)
class _Named:
    alternatives: list[Alternative]
    numa_policy: NumaPolicy


def parse_nova_conf(text: str, *, file: str) -> Imported:
    """Read the device requests of a file.

    Raises:
        InvalidFile: an alias or device_spec is not as Nova takes it; says which line.
    """
    named: dict[str, _Named] = {}
    specs: list[DeviceSpec] = []
    for section, name, value, number in read_options(text, file=file):
        line = _Line(file, number)
        if (section, name) in ALIAS:
            _take(named, _parse_json(value, line), line)
        elif (section, name) in SPEC:
            said = _parse_json(value, line)
            specs += [parse_device_spec(one, line) for one in _listed(said)]
    notes = [note for spec in specs for note in spec.notes]
    requests = []
    for name, one in sorted(named.items()):
        more, told = _with_specs(name, one.alternatives, specs)
        notes += told
        requests.append(_stored(name, more, one.numa_policy, file))
    return Imported(tuple(requests), tuple(dict.fromkeys(notes)))


def _parse_json(value: str, line: _Line) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        line.refuse(f"this is no JSON: {error}")


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _take(named: dict[str, _Named], said: Any, line: _Line) -> None:
    if not isinstance(said, dict) or not isinstance(said.get("name"), str):
        line.refuse("an alias is a JSON object with a name")
    for key in said.keys() - FIELDS:
        line.refuse(f"an alias has no {key}{hint(key, FIELDS)}")
    name = said["name"].strip()
    policy = cast("NumaPolicy", said.get("numa_policy") or "legacy")
    if policy not in get_args(NumaPolicy):
        line.refuse(f"numa_policy has {policy!r} and takes {', '.join(get_args(NumaPolicy))}")
    one = named.setdefault(name, _Named([], policy))
    if one.numa_policy != policy:
        line.refuse(f"alias {name} has numa_policy {one.numa_policy} elsewhere and {policy} here")
    one.alternatives.append(_alternative(said, line))
    kinds = {each.device_type for each in one.alternatives}
    if len(kinds) > 1:
        line.refuse(f"alias {name} has another device_type elsewhere, and Nova takes one")


def _alternative(said: Mapping[str, Any], line: _Line) -> Alternative:
    fields = {key: said[key] for key in ("vendor_id", "product_id", "device_type") if key in said}
    if "resource_class" in said:
        fields["resource_class"] = as_class(str(said["resource_class"]))
    if said.get("traits"):
        fields["traits"] = as_traits(str(said["traits"]))
    if "live_migratable" in said:
        fields["live_migratable"] = _as_bool(str(said["live_migratable"]), line)
    try:
        return msgspec.convert(fields, Alternative)
    except msgspec.ValidationError as error:
        line.refuse(f"alias {said['name']}: {error}")


def _as_bool(text: str, line: _Line) -> bool:
    word = text.strip().lower()
    if word not in YES | NO:
        line.refuse(f"live_migratable has {text!r} and takes yes or no")
    return word in YES


def _with_specs(
    name: str, alternatives: list[Alternative], specs: list[DeviceSpec]
) -> tuple[list[Alternative], list[str]]:
    """Add the classes in which nova-compute counts what alternatives ask by ids."""
    found: dict[Alternative, None] = dict.fromkeys(alternatives)
    for one in alternatives:
        if one.resource_class is not UNSET:
            continue
        for resource_class in _classes_of(one, specs):
            found[replace(one, resource_class=resource_class)] = None
    some = [one for one in alternatives if one.vendor_id is not UNSET]
    if specs and some and not any(spec.may_be(one) for one in some for spec in specs):
        return list(found), [f"alias {name}: no device_spec of this file gives out its devices"]
    return list(found), []


def _classes_of(one: Alternative, specs: list[DeviceSpec]) -> Iterator[str]:
    for spec in specs:
        if spec.resource_class is not None and spec.is_surely(one):
            yield spec.resource_class


def _stored(
    name: str, alternatives: list[Alternative], policy: NumaPolicy, file: str
) -> StoredDeviceRequest:
    try:
        msgspec.convert(name, RequestName)
        request = msgspec.convert(
            {"alternatives": alternatives, "numa_policy": policy}, DeviceRequest
        )
    except msgspec.ValidationError as error:
        raise InvalidFile(f"alias {name!r}: {error}", file=file) from None
    return StoredDeviceRequest(name=name, **msgspec.structs.asdict(request))
