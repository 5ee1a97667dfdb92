"""Composed types: parts of a parent, set aside together, under a name of their own.

The description is for people and programs alike, and parses back:

    composed/pair = 2 x mtty/mtty-1 CUSTOM_MTTY_PORT:1 + 1 x mtty/mtty-2 CUSTOM_MTTY_PORT:2

Source: S. Mooney on libvir-list, 2020-07-14: types that "statically partition", with "the
resource information in the description field in a human and machine readable form".
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta

from wherry.model.device import Part, Positive, TypeName, Uuid
from wherry.model.facts import HostName
from wherry.model.inventory import Value

PREFIX = "composed/"
LONGEST = 4096
"""Characters that a description may have, as in an offer."""

MOST_PARTS = 1024
"""Instances of the parent that a composition may hold in all."""
WORDS = 4
"""Words of a part: ``2 x TYPE UNITS``."""

ComposedName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")]
Count = Annotated[int, Meta(ge=1, le=256)]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_TYPE = re.compile(r"[!-~]{1,200}", re.ASCII)
_AMOUNT = re.compile(r"([A-Z0-9_]{1,255}):([1-9][0-9]{0,17})", re.ASCII)
_COUNT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class PartRequest(Value, frozen=True, kw_only=True):
    """Some instances of a type that the parent offers."""

    type: TypeName
    count: Count = 1


class CompositionRequest(Value, frozen=True, kw_only=True):
    """What to compose; said again with the same uuid, it is done once."""

    uuid: Uuid
    """Chosen by the client; the new provider's as well."""
    name: ComposedName
    count: Count = 1
    """Composed devices, all alike."""
    parts: Annotated[tuple[PartRequest, ...], Meta(min_length=1, max_length=32)]
    """Of each composed device."""


class Composition(Value, frozen=True, kw_only=True):
    """Composed devices as they are set aside."""

    uuid: Uuid
    """Of the composition, its provider, and the consumer that holds the parent's units."""
    provider: Uuid
    """The parent."""
    host: HostName
    name: ComposedName
    type: TypeName
    resource_class: str
    """In which the devices are counted for clients that ask by type."""
    count: Positive
    parts: tuple[Part, ...]
    """Of one device, each with the units of one instance."""
    units: dict[str, int]
    """What one device holds."""
    description: str


def units_of_parts(parts: Sequence[Part]) -> dict[str, int]:
    """Sum up what parts hold, class by class."""
    total: dict[str, int] = {}
    for part in parts:
        for name, amount in part.units.items():
            total[name] = total.get(name, 0) + part.count * amount
    return dict(sorted(total.items()))


def render_description(name: str, parts: Sequence[Part]) -> str:
    """Write down what a composed type is made of; parts of one type are one."""
    return f"{PREFIX}{name} = " + " + ".join(map(_render_part, merge_parts(parts)))


def parse_description(text: str) -> tuple[str, tuple[Part, ...]]:
    """Read a description: the name, and the parts in the order of their types.

    Raises:
        ValueError: it is none, and says what is wrong.
    """
    title, equals, rest = text.partition(" = ")
    name = title.removeprefix(PREFIX)
    if not equals or title == name or not _NAME.fullmatch(name):
        message = f"a description begins `{PREFIX}NAME = `, not `{text[:80]}`"
        raise ValueError(message)
    # A type may be spelled "+" or "x", but has no blanks: words are told by their place.
    words = rest.split(" ")
    if any(word != "+" for word in words[WORDS :: WORDS + 1]):
        message = f"parts stand with ` + ` between: `{rest[:80]}`"
        raise ValueError(message)
    steps = range(0, len(words), WORDS + 1)
    parts = tuple(_parse_part(words[start : start + WORDS]) for start in steps)
    if parts != merge_parts(parts):
        message = f"parts stand in the order of their types, each once: `{rest[:80]}`"
        raise ValueError(message)
    return name, parts


def merge_parts(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Put parts in the order of their types, each type once."""
    merged: dict[str, Part] = {}
    for part in sorted(parts, key=lambda each: each.type):
        count = part.count + (merged[part.type].count if part.type in merged else 0)
        merged[part.type] = Part(
            type=part.type, units=dict(sorted(part.units.items())), count=count
        )
    return tuple(merged.values())


def _render_part(part: Part) -> str:
    return f"{part.count} x {part.type} {_render_units(part.units)}"


def _render_units(units: Mapping[str, int]) -> str:
    return ",".join(f"{name}:{amount}" for name, amount in sorted(units.items()))


def _parse_part(words: Sequence[str]) -> Part:
    text = " ".join(words)
    is_part = len(words) == WORDS and words[1] == "x"
    if not is_part or not _COUNT.fullmatch(words[0]) or not _TYPE.fullmatch(words[2]):
        message = f"a part is written `2 x TYPE CLASS:1,CLASS:2`, not `{text[:80]}`"
        raise ValueError(message)
    amounts = [_AMOUNT.fullmatch(each) for each in words[3].split(",")]
    units = {found[1]: int(found[2]) for found in amounts if found is not None}
    if None in amounts or _render_units(units) != words[3]:
        message = (
            f"units are written `CLASS:1,CLASS:2` in the order of classes, not `{words[3][:80]}`"
        )
        raise ValueError(message)
    return Part(type=words[2], units=units, count=int(words[0]))
