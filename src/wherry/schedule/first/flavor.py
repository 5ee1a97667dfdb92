"""A flavor as it stands in Nova: what it asks of Placement, and which devices by name.

The text is ``KEY=VALUE``, commas, blanks or lines between, or the JSON that ``openstack flavor
show -f json`` prints.  A class that is set to 0 is taken out, as in Nova.

Source: Nova, "Flavors" and "Extra specs" of its user's guide; nova.scheduler.utils.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, cast, get_args

from wherry.model.device_requests import NumaPolicy
from wherry.model.errors import InvalidRequest
from wherry.schedule.first.near import near

GROUPED: Final = re.compile(r"(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.+)")
ALIAS: Final = re.compile(r"\s*([^\s:,]+)\s*:\s*([0-9]{1,2})\s*")
SIZES: Final = frozenset({"vcpus", "ram", "disk", "ephemeral", "swap"})
OURS: Final = ("resources", "trait", "group_policy", "pci_passthrough")
PATH: Final = "$.flavor"
MB_PER_GB: Final = 1024
MOST_DEVICES: Final = 64
Policy = Literal["none", "isolate"]


@dataclass(slots=True)
class Asked:
    """What a flavor asks under one suffix."""

    resources: dict[str, int] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    forbidden: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Flavor:
    """What a flavor asks.

    Attributes:
        groups: by suffix; empty for the group without.
        devices: device requests by name, each with how many.
        ignored: keys that ask nothing that is looked at here.
    """

    groups: dict[str, Asked] = field(default_factory=dict)
    group_policy: Policy | None = None
    devices: dict[str, int] = field(default_factory=dict)
    numa_policy: NumaPolicy | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def parse_flavor(text: str) -> Flavor:
    """Read a flavor.

    Raises:
        InvalidRequest: a key that is looked at has a value that it cannot have, or is misspelt.
    """
    flavor = Flavor()
    specs = _from_json(text) if text.lstrip().startswith("{") else _from_text(text)
    for key, value in specs.items():
        _take(flavor, key, value.strip())
    _take_sizes(flavor)
    for asked in flavor.groups.values():
        asked.resources = {name: units for name, units in asked.resources.items() if units}
    return flavor


def _from_text(text: str) -> dict[str, str]:
    specs: dict[str, str] = {}
    last = ""
    for word in _words(text):
        key, equals, value = word.partition("=")
        if not equals:
            if not last:
                _refuse(f"{word!r} is no KEY=VALUE")
            # The value before has commas of its own, as `pci_passthrough:alias=A:1,B:2`.
            specs[last] += f",{word}"
            continue
        if key in specs:
            _refuse(f"{key} is given twice")
        specs[key], last = value, key
    return specs


def _words(text: str) -> Iterator[str]:
    reader = shlex.shlex(text, posix=True)
    reader.whitespace, reader.whitespace_split, reader.commenters = ", \t\r\n;", True, ""
    try:
        yield from (word for word in reader if word != "--property")
    except ValueError as error:
        _refuse(f"it cannot be read: {error}")


def _from_json(text: str) -> dict[str, str]:
    try:
        said = json.loads(text)
    except ValueError as error:
        _refuse(f"it begins like JSON, and is none: {error}")
    inner = said.pop("properties", said.pop("extra_specs", {}))
    if not isinstance(inner, dict):
        _refuse("its properties are no object")
    known = {name: said.get(name) for name in sorted(SIZES)}
    known["ephemeral"] = said.get("OS-FLV-EXT-DATA:ephemeral", known["ephemeral"])
    sizes = {name: value for name, value in known.items() if value is not None and value != ""}
    plain = {} if "vcpus" in said or "name" in said else said
    return {name: _text(name, value) for name, value in {**plain, **sizes, **inner}.items()}


def _text(name: str, value: Any) -> str:
    if isinstance(value, dict | list) or value is None:
        _refuse(f"{name} is no text or number")
    return str(value)


def _take(flavor: Flavor, key: str, value: str) -> None:
    if found := GROUPED.fullmatch(key):
        kind, suffix, name = found.groups(default="")
        asked = flavor.groups.setdefault(suffix, Asked())
        if kind == "resources":
            asked.resources[name] = _number(key, value)
        else:
            _take_trait(asked, key, name, value)
    elif key == "group_policy":
        flavor.group_policy = cast("Policy", _one_of(key, value, get_args(Policy)))
    elif key == "hw:pci_numa_affinity_policy":
        flavor.numa_policy = cast("NumaPolicy", _one_of(key, value, get_args(NumaPolicy)))
    elif key == "pci_passthrough:alias":
        flavor.devices = parse_alias(value)
    elif key in SIZES:
        flavor.sizes[key] = _number(key, value)
    else:
        _require_no_slip(key)
        flavor.ignored.append(key)


def parse_alias(text: str) -> dict[str, int]:
    """Read ``NAME:2,OTHER:1``: device requests by name, and how many of each.

    Raises:
        InvalidRequest: it is not of this form.
    """
    devices: dict[str, int] = {}
    for part in text.split(","):
        found = ALIAS.fullmatch(part)
        number = int(found[2]) if found else 0
        if found is None or not 1 <= number <= MOST_DEVICES:
            _refuse(f"pci_passthrough:alias has {part!r} and takes NAME:COUNT, 1 to {MOST_DEVICES}")
        devices[found[1]] = devices.get(found[1], 0) + number
    return devices


def _take_trait(asked: Asked, key: str, name: str, value: str) -> None:
    wanted = _one_of(key, value, ("required", "forbidden"))
    (asked.required if wanted == "required" else asked.forbidden).append(name)


def _take_sizes(flavor: Flavor) -> None:
    """Let the flavor's own sizes count where no extra spec says otherwise."""
    sizes = flavor.sizes
    said = {name for asked in flavor.groups.values() for name in asked.resources}
    gb = sizes.get("disk", 0) + sizes.get("ephemeral", 0) + -(-sizes.get("swap", 0) // MB_PER_GB)
    own = {
        "VCPU": 0 if said & {"VCPU", "PCPU"} else sizes.get("vcpus", 0),
        "MEMORY_MB": 0 if "MEMORY_MB" in said else sizes.get("ram", 0),
        "DISK_GB": 0 if "DISK_GB" in said else gb,
    }
    if more := {name: units for name, units in own.items() if units}:
        flavor.groups.setdefault("", Asked()).resources.update(more)


def _number(key: str, value: str) -> int:
    if re.fullmatch(r"[0-9]{1,10}", value) is None:
        _refuse(f"{key} has {value!r} and takes a number")
    return int(value)


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        _refuse(f"{key} has {value!r} and takes {' or '.join(allowed)}")
    return value


def _require_no_slip(key: str) -> None:
    """Refuse a key that is looked at but for a slip of the finger; others are Nova's business."""
    beginning = key.partition(":")[0].rstrip("0123456789")
    if found := near(beginning, OURS):
        _refuse(f"there is no key {key}: did you mean {key.replace(beginning, found[0], 1)}?")


def _refuse(message: str) -> NoReturn:
    raise InvalidRequest(f"the flavor: {message}", path=PATH)


def spell(flavor: Flavor) -> Mapping[str, Asked]:
    """Give the groups that ask for something, the one without a suffix first."""
    return {
        suffix: asked
        for suffix, asked in sorted(flavor.groups.items())
        if asked.resources or asked.required or asked.forbidden
    }
