"""Writes a host's provider tree: what is new, what changed, and what is gone.

Providers are locked by uuid before anything of them is read or written, as claims do it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import and_, delete, insert, or_, select, update

from wherry.inventory.composing import with_compositions
from wherry.inventory.lint import lint_successive
from wherry.model.inventory import Finding, HostPlan, PlannedProvider
from wherry.store import tables
from wherry.store.attached import write_attached
from wherry.store.body import decode, encode
from wherry.store.changes import append_changes
from wherry.store.client_plans import read_client_plans
from wherry.store.compositions import read_compositions
from wherry.store.gone import write_last_generation
from wherry.store.inventories import recount, write_inventories
from wherry.store.new_providers import Node, insert_providers
from wherry.store.places import placement_rows
from wherry.store.plans import emptied, facts_of, order_plans
from wherry.store.rows import batches, intern, upsert
from wherry.store.transaction import Tx

provider = tables.provider
GONE = "PROVIDER_GONE"


@dataclass(frozen=True, slots=True)
class Stored:
    """A provider as found, under lock."""

    id: int
    uuid: str
    name: str
    host: str | None
    owner: str
    parent: int | None
    root: int
    facts_generation: int
    gone: bool
    plan: PlannedProvider


@dataclass(frozen=True, slots=True)
class TreeOutcome:
    """What writing a tree did.

    Attributes:
        changed: uuids of providers whose generation moved, new ones and clients' included.
        removed: uuids of providers that ended.
        findings: one for each provider that is gone from the host and still held, and what
            the lints say of offers that are other ones now.
    """

    changed: tuple[str, ...]
    removed: tuple[str, ...]
    findings: tuple[Finding, ...]


def write_tree(tx: Tx, plan: HostPlan, *, now: float | None) -> TreeOutcome:
    """Make the stored providers of a host what a plan says.

    A provider that is gone from the host ends if nothing is held of it; otherwise it stays,
    with nothing to give, until the holders have let go.

    Args:
        now: time to write down for what changes; None: none is known.

    Raises:
        ReportContradicts: the plan names something twice, somebody else's, or in a circle.
    """
    plan = with_compositions(plan, read_compositions(tx, host=plan.host))
    stored = _lock(tx, plan)
    homes = {uuid: row.host if row.owner == "report" else None for uuid, row in stored.items()}
    own = {uuid: row for uuid, row in stored.items() if homes[uuid] == plan.host}
    known = homes
    foreign = {row.name: homes[uuid] for uuid, row in stored.items() if uuid not in own}
    lost = _names_of_clients(tx, {row.plan.name for row in own.values()})
    plans = order_plans(plan.host, plan.providers, known, foreign)
    _intern_all(tx, plans)
    kept, ended = _part_with(tx, own, {p.uuid for p in plans})
    _free_names(tx, plans, own)
    taken = {planned.name for planned in plans} | lost
    leaving = [emptied(row.plan, taken) for row in kept]
    nodes = {uuid: Node(row.id, row.root) for uuid, row in stored.items()}
    new: list[str] = []
    changed: list[str] = []
    for is_new, some in groupby([*plans, *leaving], key=lambda planned: planned.uuid not in own):
        if is_new:
            placed = insert_providers(tx, list(some), plan.host, nodes, now=now)
            nodes |= placed
            new += placed
            continue
        for planned in some:
            old = own[planned.uuid]
            above = nodes[planned.parent] if planned.parent else None
            nodes[planned.uuid] = node = Node(old.id, old.id if above is None else above.root)
            parent = None if above is None else above.id
            if _update(tx, old, planned, parent, node.root, gone=old in kept):
                changed.append(planned.uuid)
    _end(tx, ended)
    _tell(tx, changed, now)
    clients = {
        row.id: row.plan
        for row in stored.values()
        if row.owner == "client" and row.host == plan.host
    }
    attached = write_attached(tx, clients, plan.attached)
    findings = [gone_finding(planned.name) for planned in leaving]
    findings += [one for planned in plans for one in _lint(own.get(planned.uuid), planned)]
    return TreeOutcome(
        (*new, *changed, *attached), tuple(row.uuid for row in ended), tuple(findings)
    )


def gone_finding(name: str) -> Finding:
    """Say of a provider that its host no longer has it, and that somebody holds it."""
    return Finding(code=GONE, message=f"{name} is gone from the host and still held")


def _lint(old: Stored | None, planned: PlannedProvider) -> list[Finding]:
    """A driver, firmware or kernel that changed may have forgotten to say so in its version."""
    if old is None or old.plan.offers == planned.offers:
        return []
    return lint_successive(old.plan.offers, planned.offers, planned.device or planned.name)


def sweep_gone(tx: Tx, host: str) -> tuple[str, ...]:
    """End providers of a host that are gone and no longer held; names their uuids."""
    p = provider.c
    query = select(p.uuid).where(p.host == host, p.gone).order_by(p.uuid).with_for_update()
    if not tx.execute(query).first():
        return ()
    stored = {row.uuid: row for row in _read(tx, and_(p.host == host, p.owner == "report"))}
    present = {uuid for uuid, row in stored.items() if not row.gone}
    _, ended = _part_with(tx, stored, present)
    _end(tx, ended)
    return tuple(row.uuid for row in ended)


def _lock(tx: Tx, plan: HostPlan) -> dict[str, Stored]:
    """Lock, in order of uuid, and read the host's providers and those that the plan names.

    Of others' providers, those with a name that the plan uses too.
    """
    p = provider.c
    uuids = {planned.uuid for planned in plan.providers}
    uuids |= {planned.parent for planned in plan.providers if planned.parent}
    names = {planned.name for planned in plan.providers}
    child = provider.alias("child")
    above = select(child.c.parent).where(child.c.host == plan.host, child.c.parent.is_not(None))
    where = or_(
        p.host == plan.host,
        p.id.in_(above),
        p.uuid.in_(sorted(uuids)),
        p.name.in_(sorted(names)),
    )
    tx.execute(select(p.id).where(where).order_by(p.uuid).with_for_update()).all()
    return {row.uuid: row for row in _read(tx, where)}


def _names_of_clients(tx: Tx, names: set[str]) -> set[str]:
    """Give those of these names that clients have taken."""
    p = provider.c
    query = select(p.name).where(p.owner == "client", p.name.in_(sorted(names)))
    return set(tx.execute(query).scalars())


def _read(tx: Tx, where: Any) -> list[Stored]:
    p, body = provider.c, tables.provider_plan
    query = (
        select(p.id, p.uuid, p.name, p.host, p.owner, p.parent, p.root, p.facts_generation, p.gone)
        .add_columns(body.c.plan)
        .outerjoin(body, body.c.provider == p.id)
        .where(where)
        .order_by(p.id)
    )
    rows = tx.execute(query).mappings().all()
    clients = read_client_plans(tx, [row["id"] for row in rows if row["owner"] == "client"])
    return [
        Stored(**{**row, "plan": clients.get(row["id"]) or decode(row["plan"], PlannedProvider)})
        for row in rows
        # A client may have made one after the others were locked, and taken it away again.
        if row["id"] in clients or row["plan"] is not None
    ]


def _part_with(
    tx: Tx, own: Mapping[str, Stored], present: set[str]
) -> tuple[list[Stored], list[Stored]]:
    """Tell those that must stay from those that end, both in an order that can be carried out."""
    leaving = {row.id: row for uuid, row in own.items() if uuid not in present}
    held = _held(tx, leaving)
    staying: set[int] = set()
    for row in leaving.values():
        # What is held keeps all that stands above it.
        step: Stored | None = row if row.id in held else None
        while step is not None and step.id not in staying:
            staying.add(step.id)
            step = leaving.get(step.parent) if step.parent is not None else None
    depth = {row.id: _depth(row, leaving) for row in leaving.values()}
    rows = sorted(leaving.values(), key=lambda row: (depth[row.id], row.uuid))
    kept = [row for row in rows if row.id in staying]
    return kept, [row for row in reversed(rows) if row.id not in staying]


def _depth(row: Stored, leaving: Mapping[int, Stored]) -> int:
    depth = 0
    above = leaving.get(row.parent) if row.parent is not None else None
    while above is not None:
        depth += 1
        above = leaving.get(above.parent) if above.parent is not None else None
    return depth


def _held(tx: Tx, rows: Iterable[int]) -> set[int]:
    """Name the providers of which something is held, or below which a client has put one."""
    ids = list(rows)
    held: set[int] = set()
    child = provider.alias("child")
    for batch in batches(ids):
        for column in (tables.allocation.c.provider, tables.occupant.c.provider):
            held.update(tx.execute(select(column).where(column.in_(batch)).distinct()).scalars())
        foreign = select(child.c.parent).where(child.c.parent.in_(batch), child.c.owner == "client")
        held.update(tx.execute(foreign).scalars())
    return held


def _intern_all(tx: Tx, plans: Sequence[PlannedProvider]) -> None:
    """Give ids to all names at once and in order: two reports with new ones cannot deadlock."""
    classes = {name for planned in plans for name in (*planned.inventories, *planned.views)}
    classes |= {
        name for planned in plans for instance in planned.instances for name in instance.units
    }
    intern(tx, tables.resource_class, classes)
    intern(tx, tables.trait, {name for planned in plans for name in planned.traits})


def _free_names(tx: Tx, plans: Sequence[PlannedProvider], own: Mapping[str, Stored]) -> None:
    """Give providers that lose their name one that nobody else wants, so that names can pass."""
    names = {planned.uuid: planned.name for planned in plans}
    wanted = set(names.values())
    for uuid, row in own.items():
        if names.get(uuid) != row.name and (uuid in names or row.name in wanted):
            statement = update(provider).where(provider.c.id == row.id)
            tx.execute(statement.values(name=f"renamed {uuid}"))


def _update(
    tx: Tx,
    old: Stored,
    planned: PlannedProvider,
    parent: int | None,
    root: int,
    *,
    gone: bool,
) -> bool:
    """Write what differs; says whether anything did."""
    moved = (old.parent, old.root) != (parent, root)
    facts = facts_of(old.plan) != facts_of(planned)
    seen = old.plan.instances != planned.instances
    if not (facts or seen or moved or old.gone != gone):
        return False
    if facts or moved or old.gone != gone:
        statement = (
            update(provider)
            .where(provider.c.id == old.id)
            .values(
                name=planned.name,
                parent=parent,
                root=root,
                gone=gone,
                facts_generation=provider.c.facts_generation + int(facts),
            )
        )
        tx.execute(statement)
    if facts:
        _write_facts(tx, old.id, planned)
    else:
        _write_plan(tx, old.id, planned)
        recount(tx, old.id, planned.instances)
    return True


def _write_plan(tx: Tx, number: int, planned: PlannedProvider) -> None:
    upsert(tx, tables.provider_plan, [{"provider": number, "plan": encode(planned)}])


def _write_facts(tx: Tx, number: int, planned: PlannedProvider) -> None:
    _write_plan(tx, number, planned)
    write_inventories(tx, number, planned)
    traits = intern(tx, tables.trait, planned.traits)
    _replace(tx, tables.provider_trait, number, [{"trait": one} for one in traits.values()])
    ranked = [{"device": device, "rank": rank} for rank, device in enumerate(planned.slots)]
    _replace(tx, tables.provider_device, number, ranked)
    _replace(tx, tables.placement, number, list(placement_rows(planned)))
    recount(tx, number, planned.instances)


def _replace(tx: Tx, table: Any, number: int, rows: Sequence[dict[str, Any]]) -> None:
    tx.execute(delete(table).where(table.c.provider == number))
    if rows:
        tx.execute(insert(table), [{"provider": number, **row} for row in rows])


def _end(tx: Tx, rows: Sequence[Stored]) -> None:
    """Remove providers, children first; leaves the generation that they had."""
    p = provider.c
    for row in rows:
        for table in (
            tables.provider_plan,
            tables.provider_trait,
            tables.derived_trait,
            tables.provider_aggregate,
            tables.provider_device,
            tables.seen_instance,
            tables.placement,
            tables.view,
            tables.inventory,
        ):
            tx.execute(delete(table).where(table.c.provider == row.id))
        tx.execute(update(provider).where(p.id == row.id).values(parent=None, root=None))
    for row in rows:
        ended = tx.execute(
            delete(provider).where(p.id == row.id).returning(p.generation, p.facts_generation)
        ).one()
        last = max(ended) + 1
        write_last_generation(tx, "provider", row.uuid, last)
        append_changes(tx, [("provider", row.uuid, last)])


def _tell(tx: Tx, uuids: Sequence[str], now: float | None) -> None:
    """Move the generations on and tell the feed."""
    p = provider.c
    for batch in batches(uuids):
        statement = update(provider).where(p.uuid.in_(batch))
        statement = statement.values(generation=p.generation + 1, changed_at=now)
        moved = tx.rows(statement.returning(p.uuid, p.generation))
        append_changes(tx, [("provider", uuid, generation) for uuid, generation in moved])
