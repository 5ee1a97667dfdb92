"""When a search has to end, asked of whoever knows the time."""

from collections.abc import Callable

Expired = Callable[[], bool]
"""Whether the time for a search is over."""


def never() -> bool:
    """A deadline that does not come."""
    return False
