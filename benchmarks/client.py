"""A client of the Placement API, and how it writes a fleet call by call."""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from typing import Any

from benchmarks.servers import Server
from wherry.bench.fleets import FLEETS
from wherry.model.provider import Provider

RP = "/resource_providers"
LOADERS = 4
HEADERS = {
    "X-Auth-Token": "admin",
    "Accept": "application/json",
    "OpenStack-API-Version": "placement 1.39",
}


class Client:
    """One connection to a service, kept open."""

    def __init__(self, server: Server) -> None:
        self._link = HTTPConnection("127.0.0.1", server.port, timeout=900)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request, which has to succeed; gives what its JSON says."""
        status, raw = self.send(method, path, body)
        if status >= 300:
            message = f"{method} {path}: {status} {raw[:500]!r}"
            raise RuntimeError(message)
        return json.loads(raw) if raw else None

    def try_(self, method: str, path: str, body: Any = None) -> bool:
        """Send one request; says no where the service fails with 5xx."""
        status, raw = self.send(method, path, body)
        if 300 <= status < 500:
            message = f"{method} {path}: {status} {raw[:500]!r}"
            raise RuntimeError(message)
        return status < 300

    def send(self, method: str, path: str, body: Any) -> tuple[int, bytes]:
        """Send one request; gives status and body, whatever they are."""
        said = dict(HEADERS)
        if body is not None:
            said["Content-Type"] = "application/json"
        self._link.request(method, path, None if body is None else json.dumps(body), said)
        answer = self._link.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """End the connection."""
        self._link.close()


def make_fleet(name: str, hosts: int, seed: int = 1, *, room: int = 1) -> list[Provider]:
    """Make a fleet of which nothing is in use, parents before their children."""
    return list(FLEETS[name](hosts, seed, load=0, room=room).providers())


def load(server: Server, fleet: Sequence[Provider]) -> None:
    """Write a fleet to a service, some hosts at once."""
    client = Client(server)
    for name in sorted({name for each in fleet for name in each.inventories if _own(name)}):
        client("PUT", f"/resource_classes/{name}")
    for name in sorted({name for each in fleet for name in each.traits if _own(name)}):
        client("PUT", f"/traits/{name}")
    client.close()
    hosts: dict[str, list[Provider]] = {}
    for each in fleet:
        hosts.setdefault(each.root, []).append(each)
    parts = [list(hosts.values())[number::LOADERS] for number in range(LOADERS)]
    with ThreadPoolExecutor(LOADERS) as pool:
        list(pool.map(lambda part: _load_hosts(server, part), parts))


def _own(name: str) -> bool:
    return name.startswith("CUSTOM_")


def _load_hosts(server: Server, hosts: Iterable[Sequence[Provider]]) -> None:
    client = Client(server)
    for each in (provider for host in hosts for provider in host):
        body: dict[str, Any] = {"uuid": each.uuid, "name": each.uuid}
        client("POST", RP, {**body, "parent_provider_uuid": each.parent})
        values: dict[str, Any] = {
            "inventories": {
                name: {"total": held.total, "allocation_ratio": held.allocation_ratio}
                for name, held in each.inventories.items()
            },
            "traits": sorted(each.traits),
            "aggregates": sorted(each.aggregates),
        }
        for generation, what in enumerate(what for what, value in values.items() if value):
            body = {what: values[what], "resource_provider_generation": generation}
            client("PUT", f"{RP}/{each.uuid}/{what}", body)
    client.close()
