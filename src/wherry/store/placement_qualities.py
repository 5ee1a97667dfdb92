"""What a provider is besides what it has: its traits and its aggregates."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, delete, insert, select, true

from wherry.store import tables
from wherry.store.placement_providers import ProviderRow
from wherry.store.rows import intern
from wherry.store.transaction import Tx


def write_traits(tx: Tx, row: ProviderRow, names: Iterable[str]) -> None:
    """Make the traits of a provider these."""
    wanted = intern(tx, tables.trait, names)
    held = tables.provider_trait
    tx.execute(delete(held).where(held.c.provider == row.id))
    if wanted:
        rows = [{"provider": row.id, "trait": number} for number in sorted(wanted.values())]
        tx.execute(insert(held), rows)


def read_traits(tx: Tx, *where: ColumnElement[bool]) -> dict[int, dict[str, float | None]]:
    """Read traits: id of the provider to trait to the time at which the trait was made."""
    trait, held = tables.trait, tables.provider_trait
    query = (
        select(held.c.provider, trait.c.name, trait.c.created_at)
        .join(trait, trait.c.id == held.c.trait)
        .where(*where or (true(),))
        .order_by(trait.c.name)
    )
    found: dict[int, dict[str, float | None]] = {}
    for number, name, created_at in tx.rows(query):
        found.setdefault(number, {})[name] = created_at
    return found


def write_aggregates(tx: Tx, row: ProviderRow, uuids: Sequence[str]) -> None:
    """Make the aggregates that a provider belongs to these."""
    table = tables.provider_aggregate
    tx.execute(delete(table).where(table.c.provider == row.id))
    if uuids:
        rows = [{"provider": row.id, "aggregate": uuid} for uuid in dict.fromkeys(uuids)]
        tx.execute(insert(table), rows)


def read_aggregates(tx: Tx, *where: ColumnElement[bool]) -> dict[int, list[str]]:
    """Read aggregates: id of the provider to those that it belongs to."""
    table = tables.provider_aggregate
    query = select(table.c.provider, table.c.aggregate).where(*where or (true(),))
    found: dict[int, list[str]] = {}
    for number, uuid in tx.rows(query.order_by(table.c.aggregate)):
        found.setdefault(number, []).append(uuid)
    return found


def traits_of(row: ProviderRow) -> ColumnElement[bool]:
    """Condition of `read_traits`: those of one provider."""
    return tables.provider_trait.c.provider == row.id


def aggregates_of(row: ProviderRow) -> ColumnElement[bool]:
    """Condition of `read_aggregates`: those of one provider."""
    return tables.provider_aggregate.c.provider == row.id
