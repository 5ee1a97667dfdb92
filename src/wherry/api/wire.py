"""From bytes to values and back: nothing gets in that was not looked at.

Source: RFC 8259; design, section 10.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

import msgspec

from wherry.api.errors import BodyTooLarge
from wherry.api.routes import PATH_TYPES, PATH_WORDS, Query
from wherry.model import strictjson
from wherry.model.errors import InvalidRequest

T = TypeVar("T")

_LIMIT = 1 << 63
_LONG_NUMBER = re.compile(rb"[0-9]{19}|[0-9][eE]")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`", re.DOTALL)
_PATH = re.compile(r"(?P<message>.*) - at `(?P<path>\$.*)`", re.DOTALL)


class Readable(Protocol):
    """What a body is read from."""

    def read(self, size: int, /) -> bytes:
        """Give up to so many bytes; none at the end."""


def read_body(stream: Readable, *, length: int | None, limit: int) -> bytes:
    """Read a body, but no more of it than is taken.

    Raises:
        BodyTooLarge: it is longer than the limit.
        InvalidRequest: it is missing.
    """
    if length is not None and length > limit:
        message = f"the body has {length} bytes, and at most {limit} are taken"
        raise BodyTooLarge(message)
    data = b""
    while len(data) <= limit and (chunk := stream.read(limit + 1 - len(data))):
        data += chunk
    if len(data) > limit:
        message = f"the body is longer than the {limit} bytes that are taken"
        raise BodyTooLarge(message)
    if not data.strip():
        raise InvalidRequest("the body is missing: send a JSON object")
    return data


def parse_body(data: bytes, kind: type[T]) -> T:
    """Read a body as a record.

    Raises:
        InvalidRequest: with the path of what is wrong.
    """
    try:
        if _LONG_NUMBER.search(data):
            _require_storable(strictjson.loads(data), "$")
        value: T = strictjson.decode(data, _decoder(kind), kind)  # type: ignore[arg-type] # a type is hashable
    except InvalidRequest as error:
        raise _explain(error) from None
    return value


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _require_storable(document: Any, path: str) -> None:
    """Refuse numbers that no column of the store holds."""
    if isinstance(document, dict):
        for key, value in document.items():
            _require_storable(value, f"{path}.{key}")
    elif isinstance(document, list):
        for place, value in enumerate(document):
            _require_storable(value, f"{path}[{place}]")
    elif isinstance(document, int) and not -_LIMIT <= document < _LIMIT:
        raise InvalidRequest("Integer is out of range: it must fit 64 bits", path=path)


def _explain(error: InvalidRequest) -> InvalidRequest:
    """Say where in the document it is, and what to do where that is plain."""
    found = _PATH.fullmatch(str(error))
    message, path = (found["message"], found["path"]) if found else (str(error), "$")
    if unknown := _UNKNOWN.fullmatch(message):
        return InvalidRequest("There is no such field: leave it out", path=f"{path}.{unknown[1]}")
    if missing := _MISSING.fullmatch(message):
        return InvalidRequest("This field is missing: give it", path=f"{path}.{missing[1]}")
    return InvalidRequest(message, path=path if found else None)


def parse_path(parts: Mapping[str, str]) -> dict[str, str]:
    """Hold each part of a path to its type; uuids may be written in capitals.

    Raises:
        InvalidRequest: a part is not what it must be.
    """
    return {name: _parse_part(name, text) for name, text in parts.items()}


def _parse_part(name: str, text: str) -> str:
    text = text.lower() if name == "uuid" else text
    try:
        return str(msgspec.convert(text, PATH_TYPES[name]))
    except msgspec.ValidationError:
        message = f"{text!r} is no {PATH_WORDS[name]}"
        raise InvalidRequest(message, path=f"path.{name}") from None


def parse_query(known: Sequence[Query], text: str) -> dict[str, Any]:
    """Read the query: each parameter once, known, and of its type.

    Raises:
        InvalidRequest: one is unknown, given twice, not of its type, or missing.
    """
    values: dict[str, Any] = {}
    types = {parameter.name: parameter.type for parameter in known}
    for name, raw in _pairs(text):
        if name not in types:
            takes = f"it takes {', '.join(types)}" if types else "it takes none"
            message = f"there is no query parameter {name!r}; {takes}"
            raise InvalidRequest(message, path=f"query.{name}")
        if name in values:
            message = f"the query parameter {name!r} is given twice"
            raise InvalidRequest(message, path=f"query.{name}")
        values[name] = _parse_parameter(name, raw, types[name])
    for parameter in known:
        if parameter.required and parameter.name not in values:
            message = f"the query parameter {parameter.name!r} is missing: {parameter.help}"
            raise InvalidRequest(message, path=f"query.{parameter.name}")
    return values


def _pairs(text: str) -> Sequence[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError as error:
        message = f"the query cannot be read: {error}"
        raise InvalidRequest(message, path="query") from None


def _parse_parameter(name: str, raw: str, kind: Any) -> Any:
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        message = f"query parameter {name}: {str(error)[:1].lower()}{str(error)[1:]}"
        raise InvalidRequest(message, path=f"query.{name}") from None


def render(value: Any) -> bytes:
    """Write a value of the wire as JSON."""
    return msgspec.json.encode(value)


def bad_request(title: str, description: str | None) -> InvalidRequest:
    """Name what the framework refused by itself."""
    words = f"{title}: {description}" if description else title
    return InvalidRequest(re.sub(r"\s+", " ", words))
