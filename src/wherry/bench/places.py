"""A fleet as reports of hosts would have it stored, and the places that guests can have on it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wherry.bench.queries import Query, read
from wherry.inventory.columns import Columns
from wherry.model.checks import HostFacts
from wherry.model.inventory import HostPlan, PlannedProvider
from wherry.schedule.search.find import find


@dataclass(frozen=True, slots=True)
class Place:
    """Where one guest can go.

    Attributes:
        root: the host's provider.
        allocations: provider to class to units.
    """

    root: str
    allocations: Mapping[str, Mapping[str, int]]


def make_plans(columns: Columns) -> Iterator[HostPlan]:
    """Give each tree as what a host's report becomes; nothing of it is in use."""
    for tree in range(columns.trees):
        providers = columns.tree(tree)
        names = {each.uuid: f"host{tree}_{place}" for place, each in enumerate(providers)}
        planned = (
            PlannedProvider(
                uuid=each.uuid, name=names[each.uuid], parent=each.parent,
                inventories=dict(each.inventories), traits=tuple(sorted(each.traits)),
            )
            for each in providers
        )  # fmt: skip
        yield HostPlan(host=f"host{tree}", providers=tuple(planned), check=HostFacts())


def find_places(columns: Columns, query: Query) -> tuple[Place, ...]:
    """Give all places where what a query asks for fits."""
    found = find(columns, read(query.text, limit=None)).candidates()
    return tuple(Place(each.anchor, each.allocations) for each in found)
