"""Doors for the tests of this folder."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from falcon.testing import TestClient

from acme_fleet import fleet, sqlite_fleet
from doors import ROUTES, Ask
from service import any_service, service
from wherry.api.app import Door, make_app
from wherry.api.auth import Identify
from wherry.api.metrics import EVENTS, Metrics, request_families
from wherry.api.routes import Route
from wherry.api.waiting import WaitingRoom
from wherry.model.caller import LOCAL_ADMIN

__all__ = ["any_service", "fleet", "service", "sqlite_fleet"]


@pytest.fixture
def door() -> Ask:
    """Make a client of an application of some routes."""

    def make(
        routes: Sequence[Route] = ROUTES,
        *,
        identify: Identify = lambda _header: LOCAL_ADMIN,
        **changes: Any,
    ) -> TestClient:
        known: dict[str, Any] = {
            "engine": cast("Any", None),
            "identify": identify,
            "room": WaitingRoom(2),
            "preflights": WaitingRoom(2),
            "streams": WaitingRoom(2),
            "metrics": Metrics((*request_families((r.method, r.path) for r in routes), *EVENTS)),
            "max_body": 1000,
        }
        return TestClient(make_app(Door(**{**known, **changes}), routes))

    return make
