"""The commands of each tutorial do what it shows, on a real service."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import Process, start_process

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorial").glob("*.md"))
NAMES = [page.stem for page in PAGES if page.stem != "index"]


@pytest.fixture
def page(request: pytest.FixtureRequest) -> str:
    return (ROOT / "docs" / "tutorial" / f"{request.param}.md").read_text(encoding="utf-8")


@pytest.fixture
def service(page: str, tmp_path: Path) -> Iterator[Process]:
    """A service with the profiles that the page has its reader write."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)):
        (profiles / f"{number}.toml").write_text(text, encoding="utf-8")
    started = start_process(tmp_path / "state", "--profile-dir", str(profiles))
    yield started
    started.stop()


@pytest.mark.parametrize("page", NAMES, indirect=True)
def test_every_command_of_a_tutorial_answers_as_shown(
    page: str, service: Process, tmp_path: Path
) -> None:
    """Commands run in one shell, in order; ``...`` stands for lines that are left out."""
    shown = list(exchanges(page))
    assert len(shown) > 8
    marks = [f"--- {number} ---" for number in range(len(shown))]
    script = "\n".join(
        line
        for mark, (command, _) in zip(marks, shown, strict=True)
        for line in (f"echo {shlex.quote(mark)}", re.sub(r"/tmp\b", str(tmp_path), command))
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
