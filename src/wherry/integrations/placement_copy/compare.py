"""What two Placements hold that is not the same, each difference with both values."""

from collections.abc import Iterator
from dataclasses import dataclass

from wherry.integrations.placement_copy.world import Consumer, Provider, World
from wherry.model.inventory import Inventory

THERE = "there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not the same.

    Attributes:
        what: such as ``resource provider node-1 (1f0c…), total of VCPU``.
        source, target: what each side has; None where it has nothing of the kind.
    """

    what: str
    source: str | None
    target: str | None

    def __str__(self) -> str:
        source, target = (each or "nothing" for each in (self.source, self.target))
        return f"{self.what}: {source} in the source, {target} in the target"


def compare(source: World, target: World) -> tuple[Difference, ...]:
    """List all that two Placements do not have alike, generations aside."""
    return (
        *_names("resource class", source.classes, target.classes),
        *_names("trait", source.traits, target.traits),
        *_providers(source, target),
        *_consumers(source, target),
    )


def _names(what: str, source: frozenset[str], target: frozenset[str]) -> Iterator[Difference]:
    for name in sorted(source ^ target):
        yield Difference(
            what=f"{what} {name}",
            source=THERE if name in source else None,
            target=THERE if name in target else None,
        )


def _values(what: str, source: object, target: object) -> Iterator[Difference]:
    if source != target:
        yield Difference(what=what, source=_spell(source), target=_spell(target))


def _spell(value: object) -> str | None:
    return None if value is None else str(value)


def _providers(source: World, target: World) -> Iterator[Difference]:
    for uuid in sorted(source.providers.keys() | target.providers.keys()):
        ours, theirs = source.providers.get(uuid), target.providers.get(uuid)
        what = (source if ours else target).describe(uuid)
        if ours is None or theirs is None:
            yield from _values(what, ours and THERE, theirs and THERE)
        elif ours != theirs:
            yield from _provider(what, ours, theirs)


def _provider(what: str, source: Provider, target: Provider) -> Iterator[Difference]:
    yield from _values(f"{what}, name", source.name, target.name)
    yield from _values(f"{what}, parent", source.parent, target.parent)
    for name in sorted(source.inventories.keys() | target.inventories.keys()):
        ours, theirs = source.inventories.get(name), target.inventories.get(name)
        if ours is None or theirs is None:
            yield from _values(f"{what}, inventory of {name}", ours and THERE, theirs and THERE)
        else:
            yield from _inventory(what, name, ours, theirs)
    yield from _names(f"{what}, trait", source.traits, target.traits)
    yield from _names(f"{what}, aggregate", source.aggregates, target.aggregates)


def _inventory(what: str, name: str, source: Inventory, target: Inventory) -> Iterator[Difference]:
    for field in Inventory.__struct_fields__:
        ours, theirs = getattr(source, field), getattr(target, field)
        yield from _values(f"{what}, {field} of {name}", ours, theirs)


def _consumers(source: World, target: World) -> Iterator[Difference]:
    for uuid in sorted(source.consumers.keys() | target.consumers.keys()):
        ours, theirs = source.consumers.get(uuid), target.consumers.get(uuid)
        what = f"consumer {uuid}"
        if ours is None or theirs is None:
            yield from _values(what, ours and THERE, theirs and THERE)
        elif ours != theirs:
            yield from _consumer(what, source, ours, theirs)


def _consumer(what: str, world: World, source: Consumer, target: Consumer) -> Iterator[Difference]:
    yield from _values(f"{what}, project", source.project, target.project)
    yield from _values(f"{what}, user", source.user, target.user)
    yield from _values(f"{what}, type", source.type, target.type)
    ours, theirs = dict(source.rows()), dict(target.rows())
    for provider, name in sorted(ours.keys() | theirs.keys()):
        of = f"{what}, {name} of {world.describe(provider)}"
        yield from _values(of, ours.get((provider, name)), theirs.get((provider, name)))
