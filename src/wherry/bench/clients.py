"""Clients that claim a place for a guest and let it go, again and again, until a time.

Places are chosen by lot from the seed.  A place that is full is tried elsewhere, and counted.  Each
claim waits for the one before, and counts once it is acknowledged.
"""

import random
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from wherry.bench.places import Place
from wherry.model.claims import Claim, Holding
from wherry.model.errors import CapacityExceeded
from wherry.store.claims import commit_claim
from wherry.store.engine import open_store
from wherry.store.transaction import Store

WARM_S = 0.5


@dataclass(frozen=True, slots=True)
class Took:
    """What some clients saw.

    Attributes:
        waited: seconds of each claim that was acknowledged.
        full: claims refused for want of room.
        holding: clients that hold a place at the end.
        cpu_s: CPU time of the clients' process, or processes.
        untimed: claims made before the time began.
        server_s: CPU time of the database server, the untimed claims' part taken off.
    """

    waited: tuple[float, ...]
    full: int
    holding: int
    cpu_s: float
    untimed: int = 0
    server_s: float | None = None


class Client:
    """One client, and what it saw."""

    def __init__(self, store: Store, places: Sequence[Place], seed: int) -> None:
        self._store, self._places = store, places
        self._dice = random.Random(seed)  # noqa: S311 - a load, not a secret
        self._guest = str(UUID(int=self._dice.getrandbits(128)))
        self.waited: list[float] = []
        self.full = 0
        self.holds = False
        self.broken: Exception | None = None

    def run(self, until: float) -> None:
        """Work until a time, and once at least; what goes wrong is kept for who waits."""
        try:
            self._step(until)
            while time.time() < until:
                self._step(until)
        except Exception as error:
            self.broken = error

    def _step(self, now: float) -> None:
        claim = self._release() if self.holds else self._take()
        begun = time.perf_counter()
        try:
            commit_claim(self._store, claim, now=now)
        except CapacityExceeded:
            self.full += 1
            return
        self.waited.append(time.perf_counter() - begun)
        self.holds = not self.holds

    def _release(self) -> Claim:
        return Claim(id=str(uuid.uuid4()), holdings=(Holding(consumer=self._guest),))

    def _take(self) -> Claim:
        held = self._dice.choice(self._places).allocations
        allocations = {provider: dict(units) for provider, units in held.items()}
        return Claim(
            id=str(uuid.uuid4()),
            holdings=(Holding(consumer=self._guest, allocations=allocations),),
            facts=dict.fromkeys(held, 1),
        )


def run_threads(
    store: Store, places: Sequence[Place], first: int, count: int, seconds: float
) -> Took:
    """Let clients work as threads of this process; their seeds are counted from *first*."""
    clients = [Client(store, places, first + number) for number in range(count)]
    until = time.time() + seconds
    threads = [threading.Thread(target=each.run, args=(until,)) for each in clients]
    begun = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cpu_s = time.process_time() - begun
    for broken in (each.broken for each in clients if each.broken is not None):
        raise broken
    return Took(
        waited=tuple(one for each in clients for one in each.waited),
        full=sum(each.full for each in clients),
        holding=sum(each.holds for each in clients),
        cpu_s=cpu_s,
    )


def run_process(url: str, places: Sequence[Place], first: int, count: int, seconds: float) -> Took:
    """Let clients work as sessions of a process of their own: this one."""
    store = open_store(url, pool_size=count)
    try:
        # Every session is open and has its plan before the time begins.
        warm = run_threads(store, places, first + count, count, WARM_S)
        took = run_threads(store, places, first, count, seconds)
        holding = took.holding + warm.holding
        return replace(took, holding=holding, untimed=len(warm.waited))
    finally:
        store.close()
