"""Files that commands are given: JSON records, read strictly."""

import sys
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from wherry.model import strictjson
from wherry.model.errors import InvalidFile, InvalidRequest

T = TypeVar("T")

MAX_BYTES = 64 * 1024 * 1024

JSON_FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
"""A file of JSON; ``-`` is stdin."""


def read_bytes(file: Path) -> bytes:
    """Read a file, or stdin for ``-``.

    Raises:
        InvalidFile: it cannot be read, or is too large.
    """
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise InvalidFile(message, file=str(file)) from None
    if len(data) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES} bytes: is it the right file?"
        raise InvalidFile(message, file=str(file))
    return data


def read_document(file: Path) -> Any:
    """Read a file as JSON.

    Raises:
        InvalidFile: it is no strict JSON.
    """
    try:
        return strictjson.loads(read_bytes(file))
    except InvalidRequest as error:
        raise InvalidFile(str(error), file=str(file)) from None


def read_record(file: Path, kind: type[T]) -> T:
    """Read a file as a record.

    Raises:
        InvalidFile: it is no strict JSON, or not of that kind.
    """
    document = read_document(file)
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise InvalidFile(str(error), file=str(file)) from None
