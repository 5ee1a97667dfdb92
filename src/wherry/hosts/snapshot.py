"""Snapshot files: read into a tree, and written.

Source: ``docs/reference/snapshot-format.md``.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

from wherry.introspect.snapshot import NodeTree, parse_snapshot
from wherry.model.errors import InvalidFile

MAX_BYTES: Final = 64 * 1024 * 1024
"""Largest file that is taken for a snapshot; a big host's is about 2 MB."""


def load_snapshot(file: Path) -> NodeTree:
    """Read a snapshot file.

    Raises:
        InvalidFile: it cannot be opened, is too large, is no text, or is no snapshot.
    """
    return parse_snapshot(read_text_file(file, limit=MAX_BYTES), file=str(file))


def write_snapshot(file: Path, text: str) -> None:
    """Write a snapshot whole or not at all.

    Raises:
        InvalidFile: the file cannot be written.
    """
    data = text.encode()
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(file)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        message = f"cannot be written: {error.strerror}; name a file in a folder you may write to"
        raise InvalidFile(message, file=str(file)) from None


def read_text_file(file: Path, *, limit: int) -> str:
    """Read a plain UTF-8 file of at most *limit* bytes.

    Raises:
        InvalidFile: it is no plain file, cannot be opened, is too large, or is no text.
    """
    try:
        if not file.is_file():
            raise InvalidFile("there is no such file: name another", file=str(file))
        with file.open("rb") as opened:
            data = opened.read(limit + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        raise InvalidFile(message, file=str(file)) from None
    if len(data) > limit:
        message = f"is larger than {limit} bytes: is it the right file?"
        raise InvalidFile(message, file=str(file))
    return _decode(data, file)


def _decode(data: bytes, file: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidFile(
            "is no UTF-8 text: is it the right file?", file=str(file), line=line
        ) from None
