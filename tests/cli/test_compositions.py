"""Composed devices from the command line and over HTTP: made, listed, held, dissolved."""

import json
import re

import pytest

from acme_fleet import Fleet, name_of
from cli.inspect_golden import run
from service import expect
from wherry.model.compositions import parse_description

TYPE = "acme/a1"


@pytest.fixture
def parent(sqlite_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> str:
    """A board that four of a type fit on; commands find its service."""
    monkeypatch.setenv("WHERRY_URL", sqlite_fleet.service.url)
    sqlite_fleet.report("node-1")
    return sqlite_fleet.provider("node-1")


def test_a_composition_is_made_listed_and_dissolved(
    parent: str, sqlite_fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = run(capsys, "compositions", "create", parent, "pair", f"{TYPE}*2")
    assert (status, err) == (0, "")
    description, made = out.splitlines()
    assert parse_description(description)[1][0].count == 2
    uuid = re.fullmatch(r"1 of CUSTOM_COMPOSED_PAIR on provider (\S+)", made)[1]  # type: ignore[index]

    status, out, _ = run(capsys, "compositions", "list", parent, "--json")
    (shown,) = json.loads(out)["compositions"]
    assert (status, shown["uuid"], shown["description"]) == (0, uuid, description)
    status, out, _ = run(capsys, "compositions", "list", parent)
    assert description in out
    rows = sqlite_fleet.service.get(f"/wherry/offers?host=node-1&type={TYPE}")["offers"]
    assert rows[0]["fits"] == 2

    assert run(capsys, "compositions", "dissolve", parent, uuid) == (
        0,
        f"composition {uuid} is dissolved\n",
        "",
    )
    assert sqlite_fleet.fits("node-1") == 4
    status, out, _ = run(capsys, "compositions", "list", parent)
    assert (status, out) == (0, "nothing is composed of it\n")


def test_what_cannot_be_composed_says_why(parent: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "compositions", "create", parent, "big", f"{TYPE}*5")
    assert (status, "has no room" in err) == (1, True)
    status, _, err = run(capsys, "compositions", "create", parent, "odd", "acme/none")
    assert (status, "does not offer acme/none; it offers acme/a1" in err) == (2, True)
    status, _, err = run(capsys, "compositions", "create", parent, "odd", f"{TYPE}*two")
    assert (status, "TYPE*COUNT" in err) == (2, True)


def test_a_held_composition_names_who_holds_it(parent: str, sqlite_fleet: Fleet) -> None:
    service = sqlite_fleet.service
    path, uuid = f"/wherry/providers/{parent}/compositions", name_of("c")
    asked = {"uuid": uuid, "name": "pair", "parts": [{"type": TYPE, "count": 2}]}
    assert service.post(path, asked) == service.post(path, asked)
    slot = {"provider": uuid, "type": "composed/pair"}
    body = {"host": "node-1", "tenant": "alpha", "slots": {"gpu0": slot}}
    service.put(f"/wherry/guests/{name_of('g')}", body)

    told = expect(service.ask("DELETE", f"{path}/{uuid}"), 409)

    assert told.error["code"] == "composition.held"
    assert name_of("g") in told.error["message"]
    assert expect(service.ask("POST", path, {**asked, "name": "other"}), 409).error["code"] == (
        "already_exists"
    )
    expect(service.ask("DELETE", f"/wherry/guests/{name_of('g')}"), 204)
    expect(service.ask("DELETE", f"{path}/{uuid}"), 204)
    expect(service.ask("GET", f"{path}/{uuid}"), 404)
