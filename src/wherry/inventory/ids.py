"""Names and uuids of reported providers: every service derives the same ones.

A device is told apart by bus and name in sysfs, which every source knows (libvirt tells no
path); names are Nova's, ``HOST_0000:81:00.0``, so that a fleet without Nova looks alike.

Source: design, section 6 ("Every provider has one owner"); Nova, PCI devices in Placement.
"""

import json
from typing import Final
from uuid import UUID, uuid5

FLEET: Final = UUID("6f1a4c1e-6d0f-5d8e-9c55-3d9b6e0f7a11")
"""Namespace of all reported providers."""


def provider_uuid(host: str, *parts: str) -> str:
    """Give the uuid of a host's provider; without parts, of the host itself."""
    return str(uuid5(FLEET, json.dumps([host, *parts])))


def provider_name(host: str, *parts: str) -> str:
    """Give the name of a host's provider: the host's, then what it is below it."""
    return "_".join((host, *parts))
