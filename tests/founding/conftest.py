"""One service for all questions of a module that change nothing."""

from collections.abc import Iterator

import pytest

from acme_fleet import fleet, sqlite_fleet
from founding.desk import Desk
from service import run_service
from wherry.app.settings import Settings
from wherry.store.engine import upgrade_store

__all__ = ["fleet", "sqlite_fleet"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service that is asked about records that are brought along."""
    url = f"sqlite:///{tmp_path_factory.mktemp('desk')}/wherry.db"
    upgrade_store(url)
    running = run_service(Settings(database=url))
    yield Desk(running)
    running.stop()
