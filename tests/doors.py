"""Routes that show what reaches a handler, for tests of the door alone."""

from collections.abc import Callable
from typing import Any

from falcon.testing import TestClient
from msgspec import Struct

from wherry.api.call import Call
from wherry.api.routes import ANYBODY, Query, Route
from wherry.model.inventory import Value
from wherry.model.wire import WaitS

Ask = Callable[..., TestClient]


class Order(Value, frozen=True, kw_only=True):
    """A body: how many of what."""

    what: str
    count: int = 1
    notes: tuple[dict[str, int], ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """What reached the handler."""

    path: dict[str, str]
    query: dict[str, Any]
    body: Any


def tell(call: Call) -> Told:
    return Told(path=dict(call.path), query=dict(call.query), body=call.body)


def a_route(**changes: Any) -> Route:
    known: dict[str, Any] = {
        "method": "GET",
        "path": "/things",
        "handler": tell,
        "summary": "Tell",
        "tag": "Test",
        "roles": ANYBODY,
        "answer": Told,
    }
    return Route(**{**known, **changes})


ROUTES = (
    a_route(query=(Query(name="wait", type=WaitS, help="s"), Query(name="q", type=str, help="t"))),
    a_route(method="PUT", path="/things/{uuid}", body=Order),
    a_route(method="DELETE", path="/things/{uuid}", handler=lambda _call: None, answer=None),
)
