"""The moves of a provider's generation.

The generation inside moves with every change, so that memory can follow.  Clients count with
one that stays where Placement's stays: on a change of name or place, where an allocation ends
without the provider being named, and at 0 for a uuid that comes back.  ``silent`` is the
difference.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, update

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


def move_on(tx: Tx, row: ProviderRow, *, now: float) -> int:
    """Move a provider's generation on after its facts changed; gives what clients see then."""
    moved = tx.execute(_move_on, {"number": row.id, "now": now}).one()
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
