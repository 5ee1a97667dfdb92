"""What an answer says of the providers around its candidates.

From 1.29 on every provider of each tree that a candidate allocates from is shown, before only
those allocated from.  A tree that only anchors a candidate, or only stands in for a group
without resources, is not shown.

Source: Placement API reference, "List allocation candidates"; Placement 16.0.0, probed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from obvious_search.search import Candidate
from obvious_search.world import World
from wherry.model.provider import Provider
from wherry.schedule.candidates.request import CandidatesRequest


@dataclass(frozen=True, slots=True)
class Load:
    """One class on one provider."""

    capacity: int
    used: int


@dataclass(frozen=True, slots=True)
class Kin:
    """Where a provider stands in its tree."""

    parent: str | None
    """None: it is the root."""
    root: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSummary:
    """One provider of an answer."""

    resources: Mapping[str, Load]
    traits: tuple[str, ...] | None
    """Sorted; None where the microversion shows none."""
    kin: Kin | None
    """None where the microversion knows no trees."""


def summarize(
    world: World, request: CandidatesRequest, candidates: Iterable[Candidate]
) -> Mapping[str, ProviderSummary]:
    """Describe the providers of an answer, keyed by uuid."""
    used = dict.fromkeys(uuid for candidate in candidates for uuid in candidate.allocations)
    if not request.form.trees:
        return {uuid: _describe(request, world.providers[uuid]) for uuid in used}
    roots = dict.fromkeys(world.providers[uuid].root for uuid in used)
    return {
        provider.uuid: _describe(request, provider)
        for root in roots
        for provider in world.trees[root]
    }


def _describe(request: CandidatesRequest, provider: Provider) -> ProviderSummary:
    form = request.form
    return ProviderSummary(
        resources={
            name: Load(inventory.capacity, provider.used.get(name, 0))
            for name, inventory in provider.inventories.items()
            if form.all_classes or name in request.classes
        },
        traits=tuple(sorted(provider.traits)) if form.traits else None,
        kin=Kin(provider.parent, provider.root) if form.trees else None,
    )
