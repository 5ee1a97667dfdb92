"""Which attributes of devices profiles point at, so that whoever reads a host keeps them.

Source: design, section 3: a profile may point at any attribute that the host publishes.
"""

from wherry.profiles.library import Profiles
from wherry.profiles.reading import FIRMWARE
from wherry.profiles.validate import sources_of


def device_attributes(profiles: Profiles) -> tuple[str, ...]:
    """Name the attributes of a device or its PF that some profile reads or matches, sorted.

    Those that drivers publish their firmware in are always among them.
    """
    found = set(FIRMWARE)
    for profile in profiles.all:
        found |= set(profile.match.attributes)
        found |= {
            source.attribute
            for _, source in sources_of(profile)
            if source.of in {"device", "parent"}
        }
    return tuple(sorted(found))
