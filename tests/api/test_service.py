"""The service as a process: it starts, says where, serves, stops; and refuses what it must."""

import os
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from pathlib import Path

import pytest

from databases import PostgresqlServer
from service import Process, Running, ask, clean_environ, start_process
from waiting import wait_until


def refusal(*words: str, **environ: str) -> tuple[int, str]:
    """Start a service that must not start; gives status and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "wherry", "serve", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**clean_environ(), **environ},
    )
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.returncode, done.stderr


def test_a_fresh_service_is_alive_and_ready(any_service: Running) -> None:
    assert any_service.get("/healthz") == {"status": "ok"}
    assert any_service.get("/readyz") == {
        "ready": True,
        "checks": {"store": "ok", "running": "ok"},
    }


def test_a_service_that_stops_is_no_longer_ready(service: Running) -> None:
    service.service.stop()
    answer = service.ask("GET", "/readyz")

    assert answer.status == 503
    assert answer.json == {"ready": False, "checks": {"store": "ok", "running": "stopping"}}


def test_a_process_serves_owns_its_file_stops_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    first = start_process(tmp_path / "state", "--long-polls", "1")
    pack = {"id": "p1", "rows": []}
    assert first.ask("PUT", "/wherry/packs/p1", pack).status == 200

    status, said = refusal("--port", "0", "--state-dir", str(tmp_path / "state"))
    assert status == 3
    assert "another" in said

    status, said = refusal("--port", str(first.port), "--state-dir", str(tmp_path / "other"))
    assert status == 3
    assert "in use" in said

    waited: list[float] = []
    body = {"host": "node-1"}
    assert first.ask("PUT", "/wherry/hosts/node-1/report", a_report(body["host"])).status == 200

    def wait() -> None:
        began = time.monotonic()
        while (answer := first.ask("GET", "/wherry/hosts/node-1/jobs?wait=60")).status == 503:
            time.sleep(0.05)
        assert answer.json == {"jobs": []}
        waited.append(time.monotonic() - began)

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: first.ask("GET", "/wherry/hosts/node-1/jobs?wait=1").status == 503)
    assert first.stop() == 0
    waiting.join(timeout=60)
    assert len(waited) == 1
    assert waited[0] < 50

    again = start_process(tmp_path / "state")
    assert again.ask("GET", "/wherry/packs/p1").json == pack
    assert again.stop() == 0


def a_report(host: str) -> dict[str, object]:
    return {
        "schema": "wherry.report/1",
        "host": host,
        "boot_id": "b1",
        "sequence": 1,
        "observed_at": "2026-11-22T10:15:00Z",
        "facts": {},
    }


def test_agents_that_wait_take_no_thread_from_others(tmp_path: Path) -> None:
    running = start_process(tmp_path, "--threads", "1", "--long-polls", "3")
    try:
        running.ask("PUT", "/wherry/hosts/node-1/report", a_report("node-1"))
        path = "/wherry/hosts/node-1/jobs?wait="

        def hold() -> None:
            while running.ask("GET", f"{path}60").status == 503:
                time.sleep(0.05)

        waits = [threading.Thread(target=hold, daemon=True) for _ in range(3)]
        for wait in waits:
            wait.start()
        until = time.monotonic() + 40
        while (full := running.ask("GET", f"{path}1")).status == 200:
            assert time.monotonic() < until
            time.sleep(0.5)  # the place that we took ourselves is another's now
        began = time.monotonic()
        others = [running.ask("GET", "/wherry/hosts").status for _ in range(5)]

        assert (full.status, full.error["code"]) == (503, "service.busy")
        assert others == [200] * 5
        assert time.monotonic() - began < 50
    finally:
        assert running.stop() == 0
    for wait in waits:
        wait.join(timeout=60)


def test_no_worker_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    running = start_process(tmp_path)
    running.signal(signal.SIGKILL)
    running.wait()
    wait_until(lambda: not _answers(running))


def _answers(running: Process) -> bool:
    try:
        return ask(running.url, "GET", "/healthz").status == 200
    except (OSError, HTTPException):
        return False


def test_two_workers_share_a_fleet_on_postgresql_and_count_together(
    postgresql_url: str, postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    running = start_process(tmp_path, "--database", postgresql_url, "--workers", "2")
    try:
        for number in range(20):
            pack = {"id": f"p{number}", "rows": []}
            assert running.ask("PUT", f"/wherry/packs/p{number}", pack).status == 200
            assert running.ask("GET", f"/wherry/packs/p{number}").json == pack
        text = running.ask("GET", "/metrics").body.decode()
        line = next(line for line in text.splitlines() if 'method="PUT"' in line)
        assert line.endswith(" 20")
    finally:
        assert running.stop() == 0
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_is_killed_is_started_anew_and_nothing_acknowledged_is_lost(
    postgresql_url: str, postgresql: PostgresqlServer, tmp_path: Path
) -> None:
    """Clients whose connection broke do not know; what they were told of stands."""
    running = start_process(tmp_path, "--database", postgresql_url, "--workers", "2")
    acknowledged: set[str] = set()
    stop = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            pack = {"id": f"p{writer}-{number}", "rows": []}
            try:
                if running.ask("PUT", f"/wherry/packs/{pack['id']}", pack).status == 200:
                    acknowledged.add(str(pack["id"]))
            except (OSError, HTTPException):
                continue

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for each in writers:
        each.start()
    try:
        before = running.workers()
        assert len(before) == 2
        wait_until(lambda: len(acknowledged) > 20)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(running.workers() - before) == 1)
        known = len(acknowledged)
        wait_until(lambda: len(acknowledged) > known + 20)
        after = running.workers()
        stop.set()
        for each in writers:
            each.join(60)

        assert len(after) == 2
        assert max(before) in after
        assert all(running.ask("GET", f"/wherry/packs/{one}").status == 200 for one in acknowledged)
    finally:
        stop.set()
        assert running.stop() == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in after)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        pytest.param("::1", marks=pytest.mark.full),
        pytest.param("127.0.0.2", marks=pytest.mark.full),
    ],
)
def test_a_service_listens_where_it_is_told_and_prints_an_address_that_answers(
    tmp_path: Path, host: str
) -> None:
    running = start_process(tmp_path, "--host", host)
    try:
        assert ask(running.url, "GET", "/healthz").json == {"status": "ok"}
    finally:
        assert running.stop() == 0


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--workers", "2"), 2, "SQLite has one owning process"),
        (("--host", "0.0.0.0"), 2, "not loopback"),
        pytest.param(
            ("--port", "http"),
            2,
            "option --port: 'http' must be a whole number from 0 to 65535",
            marks=pytest.mark.full,
        ),
        pytest.param(("--auth", "token"), 2, "tokens_file", marks=pytest.mark.full),
        pytest.param(
            ("--host", "10.255.255.254", "--port", "0"), 2, "not loopback", marks=pytest.mark.full
        ),
        pytest.param(
            ("--auth", "token", "--tokens-file", "/nothing"), 2, "/nothing", marks=pytest.mark.full
        ),
        pytest.param(
            ("--profile-dir", "/nothing"), 2, "/nothing cannot be read", marks=pytest.mark.full
        ),
        pytest.param(
            ("--database", "postgresql://w@127.0.0.1:9/none"), 3, "database", marks=pytest.mark.full
        ),
    ],
)
def test_a_service_that_cannot_be_as_asked_says_why_in_one_line_and_does_not_start(
    tmp_path: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    found, message = refusal("--state-dir", str(tmp_path), *words)

    assert (found, message[:8]) == (status, "wherry: ")
    assert said in message
