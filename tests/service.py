"""A running service for tests, asked over real HTTP on a free port of loopback.

`service` runs in the test's process, which starts in no time; `start_process` runs what an
operator runs, as a process of its own, which can be killed and started again.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from wherry.agent.client import Client
from wherry.app.settings import Settings
from wherry.service.assembly import Service, assemble

READY_S = 240.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: status, headers by lower-case name, and the body as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return dict(self.json["error"])


def ask(
    url: str,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Send one request; a body that is no bytes goes as JSON."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    said = {"Authorization": f"Bearer {token}"} if token else {}
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        said["Content-Type"] = "application/json"
    try:
        link.request(method, path, body=data, headers={**said, **(headers or {})})
        response = link.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, told, response.read())
    finally:
        link.close()


@dataclass(slots=True)
class Running:
    """A service that runs in this process."""

    service: Service
    server: WSGIServer
    token: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def client(self) -> Client:
        return Client(self.url, token=self.token)

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return ask(self.url, method, path, body, **{"token": self.token, **more})

    def get(self, path: str) -> Any:
        """What a GET answers; it must be 200."""
        return expect(self.ask("GET", path), 200).json

    def put(self, path: str, body: Any) -> Any:
        return expect(self.ask("PUT", path, body), 200).json

    def post(self, path: str, body: Any) -> Any:
        answer = self.ask("POST", path, body)
        assert answer.status in {200, 204}, (answer.status, answer.body)
        return answer.json if answer.body else None

    def stop(self) -> None:
        self.service.stop()
        self.server.shutdown()
        self.server.server_close()
        self.service.close()


def expect(answer: Answer, status: int) -> Answer:
    """Give an answer on, if it has this status."""
    assert answer.status == status, (answer.status, answer.body)
    return answer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Write down what fails, but not into a later test's output that a client has gone."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Write no line for each request."""


def run_service(settings: Settings, token: str | None = None, port: int = 0) -> Running:
    """Start a service in this process, on a free port or a certain one; its caller stops it."""
    service = assemble(settings)
    server = make_server("127.0.0.1", port, service.app, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return Running(service, server, token)


@pytest.fixture
def service(sqlite_url: str) -> Iterator[Running]:
    """A running service with an empty fleet on SQLite."""
    running = run_service(Settings(database=sqlite_url, preflight_s=60))
    yield running
    running.stop()


@pytest.fixture
def any_service(store_url: str) -> Iterator[Running]:
    """A running service with an empty fleet, on each engine in turn."""
    running = run_service(Settings(database=store_url, preflight_s=60))
    yield running
    running.stop()


@dataclass(slots=True)
class Process:
    """What an operator runs: ``wherry serve``, in a process of its own."""

    words: tuple[str, ...]
    environ: dict[str, str] = field(default_factory=dict)
    url: str = ""
    said: list[str] = field(default_factory=list)
    _process: "subprocess.Popen[str] | None" = None
    _listener: threading.Thread | None = None

    def start(self) -> "Process":
        """Start it and wait until it says that it is ready."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "wherry", "serve", *self.words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**clean_environ(), **self.environ},
        )
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        until = time.monotonic() + READY_S
        while not (self.url or time.monotonic() > until or self._process.poll() is not None):
            time.sleep(0.01)
        assert self.url, "".join(self.said)
        return self

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout as said:
            for line in said:
                self.said.append(line)
                if found := re.match(r"Wherry is ready at (http://\S+)/wherry/docs", line):
                    self.url = found[1]

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        return ask(self.url, method, path, body, **more)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def workers(self) -> set[int]:
        """Name the processes that answer its requests."""
        assert self._process is not None
        pid = self._process.pid
        children = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return {each for each in children if b"spawn_main" in _words_of(each)}

    def wait(self, timeout_s: float = 90) -> int:
        """Wait for its end; gives its status."""
        assert self._process is not None
        assert self._listener is not None
        status = self._process.wait(timeout_s)
        # Its workers write to the same pipe, and may take a moment longer.
        self._listener.join(timeout_s)
        return status

    def stop(self) -> int:
        """Ask it to end, as a service manager does; gives its status."""
        assert self._process is not None
        if self._process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait()


def _words_of(pid: int) -> bytes:
    """What a process was started with; nothing of one that has just gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def clean_environ() -> dict[str, str]:
    """The environment without what an operator has set up for themselves."""
    return {name: value for name, value in os.environ.items() if not name.startswith("WHERRY_")}


def start_process(state_dir: Path, *words: str, **environ: str) -> Process:
    """Start ``wherry serve`` on a free port."""
    return Process(("--port", "0", "--state-dir", str(state_dir), *words), environ).start()
