"""The target is at least as new: what a newer driver loads, it loads from all older ones.

Source: docs/reference/compat.md, section 6, policy ``monotonic``.
"""

from wherry.model.versions import Dotted


def compare(wanted: Dotted, offered: Dotted) -> str | None:
    """Say how *offered* fails *wanted*, or None."""
    return "OLDER" if offered < wanted else None
