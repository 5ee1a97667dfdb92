"""A small identity server on loopback: it issues and validates tokens as Keystone's v3 API does.

Answers have the form of the Identity API v3 reference, "Authentication and token management".
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SERVICE_TOKEN = "gAAAAABservice"
PASSWORD = "secret of the service"
DEFAULT = {"id": "default", "name": "Default"}
CONFIG = """
[keystone_authtoken]
www_authenticate_uri = {url}
auth_url = {url}
auth_type = password
project_domain_name = Default
user_domain_name = Default
project_name = service
username = placement
password = {password}
"""


def a_token(
    *roles: str,
    user: str = "ursula",
    project: str | None = "alpha",
    domain: str | None = None,
    system: bool = False,
    expires_at: str = "2099-12-31T23:59:59.000000Z",
) -> dict[str, Any]:
    """What the server tells of a token."""
    told: dict[str, Any] = {
        "methods": ["password"],
        "user": {"domain": DEFAULT, "id": user, "name": user, "password_expires_at": None},
        "audit_ids": ["3T2dc1CGQxyJsHdDu1xkcw"],
        "expires_at": expires_at,
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "roles": [{"id": f"id of {role}", "name": role} for role in roles],
    }
    if system:
        told["system"] = {"all": True}
    elif domain is not None:
        told["domain"] = {"id": domain, "name": domain}
    elif project is not None:
        told["project"] = {"domain": DEFAULT, "id": project, "name": project}
        told["is_domain"] = False
    return {"token": told}


@dataclass
class Identity:
    """The server: tokens by their text, and what it was asked."""

    url: str
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    services: dict[str, str] = field(default_factory=dict)
    """Addresses of services for the catalogue, by type."""
    answers: bool = True
    """Whether it answers at all, or tells of its own trouble."""

    def config(self, folder: Path, *, password: str = PASSWORD, more: str = "") -> Path:
        """Write the options of a service that asks this server."""
        file = folder / "keystone.conf"
        file.write_text(CONFIG.format(url=self.url, password=password) + more)
        return file


@contextmanager
def run_identity() -> Iterator[Identity]:
    """Run a server with no tokens but the service's own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    identity = Identity(f"http://127.0.0.1:{server.server_port}")
    server.identity = identity  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield identity
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Write no line for each request."""

    @property
    def identity(self) -> Identity:
        return self.server.identity  # type: ignore[attr-defined, no-any-return]

    def do_GET(self) -> None:
        if not self.identity.answers:
            return self._say(500, {"error": {"code": 500, "message": "trouble"}})
        if self.path.rstrip("/") in {"", "/v3"}:
            return self._say(*self._versions())
        if self.path.partition("?")[0] != "/v3/auth/tokens":
            return self._say(404, {"error": {"code": 404, "message": "not found"}})
        if self.headers.get("X-Auth-Token") != SERVICE_TOKEN:
            return self._say(401, {"error": {"code": 401, "message": "who are you?"}})
        subject = self.headers["X-Subject-Token"]
        self.identity.asked.append(subject)
        if (told := self.identity.tokens.get(subject)) is None:
            return self._say(404, {"error": {"code": 404, "message": "no such token"}})
        return self._say(200, told, {"X-Subject-Token": subject})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        user = body["auth"]["identity"]["password"]["user"]
        if user["password"] != PASSWORD:
            return self._say(401, {"error": {"code": 401, "message": "not you"}})
        told = a_token("service", user="placement", project="service")
        services = {"identity": self.identity.url} | self.identity.services
        told["token"]["catalog"] = [_entry(kind, url) for kind, url in services.items()]
        return self._say(201, told, {"X-Subject-Token": SERVICE_TOKEN})

    def _versions(self) -> tuple[int, Any]:
        version = {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{self.identity.url}/v3/"}],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
            ],
        }
        if self.path.startswith("/v3"):
            return 200, {"version": version}
        return 300, {"versions": {"values": [version]}}

    def _say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _entry(kind: str, url: str) -> dict[str, Any]:
    """What a catalogue says of one service."""
    ends = [
        {
            "id": f"{kind} {interface}",
            "interface": interface,
            "region": "RegionOne",
            "region_id": "RegionOne",
            "url": url,
        }
        for interface in ("public", "internal", "admin")
    ]
    return {"id": kind, "type": kind, "name": kind, "endpoints": ends}
