"""Checked-in output of ``wherry inspect``, and how a command is run in process."""

import os
from pathlib import Path

import pytest

from wherry.cli.main import main

GOLDEN = Path(__file__).parent / "golden" / "inspect"


def run(capsys, *args: object) -> tuple[int, str, str]:
    """Run ``wherry`` with these arguments: its status, what it printed, what it complained of."""
    with pytest.raises(SystemExit) as ended:
        main([str(one) for one in args])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def assert_golden(name: str, text: str) -> None:
    """Compare with the checked-in file; WHERRY_WRITE_GOLDEN=1 writes it, for review in the diff."""
    file = GOLDEN / name
    if os.environ.get("WHERRY_WRITE_GOLDEN") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
