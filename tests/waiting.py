"""Waiting in tests for what comes about by itself."""

import time
from collections.abc import Callable

PATIENCE_S = 120.0
"""What comes at once comes late on a busy machine; only what never comes waits so long."""


def wait_until(is_so: Callable[[], object]) -> None:
    """Look again and again until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)
