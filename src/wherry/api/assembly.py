"""The service put together: engine, identity, waiting room, metrics, application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wherry.api.app import Door, Wsgi, make_app
from wherry.api.auth import open_door
from wherry.api.metrics import EVENTS, Metrics, request_families, size_of
from wherry.api.waiting import WaitingRoom
from wherry.api.wherry import ROUTES
from wherry.app.engine import open_engine
from wherry.app.housekeeping import start_housekeeping
from wherry.app.settings import Settings, require_consistent

PREFLIGHTS = 32
"""Pre-flights that may wait for their agents at once, in each process."""
FAMILIES = (*request_families((route.method, route.path) for route in ROUTES), *EVENTS)


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
    require_consistent(settings)
    identify = open_door(settings)
    engine = open_engine(settings)
    start_housekeeping(engine)
    room, preflights = WaitingRoom(settings.long_polls), WaitingRoom(PREFLIGHTS)
    door = Door(
        engine=engine,
        identify=identify,
        room=room,
        preflights=preflights,
        metrics=_metrics(rows, row),
        max_body=settings.max_body_mb << 20,
        local_only=settings.auth == "none",
    )

    def stop() -> None:
        room.stopping.set()
        engine.let_go()

    return Service(app=make_app(door, ROUTES), stop=stop, close=engine.close, engine=engine)


def _metrics(flat: Any, row: int) -> Metrics:
    if flat is None:
        return Metrics(FAMILIES)
    view: Any = memoryview(flat).cast("B").cast("d")
    size = size_of(FAMILIES)
    rows = [view[start : start + size] for start in range(0, len(view), size)]
    return Metrics(FAMILIES, rows, row)
