"""A request meets a fleet: what the search asks of which trees.

Trees that somebody shares with are looked at apart: what a guest may serve is not asked of
their summaries, and the guests in their reach are among the options.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wherry.inventory.columns import Columns
from wherry.schedule.candidates.known import check_names
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.compile import Compiled, Tests, Wanted, compile_once
from wherry.schedule.search.guests import Guests, find_guests
from wherry.schedule.search.lookups import Bools, answers
from wherry.schedule.search.masks import WORD, Block, Trees
from wherry.schedule.search.memory import Memory, Notes


@dataclass(frozen=True, slots=True)
class Ward:
    """Trees that are asked the same.

    Attributes:
        tests: what is asked of their summaries.
        only: trees that ``in_tree`` names; none: any.
        guests: who shares with them; None: nobody.
        is_in: says of some trees whether they belong here; None: all do.
    """

    tests: Tests
    only: frozenset[int]
    guests: Guests | None
    is_in: Callable[[slice | Trees], Bools] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One request and one fleet.

    Attributes:
        named: for each provider that ``in_tree`` names, its tree; one that is not there is not.
    """

    columns: Columns
    compiled: Compiled
    notes: Notes
    named: dict[str, int]
    guests: Guests | None

    @property
    def is_possible(self) -> bool:
        """Whether all providers are there that the request names."""
        return self.compiled.named <= self.named.keys()

    def wards(self) -> Iterator[Ward]:
        """Divide all trees by what is asked of them."""
        compiled, guests = self.compiled, self.guests
        every = self._only(range(len(compiled.specs)))
        if guests is None:
            yield Ward(compiled.tests, every, None, None)
            return
        near = self.notes.lookups.aggregates(Wanted((guests.aggregates,)), unknown=True)
        ids = self.columns.tree_aggregates
        yield Ward(compiled.tests, every, None, lambda trees: ~answers(near, ids[trees]))
        alone = [n for n, serving in enumerate(guests.serves) if not serving]
        slots = [n for n, slot in enumerate(compiled.slots) if slot.spec in alone]
        tests = compiled.tests_of(slots)
        yield Ward(tests, self._only(alone), guests, lambda trees: answers(near, ids[trees]))

    def _only(self, specs: Sequence[int]) -> frozenset[int]:
        named = (self.compiled.specs[n].in_tree for n in specs)
        return frozenset(self.named[uuid] for uuid in named if uuid is not None)

    def has_root(self, trees: slice | Trees) -> Bools:
        """Say of trees whether their roots have the traits that are asked of roots."""
        columns = self.columns
        roots = columns.traits[columns.first[trees]]
        return answers(self.notes.lookups.traits(self.compiled.root), roots)

    def blocks(self, trees: Trees, guests: Guests | None) -> Iterator[Block]:
        """Divide trees by their width; dead ones are left out."""
        words = (self.columns.count.take(trees) + (WORD - 1)) // WORD
        for width in range(1, int(words.max(initial=0)) + 1):
            of_width = words == width
            if of_width.any():
                some = trees if of_width.all() else trees[of_width]
                yield self._block(some, width, guests)

    def _block(self, trees: Trees, words: int, guests: Guests | None) -> Block:
        return Block(
            self.columns, trees, words, lookups=self.notes.lookups, named=self.named,
            guests=guests,
            sure={} if guests else self.compiled.tests.most,
        )  # fmt: skip


def make_setting(columns: Columns, request: CandidatesRequest, memory: Memory) -> Setting:
    """Bring a request and a fleet together.

    Raises:
        BadQuery: a trait or class is not known.
    """
    check_names(columns.known_classes, columns.known_traits, request)
    compiled, notes = compile_once(request), memory.of(columns)
    rows = {uuid: columns.row(uuid) for uuid in compiled.named}
    named = {uuid: columns.tree_of(row) for uuid, row in rows.items() if row is not None}
    guests = None
    if len(columns.sharing) and compiled.named <= named.keys():
        guests = find_guests(columns, compiled, named, lambda row: notes.provider(columns, row))
    return Setting(columns=columns, compiled=compiled, notes=notes, named=named, guests=guests)
