"""What all tests share: databases, Hypothesis profiles and the folder of larger recordings."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from databases import postgresql, postgresql_url, sqlite_template, sqlite_url, store, store_url

# Here and in no folder's own, where each would start a server of its own.
__all__ = ["postgresql", "postgresql_url", "sqlite_template", "sqlite_url", "store", "store_url"]

ROOT = Path(__file__).resolve().parent.parent
PURE = frozenset({"compat", "introspect", "inventory", "migrate", "profiles", "schedule"})
"""Folders of tests of what decides, where no thread runs."""

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Trace no property again whose examples go one way many times: it takes as long as they do.

    Where threads run beside a test tracing stays on: what they do is part of what is traced.
    """
    for item in items:
        is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if is_property and item.path.relative_to(ROOT / "tests").parts[0] in PURE:
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings that stay outside the project, or skip."""
    folder = Path(os.environ.get("WHERRY_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("needs the larger recordings: set WHERRY_SHARED to their folder")
    return folder
