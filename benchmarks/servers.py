"""Servers of the Placement API to time side by side, and the CPU time that they take.

Wherry runs as an operator runs it.  openstack-placement runs in uWSGI, in the virtual
environment that ``make peer`` makes.  The PostgreSQL server is that of the tests, with fsync on
where writes are timed.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from databases import PostgresqlServer
from wherry.bench.processes import cpu_s

ROOT = Path(__file__).resolve().parent.parent
READY_S = 300.0
TAIL = 3000
CONFIG = """
[api]
auth_strategy = noauth2
[placement_database]
connection = {database}
max_pool_size = 32
[oslo_policy]
enforce_new_defaults = false
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running service and the processes whose CPU time counts as its own.

    Attributes:
        pids: of the service and of its database server, each with all its children.
    """

    name: str
    port: int
    pids: tuple[int, ...]

    def cpu_s(self) -> float:
        """CPU time that service and database have taken so far, children included."""
        return cpu_s(self.pids)


def find_peer() -> Path | None:
    """Find the virtual environment with openstack-placement and uWSGI; None without."""
    venv = Path(os.environ.get("WHERRY_PEER_VENV", ROOT / ".peer"))
    has_peer = any(venv.glob("lib/python*/site-packages/placement/wsgi/api.py"))
    return venv if has_peer and (venv / "bin" / "uwsgi").exists() else None


@contextmanager
def run_wherry(
    folder: Path, *, database: str, workers: int, threads: int, beside: tuple[int, ...] = ()
) -> Iterator[Server]:
    """Run ``wherry serve`` on an empty database."""
    port = _free_port()
    words = [sys.executable, "-m", "wherry", "serve", "--auth", "noauth2", "--port", str(port)]
    words += ["--placement-policy", "legacy", "--state-dir", str(folder), "--database", database]
    words += ["--workers", str(workers), "--threads", str(threads)]
    with _running("Wherry", words, port, folder, {}, beside) as server:
        yield server


@contextmanager
def run_peer(
    venv: Path,
    folder: Path,
    *,
    database: str,
    workers: int,
    threads: int,
    beside: tuple[int, ...] = (),
    name: str = "",
    config: str = "",
) -> Iterator[Server]:
    """Run openstack-placement on a database, which it fills with its own tables if it is empty.

    Args:
        name: what its options are called.
        config: options besides, as in its file.
    """
    database = database.replace("postgresql:", "postgresql+psycopg2:")
    options = CONFIG.format(database=database) + config
    (folder / "placement.conf").write_text(options, encoding="utf-8")
    sync = [str(venv / "bin" / "placement-manage"), "--config-dir", str(folder), "db", "sync"]
    subprocess.run(sync, check=True, capture_output=True)  # noqa: S603 - our own words
    port = _free_port()
    words = [str(venv / "bin" / "uwsgi"), "--http11-socket", f"127.0.0.1:{port}"]
    words += ["--module", "placement.wsgi.api:application", "--venv", str(venv), "--master"]
    words += ["--processes", str(workers), "--threads", str(threads), "--disable-logging"]
    # Each process makes its own connections.
    words += ["--lazy-apps", "--need-app", "--die-on-term", "--buffer-size", "65535"]
    environ = {"OS_PLACEMENT_CONFIG_DIR": str(folder)}
    called = f"openstack-placement {name}".strip()
    with _running(called, words, port, folder, environ, beside) as server:
        yield server


@contextmanager
def _running(
    name: str,
    words: list[str],
    port: int,
    folder: Path,
    environ: dict[str, str],
    beside: tuple[int, ...],
) -> Iterator[Server]:
    log = folder / "server.log"
    with log.open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - our own words
            words, env=os.environ | environ, stdout=said, stderr=said
        )
        try:
            _wait(process, port, log)
            yield Server(name=name, port=port, pids=(process.pid, *beside))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + READY_S
    while process.poll() is None and time.monotonic() < until:
        link = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            link.request("GET", "/")
            if link.getresponse().status == 200:
                return
        except (OSError, HTTPException):
            time.sleep(0.1)
        finally:
            link.close()
    raise RuntimeError(log.read_text(encoding="utf-8")[-TAIL:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class Database:
    """A PostgreSQL server of our own."""

    pid: int
    urls: tuple[str, str]
    """An empty database of Wherry's schema, and an empty one."""


@contextmanager
def run_postgresql(*, is_durable: bool = True) -> Iterator[Database]:
    """Run a PostgreSQL server with a database for each of two services.

    Args:
        is_durable: whether a commit waits for the disk.
    """
    waits = "on" if is_durable else "off"
    server = PostgresqlServer(fsync=waits, full_page_writes=waits, shared_buffers="256MB")
    pid = int((server.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
    try:
        ours = server.create("wherry", "wherry_template")
        yield Database(pid, (ours, server.create("placement")))
    finally:
        server.stop()
