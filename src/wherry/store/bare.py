"""Statements of PostgreSQL asked below the driver's cursors, which can take longer than they."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn, PGresult


def ask_prepared(
    link: "PGconn", name: bytes, query: bytes, params: Sequence[bytes | None]
) -> "PGresult":
    """Run a statement that gives rows, in one trip once it is prepared.

    Args:
        name: what it is kept as on this connection.
        query: with places ``$1``, ``$2`` and so on.
        params: as PostgreSQL writes values; None is null.

    Raises:
        psycopg.Error: the database does not answer, or refuses; what has a NUL it is not given.
    """
    from psycopg import errors, pq  # noqa: PLC0415 - an extra

    if any(value is not None and b"\0" in value for value in params):
        raise errors.DataError("PostgreSQL takes no text with a NUL")
    values: Any = params  # the driver takes None and does not say so
    told = link.exec_prepared(name, values)
    if told.error_field(pq.DiagnosticField.SQLSTATE) == b"26000":  # it is not prepared
        told = link.prepare(name, query)
        if told.status == pq.ExecStatus.COMMAND_OK:
            told = link.exec_prepared(name, values)
    if told.status == pq.ExecStatus.TUPLES_OK:
        return told
    if link.status != pq.ConnStatus.OK:
        raise errors.OperationalError(link.get_error_message())
    raise errors.error_from_result(told)
