"""The client: what it makes of answers, and of none."""

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from told_server import Recorded, Server
from wherry.agent.client import Client, part, read_token
from wherry.cli.exits import TROUBLE, exit_of
from wherry.model.errors import (
    BadConfiguration,
    CapacityExceeded,
    ServiceUnavailable,
    WherryError,
)
from wherry.model.wire import Health, HostList


def client_of(server: Server, **more: Any) -> Client:
    return Client(f"http://127.0.0.1:{server.server_port}", **more)


def test_an_answer_is_read_as_its_type(server: Server) -> None:
    assert client_of(server).get("/healthz", Health) == Health()


def test_a_query_leaves_out_what_is_none(server: Server) -> None:
    client_of(server).get("/healthz", Health, host="node 17", tenant=None)

    assert server.seen[0][1] == "/healthz?host=node+17"


def test_the_token_goes_along_and_only_json_is_sent(server: Server) -> None:
    client_of(server, token="secret").send("POST", "/healthz", Health, Health())
    _, _, headers = server.seen[0]

    assert headers["Authorization"] == "Bearer secret"
    assert headers["Content-Type"] == "application/json"


def test_an_error_comes_back_as_its_class_with_its_facts(server: Server) -> None:
    server.told = (
        409,
        b'{"error": {"code": "claim.capacity", "message": "full", "detail": {"asked": 2}}}',
    )

    with pytest.raises(CapacityExceeded, match="full") as caught:
        client_of(server).get("/healthz", Health)
    assert caught.value.asked == 2


def test_an_error_of_a_later_version_keeps_its_code(server: Server) -> None:
    server.told = (409, b'{"error": {"code": "claim.tomorrow", "message": "new"}}')

    with pytest.raises(WherryError) as caught:
        client_of(server).get("/healthz", Health)
    assert caught.value.code == "claim.tomorrow"


@pytest.mark.parametrize(
    ("status", "body"),
    [(502, b"<html>Bad Gateway"), (404, b"{}"), (200, b"<html>"), (200, b'{"status": 1}')],
)
def test_what_does_not_answer_as_wherry_does_is_trouble(
    server: Server, status: int, body: bytes
) -> None:
    server.told = (status, body)

    with pytest.raises(ServiceUnavailable) as caught:
        client_of(server).get("/healthz", Health)
    assert exit_of(caught.value) == TROUBLE


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.told = (302, b"{}")

    with pytest.raises(ServiceUnavailable):
        client_of(server).get("/wherry/hosts", HostList)
    assert len(server.seen) == 1


def test_where_nobody_listens_the_message_says_what_to_do() -> None:
    with pytest.raises(ServiceUnavailable, match=r"127.0.0.1:9.*wherry serve") as caught:
        Client("http://127.0.0.1:9").get("/healthz", Health)
    assert "refused" in str(caught.value)


@pytest.mark.parametrize("url", ["127.0.0.1:8778", "ftp://host", "http://", "", "host"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadConfiguration, match="is no URL"):
        Client(url)


def test_a_name_is_one_part_of_a_path() -> None:
    assert part("a/b?c") == "a%2Fb%3Fc"


def test_a_token_comes_from_its_file_else_from_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret\n")

    assert read_token(file, {"WHERRY_TOKEN": "other"}) == "secret"
    assert read_token(None, {"WHERRY_TOKEN": "other"}) == "other"
    assert read_token(None, {}) is None


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff"])
def test_a_file_without_a_token_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(BadConfiguration, match=str(file)):
        read_token(file, {})


@pytest.mark.parametrize(("ahead_s", "told_s"), [(3600, 3600), (-3600, -3600), (1, 0)])
def test_the_time_is_that_of_the_service_where_the_clocks_disagree(
    server: Server, monkeypatch: pytest.MonkeyPatch, ahead_s: int, told_s: int
) -> None:
    date = formatdate(time.time() + ahead_s, usegmt=True)
    monkeypatch.setattr(Recorded, "date_time_string", lambda _self, _at=None: date)
    client = client_of(server)
    client.get("/healthz", Health)

    assert abs(client.now() - time.time() - told_s) < 30
    assert client.now() - time.time() == pytest.approx(0, abs=0.1) or told_s
