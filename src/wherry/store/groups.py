"""Groups of guests as stored, and where the others of a guest's groups are."""

from collections import Counter
from collections.abc import Collection

from sqlalchemy import delete, insert, select, update

from wherry.model.groups import Group, Neighbours, Placed
from wherry.store import tables
from wherry.store.body import decode, encode
from wherry.store.rows import batches, upsert
from wherry.store.transaction import Tx

group, member = tables.guest_group, tables.guest_group_member
guest, migration = tables.guest, tables.migration


def write_group(tx: Tx, value: Group) -> None:
    """Store a group, in the place of what had its id before."""
    query = select(group.c.claims).where(group.c.id == value.id).with_for_update()
    claims = tx.execute(query).scalar() or 0
    upsert(tx, group, [{"id": value.id, "claims": claims, "body": encode(value)}])
    tx.execute(delete(member).where(member.c.guest_group == value.id))
    rows = [{"guest_group": value.id, "guest": uuid} for uuid in value.guests]
    if rows:
        tx.execute(insert(member), rows)


def read_groups(tx: Tx) -> list[Group]:
    """Read all groups, in order of id."""
    bodies = tx.execute(select(group.c.body).order_by(group.c.id)).scalars()
    return [decode(body, Group) for body in bodies]


def read_group(tx: Tx, name: str) -> Group | None:
    """Read one group; None where there is none."""
    body = tx.execute(select(group.c.body).where(group.c.id == name)).scalar()
    return None if body is None else decode(body, Group)


def remove_group(tx: Tx, name: str) -> bool:
    """Forget a group; says whether it was there."""
    # As whoever writes one: the group first.
    query = select(group.c.id).where(group.c.id == name).with_for_update()
    is_there = tx.execute(query).first() is not None
    tx.execute(delete(member).where(member.c.guest_group == name))
    tx.execute(delete(group).where(group.c.id == name))
    return is_there


def read_neighbours(tx: Tx, uuid: str) -> Neighbours:
    """Read the groups of a guest, in order of id, and where the others of each are.

    A guest that moves is on both ends.
    """
    groups = _groups_of(tx, uuid)
    others = {each for one in groups for each in one.guests} - {uuid}
    hosts = _hosts_of(tx, others)
    return tuple(
        Placed(
            one,
            dict(Counter(host for each in one.guests for host in hosts.get(each, ()))),
        )
        for one in groups
    )


def claim_beside(tx: Tx, uuid: str) -> Neighbours:
    """Read the same for a claim: of two of one group, one waits until the other is written.

    The rows of the groups are moved on, so that a transaction that read them before has to
    read them again; not those of soft ones, which refuse nobody.
    """
    for one in _groups_of(tx, uuid):
        if not one.policy.startswith("soft"):
            tx.execute(update(group).where(group.c.id == one.id).values(claims=group.c.claims + 1))
    return read_neighbours(tx, uuid)


def _groups_of(tx: Tx, uuid: str) -> list[Group]:
    """Read the groups of a guest, in order of id, which is the order of their locks."""
    query = (
        select(group.c.body)
        .join(member, member.c.guest_group == group.c.id)
        .where(member.c.guest == uuid)
        .order_by(group.c.id)
    )
    return [decode(body, Group) for body in tx.execute(query).scalars()]


def _hosts_of(tx: Tx, uuids: Collection[str]) -> dict[str, set[str]]:
    """Where each of these guests is, or shall be."""
    found: dict[str, set[str]] = {}
    for batch in batches(sorted(uuids)):
        query = (
            select(guest.c.uuid, guest.c.host, migration.c.target)
            .outerjoin(migration, migration.c.uuid == guest.c.migration)
            .where(guest.c.uuid.in_(batch))
        )
        for uuid, host, target in tx.rows(query):
            found[uuid] = {host} if target is None else {host, target}
    return found
