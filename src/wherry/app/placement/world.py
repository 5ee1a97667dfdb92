"""The fleet as candidates are searched in it, kept in memory."""

import logging
import threading

from wherry.inventory.columns import Columns, ColumnsWriter, UnknownUse, build, compact
from wherry.profiles.tables import standard_classes, standard_traits
from wherry.schedule.candidates.world import World, make_world
from wherry.schedule.search.memory import Memory
from wherry.store.follower import Follower
from wherry.store.placement_world import WorldBatch, WorldReader
from wherry.store.transaction import Store

log = logging.getLogger("wherry")


class StaleColumns(Exception):
    """What changed does not go with what is held: all has to be read anew."""


class PlacementWorld:
    """Holds the columns of one process; they are read whole when first asked for.

    Attributes:
        searches: what searches in the columns remember for each other.
    """

    def __init__(self, store: Store) -> None:
        self.searches = Memory()
        self._writer = ColumnsWriter(build(()))
        self._writing = threading.Lock()
        self._columns = self._writer.columns
        self._follower = Follower(store, WorldReader(), self._take)

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

    def view(self) -> World:
        """Give the fleet as plain values, for what is no search in columns."""
        columns = self.columns()
        return make_world(
            columns.providers(), classes=columns.known_classes, traits=columns.known_traits
        )

    def tend(self) -> None:
        """Make the columns anew if that is worth it; others read and write meanwhile."""
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

    def _take(self, batch: WorldBatch) -> None:
        classes = None if batch.classes is None else (*standard_classes(), *batch.classes)
        traits = None if batch.traits is None else (*standard_traits(), *batch.traits)
        with self._writing:
            if batch.columns is not None:
                self._writer = self._writer.succeeded_by(batch.columns)
            try:
                self._writer.apply(batch.providers, classes=classes, traits=traits)
                if batch.use:
                    self._writer.use(batch.use)
            except (UnknownUse, ValueError) as error:
                raise StaleColumns(str(error)) from error
            self._columns = self._writer.columns
