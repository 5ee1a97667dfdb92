"""Other programs are asked with a limit on time and answer, and their failure is silence."""

import sys
import time

import pytest

from wherry.hosts import children
from wherry.hosts.children import ask


def python(code):
    return (sys.executable, "-c", code)


def test_what_a_program_prints_is_its_answer():
    assert ask(python("print('ä')")) == "ä\n"


@pytest.mark.parametrize(
    "command", [("no-such-program-anywhere",), python("raise SystemExit(1)"), ("/dev/null",)]
)
def test_a_program_that_is_absent_or_fails_is_silent(command):
    assert ask(command) is None


def test_what_it_complains_of_is_no_answer():
    assert ask(python("import sys; print('oops', file=sys.stderr)")) == ""


def test_no_text_is_made_text():
    assert ask(python(r"import sys; sys.stdout.buffer.write(b'a\xff')")) == "a�"


def test_an_answer_without_end_is_dropped(monkeypatch):
    monkeypatch.setattr(children, "MAX_BYTES", 1000)

    assert ask(python("print('x' * 2000)")) is None


def test_one_that_hangs_is_killed_with_its_children():
    """A helper that keeps the pipe open must not hold the asker."""
    code = (
        "import subprocess, sys, time;"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"
    )
    began = time.monotonic()

    assert ask(python(code), timeout_s=0.5) is None
    assert time.monotonic() - began < 10


def test_it_gets_no_input_and_speaks_english(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")

    code = "import os, sys; print(sys.stdin.read() + os.environ['LC_ALL'])"
    assert ask(python(code)) == "C\n"
