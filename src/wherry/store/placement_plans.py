"""The moves of a provider's generation.

The generation inside moves with every change, so that memory can follow.  Clients count with
one that stays where Placement's stays: on a change of name or place, where an allocation ends
without the provider being named, and at 0 for a uuid that comes back.  ``silent`` is the
difference.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, text, update

from wherry.store import tables
from wherry.store.changes import append_changes
from wherry.store.placement_providers import ProviderRow, seen_generation
from wherry.store.rows import batches
from wherry.store.transaction import Tx

provider, inventory = tables.provider, tables.inventory
_parent = provider.alias("parent")


# Made once: to put it together takes longer than to run it.
_move_on = (
    update(provider)
    .where(provider.c.id == bindparam("number"))
    .values(
        generation=provider.c.generation + 1,
        facts_generation=provider.c.facts_generation + 1,
        changed_at=bindparam("now"),
    )
    .returning(provider.c.generation, seen_generation.label("seen"))
)


_MOVE_AND_TELL = text(
    "WITH moved AS (UPDATE provider SET generation = generation + 1,"
    " facts_generation = facts_generation + 1, changed_at = :now WHERE id = :number"
    " RETURNING uuid, generation, generation - silent AS seen),"
    " told AS (INSERT INTO change (kind, ref, generation, xid)"
    " SELECT 'provider', uuid, generation, pg_current_xact_id() FROM moved)"
    " SELECT seen FROM moved"
)
"""The same, and the line in the feed with it: one trip to the server."""


def move_on(tx: Tx, row: ProviderRow, *, now: float) -> int:
    """Move a provider's generation on after its facts changed; gives what clients see then."""
    wanted = {"number": row.id, "now": now}
    if tx.dialect == "postgresql":
        return int(tx.execute(_MOVE_AND_TELL, wanted).scalar_one())
    moved = tx.execute(_move_on, wanted).one()
    append_changes(tx, [("provider", row.uuid, moved.generation)])
    return int(moved.seen)


def move_silently(tx: Tx, uuids: Sequence[str]) -> None:
    """Tell the feed of a change that clients do not count."""
    for batch in batches(uuids):
        statement = (
            update(provider)
            .where(provider.c.uuid.in_(batch))
            .values(generation=provider.c.generation + 1, silent=provider.c.silent + 1)
        )
        changes = tx.rows(statement.returning(provider.c.uuid, provider.c.generation))
        append_changes(tx, [("provider", uuid, moves) for uuid, moves in changes])
