"""What a compiled query finds, judged by the exact stage, is what Wherry names by itself.

On generated fleets, whole guests, in every mode: through this service's own Placement API over
HTTP, and on an unmodified openstack-placement that was loaded by the export.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from query_worlds import Case, assert_equivalent, cases, put_world
from schedule.candidates.conftest import peer
from service import Running, ask, run_service
from wherry.app.housekeeping import derive_anew
from wherry.app.settings import Settings
from wherry.integrations.placement_copy.client import PlacementClient
from wherry.integrations.placement_copy.copy import copy_placement

__all__ = ["peer"]
ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
HEADERS = {"OpenStack-API-Version": "placement 1.39", "X-Auth-Token": "admin"}


class Shelf:
    """A service that holds one world after the other."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.engine = running.service.engine
        self.kinds: Counter[str] = Counter()
        self.number = 0
        derive_anew(self.engine)

    def put(self, case: Case) -> None:
        self.number += 1
        put_world(self.engine, case.world, self.number)

    def compare(self, case: Case, url: str) -> None:
        self.kinds[assert_equivalent(self.engine, case, lambda path: answer_of(url, path))] += 1


def answer_of(url: str, path: str) -> Any:
    told = ask(url, "GET", path, headers=HEADERS)
    assert told.status == 200, (path, told.body)
    return json.loads(told.body)


@pytest.fixture
def shelf(store_url: str, tmp_path: Any) -> Iterator[Shelf]:
    running = run_service(Settings(database=store_url, state_dir=tmp_path, publish_traits="yes"))
    yield Shelf(running)
    running.stop()


@pytest.fixture
def sqlite_shelf(sqlite_url: str, tmp_path: Any) -> Iterator[Shelf]:
    running = run_service(Settings(database=sqlite_url, state_dir=tmp_path, publish_traits="yes"))
    yield Shelf(running)
    running.stop()


@settings(max_examples=40, suppress_health_check=ALLOWED, phases=PHASES)
@given(case=cases())
def test_the_own_door_names_the_hosts_that_targets_names(shelf: Shelf, case: Case) -> None:
    shelf.put(case)
    shelf.compare(case, shelf.running.url)


@pytest.mark.full
@pytest.mark.timeout(7200)
@settings(max_examples=2000, suppress_health_check=ALLOWED, phases=PHASES)
@given(case=cases())
def test_the_own_door_names_the_hosts_that_targets_names_often(
    sqlite_shelf: Shelf, case: Case
) -> None:
    sqlite_shelf.put(case)
    sqlite_shelf.compare(case, sqlite_shelf.running.url)


@contextmanager
def unseen(_total: int, _what: str) -> Iterator[Any]:
    yield lambda: None


def export(source: str, target: str) -> None:
    ends = [PlacementClient(url, token="admin", what=url) for url in (source, target)]
    done = copy_placement(*ends, watch=unseen, prune=True)
    assert (done.refused, done.differences) == ((), ())


@settings(max_examples=3, suppress_health_check=ALLOWED, phases=PHASES)
@given(case=cases())
def test_an_unmodified_placement_names_them_too(peer: Any, sqlite_shelf: Shelf, case: Case) -> None:
    compare_on_peer(peer, sqlite_shelf, case)


@pytest.mark.full
@pytest.mark.timeout(7200)
@settings(max_examples=60, suppress_health_check=ALLOWED, phases=PHASES)
@given(case=cases())
def test_an_unmodified_placement_names_them_too_often(
    peer: Any, sqlite_shelf: Shelf, case: Case
) -> None:
    compare_on_peer(peer, sqlite_shelf, case)


def compare_on_peer(peer: Any, shelf: Shelf, case: Case) -> None:
    """Load it as `wherry export` does, and ask it what Wherry has compiled."""
    url = f"http://127.0.0.1:{peer.port}"
    shelf.put(case)
    export(shelf.running.url, url)
    shelf.compare(case, url)
