"""The peer's own 1,316 wire tests pass against ``wherry serve``, over real HTTP.

One of them carries a header that its HTTP client does not send; a bare socket sends it here.
"""

import json
import socket
import subprocess
from pathlib import Path

import pytest

from schedule.candidates.peer import find_peer
from service import start_process

RUNNER = Path(__file__).with_name("gabbi_runner.py")
PROFILES = {
    "legacy": ("--placement-policy", "legacy"),
    "secure": ("--placement-policy", "secure"),
    "open": ("--placement-policy", "open"),
    "cors": ("--placement-policy", "legacy", "--cors-origin", "http://valid.example.com"),
}
FILES, PASSED = 79, 1315


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has the peer's wheel, or skip."""
    found = find_peer()
    if found is None:
        pytest.skip("needs openstack-placement: `make peer`, or set WHERRY_PEER_VENV to its venv")
    return found


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_peer_s_wire_tests_pass(python, engine, request, tmp_path):
    running, words = [], []
    try:
        for profile, given in PROFILES.items():
            options = given
            if engine == "postgresql":
                server = request.getfixturevalue("postgresql")
                url = server.create(f"gabbi_{profile}", "wherry_template")
                options = (*given, "--database", url)
            process = start_process(tmp_path / profile, "--auth", "noauth2", *options)
            running.append(process)
            words.append(f"{profile}={process.url}")
        done = subprocess.run(
            [python, "-B", RUNNER, *words], capture_output=True, text=True, check=True
        )
    finally:
        for process in running:
            process.stop()
    files = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(files) == FILES
    assert {each["file"]: each["failed"] for each in files if each["failed"]} == {}
    assert sum(each["passed"] for each in files) == PASSED
    assert [each["unsent"] for each in files if each["unsent"]] == [["bad content length not int"]]


def test_a_length_that_is_no_number_is_a_bad_request(tmp_path):
    """The HTTP server refuses it by itself, before the service sees it."""
    process = start_process(tmp_path, "--auth", "noauth2")
    try:
        with socket.create_connection(("127.0.0.1", process.port), timeout=60) as link:
            link.sendall(
                b"POST /resource_providers HTTP/1.1\r\n"
                b"Host: 127.0.0.1\r\nX-Auth-Token: admin\r\nContent-Type: application/json\r\n"
                b"Content-Length: hi mom\r\n\r\n{}"
            )
            assert link.recv(100).startswith(b"HTTP/1.1 400 Bad Request\r\n")
    finally:
        process.stop()
