"""Keeps columns at the state of the fleet: the one who writes.

A change of use, limits, traits or aggregates is written in place.  Whatever changes the form of
a tree, which providers it has, how they stand, which classes each has, appends the tree anew.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wherry.inventory.columns.appending import append
from wherry.inventory.columns.assemble import assemble, unite
from wherry.inventory.columns.few import FEW, fits, locate_few, write_few
from wherry.inventory.columns.growing import Room
from wherry.inventory.columns.interned import Interned
from wherry.inventory.columns.keys import key_of, keys_of
from wherry.inventory.columns.layout import Columns, Ids
from wherry.inventory.columns.raw import Numbers, Tables, raw_of
from wherry.inventory.columns.spans import spread
from wherry.inventory.columns.stock import Written, room_for, write_stock, written_of
from wherry.inventory.columns.use import UseRow, locate
from wherry.model.provider import SHARES, Provider

Changed = Mapping[str, Provider | None]
SPARE = 4096
"""Dead rows and values that are never worth a compaction."""


@dataclass(slots=True)
class _Plan:
    """What a batch of changes comes to.

    Attributes:
        rows: row to what stands in it now, and class to entry, where the form stays.
        trees: slots of trees whose form changes.
        newcomers: uuids that were not there.
    """

    rows: dict[int, tuple[Provider, Mapping[str, int]]] = field(default_factory=dict)
    trees: dict[int, None] = field(default_factory=dict)
    newcomers: list[str] = field(default_factory=list)


class ColumnsWriter:
    """The one writer of columns; calls come one at a time.

    Attributes:
        columns: the newest; who reads an older object sees a fleet of that moment, but for
            numbers that changed in place.

    Args:
        stamp: no tree is stamped with this or less.
    """

    def __init__(self, columns: Columns, *, stamp: int = 0) -> None:
        self._touched: set[str] | None = None
        self._stamp = stamp
        self._adopt(columns)

    def _adopt(self, columns: Columns) -> None:
        self.columns = columns
        self._tables = Tables(
            shapes=columns.shapes,
            shape_ids={
                np.array(each.parents, np.int32).tobytes(): number
                for number, each in enumerate(columns.shapes.values)
            },
            trait_sets=columns.trait_sets,
            aggregate_sets=columns.aggregate_sets,
            limits={name: each.table for name, each in columns.classes.items()},
        )
        self._room = Room()
        self._stamp = max(self._stamp, int(columns.stamp.max(initial=0)))
        self.live_rows = int(columns.count.sum())
        self._values = len(columns.trait_sets) + len(columns.aggregate_sets)
        self._values += sum(len(table) for table in self._tables.limits.values())

    @property
    def dead_rows(self) -> int:
        """Rows that are no longer providers."""
        return self.columns.rows - self.live_rows

    @property
    def wants_compaction(self) -> bool:
        """Whether dead rows, or values that nothing may name any more, are worth making anew."""
        values = len(self.columns.trait_sets) + len(self.columns.aggregate_sets)
        values += sum(len(table) for table in self._tables.limits.values())
        spare = self.live_rows // 4 + SPARE
        return self._touched is None and max(self.dead_rows, values - self._values) > spare

    def begin_compaction(self) -> None:
        """Note from now on which providers change: `finish_compaction` writes them once more."""
        self._touched = set()

    def finish_compaction(self, anew: Columns) -> None:
        """Put columns that `compact` made since then in the place of the present ones."""
        before, touched = self.columns, self._touched or ()
        rows = {uuid: before.row(uuid) for uuid in touched}
        changed = {u: None if row is None else before.provider(row) for u, row in rows.items()}
        self._touched = None
        self._restamp(anew)
        self._adopt(anew)
        self.apply(changed, classes=before.known_classes, traits=before.known_traits)

    def abandon_compaction(self) -> None:
        """Go on as if none had begun."""
        self._touched = None

    def succeeded_by(self, columns: Columns) -> "ColumnsWriter":
        """Give a writer of other columns of the fleet, whose stamps follow on those there were."""
        self._restamp(columns)
        return ColumnsWriter(columns, stamp=self._stamp)

    def _restamp(self, columns: Columns) -> None:
        """No tree may have a stamp that another had in its slot."""
        columns.stamp[:] = self._next_stamp()

    def use(self, rows: Sequence[UseRow]) -> Columns:
        """Write what claims changed.

        Args:
            rows: each provider and class at most once.

        Raises:
            UnknownUse: there is no such provider, or it has no inventory of the class;
                nothing was written.
        """
        if len(rows) <= FEW and fits(steps := locate_few(self.columns, rows)):
            write_few(steps)
            trees: Any = [step.tree for step in steps]
        else:
            written = locate(self.columns, rows)
            self._write_stock(written)
            trees = np.concatenate([each.stretches.trees for each in written.values()])
        if self._touched is not None:
            self._touched.update(uuid for uuid, *_ in rows)
        self._sign(trees)
        return self.columns

    def apply(
        self,
        changed: Changed,
        *,
        classes: Collection[str] | None = None,
        traits: Collection[str] | None = None,
    ) -> Columns:
        """Write what providers are now.

        Args:
            changed: uuid to what the provider is now, new ones oldest first; None: it is gone.
            classes: resource classes that are known besides those in inventories; None: as
                before.
            traits: traits that are known besides those on providers; None: as before.

        Raises:
            ValueError: a provider would stand below one that is not there; nothing was written.
        """
        plan = self._plan(changed)
        if self._touched is not None:
            self._touched.update(changed)
        for row in [row for row in plan.rows if self.columns.tree_of(row) in plan.trees]:
            del plan.rows[row]
        if plan.trees or plan.newcomers:
            self._append(plan, changed)
        if plan.rows:
            self._write_rows(plan.rows)
        self._learn(changed, classes, traits)
        return self.columns

    def _plan(self, changed: Changed) -> _Plan:
        columns, plan = self.columns, _Plan()
        keys, _ = keys_of(list(changed))
        rows = columns.index.rows(keys).tolist() if changed else []
        for (uuid, now), row in zip(changed.items(), rows, strict=True):
            if row < 0:
                if now is not None:
                    plan.newcomers.append(uuid)
                    self._add_tree(plan, now)
                continue
            tree = columns.tree_of(row)
            entries = None if now is None else self._entries(row, tree, now)
            if now is not None and entries is not None:
                plan.rows[row] = now, entries
                continue
            plan.trees[tree] = None
            if now is not None:
                self._add_tree(plan, now)
        return plan

    def _add_tree(self, plan: _Plan, now: Provider) -> None:
        """Count the tree that a provider comes into among those that change."""
        row = self.columns.index.row(key_of(now.root))
        if row is not None:
            plan.trees[self.columns.tree_of(row)] = None

    def _entries(self, row: int, tree: int, now: Provider) -> Mapping[str, int] | None:
        """Give class to entry of a row; None where its tree changes its form."""
        columns = self.columns
        first = int(columns.first[tree])
        place = row - first
        above = columns.shapes[columns.shape[tree]].parents[place]
        parent = None if above < 0 else columns.uuid(first + above)
        if now.parent != parent or (parent is not None and now.root != columns.uuid(first)):
            return None
        entries = columns.entries(tree, place)
        return entries if entries.keys() == now.inventories.keys() else None

    def _append(self, plan: _Plan, changed: Changed) -> None:
        old, dead = self.columns, list(plan.trees)
        before = {each.uuid: each for tree in dead for each in old.tree(tree)}
        now: dict[str, Provider] = {}
        for uuid in dict.fromkeys((*before, *plan.newcomers)):
            each = changed[uuid] if uuid in changed else before[uuid]
            if each is not None:
                now[uuid] = each
        raw = raw_of(now.values(), self._tables)
        new = assemble(raw, self._tables, stamp=self._next_stamp())
        gone = [key_of(uuid) for uuid in before if uuid not in now]
        columns = append(self._room, old, new, dead)
        rows = np.arange(old.rows, columns.rows, dtype=np.int32)
        columns.index.put(columns.uuids, rows)
        if gone:
            columns.index.drop(np.frombuffer(b"".join(gone), np.uint8).reshape(-1, 16))
        self.live_rows += len(now) - len(before)
        self.columns = columns

    def _write_rows(self, rows: Mapping[int, tuple[Provider, Mapping[str, int]]]) -> None:
        columns = self.columns
        at = np.fromiter(rows, np.int64, len(rows))
        trees = columns.trees_of(at)
        stock: dict[str, list[tuple[int, int, int, int]]] = {}
        for (now, entries), tree in zip(rows.values(), trees.tolist(), strict=True):
            for name, entry in entries.items():
                number = columns.classes[name].table.intern(now.inventories[name])
                stock.setdefault(name, []).append((tree, entry, number, now.used.get(name, 0)))
        self._write_stock(
            {name: written_of(columns.classes[name], each) for name, each in stock.items()}
        )
        self._write_sets([now for now, _ in rows.values()], at, np.unique(trees))
        self._sign(trees)

    def _write_stock(self, written: Mapping[str, Written]) -> None:
        columns = self.columns
        wider = {}
        for name, each in written.items():
            column = columns.classes[name]
            room = room_for(self._room, name, column, int(each.limits.max()), int(each.used.max()))
            if room is not column:
                wider[name] = room
            write_stock(room, each)
        if wider:
            self._change(classes={**columns.classes, **wider})

    def _write_sets(self, now: Sequence[Provider], at: Numbers, trees: Numbers) -> None:
        """Write traits and aggregates of rows, and what they come to in their trees."""
        columns = self.columns
        traits = np.array([columns.trait_sets.intern(each.traits) for each in now])
        aggregates = np.array([columns.aggregate_sets.intern(each.aggregates) for each in now])
        self._write_set("traits", at, traits, trees)
        self._write_set("aggregates", at, aggregates, trees)
        shares = np.array([SHARES in each.traits for each in now])
        shared = np.isin(at, self.columns.sharing)
        if (shares != shared).any():
            kept = np.setdiff1d(self.columns.sharing, at)
            both = np.union1d(kept, at[shares]).astype(np.int32)
            self.columns = replace(self.columns, sharing=both)

    def _write_set(self, name: str, at: Numbers, ids: Numbers, trees: Numbers) -> None:
        columns = self.columns
        column = getattr(columns, name)
        if (column[at] == ids).all():
            return
        sets = columns.trait_sets if name == "traits" else columns.aggregate_sets
        wide = self._room.widen(name, column, int(ids.max()))
        wide[at] = ids
        united = _unite(wide, columns, trees, sets)
        summary = getattr(columns, f"tree_{name}")
        wide_summary = self._room.widen(f"tree_{name}", summary, int(united.max()))
        wide_summary[trees] = united
        columns.moves[0] += 1
        if wide is not column or wide_summary is not summary:
            self._change(**{name: wide, f"tree_{name}": wide_summary})

    def _change(self, **columns: Any) -> None:
        """Put other columns in the place of some.

        Who reads the old ones must not find a new stamp beside them, and so keeps the old stamps.
        """
        self.columns = replace(self.columns, stamp=self.columns.stamp.copy(), **columns)

    def _learn(
        self, changed: Changed, classes: Iterable[str] | None, traits: Iterable[str] | None
    ) -> None:
        columns = self.columns
        now = [each for each in changed.values() if each is not None]
        known_classes = columns.known_classes if classes is None else frozenset(classes)
        known_classes = known_classes.union(*(each.inventories for each in now))
        known_traits = columns.known_traits if traits is None else frozenset(traits)
        known_traits = known_traits.union(*(each.traits for each in now))
        if known_classes != columns.known_classes or known_traits != columns.known_traits:
            self.columns = replace(columns, known_classes=known_classes, known_traits=known_traits)

    def _sign(self, trees: Numbers | list[int]) -> None:
        """Put a new stamp on trees; the last thing that is written of them."""
        self.columns.stamp[trees] = self._next_stamp()

    def _next_stamp(self) -> int:
        self._stamp += 1
        return self._stamp


def _unite(ids: Ids, columns: Columns, trees: Numbers, sets: Interned[frozenset[str]]) -> Numbers:
    count = columns.count[trees].astype(np.int64)
    members = ids[spread(columns.first[trees], count)]
    return unite(members, np.cumsum(count) - count, count, sets)
