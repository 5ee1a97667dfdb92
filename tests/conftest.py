"""What all tests share: databases, Hypothesis profiles and the folder of larger recordings."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from databases import postgresql, postgresql_url, sqlite_template, sqlite_url, store, store_url

# Here and in no folder's own, where each would start a server of its own.
__all__ = ["postgresql", "postgresql_url", "sqlite_template", "sqlite_url", "store", "store_url"]

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "tests" / "store"

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
    """Trace no code again that another test goes through: tracing it takes as long as running it.

    A property's many examples, and the second engine outside of `store`, run untraced.
    """
    for item in items:
        if _goes_the_same_way_again(item):
            item.add_marker(pytest.mark.no_cover)


def _goes_the_same_way_again(item: pytest.Item) -> bool:
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        return True
    if not hasattr(item, "callspec") or STORE in item.path.parents:
        return False
    return "postgresql" in item.callspec.params.values()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings that stay outside the project, or skip."""
    folder = Path(os.environ.get("WHERRY_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("needs the larger recordings: set WHERRY_SHARED to their folder")
    return folder
