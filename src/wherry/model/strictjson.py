"""JSON as strict as the doors need it: UTF-8, no key twice, no NaN, not too deep.

Reading into a `Struct` is fast and checks types, but a key that comes twice would silently
take the last value, so two readers of one document could see two documents.  `decode` looks
for that at little cost and leaves the rare hard cases to `loads`, which is slower and exact.

Source: RFC 8259, sections 4, 6 and 8; JSON Schema 2020-12, "integer".
"""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn, TypeVar, cast

import msgspec

from wherry.model.errors import InvalidRequest

MAX_DEPTH: Final = 64
"""Nesting of objects and arrays; the records of the doors have less than twenty."""
MAX_DIGITS: Final = 4300
"""Digits of an integer; more are refused, whatever the way they are written."""

T = TypeVar("T")

_KEY: Final = "key` in `"
"""How msgspec begins the path of an object of which a key is wrong."""
_ESCAPED_COLON: Final = b"\\u003"
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def decode(data: bytes, decoder: msgspec.json.Decoder[T], type_: Any) -> T:
    """Read a document strictly into a value.

    Args:
        data: the document.
        decoder: reads *type_*; made once by the caller.
        type_: what the document is read as; its records must leave defaults out when they
            are encoded (``omit_defaults``), or a key that came twice may be overlooked.

    Raises:
        InvalidRequest: the document is no strict JSON, or not of that type.
    """
    try:
        value = decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # An integer may be written 1.0, which only the exact way understands.
        return cast("T", convert(loads(data), type_))
    require_no_key_twice(data, value)
    return value


def convert(document: object, type_: Any) -> Any:
    """Read what `loads` gave as a value of a type.

    Raises:
        InvalidRequest: it is not of that type.
    """
    try:
        return msgspec.convert(document, type_)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        if path.startswith(_KEY):
            message, path = f"A key here is not allowed: {message}", path.removeprefix(_KEY)
        raise InvalidRequest(message, path=path.removesuffix("`") or None) from error


def require_no_key_twice(data: bytes, value: object) -> None:
    """Refuse a document in which a key comes twice; *value* is what was read of it.

    The value is encoded again, and colons are counted: each key has one, those in texts are
    the same in both (no colon was escaped), and what a key that came twice lost is missing.
    A default that the document spells out is not encoded, so what then looks short is read
    once more without types.

    Raises:
        InvalidRequest: a key comes twice.
    """
    if _ESCAPED_COLON not in data:
        colons = data.count(b":")
        if colons == _encode(value).count(b":") or colons == _encode(_decode(data)).count(b":"):
            return
    loads(data)


def loads(data: bytes) -> Any:
    """Read a document exactly; integers may be written ``1.0`` as in JSON Schema.

    Raises:
        InvalidRequest: it is no UTF-8, no JSON, has a key twice, or is nested too deeply.
    """
    _require_shallow(data)
    try:
        text = data.decode("utf-8")
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_refuse,
        )
        # A lone surrogate is text in JSON, and none in UTF-8.
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        message = f"The document is no strict JSON: {error}"
        raise InvalidRequest(message) from error
    return document


def _require_shallow(data: bytes) -> None:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(data):
        first = token[0][:1]
        depth += (first in b"[{") - (first in b"]}")
        if depth > MAX_DEPTH:
            message = f"The document is nested more than {MAX_DEPTH} deep"
            raise InvalidRequest(message)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        message = f"Object contains key `{twice}` twice"
        raise ValueError(message)
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("Integer value out of range")
    return int(text)


def _number(text: str) -> int | float:
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond any bounds
        raise ValueError("Number out of range") from None
    if number.adjusted() >= MAX_DIGITS:
        raise ValueError("Number out of range")
    if number == number.to_integral_value():
        return int(number)
    return float(number)


def _refuse(text: str) -> NoReturn:
    message = f"{text} is no number"
    raise ValueError(message)
