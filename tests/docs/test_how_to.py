"""What the pages of tasks have one type does what they say, on fleets as they have them.

The pages whose commands print more stand in tests beside what they are about.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from acme_fleet import Fleet, name_of, sqlite_fleet
from cli.conftest import placement
from cli.inspect_golden import run
from doc_tables import read_table
from docs.shown_commands import ROOT, of_page, simple_commands
from introspect.trees import write_tree
from reports import recorded_report
from service import Running, clean_environ, run_service, service
from wherry.api.openstack.config import read_config
from wherry.app.settings import Settings, load_settings
from wherry.cli.main import cli
from wherry.hosts import recordings
from wherry.model.queries import WhyCode

__all__ = ["placement", "service", "sqlite_fleet"]

HOW_TO = ROOT / "docs" / "how-to"
GUEST = "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"

Ran = tuple[int, str, str]
Wherry = Callable[..., Ran]


@pytest.fixture
def wherry(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Wherry:
    """Run the words of a page, some of them replaced, against a service."""
    for name in [name for name in os.environ if name.startswith("WHERRY_")]:
        monkeypatch.delenv(name)

    def call(service: Running | None, words: tuple[str, ...], **instead: str) -> Ran:
        if service is not None:
            monkeypatch.setenv("WHERRY_URL", service.url)
        return run(capsys, *(instead.get(word, word) for word in words[1:]))

    return call


def typed(page: str, *begin: str) -> list[tuple[str, ...]]:
    """Commands of Wherry that a page shows in its blocks, in their order."""
    found = [c.words for c in of_page(HOW_TO / page) if not c.is_named and c.words[0] == "wherry"]
    assert found
    return [words for words in found if words[1 : 1 + len(begin)] == begin]


def test_keep_guests_apart(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    """keep-guests-apart.md"""
    sqlite_fleet.report("node-1")
    sqlite_fleet.report("node-2")
    sqlite_fleet.boot("g", "node-1")
    put, list_all, ask = typed("keep-guests-apart.md")
    assert name_of("g") in put

    assert wherry(sqlite_fleet.service, put)[0] == 0
    assert "anti-affinity" in wherry(sqlite_fleet.service, list_all)[1]
    assert "taken by 1 of 2 hosts" in wherry(sqlite_fleet.service, ask)[1]


def test_keep_hosts_for_tenants(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    """keep-hosts-for-tenants.md: by an aggregate, and by a label."""
    sqlite_fleet.report("node-17")

    for words in typed("keep-hosts-for-tenants.md"):
        assert wherry(sqlite_fleet.service, words)[0] == 0
    host = sqlite_fleet.service.get("/wherry/hosts/node-17")["host"]
    assert host["labels"] == {"tenants": "alpha,beta"}


@contextmanager
def agents_of(fleet: Fleet, hosts: tuple[str, ...]) -> Iterator[None]:
    """Have the agents of hosts confirm whatever they are asked."""
    over = threading.Event()

    def work(host: str) -> None:
        while not over.is_set():
            for job in fleet.jobs(host, wait=1):
                fleet.answer(job)

    threads = [threading.Thread(target=work, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_move_with_alternates(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    """move-with-alternates.md: each claim is given up before the next."""
    hosts = ("node-1", "node-2", "node-3", "node-7")
    for host in hosts:
        sqlite_fleet.report(host)
    sqlite_fleet.service.put(f"/wherry/guests/{GUEST}", sqlite_fleet.a_guest("node-1"))
    shown = typed("move-with-alternates.md")
    *moves, force = [words for words in shown if words[2] not in {"start", "watch"}]
    (start,) = typed("move-with-alternates.md", "migrate", "start")
    (watch,) = typed("move-with-alternates.md", "migrate", "watch")
    assert len(moves) == 2

    with agents_of(sqlite_fleet, hosts):
        for words in (*moves, force):
            status, out, _ = wherry(sqlite_fleet.service, words, **{"6f1c0d52-…": GUEST})
            assert (status, "confirmed" in out) == (0, True)
            move = sqlite_fleet.service.get("/wherry/migrations")["migrations"][0]
            token = str(move["token"])
            begun = wherry(sqlite_fleet.service, start, **{"0b9a…": move["uuid"], "2": token})
            assert begun[0] == 0
            wherry(sqlite_fleet.service, ("wherry", "migrate", "abort", move["uuid"]))
            status, out, _ = wherry(sqlite_fleet.service, watch, **{"0b9a…": move["uuid"]})
            assert (status, "gave up the move" in out) == (1, True)
    assert move["forced"]["why"] == "the rack loses power at 18:00"


def test_partition_a_gpu(wherry: Wherry, service: Running) -> None:
    """partition-a-gpu.md: the host of the page is a recorded one."""
    report = recorded_report("mtty-fresh", host="node-17")
    service.put("/wherry/hosts/node-17/report", report)
    provider = service.get("/wherry/offers?host=node-17")["offers"][0]["provider"]
    shown = typed("partition-a-gpu.md")
    page = (HOW_TO / "partition-a-gpu.md").read_text(encoding="utf-8")
    instead = {"a3c1e5d0-7b42-4f0e-8d6b-51f2a9c4e001": provider}
    assert [words[1:3] for words in shown] == [
        ("hosts", "show"), ("hosts", "offers"), ("compositions", "create"),
        ("compositions", "list"), ("compositions", "dissolve"),
    ]  # fmt: skip

    for words in shown:
        status, out, err = wherry(service, words, **instead)
        assert (status, err) == (0, "")
        if words[2] == "create":
            assert out.splitlines()[0] in page
            instead["5b0f4a7e-2c1d-4e8b-9a6f-0d3c7b1e2f01"] = out.split()[-1]


def test_ask_through_placement(
    wherry: Wherry, sqlite_fleet: Fleet, placement: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ask-through-placement.md: what it shows is printed, but for what this fleet has not."""
    for host, said in {
        "node-17": {"version": "2.0.1", "features": "X"},
        "node-18": {"version": "2.1.1", "features": "X Z"},
        "node-21": {"version": "2.0.4", "features": "X"},
    }.items():
        sqlite_fleet.report(host, **said)
    sqlite_fleet.boot("g", "node-17")
    monkeypatch.setenv("WHERRY_PLACEMENT_TOKEN", "admin")
    address = {"http://controller/placement": placement.url}
    page = (HOW_TO / "ask-through-placement.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"\$ wherry query \S+\n(.*?)left to judge", page, re.DOTALL)

    for words in typed("ask-through-placement.md"):
        if words[1] == "db":  # on SQLite the service has to be stopped for it
            continue
        status, out, err = wherry(sqlite_fleet.service, words, **address)
        assert (status, err) == (0, "")
        if words[1:] == ("query", name_of("g")):
            # The driver of this fleet can hide every feature, and its hosts count no processors.
            sentences = [x for x in block.splitlines() if "VCPU" not in x and "hide" not in x]
            assert [line for line in sentences if line not in out.splitlines()] == []


def test_every_cause_of_no_query_is_in_its_table() -> None:
    told = read_table("how-to/ask-through-placement.md", "code")

    assert tuple(row["code"] for row in told) == get_args(WhyCode)


def test_record_a_host(
    wherry: Wherry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Running
) -> None:
    """record-a-host.md: the copy of a host stands in for the host."""
    write_tree(recordings.load("mtty-fresh"), tmp_path / "copy")
    (tmp_path / "beside").mkdir()
    monkeypatch.chdir(tmp_path)
    first, *others = typed("record-a-host.md")
    assert first == ("wherry", "inspect", "--record", "host.ndjson")

    for words in others:
        assert wherry(None, words)[0] == 0
    assert Path("host.ndjson").read_bytes() == Path("again.ndjson").read_bytes()
    (use,) = simple_commands("wherry import host.ndjson --beside beside/")
    assert wherry(service, use)[1].startswith("host: stored")


def test_run_an_agent(service: Running, tmp_path: Path) -> None:
    """run-an-agent.md: of this host, and of a recorded one; each once."""
    token, recording = tmp_path / "agent.token", tmp_path / "node-17.ndjson"
    token.write_text("secret\n")
    recording.write_bytes((ROOT / "src/wherry/data/recordings/mtty-fresh.ndjson").read_bytes())
    instead = {
        "https://wherry.example": service.url,
        "/etc/wherry/agent.token": str(token),
        "node-17.ndjson": str(recording),
    }
    once, acting = typed("run-an-agent.md", "agent")

    for words in (once, (*acting, "--once")):
        done = subprocess.run(
            [sys.executable, "-m", *(instead.get(word, word) for word in words)],
            env=clean_environ() | {"WHERRY_URL": service.url},
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        assert "report" in done.stdout
    assert "node-17" in {host["name"] for host in service.get("/wherry/hosts")["hosts"]}


def options_of(words: tuple[str, ...]) -> Mapping[str, Any]:
    """What ``wherry serve`` is told by words."""
    command = cli.get_command(click.Context(cli), "serve")
    assert command is not None
    # A command keeps the words for help that it is first asked with, so they are Wherry's own.
    above = click.Context(cli, help_option_names=["-h", "--help"])
    said = command.make_context("serve", list(words[2:]), parent=above).params
    return {name: value for name, value in said.items() if name != "config"}


def test_run_the_service(tmp_path: Path, sqlite_url: str) -> None:
    """run-the-service.md: its script makes a token that the service takes, and no other."""
    page = (HOW_TO / "run-the-service.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```sh\n(TOKEN=.*?)^wherry serve", page, re.DOTALL | re.MULTILINE)
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, timeout=60)
    plain, with_tokens, on_postgresql = (options_of(w) for w in typed("run-the-service.md"))

    assert not any(plain.values())
    assert load_settings(on_postgresql, environ={}).workers == 4
    file = tmp_path / str(with_tokens["tokens_file"])
    settings = load_settings({**with_tokens, "tokens_file": str(file)}, environ={})
    assert (settings.host, settings.auth) == ("0.0.0.0", "token")

    token = (tmp_path / "agent.token").read_text()
    running = run_service(Settings(database=sqlite_url, auth="token", tokens_file=file), token)
    try:
        assert running.ask("GET", "/wherry/hosts").status == 200
        assert running.ask("GET", "/wherry/hosts", token="another").status == 401
        for path in re.findall(r"^\| `(/\w+)` \|", page, re.MULTILINE):
            assert running.ask("GET", path).status == 200
    finally:
        running.stop()


def test_use_keystone(tmp_path: Path) -> None:
    """use-keystone.md: its file of options is one, and its words start the service with it."""
    page = (HOW_TO / "use-keystone.md").read_text(encoding="utf-8")
    (ini,) = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "keystone.conf"
    file.write_text(ini, encoding="utf-8")
    (words,) = typed("use-keystone.md", "serve")
    said = {**options_of(words), "keystone_config": str(file)}

    settings = load_settings(said, environ={})
    assert (settings.auth, settings.keystone_config) == ("keystone", file)
    read_config(file)


def test_measure() -> None:
    """measure.md: it has a line for each piece of work; how they go is tested beside them."""
    bench = cli.get_command(click.Context(cli), "bench")
    assert isinstance(bench, click.Group)

    assert {words[2] for words in typed("measure.md", "bench")} == set(bench.commands)
