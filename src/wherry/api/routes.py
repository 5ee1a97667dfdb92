"""What a route is: all that the door, OpenAPI and the page of calls need to know of it.

The tables themselves stand beside their handlers, in ``api/wherry``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from msgspec import Meta

from wherry.api.call import Handler
from wherry.model.caller import Role
from wherry.model.device import Name
from wherry.model.device_requests import RequestName
from wherry.model.errors import WherryError
from wherry.model.facts import HostName, Uuid

Everybody = frozenset[Role]({"admin", "service", "user"})
Trusted = frozenset[Role]({"admin", "service"})
Admin = frozenset[Role]({"admin"})
ANYBODY: frozenset[Role] | None = None
"""Nobody is asked who they are."""

JobId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}\Z")]

PATH_TYPES: Mapping[str, Any] = {
    "name": HostName,
    "uuid": Uuid,
    "job": JobId,
    "id": Name,
    "request": RequestName,
    "group": Name,
    "aggregate": Uuid,
    "composition": Uuid,
}
"""Type of each part of a path, by its name in the template."""

PATH_WORDS: Mapping[str, str] = {
    "name": "name of the host",
    "uuid": "uuid, chosen by the client",
    "job": "id of the job",
    "id": "id of the pack",
    "request": "name of the device request",
    "group": "id of the group",
    "aggregate": "uuid of the aggregate",
    "composition": "uuid of the composition",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One parameter of a query; those that are left out do not reach the handler."""

    name: str
    type: Any
    help: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call.

    Attributes:
        handler: takes the call, gives the answer's value or a Response.
        body: type of the body; None takes none, ``bytes`` takes it as it stands.
        body_shown: for OpenAPI, the types that a body of ``bytes`` may have.
        answer: type of the answer; None is no body (204), ``bytes`` anything else than a record.
        user_answer: what a project user gets instead, where that differs.
        roles: who may call; None asks nobody who they are.
        errors: what it may answer besides what every call may.
        example: a request body for people, as JSON values.
        example_answer: the answer to it.
    """

    method: Literal["GET", "PUT", "POST", "PATCH", "DELETE"]
    path: str
    handler: Handler
    summary: str
    tag: str
    description: str = ""
    roles: frozenset[Role] | None = Trusted
    query: tuple[Query, ...] = ()
    body: Any = None
    body_shown: tuple[Any, ...] = ()
    answer: Any = None
    answer_shown: tuple[Any, ...] = ()
    user_answer: Any = None
    content_type: str = "application/json"
    status: int = 200
    errors: tuple[type[WherryError], ...] = ()
    example: Any = None
    example_answer: Any = None
