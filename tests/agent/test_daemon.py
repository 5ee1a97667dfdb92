"""The agent's round against a running service: report, wait, answer, and carry on."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service import Running, clean_environ, run_service
from told_server import Server
from waiting import wait_until
from wherry.agent import daemon
from wherry.agent.client import Client
from wherry.agent.daemon import Agent
from wherry.agent.host import RecordedHost, choose_host
from wherry.agent.hypervisor import Unseen
from wherry.agent.settings import AgentSettings
from wherry.app.settings import Settings
from wherry.hosts import recordings
from wherry.model.errors import NotAllowed, NotFound, ServiceUnavailable
from wherry.model.migrations import JobAnswer, PreflightJob

GUEST = "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"
MOVE = "0d5e7a3c-2b1f-4c9d-8e6a-77b0f1c2d301"


class Refusing:
    """A hypervisor that objects to every move."""

    def running(self) -> None:
        """Nothing can be told."""

    def objections(self, guest: str) -> tuple[str, ...]:
        return (f"{guest} is busy",)


def an_agent(service: Running, folder: Path, name: str, **changes: Any) -> Agent:
    file = folder / f"{name}.ndjson"
    file.write_text(recordings.read("mtty-fresh"), encoding="utf-8")
    host = RecordedHost(name=name, snapshot=file, hypervisor=changes.pop("hypervisor", Unseen()))
    known: dict[str, Any] = {"interval_s": 600, "wait_s": 5, "client": service.client}
    return Agent(host=host, **{**known, **changes})


def claim(service: Running) -> dict[str, Any]:
    """Boot a guest on node-1 and claim node-2 for it."""
    offers = service.get("/wherry/offers?host=node-1&type=mtty/mtty-2")["offers"]
    slots = {"serial0": {"provider": offers[0]["provider"], "type": "mtty/mtty-2"}}
    service.put(f"/wherry/guests/{GUEST}", {"host": "node-1", "slots": slots})
    asked = {"guest": GUEST, "target": "node-2", "policy": {"accept": ["ok", "warn", "unknown"]}}
    return dict(service.put(f"/wherry/migrations/{MOVE}", asked))


def preflight(service: Running, token: int) -> tuple[threading.Thread, list[dict[str, Any]]]:
    """Ask both ends to confirm, in a thread of its own."""
    told: list[dict[str, Any]] = []
    path = f"/wherry/migrations/{MOVE}/preflight"
    thread = threading.Thread(target=lambda: told.append(service.post(path, {"token": token})))
    thread.start()
    wait_until(lambda: service.get("/wherry/hosts/node-2/jobs")["jobs"])
    return thread, told


def test_once_reports_and_stops(service: Running, tmp_path: Path) -> None:
    told: list[Any] = []
    agent = an_agent(service, tmp_path, "node-1", on_report=lambda *each: told.append(each))
    agent.once()
    agent.once()

    assert [answer.outcome for _, answer in told] == ["stored", "unchanged"]
    assert [host["name"] for host in service.get("/wherry/hosts")["hosts"]] == ["node-1"]


def test_a_later_look_has_a_higher_sequence_across_restarts(
    service: Running, tmp_path: Path
) -> None:
    first = an_agent(service, tmp_path, "node-1").report()
    time.sleep(0.002)
    second = an_agent(service, tmp_path, "node-1").report()

    assert second.sequence > first.sequence


def test_once_does_the_work_that_waits(any_service: Running, tmp_path: Path) -> None:
    agents = [an_agent(any_service, tmp_path, name) for name in ("node-1", "node-2")]
    for agent in agents:
        agent.once()
    thread, told = preflight(any_service, claim(any_service)["token"])
    for agent in agents:
        agent.once()
    thread.join(timeout=60)

    assert told[0]["state"] == "confirmed"
    assert sorted(told[0]["confirmed"]) == ["source", "target"]


def test_an_agent_that_waits_answers_as_soon_as_there_is_work(
    service: Running, tmp_path: Path
) -> None:
    answered: list[tuple[PreflightJob, JobAnswer]] = []
    agents = [
        an_agent(service, tmp_path, n, wait_s=60, on_answer=lambda *each: answered.append(each))
        for n in ("node-1", "node-2")
    ]
    for agent in agents:
        agent.report()
    token = claim(service)["token"]
    rounds = [threading.Thread(target=agent.round) for agent in agents]
    for each in rounds:
        each.start()
    began = time.monotonic()
    answer = service.post(f"/wherry/migrations/{MOVE}/preflight", {"token": token})
    for each in rounds:
        each.join(timeout=60)

    assert answer["state"] == "confirmed"
    assert time.monotonic() - began < 50
    assert sorted(job.side for job, _ in answered) == ["source", "target"]


def test_an_objection_of_the_lower_level_refuses_the_move(service: Running, tmp_path: Path) -> None:
    source = an_agent(service, tmp_path, "node-1", hypervisor=Refusing())
    target = an_agent(service, tmp_path, "node-2")
    source.report()
    target.report()
    thread, told = preflight(service, claim(service)["token"])
    target.work(wait_s=0)
    source.work(wait_s=0)
    thread.join(timeout=60)

    assert told[0]["state"] == "refused"
    assert f"{GUEST} is busy" in json.dumps(told[0]["history"])


def test_a_target_that_lost_its_device_refuses_the_move(service: Running, tmp_path: Path) -> None:
    source = an_agent(service, tmp_path, "node-1")
    target = an_agent(service, tmp_path, "node-2")
    source.report()
    target.report()
    thread, told = preflight(service, claim(service)["token"])
    bare = recordings.read("igb-novfs")
    (tmp_path / "node-2.ndjson").write_text(bare, encoding="utf-8")
    target.work(wait_s=0)
    source.work(wait_s=0)
    thread.join(timeout=60)

    assert told[0]["state"] == "refused"


def test_an_answer_that_comes_too_late_is_no_trouble_for_the_agent(
    service: Running, tmp_path: Path
) -> None:
    agents = [an_agent(service, tmp_path, name) for name in ("node-1", "node-2")]
    for agent in agents:
        agent.report()
    token = claim(service)["token"]
    thread, _ = preflight(service, token)
    (job,) = service.get("/wherry/hosts/node-2/jobs")["jobs"]
    service.post(f"/wherry/migrations/{MOVE}/abort", {"token": token})
    thread.join(timeout=60)
    path = f"/wherry/hosts/node-2/jobs/{job['id']}"
    late = service.ask("POST", path, {"token": token, "side": "target", "ok": True})

    assert late.status in {404, 409}
    assert agents[1].work(wait_s=0) == 0


def hold_a_place(service: Running, host: str) -> None:
    """Wait for a host's work, which never comes, as soon as there is room to."""
    while service.ask("GET", f"/wherry/hosts/{host}/jobs?wait=60").status == 503:
        time.sleep(0.02)


def test_a_full_waiting_room_is_no_reason_to_miss_work(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "SHORT_TURN_S", 0.01)
    service = run_service(Settings(database=sqlite_url, long_polls=1, preflight_s=60))
    try:
        agents = [an_agent(service, tmp_path, name) for name in ("node-1", "node-2", "node-3")]
        for agent in agents:
            agent.report()
        holder = threading.Thread(target=hold_a_place, args=(service, "node-3"), daemon=True)
        holder.start()
        wait_until(lambda: service.ask("GET", "/wherry/hosts/node-2/jobs?wait=1").status == 503)
        thread, told = preflight(service, claim(service)["token"])
        for agent in agents[:2]:
            agent.round()
        thread.join(timeout=60)
        assert holder.is_alive()
    finally:
        service.stop()

    holder.join(timeout=60)
    assert told[0]["state"] == "confirmed"


def hosts_of(service: Running) -> list[str]:
    return [host["name"] for host in service.get("/wherry/hosts")["hosts"]]


def test_an_agent_carries_on_when_the_service_comes_again(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "FIRST_PAUSE_S", 0.05)
    service = run_service(Settings(database=sqlite_url))
    agent = an_agent(service, tmp_path, "node-1", interval_s=1, wait_s=1)
    reports: list[Any] = []
    agent.on_report = lambda *each: reports.append(each)

    def go() -> None:
        with contextlib.suppress(SystemExit):
            agent.run()

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    wait_until(lambda: reports)
    service.stop()
    with pytest.raises(ServiceUnavailable):
        service.client.get("/healthz", bytes)
    before = len(reports)
    again = run_service(Settings(database=sqlite_url), port=service.server.server_port)
    try:
        wait_until(lambda: len(reports) > before)
    finally:
        agent.on_report = end
        wait_until(lambda: not thread.is_alive())
        again.stop()


def end(*_told: Any) -> None:
    """End an agent's round when it reports the next time."""
    raise SystemExit


def test_an_agent_reports_anew_where_the_service_lost_its_state(
    service: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "FIRST_PAUSE_S", 0.05)
    agent = an_agent(service, tmp_path, "node-1", interval_s=3600, wait_s=0)
    agent._next_look = time.monotonic() + 3600
    with pytest.raises(NotFound):
        agent.round()

    agent.on_report = end
    with pytest.raises(SystemExit):
        agent.run()

    assert hosts_of(service) == ["node-1"]


def test_an_agent_that_may_not_report_ends_with_that(sqlite_url: str, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.toml"
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    tokens.write_text(
        f'[[token]]\nname = "a"\nsha256 = "{digest}"\nrole = "user"\nproject = "alpha"\n'
    )
    settings = Settings(database=sqlite_url, auth="token", tokens_file=tokens)
    service = run_service(settings, token="test")
    try:
        with pytest.raises(NotAllowed):
            an_agent(service, tmp_path, "node-1").run()
    finally:
        service.stop()


@pytest.mark.parametrize("code", ["internal", "store.unavailable", "report.contradicts"])
def test_pauses_grow_and_end(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    pauses: list[float] = []

    def sleep(span_s: float) -> None:
        pauses.append(span_s)
        if len(pauses) == 9:
            raise SystemExit

    clock = SimpleNamespace(sleep=sleep, monotonic=time.monotonic)
    monkeypatch.setattr(daemon, "time", clock)
    monkeypatch.setattr(daemon, "random", SimpleNamespace(uniform=lambda _low, high: high))
    server.told = (500, json.dumps({"error": {"code": code, "message": "no"}}).encode())
    host = RecordedHost(name="n", snapshot=tmp_path / "none", hypervisor=Unseen())
    client = Client(f"http://127.0.0.1:{server.server_port}")
    agent = Agent(host=host, client=client, interval_s=60, wait_s=30)
    agent._next_look = time.monotonic() + 600
    with pytest.raises(SystemExit):
        agent.run()

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_recorded_host_is_named_by_its_file_unless_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "node-9.old.ndjson"
    file.write_text(recordings.read("mtty-fresh"), encoding="utf-8")

    assert choose_host(AgentSettings(snapshot=file)).name == "node-9"
    assert choose_host(AgentSettings(snapshot=file, name="node-8")).name == "node-8"
    assert choose_host(AgentSettings()).name


def test_the_command_reports_this_very_host_and_stops(service: Running) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wherry", "agent", "--once", "--name", "here"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**clean_environ(), "WHERRY_URL": service.url},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("here: report ")
    assert hosts_of(service) == ["here"]


def test_the_command_goes_on_until_it_is_told_to_stop(service: Running, tmp_path: Path) -> None:
    file = tmp_path / "node-1.ndjson"
    file.write_text(recordings.read("mtty-fresh"), encoding="utf-8")
    agent = subprocess.Popen(
        [sys.executable, "-m", "wherry", "agent", "--snapshot", str(file)],
        env={**clean_environ(), "WHERRY_URL": service.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert agent.stdout is not None
    said = agent.stdout.readline()
    agent.send_signal(signal.SIGTERM)
    _, err = agent.communicate(timeout=120)

    assert (agent.returncode, err) == (0, b"")
    assert said.startswith(b"node-1: report ")
    assert hosts_of(service) == ["node-1"]
