"""Values of the model as JSON text in a column, and back."""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
_encoder = msgspec.json.Encoder()


def encode(value: object) -> str:
    """Write a value as JSON text."""
    return _encoder.encode(value).decode()


@lru_cache(maxsize=64)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(text: str, kind: type[T]) -> T:
    """Read a value of one type from its JSON text."""
    key: Any = kind
    value: T = _decoder(key).decode(text)
    return value
