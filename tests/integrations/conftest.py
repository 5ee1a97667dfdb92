"""Two services to copy between, and the peer if it is installed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from acme_fleet import sqlite_fleet
from databases import postgresql, postgresql_url, sqlite_template, sqlite_url, store_url
from schedule.candidates.conftest import peer
from service import Running, any_service, run_service, service
from wherry.app.settings import Settings
from wherry.store.engine import upgrade_store

__all__ = [
    "any_service",
    "peer",
    "postgresql",
    "postgresql_url",
    "service",
    "sqlite_fleet",
    "sqlite_template",
    "sqlite_url",
    "store_url",
]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Running]:
    """A second service with an empty fleet, on SQLite."""
    database = f"sqlite:///{tmp_path / 'other.db'}"
    upgrade_store(database)
    running = run_service(Settings(database=database))
    yield running
    running.stop()
