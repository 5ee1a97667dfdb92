"""What searches remember for each other.

All of it can be lost at any time; nothing here decides what is found.  Threads share it without
a lock: they may work something out twice, and put the same in.
"""

from collections.abc import Hashable
from typing import TYPE_CHECKING

from wherry.inventory.columns import Columns
from wherry.model.provider import Provider
from wherry.schedule.search.likeness import Likeness
from wherry.schedule.search.lookups import FleetLookups
from wherry.schedule.search.placing import Way
from wherry.schedule.search.postings import Postings

if TYPE_CHECKING:
    from wherry.schedule.search.whole import Whole

REQUESTS = 256
WHOLES = 64
"""Requests whose first ways are kept; each takes some bytes for each tree."""
GROUNDS = 1 << 13
"""Grounds remembered for one request."""

Firsts = dict[bytes, Way | None]
"""For each ground, as bytes, the way that is found first; None: there is none."""


class Wholes:
    """First ways of all trees by request, of those asked last."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, Whole] = {}

    def get(self, request: Hashable) -> "Whole | None":
        """What is kept of a request; None: nothing."""
        return self._kept.get(request)

    def put(self, request: Hashable, whole: "Whole") -> None:
        """Keep what is known of a request now."""
        if request not in self._kept and len(self._kept) >= WHOLES:
            self._kept.clear()
        self._kept[request] = whole


class Notes:
    """Look-ups, lists, equal providers and ways that were found, by the numbers of one fleet."""

    def __init__(self, columns: Columns) -> None:
        self._tables = (columns.trait_sets, columns.aggregate_sets, columns.shapes)
        self.lookups = FleetLookups(columns)
        self.likeness = Likeness()
        self.postings = Postings()
        self.wholes = Wholes()
        self._firsts: dict[Hashable, Firsts] = {}
        self._rows: dict[int, tuple[int, Provider]] = {}

    def suit(self, columns: Columns) -> bool:
        """Whether numbers mean in these columns what they mean here."""
        now = (columns.trait_sets, columns.aggregate_sets, columns.shapes)
        return all(one is other for one, other in zip(now, self._tables, strict=True))

    def firsts(self, request: Hashable) -> Firsts:
        """What is remembered of one request."""
        found = self._firsts.get(request)
        if found is None:
            if len(self._firsts) >= REQUESTS:
                self._firsts.clear()
            found = self._firsts[request] = {}
        elif len(found) > GROUNDS:
            found.clear()
        return found

    def provider(self, columns: Columns, row: int) -> Provider:
        """Give a row as a value."""
        stamp = int(columns.stamp[columns.tree_of(row)])
        known = self._rows.get(row)
        if known is None or known[0] != stamp:
            known = self._rows[row] = (stamp, columns.provider(row))
        return known[1]


class Memory:
    """Notes on the columns that were searched last; one for each fleet."""

    def __init__(self) -> None:
        self._notes: Notes | None = None

    def of(self, columns: Columns) -> Notes:
        """Give the notes that hold for these columns."""
        notes = self._notes
        if notes is None or not notes.suit(columns):
            notes = self._notes = Notes(columns)
        return notes
