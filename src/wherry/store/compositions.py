"""Composed devices as they are set aside."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select

from wherry.model.compositions import Composition
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.transaction import Tx

composition = tables.composition


def write_composition(tx: Tx, value: Composition) -> None:
    """Write a new composition."""
    row = {"uuid": value.uuid, "provider": value.provider, "host": value.host}
    tx.execute(insert(composition), [{**row, "body": encode(value)}])


def read_composition(tx: Tx, uuid: str) -> Composition | None:
    """Read one composition; None where there is none."""
    body = tx.execute(select(composition.c.body).where(composition.c.uuid == uuid)).scalar()
    return None if body is None else decode(body, Composition)


def read_compositions(
    tx: Tx, *, host: str | None = None, provider: str | None = None
) -> tuple[Composition, ...]:
    """Read the compositions of a host or a parent, in the order of their uuids."""
    c = composition.c
    query = select(c.body).order_by(c.uuid)
    if host is not None:
        query = query.where(c.host == host)
    if provider is not None:
        query = query.where(c.provider == provider)
    return tuple(decode(body, Composition) for body in tx.execute(query).scalars())


def find_composed(tx: Tx, uuids: Iterable[str]) -> set[str]:
    """Tell which of these are compositions."""
    query = select(composition.c.uuid).where(composition.c.uuid.in_(sorted(uuids)))
    return set(tx.execute(query).scalars())


def remove_composition(tx: Tx, uuid: str) -> None:
    """Remove a composition."""
    tx.execute(delete(composition).where(composition.c.uuid == uuid))
