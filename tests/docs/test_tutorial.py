"""The tutorial's commands do what it shows, on a real service."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from databases import sqlite_template, sqlite_url
from service import Process, start_process

__all__ = ["sqlite_template", "sqlite_url"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-move.md"


@pytest.fixture
def service(tmp_path: Path) -> Process:
    started = start_process(tmp_path / "state")
    yield started
    started.stop()


def test_every_command_of_the_tutorial_answers_as_shown(service: Process, tmp_path: Path) -> None:
    """Commands run in one shell, in order; ``...`` stands for lines that are left out."""
    shown = list(exchanges(PAGE.read_text(encoding="utf-8")))
    assert len(shown) > 8
    marks = [f"--- {number} ---" for number in range(len(shown))]
    script = "\n".join(
        line
        for mark, (command, _) in zip(marks, shown, strict=True)
        for line in (f"echo {shlex.quote(mark)}", command.replace("/tmp/", f"{tmp_path}/"))
    )
    environ = {name: text for name, text in os.environ.items() if not name.startswith("WHERRY_")}
    bin_dir = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=ROOT,
        env=environ | {"PATH": f"{bin_dir}:{environ['PATH']}", "WHERRY_URL": service.url},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    printed = re.split(r"^--- \d+ ---\n", done.stdout, flags=re.MULTILINE)[1:]
    for (command, expected), text in zip(shown, printed, strict=True):
        assert fits(expected, text), f"{command}\nshows\n{text}\nand not\n{expected}"


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
    clean = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    return re.fullmatch(r"\n?(?:.*\n)?".join(pieces), clean, flags=re.DOTALL) is not None


def test_fits_tells_texts_apart() -> None:
    assert fits("a\n...\nc\n", "a\nb  \nb\nc\n")
    assert not fits("a\nc\n", "a\nb\nc\n")
    assert not fits("a\n...\nd\n", "a\nb\nc\n")
