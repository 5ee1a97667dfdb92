"""A server that answers whatever a test tells it, and remembers what it was asked."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest


class Recorded(BaseHTTPRequestHandler):
    def answer(self) -> None:
        server: Any = self.server
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.seen.append((self.command, self.path, dict(self.headers)))
        status, body = server.told
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815, http.server's names

    def log_message(self, *_words: object) -> None:
        """Write no line for each request."""


class Server(HTTPServer):
    seen: list[tuple[str, str, dict[str, str]]]
    told: tuple[int, bytes]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that answers whatever it was told."""
    made = Server(("127.0.0.1", 0), Recorded)
    made.seen, made.told = [], (200, b'{"status": "ok"}')
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()
