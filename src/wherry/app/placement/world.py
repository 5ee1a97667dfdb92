"""The fleet as candidates are searched in it, kept in memory."""

from wherry.profiles.tables import standard_classes, standard_traits
from wherry.schedule.candidates.world import World, make_world, renew_world
from wherry.store.follower import Follower
from wherry.store.placement_world import WorldBatch, read_world
from wherry.store.transaction import Store


class PlacementWorld:
    """Holds the world of one process; it is read whole when first asked for.

    A world that was given out never changes: a search goes on in the one that it began with.
    """

    def __init__(self, store: Store) -> None:
        self._world = make_world(())
        self._follower = Follower(store, read_world, self._take)

    def view(self) -> World:
        """Give the world with every write that was acknowledged before this call.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        self._follower.catch_up()
        return self._world

    def _take(self, batch: WorldBatch) -> None:
        classes = None if batch.classes is None else (*standard_classes(), *batch.classes)
        traits = None if batch.traits is None else (*standard_traits(), *batch.traits)
        before = make_world(()) if batch.reload else self._world
        self._world = renew_world(before, batch.providers, classes=classes, traits=traits)
