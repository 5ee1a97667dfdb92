"""QEMU asked over a real socket, by a QEMU that says what the test wants."""

import json
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wherry.agent import qmp
from wherry.agent.hypervisor import LiveHost

GUEST = "6f1c0d52-3b7e-4f6a-9a51-0c2f7d1e8a01"
GREETING = {"QMP": {"version": {"qemu": {"major": 10}}, "capabilities": ["oob"]}}
Answers = dict[str, Any]


class Qemu:
    """Listens on a socket and answers each command as it was told to."""

    def __init__(self, socket_file: Path, answers: Answers, greeting: bytes) -> None:
        self.asked: list[str] = []
        self._answers, self._greeting = answers, greeting
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(socket_file))
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        link, _ = self._listener.accept()
        if not self._greeting:
            link.close()
            return
        with link, link.makefile("rwb") as lines:
            lines.write(self._greeting)
            lines.flush()
            for line in lines:
                command = json.loads(line)["execute"]
                self.asked.append(command)
                event = {"event": "RTC_CHANGE", "data": {"offset": 1}}
                answer = self._answers.get(command, {"return": {}})
                lines.write(json.dumps(event).encode() + b"\n")
                lines.write(json.dumps(answer).encode() + b"\n")
                lines.flush()

    def close(self) -> None:
        self._listener.close()
        self._thread.join(timeout=5)


Start = Callable[..., tuple[Path, Qemu]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a name so short that a socket below it has one, too."""
    with tempfile.TemporaryDirectory(prefix="q") as made:
        yield Path(made)


@pytest.fixture
def qemu(folder: Path) -> Iterator[Start]:
    """Start a QEMU that answers as it is told to."""
    started: list[Qemu] = []

    def start(
        answers: Answers, greeting: bytes = json.dumps(GREETING).encode() + b"\n"
    ) -> tuple[Path, Qemu]:
        file = folder / f"{GUEST}.sock"
        started.append(Qemu(file, answers, greeting))
        return file, started[-1]

    yield start
    for each in started:
        each.close()


RUNS = {"query-status": {"return": {"running": True, "status": "running"}}}
BLOCKED = {"query-migrate": {"return": {"blocked-reasons": ["0000:01:00.0: no migration support"]}}}


def test_a_guest_that_nothing_blocks_runs(qemu: Start) -> None:
    file, _ = qemu(RUNS)

    assert qmp.ask(file) == qmp.Look(status="running", blocked=())


def test_what_blocks_is_given_in_the_words_of_qemu(qemu: Start) -> None:
    file, _ = qemu({**RUNS, **BLOCKED})

    assert qmp.ask(file).blocked == ("0000:01:00.0: no migration support",)


def test_only_queries_are_sent(qemu: Start) -> None:
    file, asked = qemu(RUNS)
    qmp.ask(file)

    assert asked.asked == ["qmp_capabilities", "query-status", "query-migrate"]


@pytest.mark.parametrize(
    "greeting",
    [b"", b"\n", b"hello\n", b"[]\n", b"{}\n", b"\xff\xfe\n", b'{"QMP": 1}\n[]\n', b"1\n"],
)
def test_what_does_not_speak_qmp_is_trouble_with_its_name(qemu: Start, greeting: bytes) -> None:
    file, _ = qemu({"qmp_capabilities": "what?"}, greeting)

    with pytest.raises(qmp.QmpTrouble, match=GUEST):
        qmp.ask(file)


def test_an_error_of_qemu_is_trouble_in_its_words(qemu: Start) -> None:
    said = {"error": {"class": "GenericError", "desc": "not now"}}
    file, _ = qemu({"query-status": said})

    with pytest.raises(qmp.QmpTrouble, match="not now"):
        qmp.ask(file)


def test_a_qemu_that_says_nothing_is_not_waited_for_long(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qmp, "TIMEOUT_S", 0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as silent:
        silent.bind(str(folder / "silent.sock"))
        silent.listen(1)
        with pytest.raises(qmp.QmpTrouble, match="timed out"):
            qmp.ask(folder / "silent.sock")


def test_a_live_host_passes_on_what_blocks(qemu: Start) -> None:
    file, _ = qemu({**RUNS, **BLOCKED})

    assert LiveHost(qmp_dir=file.parent).objections(GUEST) == (
        "0000:01:00.0: no migration support",
    )


def test_a_socket_that_does_not_answer_is_no_confirmation(tmp_path: Path) -> None:
    (objection,) = LiveHost(qmp_dir=tmp_path).objections(GUEST)

    assert objection.startswith("QEMU cannot be asked: ")


def test_where_no_sockets_are_named_qemu_is_not_asked() -> None:
    assert LiveHost().objections(GUEST) == ()
