"""On how many NUMA nodes the devices of a candidate are."""

from collections.abc import Iterable
from typing import Literal

from wherry.inventory.columns import Columns
from wherry.schedule.first.question import NODE

Nodes = Literal["one", "several", "unknown"]


class NodesOf:
    """Looks up the nodes of rows, and remembers what it found."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._is_node: dict[int, bool] = {}

    def rows(self, rows: Iterable[int]) -> Nodes:
        """Say on how many nodes some providers are."""
        nodes = {self.node(row) for row in rows}
        if None in nodes:
            return "unknown"
        return "one" if len(nodes) == 1 else "several"

    def node(self, row: int) -> int | None:
        """Find the node that a provider stands below, or is; None where none is known."""
        columns = self._columns
        tree = columns.tree_of(row)
        first = int(columns.first[tree])
        parents = columns.shapes[columns.shape[tree]].parents
        place = row - first
        while place >= 0:
            if self._has_trait(int(columns.traits[first + place])):
                return first + place
            place = int(parents[place])
        return None

    def _has_trait(self, number: int) -> bool:
        known = self._is_node.get(number)
        if known is None:
            known = self._is_node[number] = NODE in self._columns.trait_sets[number]
        return known
