"""Many clients of two processes do everything at once, and what is stored stays sound.

Each client draws what it does next from a seed: it records guests and deletes them, begins
migrations and leads them to any end, reports hosts, and lets time pass.  Refusals are fine;
what is looked at is what all of it leaves behind.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from msgspec import UNSET
from sqlalchemy import select

from engines import GUEST, MOVE, Clock, EngineMaker, Fleet, another, running
from wherry.app import guests, hosts, migrations
from wherry.app.engine import Engine
from wherry.app.housekeeping import derive_anew, drop_old_rows, end_leases
from wherry.migrate.states import has_ended
from wherry.model.caller import LOCAL_ADMIN
from wherry.model.errors import StoreUnavailable, WherryError
from wherry.model.migrations import Migration
from wherry.model.wire import AbortRequest, FinishRequest, HostPatch, RenewRequest
from wherry.store.audit import audit, overfull
from wherry.store.guests import read_guests
from wherry.store.holdings import read_holding
from wherry.store.migrations import read_migrations
from wherry.store.providers import read_providers
from wherry.store.tables import consumer
from wherry.store.transaction import Tx

HOSTS = ("a", "b", "c")
GUESTS = tuple(another(GUEST, number) for number in range(6))
STEADY = ("mtty-fresh", "mtty-fresh", "mtty-stream-minor1")
"""What a host may report: the same pools each time, at times of another driver."""
CHANGING = (*STEADY, "mtty-3mdevs", "mtty-exhausted", "igb-vfs")
"""The same, and at times with pools that are taken by others, or without the devices."""


class Client:
    """One of many who work on a fleet; what it does follows from its seed.

    Attributes:
        done: how often each thing was done, and not refused.
    """

    def __init__(self, fleet: Fleet, clock: Clock, number: int, recordings: Sequence[str]) -> None:
        self.fleet, self.engine, self.clock = fleet, fleet.engine, clock
        self.number, self.recordings = number, recordings
        self.random = random.Random(number)
        self.begun: list[str] = []
        self.done: Counter[str] = Counter()
        self.acts: Sequence[Callable[[], object]] = (
            self.boot, self.boot, self.delete, self.begin, self.begin, self.begin, self.confirm,
            self.confirm, self.start, self.finish, self.fail, self.renew, self.abort, self.report,
            self.label, self.wait, self.keep_house, *(self.see_through,) * 4,
        )  # fmt: skip

    def work(self, rounds: int) -> "Counter[str]":
        for _ in range(rounds):
            act = self.random.choice(self.acts)
            try:
                act()
            except StoreUnavailable:
                raise
            except WherryError as error:
                self.done[type(error).__name__] += 1
            else:
                self.done[act.__name__] += 1
        return self.done

    def boot(self) -> None:
        self.fleet.boot(self.random.choice(HOSTS), self.random.choice(GUESTS))

    def delete(self) -> None:
        guests.delete_guest(self.engine, self.random.choice(GUESTS))

    def begin(self) -> None:
        # Few uuids, so that clients meet on the same one too.
        uuid = another(MOVE, self.random.randrange(400))
        self.fleet.begin(uuid=uuid, guest=self.random.choice(GUESTS), lease_s=60)
        self.begun.append(uuid)

    def confirm(self) -> None:
        move = self.some_move()
        migrations.preflight(self.engine, move.uuid, move.token)

    def start(self) -> None:
        move = self.some_move()
        migrations.start(self.engine, move.uuid, move.token, LOCAL_ADMIN)

    def finish(self) -> None:
        move = self.some_move()
        migrations.finish(self.engine, move.uuid, FinishRequest(token=move.token), LOCAL_ADMIN)

    def fail(self) -> None:
        move = self.some_move()
        asked = FinishRequest(token=move.token, outcome="failed", error="load failed")
        migrations.finish(self.engine, move.uuid, asked, LOCAL_ADMIN)

    def renew(self) -> None:
        move = self.some_move()
        migrations.renew(self.engine, move.uuid, RenewRequest(token=move.token), LOCAL_ADMIN)

    def abort(self) -> None:
        migrations.abort(self.engine, self.some_move().uuid, AbortRequest(), LOCAL_ADMIN)

    def see_through(self) -> None:
        """Lead one migration from claim to start, and to some end if nobody comes between."""
        self.begin()
        move = migrations.get(self.engine, self.begun[-1])
        migrations.preflight(self.engine, move.uuid, move.token)
        migrations.start(self.engine, move.uuid, move.token, LOCAL_ADMIN)
        self.begun.append(move.uuid)
        self.random.choice((self.finish, self.finish, self.fail, self.wait, self.report))()

    def report(self) -> None:
        host = self.random.choice(HOSTS)
        here = guests.list_guests(self.engine, host).guests
        seen = tuple(running(each.uuid, process="1-1") for each in here)
        self.fleet.report(host, self.random.choice(self.recordings), guests=seen)

    def label(self) -> None:
        labels = {f"client{self.number}": str(self.done["label"])}
        hosts.patch_host(self.engine, self.random.choice(HOSTS), HostPatch(labels=labels))

    def wait(self) -> None:
        self.clock.pass_by(self.random.choice((1, 1, 5, 40)))

    def keep_house(self) -> None:
        end_leases(self.engine)
        drop_old_rows(self.engine)
        derive_anew(self.engine)

    def some_move(self) -> Migration:
        uuid = self.random.choice(self.begun[-2:] or [another(MOVE, 0)])
        return migrations.get(self.engine, uuid)


def answer_all(fleet: Fleet, over: Event) -> None:
    """Be every host's agent until it is over."""
    while not over.wait(0.02):
        for host in HOSTS:
            try:
                fleet.answer(host)
            except StoreUnavailable:
                raise
            except WherryError:
                # The migration has ended, or the other of these agents was faster.
                continue


def unsound(tx: Tx) -> list[str]:
    """Say where records of guests and migrations and what is held do not go together."""
    found = audit(tx)
    moves = {move.uuid: move for move in read_migrations(tx)}
    records = {guest.uuid: guest for guest in read_guests(tx)}
    homes = {
        host: {provider.plan.uuid for provider in read_providers(tx, host=host)} for host in HOSTS
    }
    holders = set(tx.execute(select(consumer.c.uuid)).scalars())
    held = {uuid: set(read_holding(tx, uuid).allocations) for uuid in {*holders, *records, *moves}}
    for uuid, move in moves.items():
        guest = records.get(move.guest)
        if has_ended(move.state):
            found += [f"{uuid} is {move.state} and holds"] if held[uuid] else []
        elif guest is None or guest.migration != uuid or guest.host != move.source:
            found.append(f"{uuid} is {move.state}, and its guest does not know")
        elif not held[uuid] <= homes[move.source] or not held[move.guest] <= homes[move.target]:
            found.append(f"{uuid} does not hold both ends")
    for uuid, guest in records.items():
        if guest.migration is UNSET and not set() < held[uuid] <= homes[guest.host]:
            found.append(f"{uuid} is on {guest.host} and holds {held[uuid]}")
        elif guest.migration is not UNSET and has_ended(moves[guest.migration].state):
            found.append(f"{uuid} is held by a migration that has ended")
    return found + [f"{uuid} is nobody" for uuid in holders - records.keys() - moves.keys()]


@pytest.mark.parametrize("rounds", [30, pytest.param(600, marks=pytest.mark.full)])
@pytest.mark.parametrize("recordings", [STEADY, CHANGING], ids=["steady", "changing"])
@pytest.mark.timeout(1800)
def test_whatever_clients_do_at_once_leaves_a_sound_fleet(
    make: EngineMaker, store_url: str, clock: Clock, rounds: int, recordings: Sequence[str]
) -> None:
    """Both ends of each open migration are held, ended ones hold nothing, no pool is overfull
    where none has shrunk, and two processes see the same in the end."""
    one = make(store_url)
    other = one if one.settings.is_embedded else make(store_url)
    fleets = [Fleet(one, **dict.fromkeys(HOSTS, "mtty-fresh")), Fleet(other)]
    fleets[1].reports = fleets[0].reports
    clients = [Client(fleets[number % 2], clock, number, recordings) for number in range(4)]
    over = Event()

    with ThreadPoolExecutor(6) as pool:
        agents = [pool.submit(answer_all, fleet, over) for fleet in fleets]
        working = [pool.submit(client.work, rounds) for client in clients]
        try:
            done = sum((each.result() for each in working), Counter())
        finally:
            over.set()
        for agent in agents:
            agent.result(30)

    assert one.store.read(unsound) == []
    assert recordings == CHANGING or one.store.read(overfull) == []
    assert uses(one) == uses(other)
    for act in ("boot", "begin", "report"):
        assert done[act], done


def uses(engine: Engine) -> dict[str, object]:
    """What is used of each provider, as a process has it in memory."""
    return {
        provider.uuid: provider.record.use for host in engine.view() for provider in host.providers
    }
