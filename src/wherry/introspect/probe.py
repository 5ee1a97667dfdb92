"""What a VFIO feature probe answered, as one JSON object a line.

The probe opens an unassigned device and asks the kernel whether it can migrate; it is made
by hand or by an agent, at discovery, never while something is asked of Wherry.

Source: Linux, VFIO_DEVICE_FEATURE; docs/reference/introspection.md, "Programs beside sysfs".
"""

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import UNSET, structs

from wherry.introspect.address import parse_address
from wherry.introspect.answers import parse_json
from wherry.model.errors import InvalidFile
from wherry.model.facts import Facts, MigrationProbe, Unread

FILE: Final = "vfio-probe.jsonl"
_FLAGS: Final[tuple[Literal["stop_copy", "p2p", "pre_copy"], ...]] = (
    "stop_copy",
    "p2p",
    "pre_copy",
)
_ERRNO = re.compile(r"E[A-Z0-9]{1,30}", re.ASCII)


def add_probes(facts: Facts, text: str, *, file: str = FILE) -> Facts:
    """Put each answer on the device or instance it is about; others are left alone.

    Raises:
        InvalidFile: a line is no JSON object with a ``name``.
    """
    probes: dict[str, MigrationProbe] = {}
    for line in filter(str.strip, text.split("\n")):
        said = parse_json(line, file=file)
        if not isinstance(said, dict) or not isinstance(said.get("name"), str):
            raise InvalidFile("a line is no answer of a probe: it has no name", file=file)
        probes[parse_address(said["name"]) or said["name"].lower()] = _probe(said)
    return structs.replace(
        facts,
        devices=tuple(structs.replace(d, probe=probes.get(d.name, d.probe)) for d in facts.devices),
        instances=tuple(
            structs.replace(i, probe=probes.get(i.id, i.probe)) for i in facts.instances
        ),
    )


def _probe(said: Mapping[str, object]) -> MigrationProbe:
    """``ENOTTY`` is the kernel's "cannot migrate"; ``EBUSY`` says that something holds it."""
    features, flags = said.get("features"), said.get("migration_flags")
    answer = features.get("MIGRATION") if isinstance(features, dict) else said.get("error")
    if answer != "supported":
        name = answer if isinstance(answer, str) and _ERRNO.fullmatch(answer) else "EBADMSG"
        return MigrationProbe(flags=Unread(errno=name))
    names = flags.get("names") if isinstance(flags, dict) else None
    known = {str(one).lower() for one in names} if isinstance(names, list) else set()
    size = said.get("stop_copy_length")
    fits = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    return MigrationProbe(
        flags=tuple(one for one in _FLAGS if one in known),
        stop_copy_bytes=size if fits and isinstance(size, int) else UNSET,
    )
