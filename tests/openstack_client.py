"""OpenStack's own client, ``openstack`` with osc-placement, in a process of its own.

It takes seconds to load, so a process that has loaded it once forks for each command, which
runs from the start of the client's own ``main`` to its end and leaves nothing behind.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

DRIVER = r"""
import contextlib, io, json, os, sys
from openstackclient import shell

def run(words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = shell.main(words)
        except SystemExit as end:
            status = end.code
    return [status, out.getvalue(), err.getvalue()]

run(["help", "resource", "provider", "list"])
for line in sys.stdin:
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        print(json.dumps(run(json.loads(line))), flush=True)
        os._exit(0)
"""


def environ_of_client(home: Path) -> dict[str, str]:
    """The environment without what its user has set up for clouds of their own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return kept | {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONWARNINGS": "ignore"}


def require_client() -> Path:
    """Find the command, or skip."""
    command = Path(sys.executable).parent / "openstack"
    if find_spec("openstackclient") is None or find_spec("osc_placement") is None:
        pytest.skip("needs python-openstackclient and osc-placement: `make setup` brings them")
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one command answered."""

    status: int
    out: str
    err: str


@dataclass(slots=True)
class Client:
    """Runs commands; each begins with the same options."""

    process: "subprocess.Popen[str]"
    options: tuple[str, ...]
    version: str = "1.39"

    def run(self, words: str, *, version: str | None = None) -> Said:
        """Run one command, written as on a command line without quotes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = ("--os-placement-api-version", version or self.version)
        self.process.stdin.write(json.dumps([*self.options, *asked, *words.split()]) + "\n")
        self.process.stdin.flush()
        status, out, err = json.loads(self.process.stdout.readline())
        return Said(status=status, out=out, err=err)

    def do(self, words: str, *, version: str | None = None) -> None:
        """Run a command that has to succeed, and says nothing or only what is known."""
        said = self.run(words, version=version)
        assert (said.status, said.err) == (0, ""), (words, said)

    def show(self, words: str, *, version: str | None = None) -> Any:
        """Run a command that has to succeed; gives its answer."""
        said = self.run(f"{words} -f json", version=version)
        assert (said.status, said.err) == (0, ""), (words, said)
        return json.loads(said.out)

    def refused(self, words: str, *, version: str | None = None) -> str:
        """Run a command that has to fail; gives what it says."""
        said = self.run(words, version=version)
        assert said.status == 1, (words, said)
        return said.err


@contextmanager
def run_client(home: Path, *options: str) -> Iterator[Client]:
    """Run a client for as long as it is used."""
    require_client()
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environ_of_client(home),
    ) as process:
        yield Client(process, options)
