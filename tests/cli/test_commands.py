"""Commands that ask the service: what a person reads, what a program reads, how they end."""

import json
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from acme_fleet import Fleet, name_of
from cli.inspect_golden import run
from wherry.hosts import recordings
from wherry.model.guests import Guest
from wherry.model.wire import GuestList, HostDetail, HostList, MigrationList, OfferList

GOLDEN = Path(__file__).parent / "golden" / "commands"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
Ran = tuple[int, str, str]
Wherry = Callable[..., Ran]

G, M = name_of("g"), name_of("m")


@pytest.fixture
def wherry(
    sqlite_fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Wherry:
    """Run a command against a fleet of three hosts, on which guest g runs."""
    for name in [name for name in os.environ if name.startswith("WHERRY_")]:
        if name != "WHERRY_WRITE_GOLDEN":
            monkeypatch.delenv(name)
    monkeypatch.setenv("WHERRY_URL", sqlite_fleet.service.url)
    sqlite_fleet.report("node-1", version="2.0.1", features="X")
    sqlite_fleet.report("node-2", version="2.1.1", features="X Y")
    sqlite_fleet.report("node-3", version="3.0.0", features="Y")
    sqlite_fleet.boot("g", "node-1")
    capsys.readouterr()

    def call(*words: object) -> Ran:
        return run(capsys, *words)

    return call


def same_as(name: str, text: str) -> None:
    """Compare with the checked-in text, times left out."""
    file = GOLDEN / name
    shown = TIME.sub("TIME", text)
    if os.environ.get("WHERRY_WRITE_GOLDEN") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


SHOWN = {
    "hosts.txt": (0, ("hosts",)),
    "hosts-show.txt": (0, ("hosts", "show", "node-1")),
    "hosts-offers.txt": (0, ("hosts", "offers")),
    "hosts-lints.txt": (0, ("hosts", "lints")),
    "guests.txt": (0, ("guests",)),
    "guests-show.txt": (0, ("guests", "show", G)),
    "targets.txt": (0, ("targets", G)),
    "targets-explain.txt": (0, ("targets", G, "--explain")),
    "targets-remedies.txt": (1, ("targets", G, "--host", "node-3", "--remedies")),
    "targets-none.txt": (1, ("targets", G, "--host", "node-3", "--explain")),
    "migrate-list.txt": (0, ("migrate", "list")),
}


def test_a_type_that_means_two_things_is_a_no(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    sqlite_fleet.report("node-4", version="2.0.1", features="X Z")
    status, out, err = wherry("hosts", "lints")

    assert (status, err) == (1, "")
    same_as("hosts-lints-some.txt", out)


@pytest.mark.parametrize("name", SHOWN)
def test_what_a_person_reads(wherry: Wherry, name: str) -> None:
    expected, words = SHOWN[name]
    status, out, err = wherry(*words)

    assert (status, err) == (expected, "")
    same_as(name, out)


@pytest.mark.parametrize(
    ("words", "path", "kind"),
    [
        (("hosts", "--json"), "/wherry/hosts", HostList),
        (("hosts", "list", "--json"), "/wherry/hosts", HostList),
        (("hosts", "show", "node-1", "--json"), "/wherry/hosts/node-1", HostDetail),
        (
            ("hosts", "offers", "--json", "--host", "node-2"),
            "/wherry/offers?host=node-2",
            OfferList,
        ),
        (("guests", "--json"), "/wherry/guests", GuestList),
        (("guests", "--host", "node-1", "--json"), "/wherry/guests?host=node-1", GuestList),
        (("guests", "show", G, "--json"), f"/wherry/guests/{G}", Guest),
        (("migrate", "list", "--json"), "/wherry/migrations", MigrationList),
    ],
)
def test_what_a_program_reads_is_the_services_answer(
    wherry: Wherry, sqlite_fleet: Fleet, words: tuple[str, ...], path: str, kind: Any
) -> None:
    status, out, err = wherry(*words)

    assert (status, err) == (0, "")
    told = sqlite_fleet.service.ask("GET", path).body
    assert msgspec.json.decode(out, type=kind) == msgspec.json.decode(told, type=kind)


def test_a_host_is_set(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    done = wherry("hosts", "set", "node-2", "--state", "maintenance", "--label", "rack=r3")
    assert done[0] == 0
    host = sqlite_fleet.service.get("/wherry/hosts/node-2")["host"]
    assert (host["state"], host["labels"]) == ("maintenance", {"rack": "r3"})

    assert wherry("hosts", "set", "node-2", "--label", "rack=")[0] == 0
    assert sqlite_fleet.service.get("/wherry/hosts/node-2")["host"].get("labels", {}) == {}


def test_an_aggregate_is_kept_for_tenants_and_let_go(wherry: Wherry) -> None:
    red = name_of("red")
    assert wherry("aggregates")[1] == "every aggregate is for everybody\n"
    told = wherry("aggregates", "put", red, "alpha", "beta")[1]
    assert told == f"aggregate {red}: for alpha, beta, 0 hosts\n"
    assert "alpha, beta" in wherry("aggregates", "list")[1]
    assert wherry("aggregates", "show", red)[1] == told

    assert wherry("aggregates", "put", red, "a", "a")[0] == 2
    assert wherry("aggregates", "remove", red)[1] == f"aggregate {red} is for everybody\n"
    assert wherry("aggregates", "show", red)[0] == 2


def put_file(folder: Path, value: Any) -> Path:
    file = folder / "body.json"
    file.write_text(json.dumps(value))
    return file


def test_a_guest_is_recorded_plugged_rebooted_and_forgotten(
    wherry: Wherry, sqlite_fleet: Fleet, tmp_path: Path
) -> None:
    guest = name_of("h")
    body = put_file(tmp_path, sqlite_fleet.a_guest("node-2"))
    assert wherry("guests", "put", guest, "--file", body)[0] == 0
    plug = {
        "slot": "gpu1",
        "device": {"provider": sqlite_fleet.provider("node-2"), "type": "acme/a1"},
    }
    assert wherry("guests", "plug", guest, "--file", put_file(tmp_path, plug))[0] == 0
    assert sqlite_fleet.fits("node-2") == 2
    assert wherry("guests", "unplug", guest, "gpu1")[0] == 0
    status, out, _ = wherry("guests", "reboot", guest)
    assert (status, "pinned anew" in out) == (0, True)
    assert wherry("guests", "delete", guest)[0] == 0
    assert sqlite_fleet.fits("node-2") == 4


def test_a_file_may_come_from_stdin(
    wherry: Wherry, sqlite_fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = put_file(tmp_path, sqlite_fleet.a_guest("node-2"))
    with file.open("rb") as opened:
        monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": opened}))
        assert wherry("guests", "put", name_of("h"), "--file", "-")[0] == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "no strict JSON"),
        ('{"host": "a", "host": "b"}', "`host` twice"),
        ('{"host": "a", "colour": 1}', "colour"),
        ("[]", "object"),
    ],
)
def test_a_file_that_is_not_sound_is_refused_by_its_name(
    wherry: Wherry, tmp_path: Path, content: str, words: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content)
    status, out, err = wherry("guests", "put", G, "--file", file)

    assert (status, out) == (2, "")
    assert err.startswith(f"wherry: {file}: ")
    assert words in err


def work(fleet: Fleet, confirmed: bool = True) -> threading.Thread:
    """Answer for the hosts' agents, once each; where one objects, the other is asked no more."""

    def answer() -> None:
        for host in ("node-1", "node-2") if confirmed else ("node-1",):
            for job in fleet.jobs(host, wait=60):
                fleet.answer(job, ok=confirmed, objections=[] if confirmed else ["not now"])

    thread = threading.Thread(target=answer)
    thread.start()
    return thread


def test_a_guest_is_moved_step_by_step(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    agents = work(sqlite_fleet)
    status, out, err = wherry("migrate", G, "--to", "node-2", "--id", M)
    agents.join(timeout=60)
    assert (status, err) == (0, "")
    same_as("migrate-confirmed.txt", out)
    token = re.findall(r"token (\d+)", out)[-1]
    assert wherry("migrate", "start", M, "--token", token)[0] == 0
    _, out, _ = wherry("migrate", "renew", M, "--token", token, "--lease", "600", "--json")
    token = str(json.loads(out)["token"])
    assert wherry("migrate", "finish", M, "--token", token)[0] == 0
    status, out, _ = wherry("migrate", "show", M)

    assert status == 0
    same_as("migrate-show.txt", out)
    assert sqlite_fleet.service.get(f"/wherry/guests/{G}")["host"] == "node-2"


def test_a_refused_move_ends_with_1_and_says_why(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    agents = work(sqlite_fleet, confirmed=False)
    status, out, _ = wherry("migrate", G, "--to", "node-2", "--id", M)
    agents.join(timeout=60)

    assert status == 1
    assert "refused" in out
    assert "not now" in out


def test_a_claim_is_begun_and_given_up(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    begun = wherry("migrate", "begin", M, "--guest", G, "--json")
    again = wherry("migrate", "begin", M, "--guest", G, "--json")
    assert begun[0] == 0
    assert begun == again
    assert wherry("migrate", "abort", M, "--note", "enough")[0] == 0
    assert sqlite_fleet.state("m") == "aborted"


def test_no_target_ends_with_1(wherry: Wherry) -> None:
    status, out, err = wherry("migrate", G, "--to", "node-3")

    assert (status, out) == (1, "")
    assert "node-3 does not take" in err


def test_recorded_hosts_are_imported_and_those_that_cannot_be_are_named(
    wherry: Wherry, sqlite_fleet: Fleet, tmp_path: Path
) -> None:
    good, bad = tmp_path / "serial.ndjson", tmp_path / "broken.ndjson"
    whole = recordings.read("mtty-fresh")
    good.write_text(whole, encoding="utf-8")
    bad.write_text(whole[: len(whole) // 2], encoding="utf-8")
    status, out, err = wherry("import", bad, good)

    assert status == 2
    assert err.startswith(f"wherry: {bad}")
    assert out.startswith("serial: stored, ")
    names = [host["name"] for host in sqlite_fleet.service.get("/wherry/hosts")["hosts"]]
    assert names == ["node-1", "node-2", "node-3", "serial"]


@pytest.mark.parametrize(
    "words",
    [
        ("hosts",),
        ("hosts", "show", "n"),
        ("guests",),
        ("targets", G),
        ("migrate", G),
        ("migrate", "list"),
        ("import", str(Path(__file__))),
    ],
)
def test_where_nobody_answers_the_end_is_3_and_says_what_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    source = tmp_path / "n.ndjson"
    source.write_text(recordings.read("mtty-fresh"), encoding="utf-8")
    given = [str(source) if word.endswith(".py") else word for word in words]
    status, out, err = run(capsys, *given, "--url", "http://127.0.0.1:9")

    assert status == 3
    assert out == ""
    assert err.startswith("wherry: cannot reach http://127.0.0.1:9: ")
    assert "wherry serve" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing",), "No such command 'nothing'"),
        (("hosts", "set", "node-1"), "give --state or --label"),
        (("hosts", "set", "node-1", "--label", "rack"), "is not NAME=VALUE"),
        (("hosts", "set", "node-1", "--state", "off"), "Invalid value for '--state'"),
        (("targets",), "Missing argument 'GUEST'"),
        (("targets", G, "--limit", "0"), "--limit"),
        (("targets", G, "--mode", "teleport"), "--mode"),
        (("guests", "put", G), "Missing option '--file'"),
        (("migrate", "start", M), "Missing option '--token'"),
        (("hosts", "--url", "nowhere"), "is no URL such as"),
        (("hosts", "--token-file", "/nowhere"), "/nowhere cannot be read"),
        (("import", "a", "b", "--name", "c"), "go with one SOURCE"),
        (("guests", "show", "nobody"), "'nobody' is no uuid"),
        (("guests", "show", name_of("nobody")), "no guest"),
        (("hosts", "show", "nobody"), "no host nobody"),
        (("agent", "--interval-s", "0"), "--interval-s"),
        (("serve", "--port", "x"), "--port"),
    ],
)
def test_bad_usage_or_input_ends_with_2_in_one_line(
    wherry: Wherry, words: tuple[str, ...], says: str
) -> None:
    status, out, err = wherry(*words)

    assert (status, out) == (2, "")
    assert err.startswith("wherry: ")
    assert says in err
    assert len(err.splitlines()) == 1


def test_a_name_cannot_write_on_the_terminal(wherry: Wherry, sqlite_fleet: Fleet) -> None:
    evil = {"labels": {"a": "x\x1b[2Jy"}}
    assert sqlite_fleet.service.ask("PATCH", "/wherry/hosts/node-1", evil).status == 200
    _, out, _ = wherry("hosts")

    assert "\x1b" not in out


def test_help_starts_quickly_because_commands_load_when_they_are_used() -> None:
    import subprocess
    import sys

    code = "import sys, wherry.cli.main; print([m for m in sys.modules if 'sqlalchemy' in m])"
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
    assert time.monotonic() - began < 30
