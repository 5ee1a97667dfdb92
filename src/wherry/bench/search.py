"""What a search for candidates costs, and a whole answer without its transport.

Nothing is stored and nothing listens: columns in memory, as a service holds them.  Each round
begins at another host, as requests do.  An answer is held against what is known of the query and
against the providers that it names before anything is timed.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np

from wherry.api.placement.ready.answer import render_answer
from wherry.api.placement.ready.summaries import TreeBytes
from wherry.bench.figures import Figure, once, require, resident_mb, timed
from wherry.bench.fleets import FLEETS
from wherry.bench.queries import HOPELESS, LIMIT, QUERIES, Query, read
from wherry.inventory.columns import Columns
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.explain import Explanation, explain
from wherry.schedule.search.find import find, find_kept
from wherry.schedule.search.found import Found
from wherry.schedule.search.memory import Memory

LOOKED_AT = 50
"""Candidates of each answer whose providers are looked up."""


class Searched:
    """Columns, and what is remembered of them."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.memory, self.kept = Memory(), TreeBytes()
        self.body = b""

    def find(self, request: CandidatesRequest, start: int = 0) -> Found:
        """Search from some host."""
        return find(self.columns, request, start=start, memory=self.memory)

    def explain(self, request: CandidatesRequest) -> Explanation:
        """Count reasons."""
        return explain(self.columns, request, memory=self.memory)

    def answer(self, query: str, start: int) -> None:
        """Do all that a request takes but the transport."""
        request = read(query)
        found = find_kept(self.columns, request, start=start, memory=self.memory)
        self.body = render_answer(found, request.form, self.kept)


def time_search(fleet: str, hosts: int, *, seed: int, rounds: int) -> Iterator[Figure]:
    """Make a fleet and search it, limit 1000; then count why nothing fits, where nothing does."""
    before = resident_mb()
    made: list[Columns] = []
    took = timed(1, lambda _: made.append(FLEETS[fleet](hosts, seed)), warm=0)
    [columns] = made
    per_million = columns.nbytes / columns.rows
    note = f"{columns.rows:,} providers, {per_million:.0f} MB a million in columns"
    yield once("make the fleet", hosts, took, memory_mb=resident_mb() - before, note=note)
    searched = Searched(columns)
    starts = np.random.default_rng(seed).integers(0, hosts, rounds + 1).tolist()
    for query in QUERIES[fleet]:
        request = read(query.text)
        found = searched.find(request)
        require_sound(searched, query, request, found, hosts)
        step = partial(_search, searched, request, starts)
        yield timed(rounds, step).figure(query.name, hosts, note=f"{found.count} found")
    if fleet == "mig":
        for name, text in HOPELESS.items():
            yield _explain(searched, name, hosts, rounds, read(text, limit=hosts))


def _search(searched: Searched, request: CandidatesRequest, starts: list[int], number: int) -> None:
    searched.find(request, starts[number])


def _explain(
    searched: Searched, name: str, hosts: int, rounds: int, request: CandidatesRequest
) -> Figure:
    """Count the reasons of a fleet, beside the search that looks at every tree in vain."""
    told = searched.explain(request)
    require(not told.fitting and not searched.find(request).count, f"{name} fits somewhere")
    require(sum(told.refused.values()) == hosts, f"{name}: not every host is counted")
    every = timed(rounds, lambda _: searched.find(request))
    took = timed(rounds, lambda _: searched.explain(request))
    ratio = float(np.median(took.cpu) / np.median(every.cpu))
    reasons = ", ".join(
        f"{number} {reason.cause.value} {reason.what}".rstrip()
        for reason, number in told.refused.items()
    )
    note = f"beside the search: {reasons}"
    return took.figure(f"why not: {name}", hosts, ratio=ratio, note=note)


def time_answers(fleet: str, hosts: int, *, seed: int, rounds: int) -> Iterator[Figure]:
    """Read queries, search, write the bodies, once the bytes of trees are kept."""
    searched = Searched(FLEETS[fleet](hosts, seed))
    for query in QUERIES[fleet]:
        request = read(query.text)
        found = searched.find(request)
        require_sound(searched, query, request, found, hosts)
        # Once round the fleet, so that the bytes of all trees are there.
        for start in range(0, hosts, max(1, min(LIMIT, hosts) // 2)):
            searched.answer(query.text, start)
        took = timed(rounds, partial(_answer, searched, query.text))
        note = f"{found.count} found, {len(searched.body) // 1000} kB"
        yield took.figure(query.name, hosts, memory_mb=resident_mb(), note=note)


def _answer(searched: Searched, query: str, number: int) -> None:
    searched.answer(query, 77 * number)


def require_sound(
    searched: Searched, query: Query, request: CandidatesRequest, found: Found, hosts: int
) -> None:
    """Hold an answer to what is known of it, and some candidates to the providers they name.

    Raises:
        WrongAnswer: it is not so.
    """
    columns, count = searched.columns, query.count(hosts)
    limit = request.limit or found.count
    if count is None:
        fitting = searched.explain(request).fitting
        require(found.count >= min(limit, fitting), f"{query.name}: {fitting} hosts fit")
    else:
        require(found.count == min(limit, count), f"{query.name}: {found.count} candidates")
    every = list(found.candidates())
    require(len({each.key for each in every}) == len(every), f"{query.name}: a candidate twice")
    for candidate in every[:: max(1, len(every) // LOOKED_AT)]:
        places = [uuids[0] for suffix, uuids in candidate.mappings.items() if suffix]
        require(len(places) == query.groups, f"{query.name}: {len(places)} groups")
        require(not query.isolate or len(set(places)) == len(places), f"{query.name}: not apart")
        for uuid, resources in candidate.allocations.items():
            row = columns.row(uuid)
            require(row is not None, f"{query.name}: nobody is {uuid}")
            provider = columns.provider(row or 0)
            for name, amount in resources.items():
                require(provider.holds(name, amount), f"{query.name}: {uuid} is too full")
        has = columns.provider(columns.row(candidate.anchor) or 0).traits
        for group in request.groups:
            lacks = () if group.suffix else [one for one in group.required if one.isdisjoint(has)]
            require(not lacks, f"{query.name}: {candidate.anchor} lacks {lacks}")
