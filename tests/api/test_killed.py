"""The service is killed at every named point of a migration's life, and nothing is lost.

Each point is a transaction that moves a migration: the service, a real process, dies with all
its statements run and nothing committed, or with the commit done and nobody told.  It is started
again, what was going on is carried on by clients and agents that know nothing of it, and all that
must always hold is looked at in the database itself.

Source: design, section 11.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import pytest
import sqlalchemy
from msgspec import UNSET, structs

from service import Process, start_process
from wherry.agent.client import Client
from wherry.agent.daemon import Agent
from wherry.agent.host import RecordedHost
from wherry.agent.hypervisor import Unseen
from wherry.hosts import recordings
from wherry.model.errors import ServiceUnavailable, TokenExpired, WherryError, WrongState
from wherry.model.facts import Report, RunningGuest
from wherry.model.guests import Guest, GuestRequest, SlotRequest
from wherry.model.migrations import Migration
from wherry.model.wire import (
    AbortRequest,
    FinishRequest,
    MigrationRequest,
    MigrationStory,
    OfferList,
    RenewRequest,
    TokenRequest,
)
from wherry.store.audit import audit, overfull
from wherry.store.transaction import Tx

KILLING = Path(__file__).parents[1] / "killing"
HOSTS = ("a", "b", "c")
TROUBLE = (ServiceUnavailable,)


@dataclass(slots=True)
class Rig:
    """A recorded host whose running guests the test says."""

    recorded: RecordedHost
    guests: tuple[RunningGuest, ...] | None = None

    @property
    def name(self) -> str:
        return self.recorded.name

    @property
    def hypervisor(self) -> "Rig":
        return self

    def running(self) -> tuple[RunningGuest, ...] | None:
        return self.guests

    def objections(self, _guest: str) -> tuple[str, ...]:
        return ()

    def look(self) -> Report:
        return structs.replace(self.recorded.look(), guests=self.guests)


@dataclass(slots=True)
class House:
    """One database, the service on it, and three hosts with their agents."""

    folder: Path
    database: str
    service: Process | None = None
    rigs: dict[str, Rig] = field(default_factory=dict)
    armed: bool = False

    def arm(self, when: str, event: str) -> None:
        """Have the service killed at a point, once."""
        self.kill_file.write_text(f"{when} {event}")
        self.armed = True

    @property
    def kill_file(self) -> Path:
        return self.folder / "kill-at"

    @property
    def client(self) -> Client:
        assert self.service is not None
        return Client(self.service.url)

    def start(self) -> None:
        words = ("--database", self.database, "--preflight-s", "60")
        path = os.pathsep.join((str(KILLING), os.environ.get("PYTHONPATH", "")))
        self.service = start_process(
            self.folder, *words, KILL_AT=str(self.kill_file), PYTHONPATH=path
        )

    def restart_if_killed(self) -> bool:
        """Start the service anew where it was killed; says whether it was."""
        if not self.armed or self.kill_file.exists():
            return False
        self.armed = False
        assert self.service is not None
        self.service.wait()
        assert self.look(audit) == []
        self.start()
        return True

    def record(self, host: str, recording: str) -> None:
        file = self.folder / f"{host}.ndjson"
        file.write_text(recordings.read(recording), encoding="utf-8")
        if host not in self.rigs:
            self.rigs[host] = Rig(RecordedHost(name=host, snapshot=file, hypervisor=Unseen()))

    def agent(self, host: str) -> Agent:
        return Agent(host=self.rigs[host], client=self.client, interval_s=60, wait_s=1)

    def look(self, question: object) -> object:
        """Ask the database itself, whoever else has it open."""
        url = sqlalchemy.make_url(self.database)
        if url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            found = question(Tx(connection, url.get_backend_name()))  # type: ignore[operator, arg-type]
        engine.dispose()
        return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A house for all points of one engine."""
    folder = tmp_path_factory.mktemp("house")
    url = f"sqlite:///{folder}/wherry.sqlite3"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").create("killed", "wherry_template")
    made = House(folder, url)
    for host in HOSTS:
        made.record(host, "mtty-fresh")
    made.start()
    yield made
    assert made.service is not None
    with contextlib.suppress(AssertionError):
        made.service.stop()
    if request.param == "postgresql":
        request.getfixturevalue("postgresql").drop("killed")


@dataclass(slots=True)
class Story:
    """What the orchestrator of one migration does, again and again until it is done."""

    house: House
    guest: str
    move: str
    ending: str
    token: int = 0

    def carry_on(self) -> Migration:
        """Take the next steps from wherever the migration is; all may be sent again."""
        client = self.house.client
        lease_s = 2 if self.ending in {"expire", "lose", "recover"} else 60
        alternates = ("c",) if self.ending == "retry" else 0
        asked = MigrationRequest(
            guest=self.guest, target="b", alternates=alternates, lease_s=lease_s
        )
        move = client.send("PUT", self.path, Migration, asked)
        if self.ending == "renew" and move.state == "claimed":
            move = self._post("renew", RenewRequest(token=move.token))
        if self.ending == "expire":
            return self._wait({"expired"})
        if self.ending == "abort" and move.state == "claimed":
            return self._post("abort", AbortRequest(token=move.token))
        if move.state == "claimed":
            move = self._preflight(move.token)
        if move.state == "confirmed":
            move = self._post("start", TokenRequest(token=move.token))
        if self.ending == "lose" or (self.ending == "recover" and move.state == "started"):
            move = self._wait({"lost"} if self.ending == "lose" else {"lost", "finished"})
        if self.ending == "recover":
            return self._tell_by_reports()
        if move.state in {"started", "lost"} and self.ending != "lose":
            outcome = "failed" if self.ending == "failed" else "finished"
            asked_end = FinishRequest(token=move.token, outcome=outcome)  # type: ignore[arg-type]
            move = self._post("finish", asked_end)
        return move

    @property
    def path(self) -> str:
        return f"/wherry/migrations/{self.move}"

    def _post(self, step: str, body: object) -> Migration:
        return self.house.client.send("POST", f"{self.path}/{step}", Migration, body)

    def _preflight(self, token: int) -> Migration:
        """Ask, and let the agents work meanwhile, each in its own time."""
        told: list[Migration | WherryError] = []

        def ask() -> None:
            try:
                told.append(self._post("preflight", TokenRequest(token=token)))
            except WherryError as error:
                told.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        while asking.is_alive():
            for host in HOSTS:
                with contextlib.suppress(WherryError):
                    self.house.agent(host).work(wait_s=0)
            time.sleep(0.2)
        if isinstance(told[0], WherryError):
            raise told[0]
        return told[0]

    def _wait(self, states: set[str]) -> Migration:
        until = time.monotonic() + 60
        while (move := self.house.client.get(self.path, MigrationStory)).state not in states:
            assert time.monotonic() < until, move.state
            time.sleep(0.1)
        return move

    def _tell_by_reports(self) -> Migration:
        """Both agents report: the guest runs on b."""
        running = (RunningGuest(consumer=self.guest, process="1-1"),)
        for host, guests in (("a", ()), ("b", running)):
            self.house.rigs[host].guests = guests
            self.house.agent(host).report()
        move = self._wait({"finished"})
        for host in ("a", "b"):
            self.house.rigs[host].guests = None
        return move


ENDS = {
    "finish": "finished", "retry": "finished", "renew": "finished", "recover": "finished",
    "failed": "aborted", "abort": "aborted", "refuse": "refused", "expire": "expired",
    "lose": "lost",
}  # fmt: skip
POINTS = {
    "claim claimed": "finish",
    "ask": "finish",
    "confirm claimed": "finish",
    "confirm confirmed": "finish",
    "start started": "finish",
    "finish finished": "finish",
    "retry claimed": "retry",
    "refuse refused": "refuse",
    "renew claimed": "renew",
    "finish aborted": "failed",
    "abort aborted": "abort",
    "expire expired": "expire",
    "lose lost": "lose",
    "recover finished": "recover",
}
"""Each transaction that moves a migration, and how the migration ends in which it comes."""
ALWAYS = {
    *(("before", event) for event in ("claim claimed", "retry claimed", "finish finished")),
    *(("after", event) for event in ("confirm confirmed", "start started")),
}
"""The others are tried by `make test-full`."""


def points() -> Iterator[object]:
    for event in POINTS:
        for when in ("before", "after"):
            marks = () if (when, event) in ALWAYS else (pytest.mark.full,)
            yield pytest.param(when, event, marks=marks, id=f"{when} {event}")


@pytest.mark.parametrize(("when", "event"), [*points()])
def test_a_service_that_is_killed_there_loses_nothing(house: House, when: str, event: str) -> None:
    """Clients ask again, agents answer again, and it ends as it would have without the kill."""
    ending = POINTS[event]
    story = Story(
        house=house,
        guest=str(uuid5(NAMESPACE_OID, f"guest {when} {event}")),
        move=str(uuid5(NAMESPACE_OID, f"move {when} {event}")),
        ending=ending,
    )
    for host in HOSTS:
        house.record(host, "mtty-fresh")
        house.agent(host).report()
    held_before = house.look(held)
    boot(house, story.guest)
    if ending in {"refuse", "retry"}:
        # Its agent will tell of another driver when it is asked.
        house.record("b", "mtty-stream-minor1")
    house.arm(when, event)

    killed, move, until = False, None, time.monotonic() + 120
    while move is None or move.state != ENDS[ending]:
        assert time.monotonic() < until, move and move.state
        try:
            move = story.carry_on()
        except TROUBLE:
            time.sleep(0.05)
        except (TokenExpired, WrongState):
            # An answer was lost: what was asked has happened.
            time.sleep(0.05)
        killed = house.restart_if_killed() or killed

    assert killed
    assert house.look(audit) == house.look(overfull) == []
    target = "c" if ending == "retry" else "b"
    home = target if ENDS[ending] == "finished" else "a"
    consumers = {story.guest: 1} if ending != "lose" else {story.guest: 1, story.move: 1}
    now = dict(house.look(held))  # type: ignore[call-overload]
    assert {name: now[name] for name in now.keys() - dict(held_before).keys()} == consumers  # type: ignore[call-overload]
    guest = house.client.get(f"/wherry/guests/{story.guest}", Guest)
    assert guest.host == home
    assert (guest.migration is UNSET) == (ending != "lose")
    tokens = [step.token for step in house.client.get(story.path, MigrationStory).history]
    assert tokens == sorted(tokens)
    if ending == "lose":
        story._post("abort", AbortRequest())
    house.client.send("DELETE", f"/wherry/guests/{story.guest}", bytes)
    assert house.look(held) == held_before


def held(tx: Tx) -> list[tuple[str, int]]:
    """Each consumer that holds something, and how many units."""
    query = sqlalchemy.text(
        "SELECT c.uuid, sum(a.used) FROM consumer c JOIN allocation a ON a.consumer = c.id"
        " GROUP BY c.uuid ORDER BY c.uuid"
    )
    return [(uuid, int(units)) for uuid, units in tx.connection.execute(query).all()]


def boot(house: House, guest: str) -> None:
    """Record a guest with one port on host a."""
    found = house.client.get("/wherry/offers", OfferList, host="a", type="mtty/mtty-1").offers
    slot = SlotRequest(provider=found[0].provider, type="mtty/mtty-1")
    asked = GuestRequest(host="a", slots={"port": slot})
    house.client.send("PUT", f"/wherry/guests/{guest}", Guest, asked)
