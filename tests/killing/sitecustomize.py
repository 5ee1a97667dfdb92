"""Kills the process that imports it at a named point of a migration's life, for tests.

Python imports this by itself where its folder is on ``PYTHONPATH``.  The variable ``KILL_AT``
names a file that holds a point, such as ``before confirm``; without one nothing happens.
``before`` is with every statement of the transaction run and nothing committed, ``after`` is
with the commit done and nobody told.  The service is killed as a whole: this process, which
serves, and the one that watches it.
"""

import os
import signal
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from typing import Any

POINT_FILE = os.environ.get("KILL_AT", "")
STORES = {"wherry.store.sqlite": "SqliteStore", "wherry.store.postgresql": "PostgresqlStore"}


def point() -> str:
    try:
        with open(POINT_FILE, encoding="utf-8") as file:  # noqa: PTH123, nothing is imported yet
            return file.read().strip()
    except OSError:
        return ""


def die() -> None:
    os.unlink(POINT_FILE)  # noqa: PTH108, as above
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def state_of(tx: Any) -> dict[str, tuple[int, int]]:
    """Each migration's number of steps, and of jobs that are open."""
    from sqlalchemy import text

    steps = text("SELECT migration, count(*) FROM migration_step GROUP BY migration")
    jobs = text("SELECT migration, count(*) FROM job WHERE answer IS NULL GROUP BY migration")
    waiting = dict(tx.connection.execute(jobs).all())
    return {uuid: (n, waiting.get(uuid, 0)) for uuid, n in tx.connection.execute(steps).all()}


def events_since(tx: Any, before: dict[str, tuple[int, int]]) -> set[str]:
    """What a transaction has done to migrations: the events of its steps, or ``ask``."""
    from wherry.store.migrations import read_migration

    found = set()
    for uuid, (steps, waiting) in state_of(tx).items():
        known, asked = before.get(uuid, (0, 0))
        if steps > known:
            move = read_migration(tx, uuid)
            assert move is not None
            done = move.history[-1]
            found.add(f"{done.event} {done.state}")
        elif waiting > asked:
            found.add("ask")
    return found


def arm(store: Any) -> None:
    """Make a store look, in each transaction, whether it has come to the point."""
    plain = store.write

    def write(self: Any, fn: Any) -> Any:
        when, _, event = point().partition(" ")
        if not event:
            return plain(self, fn)
        reached = []

        def watched(tx: Any) -> Any:
            before = state_of(tx)
            result = fn(tx)
            reached[:] = [event in events_since(tx, before)]
            if reached[0] and when == "before":
                die()
            return result

        result = plain(self, watched)
        if reached and reached[0]:
            die()
        return result

    store.write = write


class Finder(MetaPathFinder):
    """Arms the stores as soon as they are imported."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name not in STORES:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None
        assert spec.loader is not None
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            run(module)
            arm(getattr(module, STORES[name]))

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if POINT_FILE:
    sys.meta_path.insert(0, Finder())
