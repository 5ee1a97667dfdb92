"""A running service that commands ask, and a Placement to copy from and to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from acme_fleet import fleet, sqlite_fleet
from databases import postgresql, postgresql_url, sqlite_template, sqlite_url, store_url
from service import Running, run_service, service
from wherry.app.settings import Settings
from wherry.store.engine import upgrade_store

__all__ = [
    "fleet",
    "postgresql",
    "postgresql_url",
    "service",
    "sqlite_fleet",
    "sqlite_template",
    "sqlite_url",
    "store_url",
]


@pytest.fixture
def placement(tmp_path: Path) -> Iterator[Running]:
    """A Placement that believes the tokens and roles that it is told, empty at first."""
    database = f"sqlite:///{tmp_path / 'placement.db'}"
    upgrade_store(database)
    running = run_service(Settings(database=database, auth="noauth2"))
    yield running
    running.stop()
