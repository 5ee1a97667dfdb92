"""What the README shows is what the demonstration prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def story() -> str:
    """What ``wherry demo --once`` prints, told once."""
    done = subprocess.run(
        [sys.executable, "-m", "wherry", "demo", "--once"],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert not done.stderr
    return done.stdout


def test_the_example_of_the_readme_is_what_the_story_prints(story: str) -> None:
    """Each block stands in the story as it is, line by line; the scores may differ."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    section = page.split("## What it prints")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", section, flags=re.MULTILINE)
    shown = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    printed = {_plain(line) for line in story.splitlines()}

    assert len(shown) == 7
    assert [line for line in shown if _plain(line) not in printed] == []


def test_the_story_tells_all_of_it(story: str) -> None:
    """This host is in the fleet, three guests boot, one moves, one is refused, all explained."""
    assert len(re.findall(r"^\d\. ", story, flags=re.MULTILINE)) == 5
    assert "finished  the guest is on" in story
    assert "load of migration failed: Bad address" in story
    assert re.search(r"Look at http://127\.0\.0\.1:\d+/ui/ in a browser", story)
    assert "MIGRATION_UNSUPPORTED" in story
    assert "VERSION_ABSENT" in story


def _plain(line: str) -> str:
    return re.sub(r"\d+\.\d{3}\b", "#", " ".join(line.split()))
