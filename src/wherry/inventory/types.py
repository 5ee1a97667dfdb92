"""The types that some devices offer together: name, recipe of units, counts.

VFs of one board are one provider: a type's count is taken over all of them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from msgspec import UNSET

from wherry.inventory.findings import finding
from wherry.inventory.subjects import Subject
from wherry.model.device import Scalar
from wherry.model.facts import Attribute, Instance
from wherry.model.inventory import MAX_INT, Finding
from wherry.model.positions import count_free, parse_places
from wherry.profiles.patterns import fields_of, fill, matches
from wherry.profiles.reading import (
    UNREAD,
    Look,
    Missing,
    ids_of,
    read_number,
    read_text,
    read_value,
)
from wherry.profiles.schema import PoolData, Profile

_TYPE_NAME = re.compile(r"[!-~]{1,200}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class SeenType:
    """One type as the host lists it.

    Attributes:
        id: what instances call it; empty for a function.
        available: how many more could be made, summed over the devices; None: unknown.
        least: how many more there must be room for: VFs of one board each say that one more
            could be made on them, and together mean the same room.
    """

    id: str
    look: Look
    available: int | None
    least: int | None


@dataclass(frozen=True)
class PlannedType:
    """One type with a name and a recipe.

    Attributes:
        fields: what templates may name.
        units: pool class to units of one instance; never empty.
        limit: most instances on an empty parent; None: none stated.
        value: what exclusivity looks at; None where nothing does.
        available, least: as seen.
        places: where an instance may sit; empty where the parent has no positions.
    """

    id: str
    name: str
    look: Look
    fields: dict[str, str]
    available: int | None
    least: int | None
    units: dict[str, int]
    limit: int | None
    value: Scalar | None
    places: tuple[str, ...] = ()

    def count_places(self, taken: int = 0) -> int | None:
        """Count the instances that find places at once; None where they need none."""
        return count_free(self.places, taken) if self.places else None


def see_types(members: Sequence[Subject], instances: Iterable[Instance]) -> list[SeenType]:
    """List the types of some devices that are equal but for their names."""
    first = members[0]
    if first.types_from == "function":
        return [SeenType(id="", look=first.look({}), available=len(members), least=len(members))]
    found: dict[str, SeenType] = {}
    for member in members:
        for attributes, available in _listed(member):
            _add(found, member, attributes, available)
    numbers = {} if first.profile is None else first.profile.numbers
    for instance in instances:
        if instance.type not in found and instance.type in numbers:
            known: dict[str, Attribute] = {"id": instance.type, "name": numbers[instance.type]}
            found[instance.type] = SeenType(instance.type, first.look(known), available=0, least=0)
    return [found[key] for key in sorted(found)]


def plan_types(
    profile: Profile, seen: Sequence[SeenType], device: str
) -> tuple[list[PlannedType], list[Finding]]:
    """Give the types that can be named and counted, in the order of names, and what cannot."""
    planned: dict[str, PlannedType] = {}
    findings: list[Finding] = []
    for one in seen:
        made = plan_type(profile, one)
        if isinstance(made, str):
            findings.append(finding("TYPE_UNREADABLE", device, f"{one.id or device}, {made}"))
        elif made.name in planned:
            findings.append(finding("TYPE_TWICE", device, f"{made.name}, as {made.id}"))
        else:
            planned[made.name] = made
    return [planned[name] for name in sorted(planned)], findings


def plan_type(profile: Profile, seen: SeenType) -> PlannedType | str:
    """Name a type and count its units; text says why that cannot be done."""
    fields = read_fields(profile, seen.look)
    name = fill_name(profile.name, fields)
    if name is None:
        return f"no name from `{profile.name}`"
    units = _recipe(profile, seen.look, fields)
    if isinstance(units, str):
        return units
    limit = _limit(profile, seen.look)
    value = _exclusive_value(profile, seen.look, name)
    if limit is UNREAD or value is UNREAD:
        return "its limit or what excludes others cannot be read"
    places = _places(profile, seen.look)
    if places is None:
        return "where it may sit cannot be read"
    return PlannedType(
        id=seen.id,
        name=name,
        look=seen.look,
        fields=fields | {"type": name},
        available=seen.available,
        least=seen.least,
        units=units,
        limit=None if isinstance(limit, Missing) else limit,
        # What has a place of its own shuts nobody out by its size.
        value=None if isinstance(value, Missing) or places else value,
        places=places,
    )


def is_wanted(profile: Profile, name: str) -> bool:
    """Tell whether the operator's selection has a type of this name."""
    return not profile.only or any(matches(pattern, name) for pattern in profile.only)


def read_fields(profile: Profile, look: Look) -> dict[str, str]:
    """Give what templates may name, as far as it can be read."""
    known = {k: v for k, v in look.type_attributes.items() if k in {"id", "name"}}
    texts: dict[str, object] = {**ids_of(look.device), **known}
    texts |= {name: read_text(source, look) for name, source in profile.fields.items()}
    return {name: text for name, text in texts.items() if isinstance(text, str) and text}


def fill_name(template: str, fields: dict[str, str]) -> str | None:
    """Fill a template of a type name: blanks become dashes; None where a field is missing."""
    if any(field not in fields for field in fields_of(template)):
        return None
    name = re.sub(r"\s+", "-", fill(template, fields))
    return name if _TYPE_NAME.fullmatch(name) else None


def fill_class(template: str, fields: dict[str, str]) -> str | None:
    """Fill a template of a class: upper case, and ``_`` for what a class cannot hold."""
    if any(field not in fields for field in fields_of(template)):
        return None
    return as_class(fill(template, fields))


def as_class(text: str) -> str:
    """Spell a text as the name of a class or trait."""
    return re.sub(r"[^A-Z0-9_]", "_", text.upper())[:255]


def _listed(member: Subject) -> Iterable[tuple[dict[str, Attribute], int | None]]:
    device = member.device
    if device.mdev_types is not UNSET:
        for one in device.mdev_types:
            count = one.attributes.get("available_instances")
            known = int(count) if isinstance(count, str) and _COUNT.fullmatch(count) else None
            yield {**one.attributes, "id": one.id}, known
    elif device.nvidia is not UNSET and isinstance(device.nvidia.creatable_types, tuple):
        for line in device.nvidia.creatable_types:
            yield {"id": str(line.number), "name": line.name}, 1


def _add(
    found: dict[str, SeenType],
    member: Subject,
    attributes: dict[str, Attribute],
    available: int | None,
) -> None:
    key = str(attributes["id"])
    before = found.get(key)
    if before is None:
        found[key] = SeenType(key, member.look(attributes), available, least=available)
    elif available is not None:
        found[key] = replace(
            before,
            available=(before.available or 0) + available,
            least=max(before.least or 0, available),
        )


def _recipe(profile: Profile, look: Look, fields: dict[str, str]) -> dict[str, int] | str:
    if profile.types_from == "function":
        counted = count_class(profile, look, fields)
        return "no class to count it in" if counted is None else {counted: 1}
    units: dict[str, int] = {}
    for name, pool in profile.pools.items():
        amount = _amount(pool, look)
        if amount is UNREAD:
            return f"its units of {name} cannot be read"
        if not isinstance(amount, Missing) and amount > 0:
            units[name] = amount
    return units or "it states no units of any pool"


def count_class(profile: Profile, look: Look, fields: dict[str, str]) -> str | None:
    """Name the class of which a function is one unit.

    VFs of network adapters have a standard class; the others are counted by their ids, as
    Nova does for whole functions.
    """
    if profile.counted_as is not UNSET:
        return fill_class(profile.counted_as, fields)
    if look.device.role == "vf":
        network = profile.device_class == "network"
        return "SRIOV_NET_VF" if network else fill_class("CUSTOM_PCI_VF_{vendor}_{device}", fields)
    return fill_class("CUSTOM_PCI_{vendor}_{device}", fields)


def _amount(pool: PoolData, look: Look) -> int | Missing:
    if isinstance(pool.units, int):
        return pool.units
    amount = read_number(pool.units, look)
    # More than an inventory can hold is no amount that anybody understands.
    return UNREAD if not isinstance(amount, Missing) and amount > MAX_INT else amount


def _limit(profile: Profile, look: Look) -> int | Missing | None:
    if profile.limit is UNSET:
        return None
    return profile.limit if isinstance(profile.limit, int) else read_number(profile.limit, look)


def _places(profile: Profile, look: Look) -> tuple[str, ...] | None:
    """Give where a type may sit; empty: anywhere; None: it is there and cannot be read."""
    if profile.positions is UNSET:
        return ()
    told = profile.positions.places
    for source in told if isinstance(told, tuple) else (told,):
        text = source if isinstance(source, str) else read_text(source, look)
        if text is Missing.ABSENT:
            continue
        try:
            return parse_places(text) if isinstance(text, str) else None
        except ValueError:
            return None
    return ()


def _exclusive_value(profile: Profile, look: Look, name: str) -> Scalar | Missing | None:
    if profile.exclusive is UNSET or profile.exclusive == "none":
        return None
    if profile.exclusive == "type":
        return name
    param = profile.params[profile.exclusive]
    value = param.value
    if isinstance(value, bool | int | str):
        return value
    if value is UNSET or isinstance(value, tuple):
        return UNREAD
    read = read_value(value, look, param.type)
    # Without its value nobody can say what a type excludes.
    return UNREAD if isinstance(read, tuple | Missing) else read
