"""An end of a copy that is no Placement, too old, or not there, is named with what to do."""

import json
from typing import Any

import pytest

from told_server import Server, server
from wherry.integrations.placement_copy.client import PlacementClient
from wherry.model.errors import BadConfiguration, ServiceUnavailable

__all__ = ["server"]


def client(server: Any) -> PlacementClient:
    return PlacementClient(f"http://127.0.0.1:{server.server_port}/", what="the source")


def versions(newest: str) -> bytes:
    return json.dumps({"versions": [{"id": "v1.0", "max_version": newest}]}).encode()


@pytest.mark.parametrize("newest", ["1.38", "1.9", "1.0"])
def test_an_older_placement_is_refused(server: Server, newest: str) -> None:
    server.told = (200, versions(newest))

    with pytest.raises(BadConfiguration, match=f"microversions up to {newest}, and a copy needs"):
        client(server).require_version()


@pytest.mark.parametrize("newest", ["1.39", "1.40", "2.0"])
def test_the_same_or_a_newer_one_is_taken(server: Server, newest: str) -> None:
    server.told = (200, versions(newest))

    client(server).require_version()

    assert [seen[:2] for seen in server.seen] == [("GET", "/")]


@pytest.mark.parametrize(
    "told",
    [
        (200, b"<html>Welcome</html>"),
        (200, b"[]"),
        (404, b""),
        (200, b'{"versions": []}'),
        (200, versions("newest")),
    ],
)
def test_what_is_no_placement_is_said_to_be_none(server: Server, told: tuple[int, bytes]) -> None:
    server.told = told

    with pytest.raises(BadConfiguration, match="does not answer as a Placement: give its root"):
        client(server).require_version()


def test_nobody_there_is_said_with_the_address(server: Server) -> None:
    asked = PlacementClient("http://127.0.0.1:9", what="the target")

    with pytest.raises(ServiceUnavailable, match=r"cannot reach http://127.0.0.1:9, the target: "):
        asked.require_version()


def test_a_read_that_fails_is_named_with_its_reason(server: Server) -> None:
    error = {"errors": [{"status": 500, "detail": "The server is ill.\n\n database\nis locked "}]}
    server.told = (500, json.dumps(error).encode())

    with pytest.raises(ServiceUnavailable, match="answered /traits with 500, database is locked"):
        client(server).get("/traits")


def test_a_write_is_sent_once_and_a_read_again(server: Server) -> None:
    """Whoever runs the copy again reads first, so that nothing is written twice blindly."""
    server.told = (503, b"")

    assert client(server).send("PUT", "/traits/CUSTOM_A").is_refused
    assert client(server).send("GET", "/traits").is_refused

    assert [seen[0] for seen in server.seen] == ["PUT", "GET", "GET", "GET"]


def test_token_roles_and_microversion_go_as_headers(server: Server) -> None:
    asked = PlacementClient(
        f"http://127.0.0.1:{server.server_port}", token="t", roles="service", what="the source"
    )
    server.told = (200, b"{}")

    asked.send("GET", "/traits", microversion="1.37")

    headers = server.seen[0][2]
    assert headers["X-Auth-Token"] == "t"
    assert headers["X-Roles"] == "service"
    assert headers["OpenStack-API-Version"] == "placement 1.37"
