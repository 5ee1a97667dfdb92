"""What a provider is besides what it has: its traits and its aggregates.

A client's provider has its own traits, and those that a host's report sees in it.  They stand in
two tables, each written by its owner alone, and are read as one.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Table,
    bindparam,
    delete,
    insert,
    literal,
    select,
    true,
    union_all,
)

from wherry.store import tables
from wherry.store.placement_names import read_named
from wherry.store.placement_providers import ProviderRow
from wherry.store.rows import BATCH, few, intern
from wherry.store.transaction import Tx

OWN, DERIVED = tables.provider_trait, tables.derived_trait
Times = dict[str, float | None]
"""Trait to the time at which it was made."""


def read_both_traits(
    tx: Tx, number: int, names: Sequence[str]
) -> tuple[Times, Times, dict[str, tuple[int, float | None]]]:
    """Read the traits of one provider: its owner's, and those that a report derives.

    Args:
        names: traits to look up besides; those that there are come with id and time.
    """
    own: Times = {}
    derived: Times = {}
    known = read_named(tx, tables.trait, names[BATCH:])
    wanted = {"number": number, "names": list(names[:BATCH])}
    for row in tx.execute(_traits_and_named, wanted):
        if row.whose == _NAMED:
            known[row.name] = (row.id, row.created_at)
        else:
            (own if row.whose == _OWN else derived)[row.name] = row.created_at
    return own, derived, known


def set_traits(tx: Tx, number: int, traits: Iterable[int], *, had: bool) -> None:
    """Make a client's own traits of a provider these, by their ids.

    Args:
        had: whether it had any before.
    """
    if had:
        tx.execute(_delete(OWN), {"number": number})
    rows = [{"provider": number, "trait": trait} for trait in sorted(traits)]
    if rows:
        tx.execute(_insert(OWN), few(rows))


@cache
def _delete(table: Table) -> Executable:
    """Put the statement together once: that takes longer than to run it."""
    return delete(table).where(table.c.provider == bindparam("number"))


@cache
def _insert(table: Table) -> Executable:
    return insert(table)


def write_traits(tx: Tx, number: int, names: Iterable[str], table: Table = OWN) -> None:
    """Make the traits of a provider these: its owner's, or those that a report derives.

    Args:
        number: the provider's id.
    """
    wanted = intern(tx, tables.trait, names)
    tx.execute(delete(table).where(table.c.provider == number))
    if wanted:
        rows = [{"provider": number, "trait": trait} for trait in sorted(wanted.values())]
        tx.execute(insert(table), rows)


def read_traits(tx: Tx, providers: Select[Any] | Sequence[int] | None = None) -> dict[int, Times]:
    """Read all traits of providers, whoever says so, in order.

    Args:
        providers: ids, or a query for them; None: all.
    """
    queries = [_traits(table, providers) for table in (OWN, DERIVED)]
    found: dict[int, Times] = {}
    for number, name, created_at in tx.rows(union_all(*queries).order_by("name")):
        found.setdefault(number, {})[name] = created_at
    return found


def read_traits_of(tx: Tx, number: int, table: Table) -> list[str]:
    """Read the traits of one provider that one side says: its owner, or a report."""
    rows = tx.rows(_traits(table, [number]).order_by(tables.trait.c.name))
    return [row.name for row in rows]


def _traits(table: Table, providers: Select[Any] | Sequence[int] | None) -> Select[Any]:
    trait = tables.trait
    query = select(table.c.provider, trait.c.name, trait.c.created_at).join(
        trait, trait.c.id == table.c.trait
    )
    return query if providers is None else query.where(table.c.provider.in_(providers))


_trait = tables.trait.c
_OWN, _DERIVED, _NAMED = range(3)
# Made once: to put it together takes longer than to run it.
_traits_and_named = union_all(
    *(
        select(_trait.name, _trait.id, _trait.created_at, literal(whose).label("whose"))
        .join(table, table.c.trait == _trait.id)
        .where(table.c.provider == bindparam("number"))
        for whose, table in ((_OWN, OWN), (_DERIVED, DERIVED))
    ),
    select(_trait.name, _trait.id, _trait.created_at, literal(_NAMED)).where(
        _trait.name.in_(bindparam("names", expanding=True))
    ),
)


def write_aggregates(tx: Tx, row: ProviderRow, uuids: Sequence[str]) -> None:
    """Make the aggregates that a provider belongs to these."""
    table = tables.provider_aggregate
    tx.execute(_delete(table), {"number": row.id})
    if uuids:
        rows = [{"provider": row.id, "aggregate": uuid} for uuid in dict.fromkeys(uuids)]
        tx.execute(_insert(table), few(rows))


def read_aggregates(tx: Tx, *where: ColumnElement[bool]) -> dict[int, list[str]]:
    """Read aggregates: id of the provider to those that it belongs to."""
    table = tables.provider_aggregate
    query = select(table.c.provider, table.c.aggregate).where(*where or (true(),))
    found: dict[int, list[str]] = {}
    for number, uuid in tx.rows(query.order_by(table.c.aggregate)):
        found.setdefault(number, []).append(uuid)
    return found


def aggregates_of(row: ProviderRow) -> ColumnElement[bool]:
    """Condition of `read_aggregates`: those of one provider."""
    return tables.provider_aggregate.c.provider == row.id
