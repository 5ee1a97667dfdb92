"""The page on the vectors shows what the commands really print."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "use-the-vectors.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
COMMANDS = [
    block.split("\n", 1) for block in re.findall(r"```console\n\$ (.*?)\n?```", PAGE, re.DOTALL)
]


@pytest.fixture
def folder(tmp_path):
    """A folder with what the page has one save, and the vectors."""
    contract, offer = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(contract)["record"] == "contract"
    (tmp_path / "contract.json").write_text(contract, encoding="utf-8")
    (tmp_path / "offer.json").write_text(offer, encoding="utf-8")
    (tmp_path / "newer.json").write_text(offer.replace("2.0.4", "2.2.0"), encoding="utf-8")
    (tmp_path / "vectors").symlink_to(ROOT / "vectors")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0][:60])
def test_a_command_of_the_page_prints_what_the_page_shows(command, folder):
    line, shown = command[0], command[1] if len(command) > 1 else None
    if "jq " in line and shutil.which("jq") is None:
        pytest.skip("needs jq, as the page's reader does")

    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env={"PATH": f"{BIN}:/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stderr == ""
    if shown is None:
        answers = [json.loads(answer) for answer in done.stdout.splitlines()]
        assert done.returncode == 0
        assert len(answers) > 100
        assert not any("error" in answer for answer in answers)
    else:
        assert done.stdout == shown + "\n"


def test_the_page_shows_every_way_to_ask():
    assert len(COMMANDS) == 5
    assert any("--source-offer" in line for line, *_ in COMMANDS)
    assert sum("--ndjson" in line for line, *_ in COMMANDS) == 3
