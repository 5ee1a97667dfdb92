"""What a probe saw, as reasons: each a no, and none where the target took the text.

Asked outside the check, which stays pure and asks no device.

Source: docs/reference/compat.md, R29 and section 17.
"""

from typing import Final

from wherry.compat.table import Finding, cause
from wherry.model.checks import ProbeOutcome

RULES: Final = ("R29",)

_ABSENT = cause("PROBE_ABSENT")
_READ_ERROR = cause("PROBE_READ_ERROR")
_REFUSED = cause("PROBE_REFUSED")


def check(outcome: ProbeOutcome) -> list[Finding]:
    """Name what failed: the attribute of a side, its reading, the one write."""
    found: list[Finding] = []
    for side, read in (("source", outcome.source), ("target", outcome.target)):
        if read == "absent":
            found.append((_ABSENT, {"side": side}))
        elif read != "read":
            found.append((_READ_ERROR, {"side": side, "errno": read}))
    if outcome.write is not None and outcome.write != "accepted":
        found.append((_REFUSED, {"errno": outcome.write}))
    return found
