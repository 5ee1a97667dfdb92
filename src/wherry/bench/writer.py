"""Writes a fleet of equal trees down as columns, one place of all hosts at a time.

So a million hosts take seconds: no loop in Python goes over providers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns, LimitsTable
from wherry.inventory.columns.assemble import assemble
from wherry.inventory.columns.raw import Raw, RawStock, Tables
from wherry.model.inventory import Inventory

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(slots=True)
class Stock:
    """Entries of one class, as they are gathered."""

    table: LimitsTable = field(default_factory=LimitsTable)
    rows: list[Numbers] = field(default_factory=list)
    limits: list[Numbers] = field(default_factory=list)
    used: list[Numbers] = field(default_factory=list)


class Writer:
    """Gathers a fleet of so many hosts with so many providers each."""

    def __init__(self, seed: int, hosts: int, places: int) -> None:
        self.dice = np.random.default_rng(seed)
        self.hosts, self.places = hosts, places
        self.every = np.arange(hosts)
        self.tables = Tables()
        self._stock: dict[str, Stock] = {}
        self.traits = np.zeros((hosts, places), np.int64)
        self.aggregates = np.zeros((hosts, places), np.int64)
        self.tables.trait_sets.intern(frozenset())
        self.tables.aggregate_sets.intern(frozenset())

    def row(self, hosts: Numbers, place: int) -> Numbers:
        """Rows of the providers at one place of some hosts."""
        return hosts * self.places + place

    def add(self, name: str, rows: Numbers, inventory: Inventory, used: Numbers | int = 0) -> None:
        """Give some providers an inventory."""
        stock = self._stock.setdefault(name, Stock())
        number = stock.table.intern(inventory)
        stock.rows.append(rows)
        stock.limits.append(np.full(len(rows), number))
        stock.used.append(np.broadcast_to(np.asarray(used, np.int64), rows.shape))

    def name(self, traits: Sequence[str]) -> int:
        """Number a set of traits."""
        return self.tables.trait_sets.intern(frozenset(traits))

    def columns(self, parents: Sequence[int]) -> Columns:
        """Put it together; *parents* are places, -1 for the root."""
        roots = np.repeat(self.every * self.places, self.places)
        above = np.tile(np.array(parents), self.hosts)
        size = self.hosts * self.places
        for name, stock in self._stock.items():
            self.tables.limits[name] = stock.table
        raw = Raw(
            keys=self.dice.integers(0, 256, (size, 16), np.uint8),
            odd={},
            parent=np.where(above < 0, -1, roots + above),
            root=roots,
            traits=self.traits.reshape(-1),
            aggregates=self.aggregates.reshape(-1),
            stock={
                name: RawStock(*(np.concatenate(each) for each in (s.rows, s.limits, s.used)))
                for name, s in self._stock.items()
            },
        )
        # Names are known also where no host of a small fleet has got any of them.
        traits = frozenset[str]().union(*self.tables.trait_sets.values)
        return assemble(raw, self.tables, classes=self._stock, traits=traits)
