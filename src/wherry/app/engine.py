"""What use cases work on: the store, the fleet in memory, profiles, packs, clock and ids."""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from wherry.app.bell import Bell, SharedLook
from wherry.app.placement.world import PlacementWorld
from wherry.app.settings import Settings
from wherry.inventory.derive import Planner
from wherry.inventory.fleet import Fleet, FleetView
from wherry.inventory.labelling import Labeller
from wherry.inventory.mapping import FleetMapper
from wherry.model.errors import BadConfiguration, InvalidProfile, StoreUnavailable
from wherry.profiles.builtin import profiles_with
from wherry.profiles.library import Profiles
from wherry.schedule.cache import JudgementCache
from wherry.schedule.ranking import Ranking
from wherry.store.engine import open_store
from wherry.store.feed import Batch
from wherry.store.follower import FleetReader, Follower
from wherry.store.transaction import Store

log = logging.getLogger("wherry")

SNAPSHOT = "columns.snapshot"
"""File in the state folder that a restart begins with."""
AGAIN_S = 1.0
"""How soon what is to be done once is tried again after the database did not answer."""


@dataclass(slots=True, kw_only=True)
class Engine:
    """One process's service, whichever door asks.

    Attributes:
        moved: rings when a migration may have moved on, and agents may have work.
        mapper: draws the fleet at a glance, for who holds `mapping`.
        work: the hosts whose agents have work, as looked up after the last ring.
        clock: seconds since the epoch.
        new_id: a fresh uuid as text.
    """

    settings: Settings
    store: Store
    planner: Planner
    fleet: Fleet
    follower: Follower[Batch]
    placement: PlacementWorld
    moved: Bell
    work: SharedLook[frozenset[str]] = field(default_factory=SharedLook)
    cache: JudgementCache = field(default_factory=JudgementCache)
    ranking: Ranking = field(default_factory=Ranking)
    mapper: FleetMapper = field(default_factory=FleetMapper)
    mapping: threading.Lock = field(default_factory=threading.Lock)
    clock: Callable[[], float] = time.time
    new_id: Callable[[], str] = field(default=lambda: str(uuid.uuid4()))
    _labeller: Labeller | None = None
    _closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def profiles(self) -> Profiles:
        """What devices' facts mean."""
        return self.planner.profiles

    def view(self) -> FleetView:
        """Give the fleet with every write that was acknowledged before this call."""
        self.follower.catch_up()
        return self.fleet.view

    def labeller(self, salt: bytes) -> Labeller:
        """Give what makes labels under a salt; it remembers what it has made."""
        found = self._labeller
        if found is None or found.salt != salt:
            found = self._labeller = Labeller(salt)
        return found

    @property
    def closing(self) -> bool:
        """Whether the engine ends; long work looks at it between its steps."""
        return self._closing.is_set()

    def run(self, name: str, step: Callable[[], object], *, every_s: float | None = None) -> None:
        """Run *step* once in a thread of its own, or again and again until the engine closes.

        A database that does not answer is written to the log, and the next turn tries again;
        what is to be run once is, too.
        """

        def turn() -> bool:
            try:
                step()
            except StoreUnavailable as error:
                log.warning("%s: %s", name, error)
                return False
            except Exception:
                log.exception("%s failed", name)
            return True

        def run() -> None:
            if every_s is None:
                while not turn() and not self._closing.wait(AGAIN_S):
                    pass
                return
            while not self._closing.wait(every_s):
                turn()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def let_go(self) -> None:
        """Let those who wait go with what there is; other requests are answered as before."""
        self._closing.set()
        self.moved.ring()

    def close(self) -> None:
        """Stop the threads and end all connections; what was acknowledged stays."""
        self.let_go()
        for thread in self._threads:
            thread.join(timeout=5)
        self.placement.save()
        self.store.close()


def open_engine(settings: Settings) -> Engine:
    """Open the store, load the profiles, and put an engine together.

    Raises:
        BadConfiguration: a profile does not validate, or the database URL names none.
        StoreInUse: another process owns the SQLite file.
        StoreUnavailable: the database does not answer, or has another schema.
    """
    profiles = load_profiles(settings)
    return make_engine(settings, open_store(settings.database_url), profiles)


def make_engine(settings: Settings, store: Store, profiles: Profiles) -> Engine:
    """Put an engine together on an open store."""
    fleet, moved = Fleet(), Bell()

    def take(batch: Batch) -> None:
        if batch.reload:
            fleet.reload(batch.changes)
        else:
            fleet.apply(batch.changes)
        if batch.reload or any(event.kind == "migration" for event in batch.events):
            moved.ring()

    return Engine(
        settings=settings,
        store=store,
        planner=Planner(profiles),
        fleet=fleet,
        follower=Follower(store, FleetReader(), take),
        placement=PlacementWorld(store, settings.state_dir / SNAPSHOT),
        moved=moved,
        ranking=settings.ranking,
    )


def load_profiles(settings: Settings) -> Profiles:
    """Read the operator's profiles beside the built-in ones.

    Raises:
        BadConfiguration: a folder cannot be read, or a file does not validate.
    """
    texts: list[tuple[str, bytes]] = []
    for folder in settings.profile_dirs:
        try:
            paths = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
            texts += [(str(path), path.read_bytes()) for path in paths]
        except OSError as error:
            message = f"profile_dirs: {error.filename} cannot be read: {error.strerror}"
            raise BadConfiguration(message) from error
    try:
        return profiles_with(texts)
    except InvalidProfile as error:
        raise BadConfiguration(f"profile_dirs: {error}") from error
