"""A Placement client on an empty fleet."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from placement_wire import Wire
from wherry.app.engine import open_engine
from wherry.app.settings import Settings


@pytest.fixture
def make_wire(store_url: str, tmp_path: Path) -> Iterator[Callable[..., Wire]]:
    """Make a client with a policy of one's choice; on each engine in turn."""
    engine = open_engine(Settings(state_dir=tmp_path, database=store_url))
    yield lambda **options: Wire(engine, **options)
    engine.close()


@pytest.fixture
def wire(make_wire: Callable[..., Any]) -> Wire:
    """A client whose token is an administrator's."""
    client: Wire = make_wire()
    return client
