"""Engines without a door, on each database, with a clock that tests set."""

from collections.abc import Callable, Iterator

import pytest

from engines import Clock, EngineMaker
from wherry.app.engine import Engine, make_engine
from wherry.app.settings import Settings
from wherry.profiles.builtin import builtin_profiles
from wherry.store.engine import open_store


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is set."""
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Iterator[EngineMaker]:
    """Make engines on databases; all are closed when the test ends."""
    made: list[Engine] = []

    def make_one(url: str, profiles: object = None) -> Engine:
        settings = Settings(database=url, lease_s=100, preflight_s=10)
        engine = make_engine(settings, open_store(url), profiles or builtin_profiles())  # type: ignore[arg-type]
        engine.clock = clock
        made.append(engine)
        return engine

    yield make_one
    for engine in made:
        engine.close()


@pytest.fixture
def engine(store_url: str, make: Callable[[str], Engine]) -> Engine:
    """An engine with an empty fleet, on each database in turn; closed before that is emptied."""
    return make(store_url)
