"""Which attributes of devices profiles point at, so that whoever reads a host keeps them.

Source: design, section 3: a profile may point at any attribute that the host publishes.
"""

import msgspec

from wherry.profiles.library import Profiles
from wherry.profiles.reading import FIRMWARE
from wherry.profiles.schema import Source


def device_attributes(profiles: Profiles) -> tuple[str, ...]:
    """Name the attributes of a device or its PF that some profile reads or matches, sorted.

    Those that drivers publish their firmware in are always among them.
    """
    found = set(FIRMWARE)
    for profile in profiles.all:
        found |= set(profile.match.attributes)
        found |= {one.attribute for one in _sources(profile) if one.of in {"device", "parent"}}
    return tuple(sorted(found))


def _sources(value: object) -> list[Source]:
    if isinstance(value, Source):
        return [value]
    if isinstance(value, msgspec.Struct):
        return [one for name in value.__struct_fields__ for one in _sources(getattr(value, name))]
    if isinstance(value, dict):
        return [one for inner in value.values() for one in _sources(inner)]
    if isinstance(value, tuple):
        return [one for inner in value for one in _sources(inner)]
    return []
