"""Wherry's own API: one table of all calls."""

from wherry.api.routes import Route
from wherry.api.wherry import (
    aggregates,
    candidates,
    checks,
    compositions,
    device_requests,
    events,
    groups,
    guests,
    hosts,
    matrix,
    migrations,
    operations,
    pages,
    reports,
)

_CALLS: tuple[Route, ...] = (
    *candidates.ROUTES,
    *device_requests.ROUTES,
    *guests.ROUTES,
    *checks.ROUTES,
    *migrations.ROUTES,
    *hosts.ROUTES,
    *matrix.ROUTES,
    *compositions.ROUTES,
    *groups.ROUTES,
    *aggregates.ROUTES,
    *reports.ROUTES,
    *events.ROUTES,
    *operations.ROUTES,
)
ROUTES: tuple[Route, ...] = (*_CALLS, *pages.describing(_CALLS))
