"""Has the types of records looked at before threads need them.

msgspec looks at a type when it is first read, and lets other threads use what it has found so
far: one that reads a record of it meanwhile ends the process.
"""

import contextlib
from collections.abc import Iterator

import msgspec


def learn_records() -> None:
    """Look at the records of all modules that are imported; called before threads are started."""
    for kind in _kinds(msgspec.Struct):
        # Some are only written, and cannot be read.
        with contextlib.suppress(TypeError):
            msgspec.json.Decoder(kind)


def _kinds(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)
