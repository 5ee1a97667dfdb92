"""The HTTP server: granian's worker processes, each with an engine of its own.

The parent listens for signals and watches; it never touches the store.  A pipe ties the
workers to it (the *lifeline*): when the parent stops, or dies in whatever way, the pipe
closes, waiting requests are let go and the worker ends.  So no worker outlives its parent.
A worker that dies by itself is started anew; one that goes on dying ends the service.

Source: stack notes, section 3 (granian, WSGI, threads).
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import RawArray
from multiprocessing.util import Finalize
from typing import Any

import urllib3
from granian.constants import Interfaces
from granian.server.mp import MPServer

from wherry.api.metrics import size_of
from wherry.app.settings import Settings
from wherry.model.errors import ServiceUnavailable, WherryError
from wherry.model.told import told_error
from wherry.service.assembly import FAMILIES, PREFLIGHTS, STREAMS, assemble
from wherry.service.memory import keep_memory

STOP_WITHIN_S = 10
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SPARE_THREADS = 4
"""Threads beyond those of requests and waiting rooms: a full room is told so at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What a worker needs from its parent."""

    settings: Settings
    lifeline: Connection
    """Closes when the parent stops or dies."""
    word: Connection
    """Takes ``(code, message)`` where a worker cannot start."""
    rows: Any
    """Shared array of the metrics, one row a worker."""
    owners: Any
    """Shared array: process that counts in each of the rows; 0: none yet."""


def serve(settings: Settings, *, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; then stop all workers and return.

    Args:
        settings: how to run.
        on_ready: called once with the address, such as ``http://127.0.0.1:8778``, when
            requests are really answered.

    Raises:
        BadConfiguration: the settings exclude each other.
        ServiceUnavailable: the address cannot be listened on, or workers went on ending by
            themselves.
        WherryError: what kept a worker from starting.
    """
    # A forked worker would hold its siblings' pipes and the locks of the parent's threads.
    multiprocessing.set_start_method("spawn", force=True)
    _Parent(settings, *_claim_address(settings)).run(on_ready)


def _claim_address(settings: Settings) -> tuple[str, int]:
    """Make sure that the address can be listened on; gives it in numbers, and a port for 0."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        # A name may stand for both; most clients on the machine try this one at least.
        family, *_, where = min(found, key=lambda each: each[0] != socket.AF_INET)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            address, port, *_ = probe.getsockname()
            return str(address), int(port)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        message = f"cannot listen on {settings.host} port {settings.port}: {why}"
        raise ServiceUnavailable(message) from None


class _Server(MPServer):
    """Granian's server, that lets go of the workers' lifeline as soon as it is told to stop."""

    def __init__(self, let_go: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._let_go = let_go

    def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
        """Stop: called by the handler of SIGTERM and SIGINT."""
        self._let_go()
        super().signal_handler_interrupt(*args, **kwargs)  # type: ignore[no-untyped-call]


class _Parent:
    """The process that starts, watches and stops the workers."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self.settings = settings
        self.address = _address(host, port)
        self._lifeline_end, self._lifeline = multiprocessing.Pipe(duplex=False)
        self._word, self._word_end = multiprocessing.Pipe(duplex=False)
        self._failure: WherryError | None = None
        threads = settings.threads + settings.long_polls + PREFLIGHTS + STREAMS + SPARE_THREADS
        self._server = _Server(
            self._let_go,
            target="wherry",
            address=host,
            port=port,
            interface=Interfaces.WSGI,
            workers=settings.workers,
            blocking_threads=threads,
            backpressure=2 * threads,
            log_enabled=False,
            websockets=False,
            workers_kill_timeout=STOP_WITHIN_S,
            respawn_failed_workers=True,
        )

    def run(self, on_ready: Callable[[str], None]) -> None:
        """Start, watch, stop."""
        started = Started(
            settings=self.settings,
            lifeline=self._lifeline_end,
            word=self._word_end,
            rows=shared_rows(self.settings.workers),
            owners=multiprocessing.Array("q", self.settings.workers),
        )
        watch = threading.Thread(target=self._watch, args=(on_ready,), daemon=True)
        self._server.on_startup(watch.start)
        ended_alone = False
        try:
            self._server.serve(target_loader=partial(load, started), wrap_loader=False)
        except SystemExit:
            ended_alone = True
        self._raise_failure(ended_alone)

    def _let_go(self) -> None:
        with contextlib.suppress(OSError):
            self._lifeline.close()

    def _watch(self, on_ready: Callable[[str], None]) -> None:
        """Wait until the service answers, or a worker says why it does not."""
        with urllib3.PoolManager(retries=False, timeout=2.0) as http:
            while not self._lifeline.closed:
                if self._word.poll(0.02):
                    return self._fail(*self._word.recv())
                if _answers(http, self.address):
                    return on_ready(self.address)
        return None

    def _fail(self, code: str, message: str) -> None:
        self._failure = told_error(code, message)
        os.kill(os.getpid(), signal.SIGTERM)

    def _raise_failure(self, ended_alone: bool) -> None:
        if self._failure is None and self._word.poll(0.2):
            self._failure = told_error(*self._word.recv())
        if self._failure is not None:
            raise self._failure
        if ended_alone:
            raise ServiceUnavailable("worker processes end by themselves; their messages say why")


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _answers(http: urllib3.PoolManager, address: str) -> bool:
    try:
        return http.request("GET", f"{address}/readyz").status == 200  # noqa: PLR2004, OK
    except urllib3.exceptions.HTTPError:
        return False


def shared_rows(workers: int) -> Any:
    """Make the array in which all workers count."""
    return RawArray("d", size_of(FAMILIES) * workers)


def load(started: Started) -> Any:
    """Make the application in a worker; called by the server in the new process."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        row = _take_row(started.owners)
        service = assemble(started.settings, rows=started.rows, row=row)
    except WherryError as error:
        started.word.send((error.code, str(error)))
        sys.exit(1)
    keep_memory()
    Finalize(None, service.close, exitpriority=10)
    threading.Thread(target=_hold_on, args=(started.lifeline, service.stop), daemon=True).start()
    return service.app


def _take_row(owners: Any) -> int:
    """Take a row that nobody counts in: a fresh one, or that of a worker that has died."""
    with owners.get_lock():
        row = next(row for row, pid in enumerate(owners) if not pid or not _is_alive(pid))
        owners[row] = os.getpid()
        return row


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _hold_on(lifeline: Connection, stop: Callable[[], None]) -> None:
    """Wait until the parent lets go, then let waiting requests go and end this process."""
    with contextlib.suppress(EOFError, OSError):
        lifeline.recv()
    stop()
    os.kill(os.getpid(), signal.SIGTERM)
