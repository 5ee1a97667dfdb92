"""The texts are equal, character by character; nothing is parsed.

Source: docs/reference/compat.md, section 6, policy ``exact``.
"""


def compare(wanted: str, offered: str) -> str | None:
    """Say how *offered* fails *wanted*, or None."""
    return None if wanted == offered else "NOT_EQUAL"
