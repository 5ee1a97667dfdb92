"""The matrix over HTTP: its cells are what the check answers, and it says what it cannot draw."""

from itertools import product
from typing import Any

import pytest

from acme_fleet import Fleet
from cli.inspect_golden import run

TYPE = "acme/a1"


@pytest.fixture
def mixed(sqlite_fleet: Fleet) -> Fleet:
    """Three kinds of one type: two hosts of the first."""
    sqlite_fleet.report("node-1", version="2.0.1", features="X")
    sqlite_fleet.report("node-2", version="2.0.1", features="X")
    sqlite_fleet.report("node-3", version="2.1.0", features="X Y")
    sqlite_fleet.report("node-4", version="3.0.0", features="X")
    return sqlite_fleet


def draw(fleet: Fleet, **asked: str) -> Any:
    words = "&".join(f"{name}={value}" for name, value in {"type": TYPE, **asked}.items())
    return fleet.service.get(f"/wherry/matrix?{words}")


@pytest.mark.parametrize("mode", ["live", "cold", "replug"])
def test_each_cell_is_what_the_check_answers(mixed: Fleet, mode: str) -> None:
    matrix = draw(mixed, mode=mode)
    packs = mixed.service.get("/wherry/packs")["packs"]

    assert [kind["providers"] for kind in matrix["kinds"]] == [2, 1, 1]
    for (row, source), (column, target) in product(enumerate(matrix["kinds"]), repeat=2):
        body = {
            "contract": source["contract"],
            "offer": target["offer"],
            "policy": {"mode": mode, "packs": packs},
        }
        told = mixed.service.ask("POST", "/wherry/check", body).json
        assert matrix["cells"][row][column][0] == told["verdict"]
        path = f"/wherry/matrix/pair?type={TYPE}&source={source['id']}&target={target['id']}"
        assert mixed.service.get(f"{path}&mode={mode}")["there"] == told


def test_types_are_listed_with_who_offers_them(mixed: Fleet) -> None:
    (row,) = mixed.service.get("/wherry/types")["types"]

    assert row == {"type": TYPE, "kinds": ["mdev"], "providers": 4, "hosts": 4}


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("", 400, "'type' is missing"),
        ("?type=acme/a9", 404, "no offer of type acme/a9"),
        (f"?type={TYPE}&mode=fast", 400, "mode"),
        (f"/pair?type={TYPE}&source=000000000000", 400, "'target' is missing"),
        (f"/pair?type={TYPE}&source=000000000000&target=000000000000", 404, "draw the matrix anew"),
        (f"/pair?type={TYPE}&source=x&target=y", 400, "source"),
    ],
)
def test_what_cannot_be_drawn_is_said(mixed: Fleet, path: str, status: int, says: str) -> None:
    answer = mixed.service.ask("GET", f"/wherry/matrix{path}")

    assert answer.status == status
    assert says in answer.json["error"]["message"]


def test_the_command_tells_kinds_ways_and_differences(
    mixed: Fleet, capsys: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("WHERRY_URL", mixed.service.url)

    status, out, err = run(capsys, "matrix")
    assert (status, err) == (0, "")
    assert out.split() == ["TYPE", "KINDS", "PROVIDERS", "HOSTS", "acme/a1", "mdev", "4", "4"]

    status, out, err = run(capsys, "matrix", TYPE)
    assert (status, err) == (0, "")
    assert out.startswith(f"{TYPE}, mode live: 3 kinds of offers\n")
    assert "WHY NOT BACK" in out
    assert "interface.supports" in out

    older, newer, _ = sorted(draw(mixed)["kinds"], key=lambda k: str(k["differs"]))
    there = run(capsys, "matrix", TYPE, "--pair", older["id"], newer["id"])
    back = run(capsys, "matrix", TYPE, "--pair", newer["id"], older["id"])
    assert {there[0], back[0]} == {0, 1}
    assert "VERSION_MINOR_OLDER" in there[1]
    assert "VERSION_MINOR_OLDER" in back[1]

    status, _, err = run(capsys, "matrix", "--pair", "a", "b")
    assert status == 2
    assert "--pair goes with a TYPE" in err
