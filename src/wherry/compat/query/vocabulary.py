"""What occurs in a fleet, as far as a query has to know it.

Levels of ordered versions and parameters, features that cannot be hidden, parameters that
cannot be left off: whoever asks lists those that would do, or forbids those that would not.
And as Placement refuses a question that names a trait it has never heard of, which marks there
are at all.  All of it is read off the marks that offers and hosts publish.

Source: docs/reference/compat.md, section 13, "Vocabulary".
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

Mark = tuple[object, ...]
"""Kind of the mark, then its parts: texts, numbers, booleans, None, tuples of these."""

MOST: Final = 64
"""More values than these are not listed: one mark stands for them all."""

_NAMED: Final = frozenset({"stuck", "fixed"})
_LEVELS: Final = {"interface": ("semver", "monotonic"), "state": ("semver", "monotonic")}


def is_word(mark: Mark) -> bool:
    """Tell whether a mark belongs to the vocabulary."""
    return is_forbidden(mark) or _is_level(mark)


def is_forbidden(mark: Mark) -> bool:
    """Tell whether a mark is one that contracts forbid."""
    return mark[0] in _NAMED


def _is_level(mark: Mark) -> bool:
    if mark[0] == "param":
        return mark[3] == "ge"
    return mark[0] in _LEVELS and mark[2] in _LEVELS[mark[0]] and mark[-1] != "some"


class Vocabulary:
    """The words of a fleet, by what they are words of.

    Attributes:
        marks: all that somebody in the fleet publishes.

    Args:
        marks: of all offers and hosts.
    """

    def __init__(self, marks: Iterable[Mark]) -> None:
        self.marks = frozenset(marks)
        self._last: dict[Mark, set[Any]] = defaultdict(set)
        for mark in self.marks:
            if is_word(mark):
                self._last[mark[:-1]].add(mark[-1])

    def levels(self, of: Mark) -> Sequence[Any]:
        """List the levels that occur, in order."""
        return sorted(self._last.get(of, ()))

    def names(self, kind: str, key: tuple[str, ...]) -> frozenset[str]:
        """Name what is ``stuck`` or ``fixed`` somewhere in the fleet, of one type."""
        return frozenset(self._last.get((kind, key), ()))
