"""The guest's version lies in the target's range; both ends are included, a missing one is open.

Source: docs/reference/compat.md, section 6, policy ``range``.
"""

from wherry.model.versions import Dotted


def compare(wanted: Dotted, low: Dotted | None, high: Dotted | None) -> str | None:
    """Say how *wanted* lies outside, or None; nothing lies in a range that is upside down."""
    below = low is not None and wanted < low
    above = high is not None and wanted > high
    return "OUT_OF_RANGE" if below or above else None
