"""What ``--help`` says is on the page of commands, word for word."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest

from cli.inspect_golden import run
from service import clean_environ
from wherry.cli.main import COMMANDS, cli

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"
BLOCK = re.compile(r"```console\n\$ (wherry[a-z -]*) --help\n(.*?)```\n", re.DOTALL)


def words_of(command: click.Command, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command by its words, groups before what is in them."""
    yield before
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from words_of(inner, (*before, name))


EVERY = list(words_of(cli))


def blocks() -> Mapping[str, str]:
    return dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))


def named(words: tuple[str, ...]) -> str:
    return " ".join(("wherry", *words))


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 80 columns, and nothing set up."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in [name for name in os.environ if name.startswith("WHERRY_")]:
        if name not in {"WHERRY_WRITE_GOLDEN", "WHERRY_TEST_PROFILE", "WHERRY_SHARED"}:
            monkeypatch.delenv(name)


@pytest.mark.parametrize("words", EVERY, ids=named)
def test_the_help_of_a_command_is_on_the_page(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    status, out, err = run(capsys, *words, "--help")
    if os.environ.get("WHERRY_WRITE_GOLDEN") == "1":
        write(named(words), out)

    assert (status, err) == (0, "")
    assert out == blocks()[named(words)]


def write(name: str, text: str) -> None:
    """Put a text into its block of the page, for review in the diff."""
    page = PAGE.read_text(encoding="utf-8")
    block = f"```console\n$ {name} --help\n{text}```\n"
    found = re.compile(rf"```console\n\$ {re.escape(name)} --help\n.*?```\n", re.DOTALL)
    if not found.search(page):
        page += f"\n## `{name}`\n\n{block}"
    PAGE.write_text(found.sub(lambda _match: block, page), encoding="utf-8")


def test_the_page_has_no_command_that_is_not_there() -> None:
    assert set(blocks()) == {named(words) for words in EVERY}


def test_short_help_is_what_the_list_of_commands_says() -> None:
    context = click.Context(cli)
    for name, (_, about) in COMMANDS.items():
        command = cli.get_command(context, name)
        assert command is not None
        assert command.get_short_help_str(100) == about


@pytest.mark.parametrize("words", EVERY, ids=named)
def test_every_option_says_what_it_does(words: tuple[str, ...]) -> None:
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        inner = command.get_command(click.Context(command), word)
        assert inner is not None
        command = inner
    options = [each for each in command.params if isinstance(each, click.Option)]

    assert all(option.help for option in options)
    assert command.help


def test_a_group_without_words_shows_its_help_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "migrate")

    assert (status, out) == (2, "")
    assert err.rstrip("\n") == blocks()["wherry migrate"].rstrip("\n")


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", "wherry ho", ["hosts"]),
        ("bash", "wherry migrate st", ["start"]),
        ("zsh", "wherry hosts set --st", ["--state"]),
        ("fish", "wherry hosts set --state ma", ["maintenance"]),
    ],
)
def test_a_shell_completes_commands_options_and_choices(
    shell: str, words: str, expected: list[str]
) -> None:
    environ = {
        **clean_environ(),
        "_WHERRY_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": words.rpartition(" ")[2] if shell == "fish" else str(words.count(" ")),
    }
    program = Path(sys.executable).parent / "wherry"
    done = subprocess.run(
        [program], env=environ, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0
    assert [word for word in expected if word not in done.stdout] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_given_its_completion(shell: str) -> None:
    program = Path(sys.executable).parent / "wherry"
    done = subprocess.run(
        [program],
        env={**clean_environ(), "_WHERRY_COMPLETE": f"{shell}_source"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0
    assert "_WHERRY_COMPLETE" in done.stdout
