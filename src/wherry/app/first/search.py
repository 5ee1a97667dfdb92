"""Asks the fleet's columns the queries of a question."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wherry.app.engine import Engine
from wherry.inventory.columns import Columns
from wherry.inventory.fleet import FleetView
from wherry.inventory.host_view import HostView
from wherry.model.candidates import Counted, Order
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.first.question import Query
from wherry.schedule.first.rank import Ranked, rank, read_found
from wherry.schedule.first.words import count
from wherry.schedule.host_rules import takes_tenant
from wherry.schedule.search.explain import explain
from wherry.schedule.search.find import find
from wherry.schedule.search.lookups import Bools
from wherry.store.tenancy import read_closed_roots


@dataclass(frozen=True, slots=True)
class Ground:
    """The fleet at one moment, and how long may be searched in it.

    Attributes:
        tenant: whose the guest is; empty where nobody's.
        closed: trees of hosts that do not take guests of the tenant; None where there is none.
        end: moment of the monotonic clock.
    """

    engine: Engine
    tenant: str
    columns: Columns
    view: FleetView
    closed: Bools | None
    end: float

    def expired(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() > self.end


@dataclass(frozen=True, slots=True)
class Pool:
    """Candidates in order, the best first.

    Attributes:
        is_all: whether there are no others.
    """

    ranked: Sequence[Ranked]
    is_all: bool


def stand(engine: Engine, tenant: str, *, deadline_s: float) -> Ground:
    """Look at the fleet with every write that was acknowledged before this call.

    Args:
        tenant: whose the guest is; empty where nobody's.
    """
    view, columns = engine.view(), engine.placement.columns()
    roots = engine.store.read(lambda tx: read_closed_roots(tx, tenant))
    closed = _closed(columns, view, tenant, roots)
    return Ground(engine, tenant, columns, view, closed, time.monotonic() + deadline_s)


def search(
    ground: Ground, requests: Sequence[tuple[Query, CandidatesRequest]], *, most: int, order: Order
) -> Pool:
    """Find and rank candidates of several queries, of each at most so many.

    Each search begins at another host, so that claims of many schedulers do not meet; at the
    same one where the settings have a seed.

    Raises:
        DeadlineExceeded: the search did not end in time; it has stopped.
    """
    found = []
    start = _start(ground.engine.settings.ranking_seed, max(ground.columns.trees, 1))
    for _, request in requests:
        found.append(
            find(
                ground.columns,
                replace(request, limit=most),
                start=start,
                expired=ground.expired,
                memory=ground.engine.placement.searches,
                closed=ground.closed,
            )
        )
    every = (
        each
        for number, (one, (query, _)) in enumerate(zip(found, requests, strict=True))
        for each in read_found(one, number, query)
    )
    return Pool(rank(every, order), all(one.count < most for one in found))


def _start(seed: int | None, trees: int) -> int:
    return secrets.randbelow(trees) if seed is None else seed % trees


def count_refusals(ground: Ground, requests: Sequence[CandidatesRequest]) -> tuple[Counted, ...]:
    """Count for each query why hosts do not take it.

    Raises:
        DeadlineExceeded: it was not done in time.
    """
    return tuple(
        count(
            number,
            explain(
                ground.columns,
                request,
                expired=ground.expired,
                memory=ground.engine.placement.searches,
                closed=ground.closed,
            ),
        )
        for number, request in enumerate(requests)
    )


def _closed(columns: Columns, view: FleetView, tenant: str, roots: frozenset[str]) -> Bools | None:
    hosts = [host for name in view.picky if (host := view.get(name)) and not _takes(host, tenant)]
    every = roots.union(host.root.uuid for host in hosts if host.root)
    rows = [columns.row(uuid) for uuid in every]
    trees = [columns.tree_of(row) for row in rows if row is not None]
    if not trees:
        return None
    closed = np.zeros(columns.trees, bool)
    closed[trees] = True
    return closed


def _takes(host: HostView, tenant: str) -> bool:
    return host.record.state == "enabled" and takes_tenant(host, tenant)
