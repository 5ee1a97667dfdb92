"""Names that somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

MOST = 3


def near(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Give the names that are most like one that is not known, the nearest first."""
    by_fold = {each.casefold(): each for each in sorted(known)}
    found = get_close_matches(name.casefold(), by_fold, n=MOST, cutoff=0.6)
    return tuple(by_fold[each] for each in found)


def hint(name: str, known: Iterable[str]) -> str:
    """Say which names may have been meant, as the end of a sentence; empty for none."""
    found = near(name, known)
    return f": did you mean {' or '.join(found)}?" if found else ""
