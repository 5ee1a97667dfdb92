"""The files of pages: scripts, styles, pictures, each under a name that says what is in it.

A file's address holds its digest, so a browser keeps it for ever and never an old one.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

KINDS = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, their type and the address it is served under."""

    body: bytes
    content_type: str
    address: str


@cache
def assets() -> dict[str, Asset]:
    """Read all files of the package once: name to file."""
    folder = resources.files("wherry.web").joinpath("static")
    return {each.name: _read(each.name, each.read_bytes()) for each in folder.iterdir()}


def address(name: str) -> str:
    """Where a file is served; a template that names none which exists does not render."""
    return assets()[name].address


def _read(name: str, body: bytes) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(body, KINDS[name.rpartition(".")[2]], f"/ui/static/{digest}/{name}")
