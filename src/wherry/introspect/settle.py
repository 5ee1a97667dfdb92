"""Reading what changes while it is read: look again until it holds still, a few times.

The kernel makes and removes instances while we read their types' counts, and tells
nobody when a count changes.  A *witness* that is the same before and after says that what
was seen between belongs together.

Source: docs/reference/introspection.md, "Parents of mdevs, their types and instances".
"""

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

T = TypeVar("T")

ATTEMPTS: Final = 3
"""Looks before a thing is called unsettled; a look takes about a millisecond."""


def settle(look: Callable[[], T], witness: Callable[[], Hashable]) -> tuple[T, bool]:
    """Look until the witness is the same before and after; tell whether it ever was.

    Returns:
        The last look, and whether it can be trusted as one moment.
    """
    before = witness()
    for _ in range(ATTEMPTS - 1):
        seen, after = look(), witness()
        if before == after:
            return seen, True
        before = after
    seen = look()
    return seen, before == witness()
