"""``wherry query`` and ``wherry db rotate-salt``: as text, as JSON, as a command for a shell."""

import json
import re
import subprocess
from typing import Any

import pytest

from acme_fleet import Fleet, name_of
from cli.inspect_golden import run
from service import ask
from wherry.store.engine import read_store
from wherry.store.labels import read_salt

G = name_of("g")
AGGREGATE = "0f1d0c52-3b7e-4f6a-9a51-0c2f7d1e8a01"


@pytest.fixture
def wherry(sqlite_fleet: Fleet, capsys: Any, monkeypatch: Any) -> Any:
    """Run a command against a fleet that publishes; guest g is on node-1."""
    monkeypatch.setenv("WHERRY_URL", sqlite_fleet.service.url)
    sqlite_fleet.report("node-1", version="2.0.1", features="X")
    sqlite_fleet.report("node-2", version="2.1.1", features="X Y")
    sqlite_fleet.report("node-3", version="3.0.0", features="X")
    sqlite_fleet.boot("g", "node-1", features=["X"])
    return lambda *words: run(capsys, "query", *words)


def hosts(fleet: Fleet, path: str) -> set[str]:
    """Names of the roots that a call finds."""
    told = ask(fleet.service.url, "GET", path, headers={"OpenStack-API-Version": "placement 1.39"})
    assert told.status == 200, told.body
    roots = {one["root_provider_uuid"] for one in told.json["provider_summaries"].values()}
    rows = fleet.service.get("/resource_providers")["resource_providers"]
    return {row["name"] for row in rows if row["uuid"] in roots}


def test_a_query_is_said_in_words_and_works(wherry: Any, sqlite_fleet: Fleet) -> None:
    status, out, err = wherry(G)

    assert (status, err) == (0, "")
    assert f"guest {G} on node-1, Placement 1.39\ngpu0, live: 1 CUSTOM_ACME_SLICE\n" in out
    assert "  has       serves mdev vfio-pci acme/a1 (R10-R12)\n" in out
    assert "  one of    interface version: 2.0 or interface version: 2.1 (R20-R24)\n" in out
    assert "  R47: policy packs\n" in out
    assert hosts(sqlite_fleet, out.splitlines()[-1]) == {"node-1", "node-2"}


def test_the_mode_is_that_of_the_policy(wherry: Any, sqlite_fleet: Fleet, tmp_path: Any) -> None:
    """A guest that is shut down may go to another version."""
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"mode": "cold", "accept": ["ok"]}))

    for words in (("--mode", "cold"), ("--policy", file)):
        status, out, _ = wherry(G, "--json", *words)
        told = json.loads(out)
        assert (status, told["groups"][0]["mode"]) == (0, "cold")
        assert hosts(sqlite_fleet, told["query"]) == {"node-1", "node-2", "node-3"}


def test_what_restricts_hosts_is_passed_through(wherry: Any) -> None:
    _, out, _ = wherry(G, "--json", "--member-of", AGGREGATE, "--limit", 3)

    query = json.loads(out)["query"]
    assert f"&member_of_gpu0=in:{AGGREGATE}&" in query
    assert query.endswith("&limit=3")


def test_curl_prints_a_command_that_a_shell_runs(wherry: Any, sqlite_fleet: Fleet) -> None:
    """The query holds what a shell would take for its own; here echo stands for curl."""
    status, out, _ = wherry(G, "--curl")
    path = json.loads(wherry(G, "--json")[1])["query"]

    said = subprocess.run(
        ["/bin/sh", "-c", re.sub("^curl", "echo", out)],
        env={"PLACEMENT_URL": "http://p", "OS_TOKEN": "t"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert status == 0
    assert said.stdout.endswith(f"-H OpenStack-API-Version: placement 1.39 http://p{path}\n")
    assert "-H X-Auth-Token: t " in said.stdout


def test_a_guest_that_no_host_could_take_is_a_no_with_all_reasons(
    wherry: Any, sqlite_fleet: Fleet
) -> None:
    sqlite_fleet.report("node-4", version="9.9.9", features="Q", state="8.0")
    sqlite_fleet.boot("h", "node-4", features=["Q"])
    sqlite_fleet.report("node-4", version="9.8.9", features="R", state="7.0", sequence=2)

    status, out, err = wherry(name_of("h"))

    assert (status, err) == (1, "")
    assert out.splitlines()[1:] == [
        "  gpu0: no offer has feature Q (NO_OFFER)",
        "  gpu0: no offer has a fitting interface version (NO_OFFER)",
        "  gpu0: no offer has a fitting state format (NO_OFFER)",
    ]


def test_a_guest_of_which_nothing_can_be_counted_needs_resources(wherry: Any) -> None:
    """Where `unknown` is accepted, amounts are left to the exact stage."""
    status, out, _ = wherry(G, "--accept", "unknown")

    assert status == 1
    assert "(NO_RESOURCES)" in out


def test_a_service_that_does_not_publish_says_so(
    fleet: Fleet, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("WHERRY_URL", fleet.service.url)
    fleet.report("node-1")
    fleet.boot("g", "node-1")

    status, out, _ = run(capsys, "query", G)

    assert status == 1
    assert "set publish_traits to yes (NOT_PUBLISHED)" in out


@pytest.mark.parametrize(
    "words", ["mode=replug", "accept=maybe", "member_of=x", "limit=0", "postcopy=perhaps", "x=1"]
)
def test_a_question_that_cannot_be_compiled_is_refused(
    wherry: Any, sqlite_fleet: Fleet, words: str
) -> None:
    told = sqlite_fleet.service.ask("GET", f"/wherry/guests/{G}/query?{words}")

    assert told.status == 400
    assert told.error["code"] == "invalid_request"


def test_rotating_needs_the_database_alone_and_counts(
    wherry: Any, sqlite_fleet: Fleet, sqlite_url: str, capsys: Any
) -> None:
    salt = read_store(sqlite_url, read_salt)
    status, _, err = run(capsys, "db", "rotate-salt", "--database", sqlite_url)
    assert status == 3
    assert "use PostgreSQL for several processes" in err
    sqlite_fleet.service.stop()

    status, out, _ = run(capsys, "db", "rotate-salt", "--database", sqlite_url, "--json")

    told = json.loads(out)
    assert (status, told["providers"], told["forgotten"]) == (0, 3, 0)
    assert told["labels"] > 10
    assert read_store(sqlite_url, read_salt) != salt
    assert run(capsys, "db", "check", "--database", sqlite_url)[:2] == (
        0,
        "the database is sound\n",
    )


def test_there_is_no_salt_to_rotate_where_there_is_no_database(capsys: Any, tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/nothing.db"

    status, _, err = run(capsys, "db", "rotate-salt", "--database", url)

    assert status == 3
    assert "there is no database" in err
    assert list(tmp_path.iterdir()) == []
