"""Calls for those who run the service: is it alive, is it ready, what does it count."""

from wherry.api import wire
from wherry.api.call import Call, Response
from wherry.api.metrics import CONTENT_TYPE, Series
from wherry.api.routes import ANYBODY, Route
from wherry.api.wherry import examples
from wherry.app.counts import count
from wherry.model.errors import WherryError
from wherry.model.wire import Health, Ready

GAUGES = {
    "wherry_hosts": "Hosts, by state.",
    "wherry_guests": "Guests on record.",
    "wherry_migrations": "Migrations on record, by state.",
}


def get_health(_call: Call) -> Health:
    """Say that the process answers."""
    return Health()


def get_ready(call: Call) -> Ready | Response:
    """Say whether requests will be served: the store answers, and the service is not stopping."""
    checks = {"store": _look_at_store(call), "running": _look_at_room(call)}
    ready = all(word == "ok" for word in checks.values())
    return Response(
        body=wire.render(Ready(ready=ready, checks=checks)), status=200 if ready else 503
    )


def _look_at_store(call: Call) -> str:
    try:
        call.engine.view()
    except WherryError as error:
        return error.code
    return "ok"


def _look_at_room(call: Call) -> str:
    return "stopping" if call.room.stopping.is_set() else "ok"


def get_metrics(call: Call) -> Response:
    """Write what was counted, and how many there are of what now."""
    text = call.metrics.render(_gauges(call), GAUGES)
    return Response(body=text.encode(), content_type=CONTENT_TYPE)


def _gauges(call: Call) -> dict[Series, float]:
    counts = count(call.engine)
    return {
        **{Series("wherry_hosts", (("state", state),)): n for state, n in counts.hosts.items()},
        Series("wherry_guests"): counts.guests,
        **{
            Series("wherry_migrations", (("state", state),)): n
            for state, n in counts.migrations.items()
        },
    }


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        handler=get_health,
        tag="Operations",
        summary="Is the process alive?",
        roles=ANYBODY,
        answer=Health,
        example_answer=examples.HEALTH,
    ),
    Route(
        method="GET",
        path="/readyz",
        handler=get_ready,
        tag="Operations",
        summary="Will requests be served?",
        description="503 while they will not.",
        roles=ANYBODY,
        answer=Ready,
        example_answer=examples.READY,
    ),
    Route(
        method="GET",
        path="/metrics",
        handler=get_metrics,
        tag="Operations",
        summary="What is counted, for Prometheus",
        answer=bytes,
        content_type="text/plain",
    ),
)
