"""Locks of names, which need not be there yet; they are let go when the transaction ends.

On SQLite one writes at a time anyway.
"""

from sqlalchemy import text

from wherry.store.transaction import Tx

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_HOLD = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")


def lock_name(tx: Tx, name: str) -> None:
    """Let one writer of a host or aggregate follow the other, the very first ones too."""
    if tx.dialect == "postgresql":
        tx.execute(_LOCK, {"name": name})


def hold_name(tx: Tx, name: str) -> None:
    """Let nobody lock a name, which others may hold as well."""
    if tx.dialect == "postgresql":
        tx.execute(_HOLD, {"name": name})
