"""The plain world that candidates are searched in.

A provider with the trait ``MISC_SHARES_VIA_AGGREGATE`` shares its inventory: it serves every
tree that has a member in one of its aggregates.  Such a tree is called its anchor; a provider
in an aggregate at all reaches its own tree, as any provider does.

Source: Placement API reference, "List allocation candidates"; Placement's guide,
"Modeling with Provider Trees", "Sharing Resource Providers".
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from wherry.model.provider import SHARES, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All providers at one moment, and the names that are known; see `make_world`."""

    providers: Mapping[str, Provider]
    classes: frozenset[str]
    """Every resource class there is, with inventory or not."""
    traits: frozenset[str]
    """Every trait there is, on a provider or not."""
    trees: Mapping[str, tuple[Provider, ...]]
    """Root to the providers of its tree, the root among them."""
    sharing: tuple[Provider, ...]

    def reach(self, anchor: str) -> tuple[Provider, ...]:
        """List the providers that can serve a tree: its own, then those that share with it."""
        tree = self.trees[anchor]
        aggregates = frozenset[str]().union(*(provider.aggregates for provider in tree))
        return tree + tuple(
            provider
            for provider in self.sharing
            if provider.root != anchor and not aggregates.isdisjoint(provider.aggregates)
        )

    def ancestry(self, uuid: str) -> frozenset[str]:
        """Name a provider and all that stand above it in its tree."""
        line = []
        at: str | None = uuid
        while at is not None:
            line.append(at)
            at = self.providers[at].parent
        return frozenset(line)


def make_world(
    providers: Iterable[Provider],
    *,
    classes: Iterable[str] = (),
    traits: Iterable[str] = (),
) -> World:
    """Order providers into trees.

    Args:
        providers: whole trees; in their order they come up in answers.
        classes: resource classes that are known, besides those in inventories.
        traits: traits that are known, besides those on providers.
    """
    listed = tuple(providers)
    trees: dict[str, list[Provider]] = {}
    for provider in listed:
        trees.setdefault(provider.root, []).append(provider)
    return World(
        providers={provider.uuid: provider for provider in listed},
        classes=frozenset(classes).union(*(provider.inventories for provider in listed)),
        traits=frozenset(traits).union(*(provider.traits for provider in listed)),
        trees={root: tuple(tree) for root, tree in trees.items()},
        sharing=tuple(provider for provider in listed if SHARES in provider.traits),
    )


def renew_world(
    world: World,
    changed: Mapping[str, Provider | None],
    *,
    classes: Collection[str] | None = None,
    traits: Collection[str] | None = None,
) -> World:
    """Give a world in which some providers changed; it shares the others.

    Args:
        changed: uuid to what the provider is now, new ones oldest first; None: it is gone.
        classes: resource classes that are known besides those in inventories; None: as before.
        traits: traits that are known besides those on providers; None: as before.

    Cost: copies of two mappings; where providers come, go or change trees, all is ordered anew.
    """
    classes = world.classes if classes is None else classes
    traits = world.traits if traits is None else traits
    before = {uuid: world.providers.get(uuid) for uuid in changed}
    if any(_root(before[uuid]) != _root(now) for uuid, now in changed.items()):
        merged = {**world.providers, **changed}.values()
        listed = (each for each in merged if each is not None)
        return make_world(listed, classes=classes, traits=traits)
    now = {uuid: each for uuid, each in changed.items() if each is not None}
    providers = {**world.providers, **now}
    roots = {each.root for each in now.values()}
    trees = {root: tuple(providers[one.uuid] for one in world.trees[root]) for root in roots}
    sharing = world.sharing
    if any(
        each is not None and SHARES in each.traits for each in (*before.values(), *now.values())
    ):
        sharing = tuple(each for each in providers.values() if SHARES in each.traits)
    return World(
        providers=providers,
        classes=frozenset(classes).union(*(each.inventories for each in now.values())),
        traits=frozenset(traits).union(*(each.traits for each in now.values())),
        trees={**world.trees, **trees},
        sharing=sharing,
    )


def _root(provider: Provider | None) -> str | None:
    return None if provider is None else provider.root
