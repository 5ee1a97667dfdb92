"""A Placement client for tests: it asks the application in this process, as a server would."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from wherry.api.metrics import Metrics
from wherry.api.placement.app import PlacementDoor, make_placement_app
from wherry.api.placement.identity import identify_noauth2
from wherry.api.placement.policy import PROFILES
from wherry.app.engine import Engine
from wherry.service.assembly import FAMILIES

RP = "/resource_providers"
QUERY_SAFE = "=&:,!%+"
"""Characters of a query that go over the wire as they are."""
U1, U2, U3 = (f"{n:08x}-0000-4000-8000-000000000000" for n in (1, 2, 3))
C1, C2 = (f"c{n:07x}-0000-4000-8000-000000000000" for n in (1, 2))


@dataclass(frozen=True)
class Told:
    """One answer; headers by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["errors"][0]


class Wire:
    """Asks one application."""

    def __init__(
        self,
        engine: Engine,
        *,
        policy: str = "legacy",
        origins: frozenset[str] = frozenset(),
        max_body: int = 1 << 20,
        search_s: float = 60.0,
    ) -> None:
        self.engine = engine
        self.app = make_placement_app(
            PlacementDoor(
                engine=engine,
                identify=identify_noauth2,
                policy=PROFILES[policy],
                metrics=Metrics(FAMILIES),
                max_body=max_body,
                origins=origins,
                search_s=search_s,
            )
        )

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        mv: str | None = "1.39",
        token: str | None = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """Send one request; a body that is no bytes goes as JSON."""
        said = {"Accept": "application/json"}
        said |= {} if token is None else {"X-Auth-Token": token}
        said |= {} if mv is None else {"OpenStack-API-Version": f"placement {mv}"}
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            said |= {"Content-Type": "application/json", "Content-Length": str(len(data))}
        return self._send(method, path, data, said | dict(headers or {}))

    def _send(self, method: str, path: str, data: bytes, said: Mapping[str, str]) -> Told:
        parts = urlsplit(path)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path.encode().decode("latin-1"),
            "QUERY_STRING": quote(parts.query, safe=QUERY_SAFE),
            "SCRIPT_NAME": "",
            "HTTP_HOST": "placement.test",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(data),
        }
        for name, value in said.items():
            key = name.upper().replace("-", "_")
            bare = key in {"CONTENT_TYPE", "CONTENT_LENGTH"}
            environ[key if bare else f"HTTP_{key}"] = value
        told: list[Any] = []
        chunks = self.app(environ, lambda status, headers: told.extend((status, headers)))
        headers = {name.lower(): value for name, value in told[1]}
        return Told(int(told[0][:3]), headers, b"".join(chunks))

    def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Send one request that has to succeed; gives its JSON, or None."""
        told = self(method, path, body, **more)
        assert told.status < 300, (method, path, told.status, told.body)
        return told.json if told.body else None

    def provider(self, uuid: str = U1, parent: str | None = None, **has: Any) -> str:
        """Make a provider with inventories, plain numbers or whole records."""
        body = {"uuid": uuid, "name": uuid, "parent_provider_uuid": parent}
        generation = self.ok("POST", RP, body)["generation"]
        inventories = {
            name: held if isinstance(held, dict) else {"total": held} for name, held in has.items()
        }
        if inventories:
            body = {"resource_provider_generation": generation, "inventories": inventories}
            self.ok("PUT", f"{RP}/{uuid}/inventories", body)
        return uuid

    def allocate(self, consumer: str = C1, expected: int | None = None, **held: Any) -> Told:
        """Ask for allocations: keywords are ``on_<number of the provider>``."""
        allocations = {
            f"{int(key[3:]):08x}-0000-4000-8000-000000000000": {"resources": amounts}
            for key, amounts in held.items()
        }
        return self("PUT", f"/allocations/{consumer}", holds(allocations, expected))

    def generation(self, uuid: str = U1) -> int:
        return int(self.ok("GET", f"{RP}/{uuid}")["generation"])


def holds(allocations: Any, expected: int | None = None, **changes: Any) -> dict[str, Any]:
    """The body of a request for allocations."""
    return {
        "allocations": allocations,
        "project_id": "project",
        "user_id": "user",
        "consumer_generation": expected,
        "consumer_type": "INSTANCE",
        **changes,
    }
