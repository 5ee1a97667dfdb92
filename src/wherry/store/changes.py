"""The writing end of the change feed.

Source: design, section 6; docs/explanation/change-feed.md.
"""

from collections.abc import Iterable

from sqlalchemy import CTE, Executable, func, insert, literal, select

from wherry.store import tables
from wherry.store.rows import few
from wherry.store.transaction import Tx


def append_change(tx: Tx, kind: str, ref: str, generation: int) -> None:
    """Say that an object changed, in the transaction that changes it.

    Args:
        kind: ``provider`` (anything of it may be new), ``use`` (only what claims change),
            ``host``, ``pack``, or what else wants to be told.
        ref: uuid, name or id of the object.
        generation: the one that it has now; of an object that ended, the last it had.
    """
    append_changes(tx, [(kind, ref, generation)])


def append_changes(tx: Tx, changes: Iterable[tuple[str, str, int]]) -> None:
    """Say that several objects changed."""
    rows = [{"kind": kind, "ref": ref, "generation": number} for kind, ref, number in changes]
    if rows:
        tx.execute(_INSERT[tx.dialect], few(rows))


def tell_made(made: CTE) -> Executable:
    """Give what an insertion of providers makes, and tell of it: one trip to PostgreSQL.

    Args:
        made: the insertion; returns ``uuid`` and ``generation`` besides what is asked for.
    """
    xid = func.pg_current_xact_id()
    lines = select(literal("provider"), made.c.uuid, made.c.generation, xid)
    told = insert(tables.change).from_select(["kind", "ref", "generation", "xid"], lines)
    return select(made).add_cte(told.cte("told"))


_INSERT = {
    "sqlite": insert(tables.change).inline(),
    "postgresql": insert(tables.change).inline().values(xid=func.pg_current_xact_id()),
}
