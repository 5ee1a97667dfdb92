"""The obvious search: every way to place a request, one provider a slot.

It goes through the choices of a tree depth first and drops a branch as soon as a rule says
no.  Candidates come lazily and each one once: first one of each class in every tree in turn,
then the others; so a limit bounds the work, and the first candidates name many hosts.

Source: design, section 5 (last point).
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from obvious_search.eligible import Slot, is_anchor, make_slots
from obvious_search.rules import Placed, is_open
from obvious_search.symmetry import Symmetry, find_symmetry
from obvious_search.world import World
from wherry.model.errors import DeadlineExceeded
from wherry.model.provider import Provider
from wherry.schedule.candidates.candidate import Candidate, Key
from wherry.schedule.candidates.deadline import Expired, never
from wherry.schedule.candidates.known import check_names
from wherry.schedule.candidates.request import CandidatesRequest


def search(
    world: World, request: CandidatesRequest, *, expired: Expired = never
) -> Iterator[Candidate]:
    """Find candidates, at most as many as the request's limit.

    Args:
        world: where to look; the order of its trees is the order in which they take turns.
        request: what is asked for.
        expired: asked at every step; the search ends once it says yes.

    Raises:
        BadQuery: a trait or class is not known; raised here, before anything is iterated.
        DeadlineExceeded: while iterating.
    """
    check_names(world.classes, world.traits, request)
    if any(group.in_tree not in world.providers for group in request.groups if group.in_tree):
        return iter(())
    return islice(_search(world, request, expired), request.limit)


def _search(world: World, request: CandidatesRequest, expired: Expired) -> Iterator[Candidate]:
    roots = [root for root in world.trees if is_anchor(world, request, root)]
    fertile: list[_Tree] = []
    seen: set[Key] = set()
    firsts = (_find_firsts(world, request, root, fertile, expired) for root in roots)
    others = (tree.walk(expired) for tree in fertile if not tree.symmetry.is_trivial)
    # The others are known only once all trees have shown their firsts.
    for candidate in chain(_in_turn(firsts), _in_turn(others)):
        key = candidate.key
        if key not in seen:
            seen.add(key)
            yield candidate


def _find_firsts(
    world: World,
    request: CandidatesRequest,
    root: str,
    fertile: "list[_Tree]",
    expired: Expired,
) -> Iterator[Candidate]:
    """Yield one candidate of each class in a tree; a tree that has any joins *fertile*."""
    if expired():
        raise DeadlineExceeded
    slots = make_slots(world, request, root)
    if not slots:
        return
    tree = _Tree(world, request, root, slots, find_symmetry(slots, world.reach(root)))
    classes: set[Hashable] = set()
    for placed in tree.choices(expired, only_firsts=True):
        name = tree.symmetry.class_of(placed)
        if not classes:
            fertile.append(tree)
        if name not in classes:
            classes.add(name)
            yield make_candidate(placed, root)


@dataclass(frozen=True, slots=True)
class _Tree:
    """The search in one tree and what shares with it."""

    world: World
    request: CandidatesRequest
    root: str
    slots: tuple[Slot, ...]
    symmetry: Symmetry

    def walk(self, expired: Expired) -> Iterator[Candidate]:
        """Yield every candidate of the tree."""
        for placed in self.choices(expired, only_firsts=False):
            yield make_candidate(placed, self.root)

    def choices(self, expired: Expired, *, only_firsts: bool) -> Iterator[Placed]:
        """Place all slots in every way that no rule forbids.

        Cost: up to the product of all options, with *only_firsts* without what exchanging
        equals makes of it; the depth is the number of slots, without recursion.
        """
        placed: list[tuple[Slot, Provider]] = []
        untried = [iter(self.slots[0].options)]
        while untried:
            if expired():
                raise DeadlineExceeded
            del placed[len(untried) - 1 :]
            provider = next(untried[-1], None)
            if provider is None:
                untried.pop()
                continue
            placed.append((self.slots[len(placed)], provider))
            if only_firsts and not self.symmetry.is_first(placed):
                continue
            if not is_open(self.world, self.request, placed):
                continue
            if len(placed) == len(self.slots):
                yield tuple(placed)
            else:
                untried.append(iter(self.slots[len(placed)].options))


def make_candidate(placed: Placed, anchor: str) -> Candidate:
    """Sum up slots into allocations, and say which providers serve which group."""
    allocations: dict[str, dict[str, int]] = {}
    mappings: dict[str, set[str]] = {}
    for slot, provider in placed:
        mappings.setdefault(slot.group.suffix, set()).add(provider.uuid)
        for name, amount in slot.resources.items():
            resources = allocations.setdefault(provider.uuid, {})
            resources[name] = resources.get(name, 0) + amount
    return Candidate(
        allocations=allocations,
        mappings={suffix: tuple(sorted(uuids)) for suffix, uuids in mappings.items()},
        anchor=anchor,
    )


def _in_turn(iterators: Iterable[Iterator[Candidate]]) -> Iterator[Candidate]:
    """Take one of each in turn, until all have ended."""
    waiting = list(iterators)
    while waiting:
        still = []
        for iterator in waiting:
            for candidate in islice(iterator, 1):
                yield candidate
                still.append(iterator)
        waiting = still
