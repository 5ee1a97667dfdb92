"""Which requests make a target hold what a source holds: values in, requests out.

Everything is decided on what both hold now, so a copy that was cut off is taken up by deciding
anew, and one that is complete plans nothing.  The order is such that each request can succeed
whatever the target held before: names first, then the tree, then room, then allocations.

Source: Placement API reference; Placement 16.0.0 as it answers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wherry.integrations.placement_copy.room import NO_DEMAND, make_room, sum_demand
from wherry.integrations.placement_copy.world import UNKNOWN_TYPE, Consumer, Provider, World
from wherry.model.inventory import Inventory

NEWEST = "1.39"
BEFORE_TYPES = "1.37"
"""The last version in which a consumer is written without a type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One request that changes the target.

    Attributes:
        subject: what it is about, for people.
        body: JSON; None where it has none.
        counted: provider whose generation goes into the body as it is when it is sent.
        needs: providers without which it is of no use.
        makes: provider that it makes.
        moves: providers whose generation it moves on without saying how far.
    """

    subject: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    microversion: str = NEWEST
    counted: str | None = None
    needs: frozenset[str] = frozenset()
    makes: str | None = None
    moves: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Requests of one kind, in their order."""

    what: str
    writes: tuple[Write, ...]


def plan_copy(source: World, target: World, *, prune: bool) -> tuple[Step, ...]:
    """Plan the requests that make the target hold what the source holds.

    Args:
        prune: delete what only the target has; else it stays.
    """
    gone = _only(target.consumers, source.consumers) if prune else frozenset()
    held = {uuid: each for uuid, each in target.consumers.items() if uuid not in gone}
    written = {
        uuid: wanted
        for uuid, wanted in source.consumers.items()
        if wanted != target.consumers.get(uuid)
    }
    demands = sum_demand(written, held)
    staged = {
        uuid: make_room(wanted, target.providers.get(uuid), demands.get(uuid, NO_DEMAND))
        for uuid, wanted in source.providers.items()
    }
    stocked = {uuid: each.inventories for uuid, each in target.providers.items()}
    whole = {uuid: each.inventories for uuid, each in source.providers.items()}
    steps = (
        ("consumers to delete", _delete_consumers(target, gone)),
        ("resource classes", _make("resource class", "classes", source.classes - target.classes)),
        ("traits", _make("trait", "traits", source.traits - target.traits)),
        ("resource providers", _place(source, target, prune=prune)),
        ("inventories", _stock(source, stocked, staged)),
        ("traits of providers", _qualify(source, target)),
        ("aggregates of providers", _group(source, target)),
        ("allocations", _allocate(written, target)),
        ("inventories as they shall be", _stock(source, stocked | staged, whole)),
        ("resource providers to delete", _delete_providers(source, target, prune=prune)),
        ("names to delete", _delete_names(source, target, prune=prune)),
    )
    planned = (Step(what=what, writes=tuple(writes)) for what, writes in steps)
    return tuple(step for step in planned if step.writes)


def _only(of: Mapping[str, object], other: Mapping[str, object]) -> frozenset[str]:
    return frozenset(of.keys() - other.keys())


def _make(what: str, kind: str, names: frozenset[str]) -> Iterator[Write]:
    path = {"classes": "/resource_classes", "traits": "/traits"}[kind]
    for name in sorted(names):
        yield Write(subject=f"{what} {name}", method="PUT", path=f"{path}/{name}")


def _place(source: World, target: World, *, prune: bool) -> Iterator[Write]:
    """Make the tree: first names are freed that another is to have, then from the roots.

    From the roots no move makes a circle: what a provider comes to stand below has its own place
    by then, and in the source the provider is none of those above that.
    """
    for uuid, each in _renamed(source, target, prune=prune).items():
        yield _update(uuid, each, target)
    for uuid in source.from_the_roots():
        wanted, has = source.providers[uuid], target.providers.get(uuid)
        above = frozenset() if wanted.parent is None else frozenset({wanted.parent})
        if has is None:
            yield Write(
                subject=source.describe(uuid),
                method="POST",
                path="/resource_providers",
                body={
                    "uuid": uuid,
                    "name": wanted.name,
                    "parent_provider_uuid": wanted.parent,
                },
                makes=uuid,
                needs=above,
            )
        elif (has.name, has.parent) != (wanted.name, wanted.parent):
            yield _update(uuid, wanted, source, above)


def _renamed(source: World, target: World, *, prune: bool) -> dict[str, Provider]:
    """Say which providers first give up their name: they will have another, or be deleted."""
    owners = {each.name: uuid for uuid, each in source.providers.items()}
    return {
        uuid: Provider(name=f"moving {uuid}", parent=has.parent)
        for uuid, has in target.providers.items()
        if owners.get(has.name, uuid) != uuid and (uuid in source.providers or prune)
    }


def _update(
    uuid: str, wanted: Provider, named: World, needs: frozenset[str] = frozenset()
) -> Write:
    return Write(
        subject=f"{named.describe(uuid)}: name and parent",
        method="PUT",
        path=f"/resource_providers/{uuid}",
        body={"name": wanted.name, "parent_provider_uuid": wanted.parent},
        needs=needs,
    )


def _replace(source: World, uuid: str, what: str, value: Any) -> Write:
    """Set one thing of a provider as a whole, under its generation."""
    return Write(
        subject=f"{source.describe(uuid)}: {what}",
        method="PUT",
        path=f"/resource_providers/{uuid}/{what}",
        body={what: value},
        counted=uuid,
        needs=frozenset({uuid}),
    )


def _stock(
    source: World,
    has: Mapping[str, Mapping[str, Inventory]],
    wanted: Mapping[str, Mapping[str, Inventory]],
) -> Iterator[Write]:
    for uuid in source.from_the_roots():
        if dict(wanted[uuid]) != dict(has.get(uuid, {})):
            value = {name: _fields(each) for name, each in sorted(wanted[uuid].items())}
            yield _replace(source, uuid, "inventories", value)


def _fields(inventory: Inventory) -> dict[str, Any]:
    return {field: getattr(inventory, field) for field in Inventory.__struct_fields__}


def _qualify(source: World, target: World) -> Iterator[Write]:
    for uuid in source.from_the_roots():
        wanted, has = source.providers[uuid], target.providers.get(uuid)
        if wanted.traits != (has.traits if has else frozenset()):
            yield _replace(source, uuid, "traits", sorted(wanted.traits))


def _group(source: World, target: World) -> Iterator[Write]:
    for uuid in source.from_the_roots():
        wanted, has = source.providers[uuid], target.providers.get(uuid)
        if wanted.aggregates != (has.aggregates if has else frozenset()):
            yield _replace(source, uuid, "aggregates", sorted(wanted.aggregates))


def _allocate(written: Mapping[str, Consumer], target: World) -> Iterator[Write]:
    for uuid, wanted in sorted(written.items()):
        has = target.consumers.get(uuid)
        if wanted.type == UNKNOWN_TYPE and has is not None and has.type != UNKNOWN_TYPE:
            # No call takes a type away.
            yield _let_go(uuid, has)
            has = None
        body = {
            "allocations": {
                provider: {"resources": dict(held)} for provider, held in wanted.allocations.items()
            },
            "project_id": wanted.project,
            "user_id": wanted.user,
            "consumer_generation": has.generation if has else None,
        }
        knows_type = wanted.type != UNKNOWN_TYPE
        yield Write(
            subject=f"consumer {uuid}",
            method="PUT",
            path=f"/allocations/{uuid}",
            body=body | ({"consumer_type": wanted.type} if knows_type else {}),
            microversion=NEWEST if knows_type else BEFORE_TYPES,
            needs=frozenset(wanted.allocations),
            moves=frozenset(wanted.allocations) | frozenset(has.allocations if has else ()),
        )


def _let_go(uuid: str, has: Consumer) -> Write:
    return Write(
        subject=f"consumer {uuid}",
        method="DELETE",
        path=f"/allocations/{uuid}",
        moves=frozenset(has.allocations),
    )


def _delete_consumers(target: World, gone: frozenset[str]) -> Iterator[Write]:
    for uuid in sorted(gone):
        yield _let_go(uuid, target.consumers[uuid])


def _delete_providers(source: World, target: World, *, prune: bool) -> Iterator[Write]:
    for uuid in reversed(target.from_the_roots()):
        if prune and uuid not in source.providers:
            yield Write(
                subject=target.describe(uuid), method="DELETE", path=f"/resource_providers/{uuid}"
            )


def _delete_names(source: World, target: World, *, prune: bool) -> Iterator[Write]:
    if prune:
        for name in sorted(target.classes - source.classes):
            path = f"/resource_classes/{name}"
            yield Write(subject=f"resource class {name}", method="DELETE", path=path)
        for name in sorted(target.traits - source.traits):
            yield Write(subject=f"trait {name}", method="DELETE", path=f"/traits/{name}")
