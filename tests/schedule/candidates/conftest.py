"""The peer, if it is installed: one server a test session."""

from collections.abc import Iterator

import pytest

from schedule.candidates.peer import Peer, find_peer, run_peer


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """An openstack-placement to compare with, or skip."""
    python = find_peer()
    if python is None:
        pytest.skip("needs openstack-placement: `make peer`, or set WHERRY_PEER_VENV to its venv")
    with run_peer(python, tmp_path_factory.mktemp("peer")) as running:
        yield running
