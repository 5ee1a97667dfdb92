"""Whatever is killed, whenever: what was acknowledged is there, and the rest left nothing."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest

from crash_writer import PROVIDERS, THREADS, claims, claims_by_id
from store_worlds import NOW, a_device, a_plan, claim, holding, report, stored
from wherry.model.errors import StoreUnavailable
from wherry.store.audit import audit, overfull
from wherry.store.claims import write_claim
from wherry.store.engine import open_store

WRITER = Path(__file__).parent.parent / "crash_writer.py"
GPUS = tuple(a_device(f"gpu{number}", pool=24) for number in range(PROVIDERS))


def run_and_kill(url, first, after):
    """Let the writer run until it has acknowledged so many claims; gives all that it said."""
    words = [sys.executable, WRITER, url, str(first)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as one:
        said = [one.stdout.readline().strip() for _ in range(after)]
        one.kill()
        # What it said before it died; the last line may be cut.
        said += [line for line in one.stdout.read().split("\n")[:-1] if line]
    return set(said)


def all_took_effect(store, ids, known):
    """Whether each of the acknowledged claims is there: said again, it is a repetition."""
    return all(
        store.write(lambda tx, again=known[one]: write_claim(tx, again, now=NOW)).repeated
        for one in ids
    )


@pytest.mark.parametrize("kills", [2, pytest.param(60, marks=pytest.mark.full)])
def test_a_writer_killed_in_the_middle_of_claims_loses_nothing_acknowledged(store_url, kills):
    store = open_store(store_url)
    report(store, a_plan("host1", *GPUS))
    store.close()
    said, known = set(), {}
    for kill in range(kills):
        first, after = 1000 * kill, 40 + 17 * (kill % 5)
        said |= run_and_kill(store_url, first, after)
        known |= claims_by_id(THREADS, first, 1000)

    store = open_store(store_url)

    assert store.read(audit) == []
    assert store.read(overfull) == []
    assert len(said) >= 40 * kills
    assert all_took_effect(store, said, known)
    store.close()


class Claimants:
    """Threads that claim until they are stopped or the database is gone."""

    def __init__(self, store, threads):
        self.acknowledged, self.failed = set(), []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(store, number)) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def _work(self, store, number):
        for one in claims(number, 0):
            if self._stop.is_set():
                return
            try:
                store.write(lambda tx, said=one: write_claim(tx, said, now=NOW))
            except StoreUnavailable as error:
                self.failed.append(error)
                return
            self.acknowledged.add(one.id)

    def stop(self):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def wait_for(store):
    deadline = time.monotonic() + 60
    while True:
        try:
            return store.read(audit)
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def kill_a_session(url):
    """Kill the server's process of a session, at which the server ends all of them."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as victim:
        os.kill(victim.info.backend_pid, signal.SIGKILL)
        victim.execute("SELECT pg_sleep(60)")


def test_a_server_process_killed_in_the_middle_of_claims_loses_nothing_acknowledged(
    postgresql_url,
):
    """The server ends all sessions and recovers from its log; the store comes back to it."""
    store = open_store(postgresql_url)
    report(store, a_plan("host1", *GPUS))
    claimants = Claimants(store, 4)
    while len(claimants.acknowledged) < 60:
        time.sleep(0.01)
    deadline = time.monotonic() + 60
    while not claimants.failed and time.monotonic() < deadline:
        # A server that is back already when they look is all the same to them.
        kill_a_session(postgresql_url)
        time.sleep(0.5)
    claimants.stop()

    assert wait_for(store) == []
    assert claimants.failed
    assert all_took_effect(store, claimants.acknowledged, claims_by_id(4, 0, 3000))
    generation = stored(store, "host1").generation
    claim(store, holding("new", {"host1": {"VCPU": 1}}))
    assert stored(store, "host1").generation == generation + 1
    store.close()
