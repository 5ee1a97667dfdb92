"""A living openstack-placement for differential tests, over HTTP, on an empty SQLite file.

It runs from a virtual environment of its own (``requirements/peer.in``), found through
``WHERRY_PEER_VENV`` or as ``.peer`` in the checkout.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import urlencode

from obvious_search.world import World
from wherry.model.inventory import Inventory
from wherry.model.provider import Provider
from wherry.schedule.candidates.request import Microversion

ROOT = Path(__file__).resolve().parents[3]
CONSUMER = "c0000000-0000-4000-8000-000000000000"
ROOMY = Inventory(total=1000)

SERVE = r"""
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server
from placement.wsgi.api import application

class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass

server = make_server("127.0.0.1", 0, application, handler_class=Handler)
Path(sys.argv[1]).write_text(f"{server.server_port}\n")
server.serve_forever()
"""

CONFIG = """
[api]
auth_strategy = noauth2
[placement_database]
connection = sqlite:///{folder}/placement.db
sync_on_startup = true
[oslo_policy]
enforce_new_defaults = false
"""


def find_peer() -> Path | None:
    """Find the interpreter that has the peer; None if it is not installed."""
    venv = Path(os.environ.get("WHERRY_PEER_VENV", ROOT / ".peer"))
    if not any(venv.glob("lib/python*/site-packages/placement/wsgi/api.py")):
        return None
    return venv / "bin" / "python"


@contextmanager
def run_peer(python: Path, folder: Path, config: str = CONFIG) -> Iterator["Peer"]:
    """Run a peer with nothing in it."""
    (folder / "placement.conf").write_text(config.format(folder=folder))
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            [python, "-c", SERVE, folder / "port"],
            env=os.environ | {"OS_PLACEMENT_CONFIG_DIR": str(folder)},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield Peer(_wait_for_port(process, folder))
        finally:
            process.terminate()


def _wait_for_port(process: "subprocess.Popen[bytes]", folder: Path) -> int:
    """Wait until the server has written down its port; it first makes its tables."""
    text = ""
    while not text.endswith("\n"):
        assert process.poll() is None, (folder / "server.log").read_text()
        sleep(0.05)
        text = (folder / "port").read_text() if (folder / "port").exists() else ""
    return int(text)


@dataclass(frozen=True)
class Answer:
    """What the peer answered; headers by lower-case name."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """What an error says, without the sentence that is the same for all of its status."""
        return str(self.body["errors"][0]["detail"]).split("\n\n", 1)[1].strip()


class Peer:
    """Talks to a peer, one connection a request as its plain server wants it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, pairs: Sequence[tuple[str, str]], microversion: Microversion) -> Answer:
        """Ask for allocation candidates."""
        path = "/allocation_candidates?" + urlencode(pairs)
        return self.call("GET", path, microversion=microversion)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        microversion: Microversion = (1, 39),
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, with *more* headers; a body that is no bytes goes as JSON."""
        headers = {
            "X-Auth-Token": "admin",
            "Accept": "application/json",
            "OpenStack-API-Version": "placement {}.{}".format(*microversion),
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers |= more or {}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body)
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        is_json = raw[:1] in {b"{", b"["}
        told = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, json.loads(raw) if is_json else raw.decode(), told)

    def write(self, method: str, path: str, body: object = None) -> Any:
        """Send one request that has to succeed."""
        answer = self.call(method, path, body)
        assert answer.status < 300, (method, path, body, answer)
        return answer.body

    def load(self, world: World) -> None:
        """Make the peer hold a world and nothing else."""
        self.wipe()
        for name in sorted(name for name in world.classes if name.startswith("CUSTOM_")):
            self.write("PUT", f"/resource_classes/{name}")
        for name in sorted(name for name in world.traits if name.startswith("CUSTOM_")):
            self.write("PUT", f"/traits/{name}")
        waiting = list(world.providers.values())
        placed: set[str | None] = {None}
        while waiting:
            ready = [provider for provider in waiting if provider.parent in placed]
            for provider in ready:
                self._add(provider)
                placed.add(provider.uuid)
            waiting = [provider for provider in waiting if provider.uuid not in placed]
        self._allocate(world)

    def _add(self, provider: Provider) -> None:
        body = {
            "name": provider.uuid,
            "uuid": provider.uuid,
            "parent_provider_uuid": provider.parent,
        }
        path = f"/resource_providers/{provider.uuid}"
        generation = self.write("POST", "/resource_providers", body)["generation"]
        if provider.inventories:
            # Made to fit what is to be allocated; `_allocate` brings in what is meant.
            held = (
                provider.inventories
                if not provider.used
                else dict.fromkeys(provider.inventories, ROOMY)
            )
            generation = self._put_inventories(provider.uuid, held, generation)
        if provider.traits:
            body = {"traits": sorted(provider.traits), "resource_provider_generation": generation}
            generation = self.write("PUT", f"{path}/traits", body)["resource_provider_generation"]
        if provider.aggregates:
            body = {
                "aggregates": sorted(provider.aggregates),
                "resource_provider_generation": generation,
            }
            self.write("PUT", f"{path}/aggregates", body)

    def _put_inventories(self, uuid: str, inventories: Any, generation: int) -> int:
        body = {
            "resource_provider_generation": generation,
            "inventories": {
                name: {field: getattr(held, field) for field in held.__struct_fields__}
                for name, held in inventories.items()
            },
        }
        path = f"/resource_providers/{uuid}/inventories"
        return int(self.write("PUT", path, body)["resource_provider_generation"])

    def _allocate(self, world: World) -> None:
        busy = [provider for provider in world.providers.values() if provider.used]
        if not busy:
            return
        body = {
            "allocations": {each.uuid: {"resources": dict(each.used)} for each in busy},
            "project_id": "p",
            "user_id": "u",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
        }
        self.write("PUT", f"/allocations/{CONSUMER}", body)
        for provider in busy:
            found = self.write("GET", f"/resource_providers/{provider.uuid}")
            self._put_inventories(provider.uuid, provider.inventories, found["generation"])

    def wipe(self) -> None:
        """Remove all providers, and the custom traits and classes."""
        if self.write("GET", f"/allocations/{CONSUMER}")["allocations"]:
            self.write("DELETE", f"/allocations/{CONSUMER}")
        found = self.write("GET", "/resource_providers")["resource_providers"]
        parent = {each["uuid"]: each["parent_provider_uuid"] for each in found}
        while parent:
            for uuid in set(parent) - set(parent.values()):
                self.write("DELETE", f"/resource_providers/{uuid}")
                del parent[uuid]
