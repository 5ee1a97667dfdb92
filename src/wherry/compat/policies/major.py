"""The first numbers are equal; what follows them is the vendor's own business.

Source: docs/reference/compat.md, section 6, policy ``major``.
"""

from wherry.model.versions import Dotted


def compare(wanted: Dotted, offered: Dotted) -> str | None:
    """Say how *offered* fails *wanted*, or None."""
    return None if offered.first == wanted.first else "MAJOR"
