"""Lints over two offers of one type: found before a guest finds them.

Run over successive offers of one provider, and over providers that claim the same version.

Source: docs/reference/compat.md, section 11.
"""

from wherry.compat.rules import inventory
from wherry.compat.verdicts import to_reasons
from wherry.model.checks import LintResponse
from wherry.model.device import Offer


def lint(before: Offer, after: Offer) -> LintResponse:
    """Name what is wrong between two offers; nothing if they are not of one type."""
    return LintResponse(lints=to_reasons(inventory.check(before, after)))
