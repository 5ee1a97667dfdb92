"""What all tests share: databases, Hypothesis profiles and the folder of larger recordings."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from databases import postgresql, postgresql_url, sqlite_template, sqlite_url, store, store_url

# Here and in no folder's own, where each would start a server of its own.
__all__ = ["postgresql", "postgresql_url", "sqlite_template", "sqlite_url", "store", "store_url"]

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every run, so that a green main stays green; `full` looks for new ones.
settings.register_profile(
    "default",
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "full", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("WHERRY_TEST_PROFILE", "default"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings that stay outside the project, or skip."""
    folder = Path(os.environ.get("WHERRY_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("needs the larger recordings: set WHERRY_SHARED to their folder")
    return folder
