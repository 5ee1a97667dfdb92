"""Nova's own scheduler loads the filter and the weigher, and asks a real service.

It runs in an environment of its own, which ``make nova`` makes.  Without it these tests skip.
"""

import json
import os
import re
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from acme_fleet import PROFILES, a_report, name_of
from service import Process, ask, clean_environ, start_process

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "how-to" / "use-with-nova.md"
GUEST, MIGRATION, OTHER = name_of("guest"), name_of("migration"), name_of("other")
HOSTS = ["node-1", "node-2", "node-3", "stranger"]
SOURCE = ["node-1.example.org"]
HEADERS = {"OpenStack-API-Version": "placement 1.38"}


def find_nova() -> Path | None:
    """Find the interpreter that has Nova; None if it is not installed."""
    venv = Path(os.environ.get("WHERRY_NOVA_VENV", ROOT / ".nova"))
    if not any(venv.glob("lib/python*/site-packages/nova/scheduler/host_manager.py")):
        return None
    return venv / "bin" / "python"


@dataclass
class Nova:
    """nova-scheduler's host manager in its own process."""

    process: "subprocess.Popen[str]"
    errors: Path

    def __call__(self, **said: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(said) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()
        return json.loads(line)

    def move(self, guest: str = GUEST, hosts: list[str] = HOSTS, **spec: Any) -> list[str]:
        """Schedule as conductor does for a live migration, unless said otherwise."""
        return list(
            self(hosts=hosts, spec={"instance_uuid": guest, "ignore_hosts": SOURCE, **spec})
        )

    def said(self) -> str:
        """What it has written to its log."""
        return self.errors.read_text()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nova]:
    """Nova's scheduler with the options of the page, or skip."""
    python = find_nova()
    if python is None:
        pytest.skip("needs Nova's scheduler: `make nova`, or set WHERRY_NOVA_VENV to its venv")
    folder = tmp_path_factory.mktemp("nova")
    (said,) = re.findall(r"```ini\n(\[filter_scheduler\].*?)```", PAGE.read_text(), re.DOTALL)
    (folder / "nova.conf").write_text(said.replace("/etc/nova/wherry.token", str(folder / "token")))
    (folder / "token").write_text("t\n")
    environ = {**clean_environ(), "PYTHONPATH": str(ROOT / "src")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [python, Path(__file__).with_name("nova_scheduler.py"), folder / "nova.conf", folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environ,
        )  # fmt: skip
        yield Nova(process, folder / "log")
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A real ``wherry serve`` with three hosts and a guest that Nova's own calls have booted."""
    running = start_process(tmp_path_factory.mktemp("state"), "--profile-dir", str(PROFILES))
    for host, said in (
        ("node-1", {"version": "2.0.1", "features": "X"}),
        ("node-2", {"version": "2.1.1", "features": "X Y"}),
        ("node-3", {"version": "3.0.0", "features": "Y"}),
    ):
        told = running.ask("PUT", f"/wherry/hosts/{host}/report", a_report(host, **said))
        assert told.status == 200, told.body
    put(running, {GUEST: holds(running, "node-1")})
    yield running
    running.stop()


@pytest.fixture
def nova(scheduler: Nova, serving: Process) -> Nova:
    """The scheduler, with its options as they are on the page but for the address."""
    scheduler(set={
        "url": serving.url, "timeout_s": 20.0, "without_answer": "pass",
        "accept": ["ok", "warn"], "is_placement": True, "weight_multiplier": 1.0,
    })  # fmt: skip
    return scheduler


def holds(serving: Process, host: str, generation: int | None = None) -> dict[str, Any]:
    """Allocations as nova-scheduler writes them for a guest with one device of a host."""
    (row,) = serving.ask("GET", f"/wherry/offers?host={host}").json["offers"]
    return {
        "allocations": {row["provider"]: {"resources": {"CUSTOM_ACME_SLICE": 1}}},
        "project_id": "alpha", "user_id": "u", "consumer_type": "INSTANCE",
        "consumer_generation": generation,
    }  # fmt: skip


def put(serving: Process, consumers: dict[str, Any]) -> None:
    told = ask(serving.url, "POST", "/allocations", consumers, headers=HEADERS)
    assert told.status == 204, told.body


def generation_of(serving: Process, consumer: str) -> int:
    told = ask(serving.url, "GET", f"/allocations/{consumer}", headers=HEADERS)
    return int(told.json["consumer_generation"])


@pytest.fixture
def moving(serving: Process, nova: Nova) -> Iterator[Nova]:
    """The scheduler while a migration holds the guest's allocations, as Nova sees to first."""
    held = holds(serving, "node-1")
    generation = generation_of(serving, GUEST)
    nothing = {**held, "allocations": {}, "consumer_generation": generation}
    put(serving, {GUEST: nothing, MIGRATION: {**held, "consumer_type": "MIGRATION"}})
    yield nova
    back = holds(serving, "node-1")
    generation = generation_of(serving, MIGRATION)
    end = {**back, "allocations": {}, "consumer_type": "MIGRATION"}
    put(serving, {GUEST: back, MIGRATION: {**end, "consumer_generation": generation}})


def test_the_classes_are_loaded_by_the_paths_on_the_page(nova: Nova) -> None:
    told = nova()

    assert told["filters"][-1] == "WherryFilter"
    assert told["weighers"][-1] == "WherryWeigher"
    assert "ComputeFilter" in told["filters"]


def test_a_live_migration_goes_where_the_guests_device_can_live_on(moving: Nova) -> None:
    """Not to the other major version, not to a host of which nothing is known."""
    assert moving.move() == ["node-2"]
    assert moving.move(hosts=["node-1", "node-3"]) == []


def test_who_boots_resizes_or_is_rebuilt_passes_as_before(moving: Nova) -> None:
    every = sorted(HOSTS)
    left = [host for host in every if host != "node-1"]

    assert sorted(moving.move(ignore_hosts=None)) == every
    assert sorted(moving.move(retry=1)) == left
    assert sorted(moving.move(scheduler_hints={"_nova_check_type": ["rebuild"]})) == left


def test_a_guest_that_is_evacuated_holds_its_own_allocations_and_passes(nova: Nova) -> None:
    """It starts anew, and may go where it could not move to."""
    assert sorted(nova.move()) == ["node-2", "node-3", "stranger"]
    nova(set={"is_placement": False})
    assert nova.move() == ["node-2"]


def test_a_guest_without_devices_goes_anywhere(moving: Nova) -> None:
    assert sorted(moving.move(OTHER)) == ["node-2", "node-3", "stranger"]


def test_only_verdicts_that_are_accepted_pass(moving: Nova) -> None:
    moving(set={"accept": ["unknown"]})

    assert moving.move() == []


def test_one_question_is_asked_for_one_scheduling(serving: Process, moving: Nova) -> None:
    def asked() -> int:
        text = serving.ask("GET", "/metrics").body.decode()
        lines = [each for each in text.splitlines() if "/wherry/guests/{uuid}/targets" in each]
        counted = [each for each in lines if each.startswith("wherry_http_requests_total")]
        return sum(int(each.rpartition(" ")[2]) for each in counted)

    before = asked()
    moving.move()
    assert asked() == before + 1


def test_without_an_answer_every_host_passes_or_none(moving: Nova) -> None:
    moving(set={"url": f"http://127.0.0.1:{free_port()}"})
    assert sorted(moving.move()) == ["node-2", "node-3", "stranger"]
    moving(set={"without_answer": "refuse"})
    assert moving.move() == []
    assert "does not answer" in moving.said()


def test_a_service_that_is_silent_is_waited_for_no_longer_than_said(moving: Nova) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        moving(set={"url": f"http://127.0.0.1:{silent.getsockname()[1]}", "timeout_s": 0.3})
        began = time.monotonic()
        assert sorted(moving.move()) == ["node-2", "node-3", "stranger"]
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"targets": [{}], "migration": "m"}', b"\xff", b'{"error": {}}'],
)
def test_an_answer_that_cannot_be_read_is_none(moving: Nova, body: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        threading.Thread(target=answer_once, args=(server, head + body), daemon=True).start()
        moving(set={"url": f"http://127.0.0.1:{server.getsockname()[1]}"})
        moving(set={"without_answer": "refuse"})
        assert moving.move() == []


def answer_once(server: socket.socket, data: bytes) -> None:
    link, _ = server.accept()
    with link:
        link.recv(65536)
        link.sendall(data)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_the_weigher_puts_the_best_target_first(serving: Process, moving: Nova) -> None:
    """Between two that take it the one with more room; turned around, the one with less."""
    told = serving.ask(
        "PUT", "/wherry/hosts/node-4/report", a_report("node-4", free=64, version="2.0.1")
    )
    assert told.status == 200
    best = moving.move(hosts=["node-2", "node-4"])
    ranked = serving.ask("POST", f"/wherry/guests/{GUEST}/targets", {"hosts": ["node-2", "node-4"]})
    assert best == [target["host"] for target in ranked.json["targets"]]
    moving(set={"weight_multiplier": -1.0})
    assert moving.move(hosts=["node-2", "node-4"]) == best[::-1]
