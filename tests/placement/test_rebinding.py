"""Who need not prove who they are must ask this machine by a name of loopback."""

import pytest

from service import run_service
from wherry.app.settings import Settings


@pytest.mark.parametrize("auth", ["none", "noauth2"])
def test_a_page_that_points_its_name_at_this_machine_is_refused(auth, sqlite_url):
    """A browser sends the name of the page's site; a local program asks for loopback."""
    running = run_service(Settings(database=sqlite_url, auth=auth))
    said = {"X-Auth-Token": "admin"}
    try:
        near = running.ask("GET", "/resource_providers", headers=said)
        far = running.ask("GET", "/resource_providers", headers={**said, "Host": "evil.example"})
        own = running.ask("GET", "/wherry/hosts", headers={"Host": "evil.example"})
    finally:
        running.stop()

    assert (near.status, far.status, own.status) == (200, 403, 421)
    assert "evil.example" in far.json["errors"][0]["detail"]
