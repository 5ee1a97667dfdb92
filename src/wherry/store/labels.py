"""Derived labels as stored, and the salt that they are made with.

They stand in the table of derived traits, beside what reports see in clients' providers, and
clients' requests touch neither.  Whoever writes labels holds the salt first, so that all of a
database's labels are of one salt.

Source: docs/reference/compat.md, section 13 ("Labels").
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Executable, bindparam, delete, insert, or_, select, update

from wherry.compat.query.labels import is_label
from wherry.inventory.labelling import HostLabels
from wherry.model.errors import StoreUnavailable
from wherry.store import tables
from wherry.store.changes import append_change
from wherry.store.placement_plans import move_silently
from wherry.store.rows import batches, intern
from wherry.store.transaction import Tx

SALT = "salt"
"""Key of the salt among the notes: hexadecimal digits."""

provider, trait, derived = tables.provider, tables.trait, tables.derived_trait
meta = tables.meta
Names = frozenset[str]


def read_salt(tx: Tx, *, hold: bool = False) -> bytes:
    """Give the salt of this database.

    Args:
        hold: let nobody change it before this transaction ends; taken before any provider.

    Raises:
        StoreUnavailable: somebody has taken it away.
    """
    query = select(meta.c.value).where(meta.c.key == SALT)
    found = tx.execute(query.with_for_update(read=True) if hold else query).scalar()
    if found is None:
        raise StoreUnavailable("the database has no salt any more: run `wherry db rotate-salt`")
    return bytes.fromhex(found)


def write_labels(
    tx: Tx, host: str, labels: HostLabels, *, told: Collection[str] = ()
) -> tuple[str, ...]:
    """Make the labels of a host's providers these; the caller holds the providers.

    Args:
        told: uuids of providers of which the feed tells in this transaction already.

    Returns the uuids of those that have others now.
    """
    stored = _read_of_host(tx, host)
    wanted = {uuid: row.wanted(labels, uuid) for uuid, row in stored.items()}
    more = {uuid: wanted[uuid] - row.names for uuid, row in stored.items()}
    less = {uuid: row.names - wanted[uuid] for uuid, row in stored.items()}
    changed = sorted(uuid for uuid in stored if more[uuid] or less[uuid])
    if not changed:
        return ()
    _remove(tx, {stored[uuid].id: less[uuid] for uuid in changed})
    _add(tx, {stored[uuid].id: more[uuid] for uuid in changed})
    move_silently(tx, [uuid for uuid in changed if uuid not in set(told)])
    return tuple(changed)


def drop_labels(tx: Tx, uuids: Collection[str]) -> None:
    """Take all that was derived away from providers that are of no host any more."""
    for batch in batches(sorted(uuids)):
        numbers = select(provider.c.id).where(provider.c.uuid.in_(batch))
        tx.execute(delete(derived).where(derived.c.provider.in_(numbers)))


def read_label_names(tx: Tx) -> list[str]:
    """Give all labels that the database knows, on a provider or not."""
    query = select(trait.c.name).where(trait.c.name.startswith("CUSTOM_WHERRY_", autoescape=True))
    return [name for name in tx.execute(query).scalars() if is_label(name)]


def rename_labels(tx: Tx, new_names: Mapping[str, str]) -> int:
    """Give labels other names wherever they are, and tell the feed; says of how many providers."""
    olds = sorted(new_names)
    having = _read_having(tx, olds)
    if olds:
        rows = [{"old": name, "new": new_names[name]} for name in olds]
        tx.execute(
            update(trait).where(trait.c.name == bindparam("old")).values(name=bindparam("new")),
            rows,
        )
        append_change(tx, "name", new_names[olds[0]], 1)
    move_silently(tx, having)
    return len(having)


def forget_labels(tx: Tx, names: Iterable[str]) -> int:
    """Forget labels that are on no provider; says how many."""
    gone = 0
    for batch in batches(sorted(names)):
        used = [trait.c.id.in_(select(table.c.trait)) for table in _TABLES]
        statement = delete(trait).where(trait.c.name.in_(batch), ~or_(*used))
        gone += tx.execute(statement).rowcount
    if gone:
        append_change(tx, "name", "labels", 1)
    return gone


_TABLES = (tables.provider_trait, derived)


class _Stored(NamedTuple):
    """A provider of a host, and the names that are labels or of its root."""

    id: int
    is_root: bool
    is_gone: bool
    names: Names

    def wanted(self, labels: HostLabels, uuid: str) -> Names:
        """What it shall have; what is gone from the host has nothing to give."""
        if self.is_gone:
            return frozenset()
        return labels.root if self.is_root else labels.providers.get(uuid, frozenset())


def _read_of_host(tx: Tx, host: str) -> dict[str, _Stored]:
    found: dict[str, _Stored] = {}
    names: defaultdict[str, set[str]] = defaultdict(set)
    for row in tx.execute(_OF_HOST, {"host": host}):
        is_root = row.parent is None
        found[row.uuid] = _Stored(row.id, is_root, row.gone, frozenset())
        # A report derives other traits on providers that clients have made for devices.
        if row.name is not None and (is_root or is_label(row.name)):
            names[row.uuid].add(row.name)
    return {uuid: row._replace(names=frozenset(names[uuid])) for uuid, row in found.items()}


# Made once: to put it together takes longer than to run it.
_OF_HOST = (
    select(provider.c.id, provider.c.uuid, provider.c.parent, provider.c.gone, trait.c.name)
    .outerjoin(derived, derived.c.provider == provider.c.id)
    .outerjoin(trait, trait.c.id == derived.c.trait)
    .where(provider.c.host == bindparam("host"))
)
_REMOVE: Executable = delete(derived).where(
    derived.c.provider == bindparam("number"),
    derived.c.trait.in_(select(trait.c.id).where(trait.c.name == bindparam("label"))),
)


def _remove(tx: Tx, less: Mapping[int, Names]) -> None:
    rows = [{"number": number, "label": name} for number, names in less.items() for name in names]
    if rows:
        tx.execute(_REMOVE, rows)


def _add(tx: Tx, more: Mapping[int, Names]) -> None:
    ids = intern(tx, trait, frozenset[str]().union(*more.values()))
    rows = [
        {"provider": number, "trait": ids[name]} for number, names in more.items() for name in names
    ]
    if rows:
        tx.execute(insert(derived), rows)


def _read_having(tx: Tx, names: list[str]) -> list[str]:
    """Lock and name the providers that have any of these labels, in the order of all writers."""
    uuids: set[str] = set()
    for batch in batches(names):
        numbers = select(trait.c.id).where(trait.c.name.in_(batch))
        for table in _TABLES:
            query = select(provider.c.uuid).join(table, table.c.provider == provider.c.id)
            uuids.update(tx.execute(query.where(table.c.trait.in_(numbers)).distinct()).scalars())
    ordered = sorted(uuids)
    for batch in batches(ordered):
        p = provider.c
        tx.execute(select(p.id).where(p.uuid.in_(batch)).order_by(p.uuid).with_for_update())
    return ordered
