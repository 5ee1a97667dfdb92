"""The fleet as candidates are searched in it, kept in memory."""

import logging
import threading
from pathlib import Path

from wherry.inventory.columns import Columns, ColumnsWriter, UnknownUse, build, compact
from wherry.inventory.columns.packing import copy_arrays, values_of
from wherry.model.errors import StoreUnavailable
from wherry.profiles.tables import standard_classes, standard_traits
from wherry.schedule.search.memory import Memory
from wherry.store.feed import Cursor
from wherry.store.follower import Follower
from wherry.store.placement_world import WorldBatch, WorldReader
from wherry.store.snapshot import write_snapshot
from wherry.store.transaction import Store

log = logging.getLogger("wherry")
WORTH_SAVING = 10_000
"""Providers below which reading them anew is as quick as a file."""


class StaleColumns(Exception):
    """What changed does not go with what is held: all has to be read anew."""


class PlacementWorld:
    """Holds the columns of one process; they are read whole when first asked for.

    Attributes:
        searches: what searches in the columns remember for each other.

    Args:
        snapshot: file to begin with and to save to; None: neither.
    """

    def __init__(self, store: Store, snapshot: Path | None = None) -> None:
        self.searches = Memory()
        self._store = store
        self._snapshot = snapshot
        self._saving = threading.Lock()
        self._is_saved = False
        self._cursor: Cursor | None = None
        self._writer = ColumnsWriter(build(()))
        self._writing = threading.Lock()
        self._columns = self._writer.columns
        self._follower = Follower(store, WorldReader(snapshot), self._take)

    def columns(self) -> Columns:
        """Give columns with every write that was acknowledged before this call.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        try:
            self._follower.catch_up()
        except StaleColumns as error:
            log.warning("the fleet is read anew: %s", error)
            self._follower.catch_up()
        return self._columns

    def tend(self) -> None:
        """Catch up, and make the columns anew if that is worth it.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        self.columns()
        with self._writing:
            writer = self._writer
            if not writer.wants_compaction:
                return
            writer.begin_compaction()
        try:
            anew = compact(writer.columns)
        except BaseException:
            writer.abandon_compaction()
            raise
        with self._writing:
            # Whoever has read the whole fleet meanwhile has made them anew as well.
            if writer is self._writer:
                writer.finish_compaction(anew)
                self._columns = writer.columns

    def save(self) -> None:
        """Write a snapshot, if the columns are worth one and have changed since the last.

        What stands in the way is written to the log; without a snapshot a restart takes longer.
        """
        with self._saving:
            with self._writing:
                columns, cursor = self._writer.columns, self._cursor
                is_worth = not self._is_saved and self._writer.live_rows >= WORTH_SAVING
                if self._snapshot is None or cursor is None or not is_worth:
                    return
                arrays = copy_arrays(columns)
                self._is_saved = True
            try:
                write_snapshot(self._store, self._snapshot, arrays, values_of(columns), cursor)
            except (OSError, StoreUnavailable) as error:
                log.warning("no snapshot of the columns in %s: %s", self._snapshot, error)
                self._is_saved = False

    def _take(self, batch: WorldBatch) -> None:
        with self._writing:
            self._cursor = None
            if batch.columns is not None:
                self._is_saved = batch.is_mapped
            if batch.providers or batch.use:
                self._is_saved = False
            self._write(batch)
            self._cursor = batch.cursor
            self._columns = self._writer.columns

    def _write(self, batch: WorldBatch) -> None:
        if batch.columns is not None:
            self._writer = self._writer.succeeded_by(batch.columns)
        classes = None if batch.classes is None else (*standard_classes(), *batch.classes)
        traits = None if batch.traits is None else (*standard_traits(), *batch.traits)
        try:
            if batch.providers or classes is not None or traits is not None:
                self._writer.apply(batch.providers, classes=classes, traits=traits)
            if batch.use:
                self._writer.use(batch.use)
        except (UnknownUse, ValueError) as error:
            raise StaleColumns(str(error)) from error
