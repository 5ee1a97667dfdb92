"""A running service that commands ask, and a Placement to copy from and to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from acme_fleet import fleet, sqlite_fleet
from service import Running, run_service, service
from wherry.app.settings import Settings

__all__ = ["fleet", "service", "sqlite_fleet"]


@pytest.fixture
def placement(sqlite_template: Path, tmp_path: Path) -> Iterator[Running]:
    """A Placement that believes the tokens and roles that it is told, empty at first."""
    database = shutil.copy(sqlite_template, tmp_path / "placement.db")
    running = run_service(Settings(database=f"sqlite:///{database}", auth="noauth2"))
    yield running
    running.stop()
