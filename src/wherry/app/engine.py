"""What use cases work on: the store, the fleet in memory, profiles, packs, clock and ids."""

import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from wherry.app.settings import Settings
from wherry.inventory.fleet import Fleet, FleetView
from wherry.model.checks import Pack
from wherry.model.errors import BadConfiguration, InvalidProfile
from wherry.profiles.builtin import builtin_packs, profiles_with
from wherry.profiles.library import Profiles
from wherry.schedule.cache import JudgementCache
from wherry.schedule.targets import Ranking
from wherry.store.engine import open_store
from wherry.store.feed import Batch
from wherry.store.follower import Follower
from wherry.store.packs import read_packs
from wherry.store.transaction import Store


@dataclass(slots=True, kw_only=True)
class Engine:
    """One process's service, whichever door asks.

    Attributes:
        clock: seconds since the epoch.
        new_id: a fresh uuid as text.
        work: told when jobs for agents may have come.
    """

    settings: Settings
    store: Store
    profiles: Profiles
    fleet: Fleet
    cache: JudgementCache
    follower: Follower
    clock: Callable[[], float] = time.time
    new_id: Callable[[], str] = field(default=lambda: str(uuid.uuid4()))
    ranking: Ranking = Ranking()
    work: threading.Condition = field(default_factory=threading.Condition)
    _closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def view(self) -> FleetView:
        """Give the fleet with every write that was acknowledged before this call."""
        self.follower.catch_up()
        return self.fleet.view

    def packs(self) -> tuple[Pack, ...]:
        """Give the packs in force: the stored ones, and the built-in ones that none replaces."""
        stored = self.store.read(read_packs)
        ids = {pack.id for pack in stored}
        return (*stored, *(pack for pack in builtin_packs() if pack.id not in ids))

    def wake_agents(self) -> None:
        """Let those who wait for jobs look again."""
        with self.work:
            self.work.notify_all()

    def every(self, seconds: float, name: str, step: Callable[[], None]) -> None:
        """Run *step* again and again in a thread of its own until the engine closes."""

        def run() -> None:
            while not self._closing.wait(seconds):
                step()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """Stop the threads and end all connections; what was acknowledged stays."""
        self._closing.set()
        self.wake_agents()
        for thread in self._threads:
            thread.join(timeout=5)
        self.store.close()


def open_engine(settings: Settings) -> Engine:
    """Open the store, load the profiles, and start what has to happen by itself.

    Raises:
        BadConfiguration: a profile does not validate, or the database URL names none.
        StoreInUse: another process owns the SQLite file.
        StoreUnavailable: the database does not answer, or has another schema.
    """
    # Housekeeping uses the engine's use cases, which import this module's class.
    from wherry.app.housekeeping import start_housekeeping  # noqa: PLC0415

    profiles = load_profiles(settings)
    engine = make_engine(settings, open_store(settings.database_url), profiles)
    try:
        start_housekeeping(engine)
    except BaseException:
        with suppress(Exception):
            engine.close()
        raise
    return engine


def make_engine(settings: Settings, store: Store, profiles: Profiles) -> Engine:
    """Put an engine together on an open store."""
    holder = _FleetHolder()
    return Engine(
        settings=settings,
        store=store,
        profiles=profiles,
        fleet=holder.fleet,
        cache=JudgementCache(),
        follower=Follower(store, holder.take),
    )


class _FleetHolder:
    """Applies the feed to a fleet that its owner keeps."""

    def __init__(self) -> None:
        self.fleet = Fleet()

    def take(self, batch: Batch) -> None:
        if batch.reload:
            self.fleet.reload(batch.changes)
        else:
            self.fleet.apply(batch.changes)


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
