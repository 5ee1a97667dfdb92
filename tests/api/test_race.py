"""Many ask at once for the last that is left: one gets it, and nothing is lost or doubled."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from race_clients import THREADS, racers
from reports import recorded_report
from service import Process, ask, expect, start_process

PROCESSES = 4
PORTS = 24
HOST = "serial-1"


@pytest.fixture(params=["sqlite", "postgresql"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Process]]:
    """One service on SQLite, or two on one PostgreSQL."""
    if request.param == "sqlite":
        started = [start_process(tmp_path)]
    else:
        url = request.getfixturevalue("postgresql_url")
        started = [start_process(tmp_path / name, "--database", url) for name in "ab"]
    yield started
    for process in started:
        process.stop()


@pytest.mark.parametrize("rounds", [15, pytest.param(1000, marks=pytest.mark.full)])
@pytest.mark.timeout(3000)
def test_the_last_two_ports_go_to_exactly_one(services: list[Process], rounds: int) -> None:
    """8 threads in each of 4 client processes, over HTTP: one winner, and rows = claims."""
    first = services[0]
    report = recorded_report("mtty-fresh", host=HOST)
    expect(first.ask("PUT", f"/wherry/hosts/{HOST}/report", report), 200)
    provider = first.ask("GET", f"/wherry/offers?host={HOST}").json["offers"][0]["provider"]
    two_ports = {"provider": provider, "type": "mtty/mtty-2"}
    filler = {"host": HOST, "slots": {f"s{n}": two_ports for n in range(PORTS // 2 - 1)}}
    expect(first.ask("PUT", f"/wherry/guests/{'0' * 8}-0000-4000-8000-{'0' * 12}", filler), 200)
    asked = {"host": HOST, "slots": {"port": two_ports}}

    acknowledged = 0
    with racers([service.url for service in services], PROCESSES) as clients:
        for _ in range(rounds):
            outcomes = clients.race(asked)
            winners = [one for one in outcomes if one.status == 200]
            losers = {(one.status, one.code) for one in outcomes if one.status != 200}

            assert len(outcomes) == PROCESSES * THREADS
            assert len(winners) == 1
            assert losers == {(409, "claim.capacity")}
            acknowledged += len(winners)
            for service in services:
                assert held_ports(service.url) == PORTS
                assert len(service.ask("GET", "/wherry/guests").json["guests"]) == 2
            loser_side = services[-1]
            expect(loser_side.ask("DELETE", f"/wherry/guests/{winners[0].guest}"), 204)
            assert held_ports(first.url) == PORTS - 2

    assert acknowledged == rounds


def held_ports(url: str) -> int:
    """Units that are held of the pool, as the service says."""
    detail: dict[str, Any] = expect(ask(url, "GET", f"/wherry/hosts/{HOST}"), 200).json
    uses = [one["use"] for one in detail["providers"] if "use" in one]
    return sum(use.get("charged", {}).get("CUSTOM_MTTY_PORT", 0) for use in uses)
