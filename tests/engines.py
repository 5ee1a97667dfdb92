"""A small fleet in an engine: hosts that report, a guest that boots, agents that answer."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from time import monotonic, sleep
from typing import Any, TypeVar
from uuid import uuid5

from sqlalchemy import text

from builders import a_uuid
from reports import a_report
from wherry.agent.preflight import answer_source, answer_target
from wherry.app import guests, jobs, migrations, offers, reports
from wherry.app.engine import Engine
from wherry.model.caller import LOCAL_ADMIN
from wherry.model.errors import NotFound
from wherry.model.facts import Report, RunningGuest, RunningSlot
from wherry.model.guests import Guest, GuestRequest, SlotRequest
from wherry.model.migrations import Migration
from wherry.model.wire import MigrationRequest
from wherry.store.report_rows import NewHost, Sight, Sighting
from wherry.store.transaction import Dialect, Store, Tx

T = TypeVar("T")
EngineMaker = Callable[..., Engine]
GUEST = a_uuid("guest")
MOVE = a_uuid("move")


class Clock:
    """Seconds since the epoch, as a test sets them."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


class Fleet:
    """Hosts by name, as their last reports have them."""

    def __init__(self, engine: Engine, **recordings: str) -> None:
        self.engine = engine
        self.reports: dict[str, Report] = {}
        for name, recording in recordings.items():
            self.report(name, recording)

    def report(self, name: str, recording: str = "mtty-fresh", **changes: Any) -> Report:
        """Let a host report, anew or for the first time."""
        before = self.reports.get(name)
        changes = {"sequence": before.sequence + 1 if before else 1, **changes}
        report = a_report(recording, host=name, **changes)
        reports.put_report(self.engine, report)
        self.reports[name] = report
        return report

    def provider(self, host: str, type_name: str = "mtty/mtty-1") -> str:
        """Name the provider of a host that offers a type."""
        rows = offers.list_offers(self.engine, host, type_name).offers
        if not rows:
            raise NotFound(what=f"offer of host {host}", name=type_name)
        return rows[0].provider

    def boot(
        self, host: str, uuid: str = GUEST, type_name: str = "mtty/mtty-1", **changes: Any
    ) -> Guest:
        """Record a guest with one device."""
        slot = SlotRequest(provider=self.provider(host, type_name), type=type_name)
        asked = GuestRequest(**{"host": host, "slots": {"port": slot}, **changes})
        return guests.put_guest(self.engine, uuid, asked)

    def begin(self, target: str | None = None, uuid: str = MOVE, **changes: Any) -> Migration:
        """Claim a target for the guest."""
        where = {} if target is None else {"target": target}
        asked = MigrationRequest(**{"guest": GUEST, **where, **changes})
        return migrations.begin(self.engine, uuid, asked, LOCAL_ADMIN)

    def answer(self, host: str) -> None:
        """Let a host's agent do what work there is, by its last report."""
        for job in jobs.wait_for_jobs(self.engine, host, 0):
            report = self.reports[host]
            answer = (
                answer_target(job, report)
                if job.side == "target"
                else answer_source(job, report, report.guests, ())
            )
            jobs.answer_job(self.engine, host, job.id, answer)

    def used(self, host: str, pool: str = "CUSTOM_MTTY_PORT") -> int:
        """Count the units of a pool that are held on a host."""
        view = self.engine.view().get(host)
        providers = view.providers if view else ()
        return sum(each.record.use.charged.get(pool, 0) for each in providers)


def running(uuid: str = GUEST, process: str = "100-1", **slots: str) -> RunningGuest:
    """Make a running guest; *slots* are the devices by name of the slot."""
    seen = {name: RunningSlot(device=device) for name, device in slots.items()}
    return RunningGuest(consumer=uuid, process=process, slots=seen)


def another(uuid: str, number: int) -> str:
    """Give one of many uuids that follow from one."""
    from uuid import UUID

    return str(uuid5(UUID(uuid), str(number)))


class Between:
    """A store to which something else happens, once, just before one of its transactions.

    Args:
        store: where everything is read and written.
        before: which transaction, from 0 on.
        happens: what another client does then.
    """

    def __init__(self, store: Store, before: int, happens: Callable[[], object]) -> None:
        self.url = store.url
        self.dialect: Dialect = store.dialect
        self._store, self._left, self._happens = store, before, happens

    def write(self, fn: Callable[[Tx], T]) -> T:
        self._count()
        return self._store.write(fn)

    def read(self, fn: Callable[[Tx], T]) -> T:
        self._count()
        return self._store.read(fn)

    def see(self, sighting: Sighting) -> Sight:
        self._count()
        return self._store.see(sighting)

    def add(self, host: NewHost) -> bool:
        self._count()
        return self._store.add(host)

    def close(self) -> None:
        self._store.close()

    def _count(self) -> None:
        self._left -= 1
        if self._left == -1:
            self._happens()


@contextmanager
def held_open(store: Store, write: Callable[[Tx], object]) -> Iterator[None]:
    """Write in a transaction that is still open while the block runs, and commit it then."""
    written, go_on = Event(), Event()

    def hold(tx: Tx) -> None:
        write(tx)
        written.set()
        assert go_on.wait(30)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(store.write, hold)
        assert written.wait(30) or holding.result(0) is None
        try:
            yield
        finally:
            go_on.set()
        holding.result(30)


def wait_for_a_lock(watcher: Store, waiting: "Future[Any]") -> None:
    """Come back once a transaction of the database waits for another's lock."""
    until = monotonic() + 60
    query = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    while not watcher.read(lambda tx: tx.execute(query).scalar()):
        assert not waiting.done(), "it waits for nobody"
        assert monotonic() < until
        sleep(0.01)
