"""Watching a migration: each step as it happens, a lease that counts down, and how it ends."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from acme_fleet import PROFILES, Fleet, name_of
from cli.inspect_golden import run
from service import clean_environ, run_service
from terminals import STEERING, Terminal
from wherry.app.settings import Settings
from wherry.cli.watching import render_span

G, M = name_of("g"), name_of("m")
ANEW = "\r\x1b[2K"
LEFT = r"(\d+) min (\d\d) s"


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings(database=sqlite_url, profile_dirs=(PROFILES,), preflight_s=60, lease_s=600)


@pytest.fixture
def fleet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Guest g on node-1, and node-2 that takes it."""
    for name in [name for name in os.environ if name.startswith("WHERRY_")]:
        monkeypatch.delenv(name)
    fleet = Fleet(run_service(settings))
    monkeypatch.setenv("WHERRY_URL", fleet.service.url)
    fleet.report("node-1")
    fleet.report("node-2")
    fleet.boot("g", "node-1")
    yield fleet
    fleet.service.stop()


def work(fleet: Fleet, *, confirmed: bool) -> threading.Thread:
    """Answer for the hosts' agents, once each; where one objects, the other is asked no more."""

    def answer() -> None:
        for host in ("node-1", "node-2") if confirmed else ("node-1",):
            for job in fleet.jobs(host, wait=60):
                fleet.answer(job, ok=confirmed, objections=[] if confirmed else ["not now"])

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def what_stays(said: str) -> list[str]:
    """Lines that are on the terminal in the end."""
    return [
        STEERING.sub("", line.rpartition(ANEW)[2]) for line in said.removesuffix("\n").split("\n")
    ]


def test_on_a_terminal_the_lease_counts_down_and_a_restart_is_survived(
    fleet: Fleet, settings: Settings
) -> None:
    fleet.claim("m", "g")
    port = fleet.service.server.server_port
    with Terminal("migrate", "watch", M, columns=72, WHERRY_URL=fleet.service.url) as terminal:
        at = terminal.wait_for(rf"claimed    node-1 -> node-2  lease {LEFT}  token 1")
        first = re.search(LEFT, terminal.said)
        assert first
        at = terminal.wait_for(rf"lease (?!{first[0]}){LEFT}", after=at)
        left = [60 * int(m) + int(s) for m, s in re.findall(LEFT, terminal.said[:at])]
        assert left == sorted(left, reverse=True)
        assert left[-1] < left[0] <= 600
        fleet.service.stop()
        terminal.wait_for("cannot reach", after=at)
        fleet.service = run_service(settings, port=port)
        fleet.step("m", "abort", {"note": "enough"})
        assert terminal.end() == 1
        stays = what_stays(terminal.said)

    assert max(map(len, STEERING.sub("", terminal.said).replace("\r", "\n").splitlines())) <= 72
    assert not any("lease" in line or "cannot" in line for line in stays)
    assert [line for line in stays if "claimed host node-2" in line] == stays[:1]
    assert "gave up the move to host node-2" in " ".join(" ".join(stays).split())
    assert any(line.startswith(f"migration {M}: aborted") for line in stays)


def test_into_a_pipe_each_step_is_one_plain_line(fleet: Fleet) -> None:
    agents = work(fleet, confirmed=True)
    words = ("migrate", G, "--to", "node-2", "--id", M, "--watch")
    with subprocess.Popen(
        [sys.executable, "-m", "wherry", *words],
        env=clean_environ() | {"WHERRY_URL": fleet.service.url},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if "both ends have confirmed" in line:
                agents.join(60)
                assert fleet.step("m", "start", {"token": 1}).status == 200
                assert fleet.step("m", "finish", {"token": 1}).status == 200
        assert process.wait(120) == 0

    story = fleet.service.get(f"/wherry/migrations/{M}")["story"]
    assert len(story) == 5
    assert lines[0].startswith("claimed node-2 for guest")
    assert lines[1:-1] == story
    assert lines[-1].startswith(f"migration {M}: finished")


def test_a_move_that_is_refused_ends_with_1(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    agents = work(fleet, confirmed=False)
    status, out, err = run(capsys, "migrate", G, "--to", "node-2", "--id", M, "--watch")
    agents.join(60)

    assert (status, err) == (1, "")
    assert "not now" in out

    status, out, err = run(capsys, "migrate", "watch", M, "--json")
    assert (status, err) == (1, "")
    (line,) = out.splitlines()
    assert (json.loads(line)["state"], len(json.loads(line)["story"])) == ("refused", 2)


def test_what_is_not_there_cannot_be_watched(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, "migrate", "watch", name_of("nobody"))

    assert (status, out) == (2, "")
    assert "no migration" in err


def test_who_stops_watching_is_told_how_to_go_on(fleet: Fleet) -> None:
    fleet.claim("m", "g")
    with Terminal("migrate", "watch", M, columns=100, WHERRY_URL=fleet.service.url) as terminal:
        terminal.wait_for(rf"lease {LEFT}")
        terminal.interrupt()
        assert terminal.end() == 130, terminal.said
        stays = what_stays(terminal.said)

    assert any(
        line.startswith(f"not watched any more; `wherry migrate watch {M}`") for line in stays
    )

    assert fleet.state("m") == "claimed"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (59.9, "59 s"),
        (0.4, "0 s"),
        (0.0, "has run out"),
        (-7.0, "has run out"),
        (245.0, "4 min 05 s"),
        (7384.0, "2 h 03 min"),
    ],
)
def test_time_that_is_left_is_said_with_its_unit(seconds: float, words: str) -> None:
    assert render_span(seconds) == words
