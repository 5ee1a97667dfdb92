"""Reports for tests: recorded hosts as an agent would send them."""

from typing import Any

import msgspec

from wherry.hosts import recordings
from wherry.hosts.look import look_at
from wherry.model.facts import Report


def a_report(recording: str = "mtty-fresh", **changes: Any) -> Report:
    """Make the report of a recorded host; *changes* are fields of the report."""
    fields: dict[str, Any] = {
        "schema": "wherry.report/1",
        "host": recording,
        "boot_id": "0b6a4c1e-5d7f-4c52-9d38-7a1a3f0d9b10",
        "sequence": 1,
        "observed_at": "2026-11-27T12:00:00Z",
        "facts": look_at(recordings.load(recording), {}),
    }
    return Report(**{**fields, **changes})


def recorded_report(recording: str = "mtty-fresh", **changes: Any) -> Any:
    """Make the same as plain JSON."""
    return msgspec.to_builtins(a_report(recording, **changes))
