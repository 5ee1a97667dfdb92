"""On a terminal all fits its width, in colour if it is wanted; into a pipe go plain lines."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from acme_fleet import Fleet, name_of
from service import clean_environ
from terminals import STEERING, Terminal, stdout_on_terminal
from wherry.cli.fitting import cells
from wherry.cli.main import main

LONG = "compute-in-the-back-room-" + "0123456789" * 3
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
G = name_of("g")
COMMANDS = {
    "hosts": ("hosts",),
    "host": ("hosts", "show", LONG),
    "offers": ("hosts", "offers"),
    "explain": ("targets", G, "--explain", "--remedies"),
    "guests": ("guests",),
    "guest": ("guests", "show", G),
    "migrations": ("migrate", "list"),
    "migration": ("migrate", "show", name_of("m")),
}

Shown = Callable[..., str]


@pytest.fixture
def on_terminal(sqlite_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Run a command on a terminal, against a fleet with long names and much to say."""
    for name in [*filter(lambda n: n.startswith("WHERRY_"), os.environ), "NO_COLOR"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("WHERRY_URL", sqlite_fleet.service.url)
    sqlite_fleet.report(LONG, version="2.0.1", features="X")
    sqlite_fleet.report("node-2", version="2.1.1", features="X Y")
    sqlite_fleet.report("node-3", version="3.0.0", features="Y")
    labels = {"labels": {"rack": "r17", "row": "left of the door"}}
    assert sqlite_fleet.service.ask("PATCH", "/wherry/hosts/node-2", labels).status == 200
    sqlite_fleet.boot("g", LONG)
    assert sqlite_fleet.claim("m", "g").status == 200

    def shown(*words: str, columns: int) -> str:
        monkeypatch.setenv("COLUMNS", str(columns))
        with stdout_on_terminal() as said, pytest.raises(SystemExit):
            main(words)
        return said[0]

    return shown


def test_each_command_fits_each_width(on_terminal: Shown) -> None:
    """No line is wider, and what one copies is in one piece."""
    for name, words in COMMANDS.items():
        for columns in (40, 80, 120, 200):
            text = STEERING.sub("", on_terminal(*words, columns=columns))
            wide = [line for line in text.splitlines() if cells(line) > columns]
            assert wide == [], (name, columns)
            if name in {"guests", "migrations"}:
                assert G in text, (name, columns)
            if name == "hosts":
                flat = re.sub(r"\s+", " ", text)
                assert re.search(r"\d{4}-\d\d-\d\dT\S+Z", flat), columns


def test_at_200_columns_a_row_is_a_line(on_terminal: Shown) -> None:
    text = STEERING.sub("", on_terminal("hosts", columns=200))

    assert len(text.splitlines()) == 4
    assert LONG in text


def test_colour_is_for_terminals_that_want_it(
    on_terminal: Shown, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS["explain"]
    assert COLOUR.search(on_terminal(*words, columns=100))
    monkeypatch.setenv("NO_COLOR", "1")
    assert not COLOUR.search(on_terminal(*words, columns=100))
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not COLOUR.search(on_terminal(*words, columns=100))
    monkeypatch.setenv("TERM", "xterm-256color")
    with pytest.raises(SystemExit):
        main(words)
    assert "\x1b" not in capsys.readouterr().out


def test_the_width_is_that_of_the_terminal(on_terminal: Shown, sqlite_fleet: Fleet) -> None:
    """A process of its own asks its terminal, without a variable that says it."""
    url = sqlite_fleet.service.url
    with Terminal("hosts", columns=90, WHERRY_URL=url) as terminal:
        assert terminal.end() == 0
        widths = [cells(line) for line in terminal.text.splitlines()]

    assert 75 < max(widths) <= 90
    assert LONG not in terminal.text


def test_into_a_pipe_nothing_is_folded_or_coloured(on_terminal: Shown, sqlite_fleet: Fleet) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wherry", "hosts"],
        env={**clean_environ(), "WHERRY_URL": sqlite_fleet.service.url, "COLUMNS": "40"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == 4
    assert LONG in done.stdout
