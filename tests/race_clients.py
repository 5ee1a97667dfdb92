"""Client processes that race for the same place, over real HTTP with kept connections."""

import http.client
import json
import multiprocessing
import threading
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

THREADS = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one contender was answered."""

    guest: str
    status: int
    code: str


class Racers:
    """Processes of `THREADS` threads each, that start together at a word."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def race(self, body: dict[str, Any]) -> list[Outcome]:
        """Let every thread of every process ask for *body* as a guest of its own, all at once."""
        for pipe in self._pipes:
            pipe.send(body)
        return [outcome for pipe in self._pipes for outcome in pipe.recv()]


@contextmanager
def racers(urls: Sequence[str], processes: int) -> Iterator[Racers]:
    """Start client processes; they ask the services in turn."""
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(processes)
    started = []
    pipes = []
    for number in range(processes):
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_run, args=(urls[number % len(urls)], theirs, gate), daemon=True
        )
        process.start()
        theirs.close()
        started.append(process)
        pipes.append(ours)
    try:
        yield Racers(pipes)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in started:
            process.join(60)


def _run(url: str, pipe: Connection, gate: Any) -> None:
    links = [_connect(url) for _ in range(THREADS)]
    ready = threading.Barrier(THREADS)

    def contend(link: http.client.HTTPConnection, data: bytes) -> Outcome:
        guest = str(uuid.uuid4())
        ready.wait(60)
        link.request("PUT", f"/wherry/guests/{guest}", data, {"Content-Type": "application/json"})
        response = link.getresponse()
        said = json.loads(response.read())
        return Outcome(guest, response.status, said.get("error", {}).get("code", ""))

    with ThreadPoolExecutor(THREADS) as pool:
        while True:
            try:
                body = pipe.recv()
            except EOFError:
                return
            data = json.dumps(body).encode()
            gate.wait(60)
            pipe.send(list(pool.map(contend, links, [data] * THREADS)))


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
