"""The commands of each tutorial do what it shows, on the services that it has its reader start."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from service import Process

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorial").glob("*.md"))
NAMES = [page.stem for page in PAGES if page.stem != "index"]
PORT = "8778"
"""Where a service listens, and commands ask, unless something else is said."""


@pytest.fixture
def page(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The page, with a folder of the test's own for the reader's."""
    page = ROOT / "docs" / "tutorial" / f"{request.param}.md"
    return re.sub(r"/tmp\b", str(tmp_path), page.read_text(encoding="utf-8"))


@pytest.fixture
def services(page: str) -> Iterator[Mapping[str, Process]]:
    """What the page starts in the background, by port; each listens on a free one instead."""
    _write_profiles(page)
    running: dict[str, Process] = {}
    try:
        for words in re.findall(r"^wherry serve (.*) &$", page, flags=re.MULTILINE):
            options = shlex.split(words)
            at = options.index("--port") if "--port" in options else None
            port = PORT if at is None else options[at + 1]
            rest = options if at is None else options[:at] + options[at + 2 :]
            running[port] = Process((*rest, "--port", "0")).start()
        yield running
    finally:
        for process in running.values():
            process.stop()


def _write_profiles(page: str) -> None:
    """Write the files that the page has its reader write, where it says."""
    for name, text in re.findall(r"`(/\S+\.toml)`:\n\n```toml\n(.*?)```", page, flags=re.DOTALL):
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize("page", NAMES, indirect=True)
def test_every_command_of_a_tutorial_answers_as_shown(
    page: str, services: Mapping[str, Process]
) -> None:
    """Commands run in one shell, in order; ``...`` stands for lines that are left out."""
    assert PORT in services
    real = {f"127.0.0.1:{port}": f"127.0.0.1:{each.port}" for port, each in services.items()}
    shown = list(exchanges(page))
    assert len(shown) > 8
    marks = [f"--- {number} ---" for number in range(len(shown))]
    script = "\n".join(
        line
        for mark, (command, _) in zip(marks, shown, strict=True)
        for line in (f"echo {shlex.quote(mark)}", _instead(command, real))
    )
    environ = {name: text for name, text in os.environ.items() if not name.startswith("WHERRY_")}
    bin_dir = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=ROOT,
        env=environ | {"PATH": f"{bin_dir}:{environ['PATH']}", "WHERRY_URL": services[PORT].url},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    said = _instead(done.stdout, {there: here for here, there in real.items()})
    printed = re.split(r"^--- \d+ ---\n", said, flags=re.MULTILINE)[1:]
    for (command, expected), text in zip(shown, printed, strict=True):
        assert fits(expected, text), f"{command}\nshows\n{text}\nand not\n{expected}"


def _instead(text: str, words: Mapping[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def exchanges(page: str) -> list[tuple[str, str]]:
    """Give each command of the ``console`` blocks with what is shown below it."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            found.append((command, expected))
    return found


def fits(expected: str, text: str) -> bool:
    """Whether a text is as shown, blanks at the ends of lines aside."""
    pieces = [
        re.escape("\n".join(line.rstrip() for line in piece.strip("\n").splitlines()))
        for piece in re.split(r"^\.\.\.\n", expected, flags=re.MULTILINE)
    ]
    clean = "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())
    shown = r"\n?(?:.*\n)?".join(pieces)
    return re.fullmatch(rf"{shown}\n?", clean, flags=re.DOTALL) is not None


def test_fits_tells_texts_apart() -> None:
    assert fits("a\n...\nc\n", "a\nb  \nb\nc\n")
    assert fits("a\n...\n", "a\nb\n")
    assert fits("...\nb\n", "a\nb\n")
    assert not fits("a\n...\n", "b\na\n")
    assert not fits("a\nc\n", "a\nb\nc\n")
    assert not fits("a\n...\nd\n", "a\nb\nc\n")
