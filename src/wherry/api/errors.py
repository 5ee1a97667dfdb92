"""Errors as answers: one table from class to status, and one shape of body.

Every answer of 400 and above is ``{"error": {"code", "message", "path"?, "detail"?,
"request_id"}}``.  Project users get no facts of other people's machines: for them the
message of most errors is a fixed sentence.

Source: design, sections 9 and 10; docs/reference/errors.md.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from wherry.model import errors
from wherry.model.caller import Caller
from wherry.model.errors import WherryError
from wherry.model.wire import ErrorAnswer, ErrorDetail


class DoorError(WherryError):
    """The request does not get past the door: see the code."""

    code = "error"
    always: ClassVar[Mapping[str, str]] = {}
    """Headers that go with every such answer."""

    def __init__(self, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = {**self.always, **(headers or {})}


class Unauthenticated(DoorError):
    """Nobody knows who asks: send a token as `Authorization: Bearer TOKEN`."""

    code = "unauthenticated"
    always: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer realm="wherry"'}


class NoSuchPath(DoorError):
    """There is no such call: /wherry/docs lists them."""

    code = "not_found"


class MethodNotAllowed(DoorError):
    """The path takes other methods: the header Allow lists them."""

    code = "method_not_allowed"


class NotAcceptable(DoorError):
    """The answer is of no type that the request accepts: accept application/json."""

    code = "not_acceptable"


class BodyTooLarge(DoorError):
    """The body is larger than is read here: send less, or raise the option max_body_mb."""

    code = "body_too_large"


class UnsupportedMediaType(DoorError):
    """The body is of another type: send JSON as Content-Type application/json."""

    code = "unsupported_media_type"


class Misdirected(DoorError):
    """The request names another host than this machine: use 127.0.0.1, or set up tokens."""

    code = "misdirected"


class Busy(DoorError):
    """All places for such requests are taken: try again after the time in Retry-After."""

    code = "service.busy"
    always: ClassVar[Mapping[str, str]] = {"Retry-After": "5"}


STATUS: Mapping[type[WherryError], int] = {
    errors.InvalidRequest: 400,
    errors.InvalidFile: 400,
    errors.InvalidProfile: 400,
    Unauthenticated: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    NoSuchPath: 404,
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    errors.AlreadyExists: 409,
    errors.ReportOutdated: 409,
    errors.FactsChanged: 409,
    errors.CapacityExceeded: 409,
    errors.UnitsNotTaken: 409,
    errors.SlotTaken: 409,
    errors.ExclusiveConflict: 409,
    errors.NoPlace: 409,
    errors.GroupConflict: 409,
    errors.TenantConflict: 409,
    errors.Unsettled: 409,
    errors.CompositionHeld: 409,
    errors.ConsumerChanged: 409,
    errors.NoTarget: 409,
    errors.WrongState: 409,
    errors.NotStarted: 409,
    errors.TokenExpired: 409,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    Misdirected: 421,
    errors.ReportContradicts: 422,
    errors.BadConfiguration: 500,
    errors.StoreInUse: 503,
    errors.StoreUnavailable: 503,
    errors.ServiceUnavailable: 503,
    Busy: 503,
}
"""Status of each error class; a class that is not here has that of its nearest base."""

# What a user's own request can be told in full: it speaks of that request alone.
_OWN_BUSINESS = (
    errors.InvalidRequest,
    errors.NotAllowed,
    errors.NotFound,
    DoorError,
)


def status_of(error: type[WherryError]) -> int:
    """Find the status of an error class."""
    for base in error.__mro__:
        if base in STATUS:
            return STATUS[base]
    return 500


def headers_of(error: WherryError) -> Mapping[str, str]:
    """Headers that go with an error."""
    return error.headers if isinstance(error, DoorError) else {}


def render_error(error: WherryError, *, caller: Caller | None, request_id: str) -> bytes:
    """Make the body of an error, as `tell_error` tells it."""
    return _encode(tell_error(error, caller=caller, request_id=request_id))


def tell_error(error: WherryError, *, caller: Caller | None, request_id: str) -> ErrorDetail:
    """Tell of an error no more than the caller may see.

    Args:
        error: what was raised.
        caller: who asked; None where nobody knows, which is told as little as a user.
        request_id: under which administrators find the request in the log.
    """
    trusted = caller is not None and caller.sees_all
    if not trusted and not isinstance(error, _OWN_BUSINESS):
        summary = summary_of(type(error))
        return ErrorDetail(code=error.code, message=summary, request_id=request_id)
    path = getattr(error, "path", None)
    return ErrorDetail(
        code=error.code,
        message=str(error),
        path=path if isinstance(path, str) else UNSET,
        detail=dict(facts_of(error)) if trusted else {},
        request_id=request_id,
    )


def render_internal_error(request_id: str) -> bytes:
    """Make the body of an error nobody foresaw, as `tell_internal_error` tells it."""
    return _encode(tell_internal_error(request_id))


def tell_internal_error(request_id: str) -> ErrorDetail:
    """Tell of an error nobody foresaw: the log has it under the request id."""
    message = f"something went wrong inside the service; its log tells more of {request_id}"
    return ErrorDetail(code="internal", message=message, request_id=request_id)


def summary_of(error: type[WherryError]) -> str:
    """First paragraph of the class's docstring: what happened, and what to do."""
    return " ".join((error.__doc__ or error.code).split("\n\n")[0].split())


def facts_of(error: WherryError) -> dict[str, Any]:
    """The attributes of an error that travel with it; those that say nothing are left out."""
    return {
        name: msgspec.to_builtins(value, enc_hook=str)
        for name, value in vars(error).items()
        if name not in {"path", "headers"} and value is not None
    }


def _encode(told: ErrorDetail) -> bytes:
    return msgspec.json.encode(ErrorAnswer(error=told))
