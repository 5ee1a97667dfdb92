"""The service put together: engine, identity, waiting room, metrics, application."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from wherry.api.access import Access, open_access
from wherry.api.app import Door, Wsgi, make_app
from wherry.api.metrics import EVENTS, Metrics, request_families, size_of
from wherry.api.placement.app import PlacementDoor, make_placement_app
from wherry.api.placement.routes import ROUTES as PLACEMENT_ROUTES
from wherry.api.waiting import WaitingRoom
from wherry.api.wherry import ROUTES
from wherry.app.engine import Engine, open_engine
from wherry.app.housekeeping import start_housekeeping
from wherry.app.settings import Settings, require_consistent
from wherry.service.records import learn_records
from wherry.web.app import WebDoor, make_web_app
from wherry.web.pages import PAGES

PREFLIGHTS = 32
"""Pre-flights that may wait for their agents at once, in each process."""
CALLS = (
    *((route.method, route.path) for route in ROUTES),
    *((page.method, page.path) for page in PAGES),
    *dict.fromkeys((route.method, route.path) for route in PLACEMENT_ROUTES),
)
STREAMS = 32
"""Watchers of events at once, in each process; each holds a thread."""
STREAMS_END_S = 2.0
"""How long those that are told to end may take for it."""
FAMILIES = (*request_families(CALLS), *EVENTS)
OWN = frozenset(route.path.split("/")[1] for route in ROUTES)
"""First segments of the paths that are not Placement's, and of no page."""
PAGES_BELOW = "ui"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One process's service.

    Attributes:
        app: answers requests.
        stop: lets waiting requests go; they answer with what there is.
        close: closes the engine; the last thing to do.
    """

    app: Wsgi
    stop: Callable[[], None]
    close: Callable[[], None]
    engine: Any


def assemble(settings: Settings, *, rows: Any = None, row: int = 0) -> Service:
    """Open the engine and make the application.

    Args:
        settings: how to run.
        rows: flat array of doubles that all workers count in; None counts alone.
        row: this process's row of it.

    Raises:
        BadConfiguration: settings exclude each other, or a file they name cannot be taken.
        WherryError: the store cannot be opened.
    """
    learn_records()
    require_consistent(settings)
    access = open_access(settings)
    engine = open_engine(settings)
    start_housekeeping(engine)
    metrics = _metrics(rows, row)
    room, preflights = WaitingRoom(settings.long_polls), WaitingRoom(PREFLIGHTS)
    streams = WaitingRoom(STREAMS)
    door = Door(
        engine=engine,
        identify=access.identify,
        room=room,
        preflights=preflights,
        streams=streams,
        metrics=metrics,
        max_body=settings.max_body_mb << 20,
        local_only=settings.believes_all,
    )

    app = _beside(
        make_app(door, ROUTES),
        make_web_app(
            WebDoor(
                engine=engine,
                identify=access.identify,
                streams=streams,
                room=room,
                metrics=metrics,
                local_only=settings.believes_all,
            ),
            PAGES,
        ),
        _placement(settings, engine, access, metrics),
    )

    def stop() -> None:
        room.stopping.set()
        engine.let_go()

    def close() -> None:
        # A watcher that still reads would keep a connection beyond its end.
        streams.wait_empty(within_s=STREAMS_END_S)
        engine.close()

    return Service(app=app, stop=stop, close=close, engine=engine)


def _placement(settings: Settings, engine: Engine, access: Access, metrics: Metrics) -> Wsgi:
    return make_placement_app(
        PlacementDoor(
            engine=engine,
            identify=access.identify_client,
            policy=access.policy,
            metrics=metrics,
            max_body=settings.max_body_mb << 20,
            origins=frozenset(settings.cors_origins),
            local_only=settings.believes_all,
        )
    )


def _beside(own: Wsgi, pages: Wsgi, placement: Wsgi) -> Wsgi:
    """Share one address: Placement's paths are all that are not ours."""
    apps = {**dict.fromkeys(OWN, own), PAGES_BELOW: pages}

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        first = str(environ.get("PATH_INFO", "")).lstrip("/").partition("/")[0]
        return apps.get(first, placement)(environ, start_response)

    return app


def _metrics(flat: Any, row: int) -> Metrics:
    if flat is None:
        return Metrics(FAMILIES)
    view: Any = memoryview(flat).cast("B").cast("d")
    size = size_of(FAMILIES)
    rows = [view[start : start + size] for start in range(0, len(view), size)]
    return Metrics(FAMILIES, rows, row)
