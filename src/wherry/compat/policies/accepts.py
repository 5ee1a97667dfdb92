"""The guest's text is one of those that the target accepts; nothing is parsed.

Source: docs/reference/compat.md, section 6, policy ``accepts``.
"""

from collections.abc import Collection


def compare(wanted: str, accepted: Collection[str]) -> str | None:
    """Say how *accepted* fails *wanted*, or None."""
    return None if wanted in accepted else "NOT_ACCEPTED"
