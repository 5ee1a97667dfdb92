"""A guest may move to the same or a newer minor version of the same major.

A running guest keeps seeing the device it was started with, so a target may offer more
features but never fewer.  The bugfix number changes nothing that a guest can see and is not
compared (R22).

Source: docs/reference/compat.md, R20 to R22; S. Mooney on libvir-list, 2020-07-14.
"""

from wherry.model.versions import Semver


def compare(wanted: Semver, offered: Semver) -> str | None:
    """Say how *offered* fails *wanted*, or None; the axis makes the code of it."""
    if offered.major != wanted.major:
        return "MAJOR"
    if offered.minor < wanted.minor:
        return "MINOR_OLDER"
    return None
