"""Columns in a file, so that a restart need not read the fleet from the database.

The file is mapped, not read; what is written to the columns later stays in memory.  It holds the
columns at one cursor of the change feed, and a token.  The token is written into the database
after the columns were taken and before the file gets its name: a database that has the token
has been in the state of the file, so what happened since is in its feed.  A backup of an earlier
state, a copy of another fleet, another schema or format: none of them has it.

Layout: a line that names the format; length and CRC-32 of the header; the header as JSON; then
the arrays, each at a multiple of 64 bytes.

Source: design, section 6; docs/explanation/columns.md.
"""

import hashlib
import os
import socket
import struct
import tempfile
import uuid
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns
from wherry.inventory.columns.packing import FORMAT, Arrays, Values, is_whole, unpack
from wherry.store.feed import Cursor
from wherry.store.meta import read_note, write_note
from wherry.store.tables import REVISION
from wherry.store.transaction import Store, Tx

MAGIC = b"wherry columns\n"
ALIGN = 64
Place = tuple[str, str, list[int], int]
_LENGTHS = struct.Struct("<QI")


class Unfit(Exception):
    """A snapshot is not to be used, and why."""


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands before the arrays.

    Attributes:
        identity: which database cluster counts the cursor.
        arrays: name, type, shape and place of each, counted from the end of the header.
        checksum: CRC-32 of all arrays.
    """

    format: int
    revision: str
    identity: str
    token: str
    cursor: Cursor
    size: int
    checksum: int
    arrays: list[Place]
    values: Values


def write_snapshot(
    store: Store, path: Path, arrays: Arrays, values: Values, cursor: Cursor
) -> None:
    """Write columns that were taken at a cursor, in the place of what was there.

    Raises:
        OSError: the file cannot be written; what was there is still there.
        StoreUnavailable: the database does not answer; likewise.
    """
    places, size = _lay_out(arrays)
    header = Header(
        format=FORMAT, revision=REVISION, identity=store.read(read_identity),
        token=str(uuid.uuid4()), cursor=cursor, size=size, checksum=_checksum(arrays),
        arrays=places, values=values,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(_head(header))
            for each in arrays.values():
                file.write(_padded(each.tobytes()))
            file.flush()
            os.fsync(file.fileno())
        store.write(lambda tx: write_note(tx, _key(path), header.token))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_snapshot(tx: Tx, path: Path) -> tuple[Columns, Cursor]:
    """Map columns and say at which cursor they were taken.

    Raises:
        FileNotFoundError: there is none.
        Unfit: it is damaged, of another format, schema or database, or of a state that this
            database was never in.
    """
    try:
        memory = np.asarray(np.memmap(path, np.uint8, mode="c"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise Unfit(f"it cannot be read: {error}") from error
    header, body = _parse(memory)
    if (header.format, header.revision) != (FORMAT, REVISION):
        raise Unfit(f"it has format {header.format} and schema {header.revision}")
    if header.identity != read_identity(tx) or header.token != read_note(tx, _key(path)):
        raise Unfit("it is of another database, or of another state of this one")
    if zlib.crc32(body.data) != header.checksum:
        raise Unfit("its checksum is wrong")
    try:
        arrays = {place[0]: _array(body, place) for place in header.arrays}
        columns = unpack(header.values, arrays)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise Unfit(f"it is no snapshot: {error}") from error
    if not is_whole(columns):
        raise Unfit("its columns do not go together")
    return columns, header.cursor


def read_identity(tx: Tx) -> str:
    """Name what counts the feed's cursors: a cluster and a database in it, or a file's own feed."""
    if tx.dialect == "sqlite":
        return "sqlite"
    query = (
        "SELECT (SELECT system_identifier FROM pg_control_system())::text || ' ' || oid::text"
        " FROM pg_database WHERE datname = current_database()"
    )
    return f"postgresql {tx.driver.execute(query).fetchone()[0]}"


def _key(path: Path) -> str:
    """Name the note that has the token: one for each file on each machine."""
    place = f"{socket.gethostname()} {path.resolve()}"
    return f"columns {hashlib.blake2b(place.encode(), digest_size=8).hexdigest()}"


def _lay_out(arrays: Arrays) -> tuple[list[Place], int]:
    """Say where arrays go, and how many bytes they take."""
    places, at = [], 0
    for name, array in arrays.items():
        places.append((name, array.dtype.str, list(array.shape), at))
        at += -(-array.nbytes // ALIGN) * ALIGN
    return places, at


def _checksum(arrays: Arrays) -> int:
    checksum = 0
    for array in arrays.values():
        checksum = zlib.crc32(_padded(array.tobytes()), checksum)
    return checksum


def _padded(letters: bytes) -> bytes:
    return letters.ljust(-(-len(letters) // ALIGN) * ALIGN, b"\0")


def _head(header: Header) -> bytes:
    text = msgspec.json.encode(header)
    return _padded(MAGIC + _LENGTHS.pack(len(text), zlib.crc32(text)) + text)


def _parse(memory: NDArray[np.uint8]) -> tuple[Header, NDArray[np.uint8]]:
    begin = len(MAGIC) + _LENGTHS.size
    start = memory[:begin].tobytes()
    if len(start) < begin or not start.startswith(MAGIC):
        raise Unfit("it is no snapshot")
    length, checksum = _LENGTHS.unpack(start[len(MAGIC) :])
    text = memory[begin : begin + length].tobytes()
    if len(text) != length or zlib.crc32(text) != checksum:
        raise Unfit("its header is damaged")
    try:
        header = msgspec.json.decode(text, type=Header)
    except msgspec.MsgspecError as error:
        raise Unfit(f"its header is of another kind: {error}") from error
    body = memory[-(-(begin + length) // ALIGN) * ALIGN :]
    if len(body) != header.size:
        raise Unfit("it is cut short, or longer than it says")
    return header, body


def _array(body: NDArray[np.uint8], place: Place) -> NDArray[Any]:
    _, kind, shape, at = place
    dtype = np.dtype(kind)
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    array: NDArray[Any] = body[at : at + size].view(dtype).reshape(shape)
    return array
