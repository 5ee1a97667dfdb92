"""Every command that a page shows could be typed: it, its options and its routes are there."""

import re
from itertools import pairwise
from pathlib import Path

import click
import pytest

from docs.shown_commands import ROOT, Shown, every, simple_commands
from wherry.api.placement.routes import ROUTES as PLACEMENT
from wherry.api.wherry import ROUTES as WHERRY
from wherry.cli.main import cli

SHOWN = every()
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
BENCHMARKS = {file.stem for file in (ROOT / "benchmarks").glob("*.py")}
CALLS = {(r.method, r.path) for r in (*PLACEMENT, *WHERRY)}


def of(program: str) -> list[Shown]:
    return [shown for shown in SHOWN if shown.words[0] == program]


def test_there_is_something_to_look_at() -> None:
    """The pages show and name hundreds; if few are found, the looking is broken."""
    assert len(of("wherry")) > 150
    assert sum(not shown.is_named for shown in of("wherry")) > 100
    assert len(of("make")) > 10


def test_a_command_of_wherry_is_one() -> None:
    wrong = {
        shown: _wrong(_plain(shown), is_named=shown.is_named or "--help" in shown.words)
        for shown in of("wherry")
    }

    assert {shown: why for shown, why in wrong.items() if why} == {}


def _plain(shown: Shown) -> list[str]:
    """Give what would be typed where words are left out, or stand in brackets."""
    words = [word.strip("[]") for word in shown.words[1:]]
    return [word for word in words if word not in {"…", "...", "--help"}]


def _wrong(words: list[str], *, is_named: bool) -> str | None:
    """Say what the program's own parser has against this."""
    try:
        _parse(cli, words, None, is_named=is_named)
    except click.exceptions.NoArgsIsHelpError:
        return None if is_named else "it only shows its help"
    except (click.BadParameter, click.BadOptionUsage) as error:
        # A sentence may say N where a number goes, or nothing.
        return None if is_named else str(error)
    except click.UsageError as error:
        return error.format_message()
    except click.exceptions.Exit:
        return None
    return None


def _parse(
    command: click.Command, words: list[str], above: click.Context | None, *, is_named: bool
) -> None:
    context = command.make_context(command.name, list(words), parent=above)
    if not isinstance(command, click.Group):
        return
    rest = [*context._protected_args, *context.args]
    _, inner, rest = command.resolve_command(context, rest)
    assert inner is not None
    if is_named and rest == [] and any(p.required for p in inner.params):
        return
    _parse(inner, rest, context, is_named=is_named)


def test_a_target_of_make_is_one() -> None:
    wanted = {word for shown in of("make") for word in shown.words[1:] if "=" not in word}

    assert wanted <= TARGETS


def test_a_benchmark_that_is_run_is_there() -> None:
    for shown in of("python"):
        assert shown.words[1:3] == ("-m", "benchmarks"), shown
        assert set(shown.words[3:4]) <= BENCHMARKS, shown


def test_a_call_of_curl_is_a_route() -> None:
    calls = [call for shown in of("curl") for call in _calls(shown.words)]

    assert len(calls) > 5
    assert [call for call in calls if not _is_route(*call)] == []


def _is_route(method: str, path: str) -> bool:
    return any(method == other and _matches(template, path) for other, template in CALLS)


def _calls(words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Find out what curl would send where; nothing if it is not said there."""
    methods = [after for word, after in pairwise(words) if word == "-X"]
    has_body = any(word.startswith(("-d", "--data")) for word in words)
    method = (methods or ["POST" if has_body else "GET"])[0]
    urls = (re.match(r"(?:https?://[^/]*|\$\w+|[\w.]+:\d+)(/[^?]*)", word) for word in words[1:])
    return [(method, found[1]) for found in urls if found]


def _matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) is not None


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("wherry hosts | grep x > out", [("wherry", "hosts"), ("grep", "x")]),
        ("A=$(wherry hosts --json) B=2 wherry agent &", [("wherry", "hosts", "--json")]),
        ("for H in a; do wherry agent --name a 2> f & done", [("wherry", "agent", "--name", "a")]),
        ('echo "$(wherry guests)" && make run A=1', [("wherry", "guests"), ("make", "run", "A=1")]),
        ("wherry serve --port 1 || true", [("wherry", "serve", "--port", "1")]),
    ],
)  # fmt: skip
def test_a_line_is_taken_apart(line: str, commands: list[tuple[str, ...]]) -> None:
    found = list(simple_commands(line))

    assert [each for each in commands if each not in found] == []


@pytest.mark.parametrize(
    "words",
    ["hosts --jsno", "migrate watsh M", "targets", "targets G --limit x", "hos", "place --order"],
)  # fmt: skip
def test_what_cannot_be_typed_is_seen(words: str) -> None:
    assert _wrong(words.split(), is_named=False)


def test_a_page_is_run_word_by_word_or_says_why_not() -> None:
    """Each page of tasks is in a test by its name."""
    tests = "".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "tests").rglob("test_*.py")
        if file != Path(__file__)
    )
    typed = [shown for shown in SHOWN if not shown.is_named and "/how-to/" in shown.page]
    pages = {Path(shown.page).name for shown in typed}

    assert len(pages) > 10
    assert [page for page in sorted(pages) if page not in tests] == []
