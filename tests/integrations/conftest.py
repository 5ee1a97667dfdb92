"""Two services to copy between, and the peer if it is installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from acme_fleet import sqlite_fleet
from schedule.candidates.conftest import peer
from service import Running, any_service, run_service, service
from wherry.app.settings import Settings

__all__ = ["any_service", "peer", "service", "sqlite_fleet"]


@pytest.fixture
def other(sqlite_template: Path, tmp_path: Path) -> Iterator[Running]:
    """A second service with an empty fleet, on SQLite."""
    database = shutil.copy(sqlite_template, tmp_path / "other.db")
    running = run_service(Settings(database=f"sqlite:///{database}"))
    yield running
    running.stop()
