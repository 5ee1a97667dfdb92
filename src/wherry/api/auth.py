"""Who asks: tokens from a file, or everybody as admin on loopback.

The file holds digests, so that reading it gives nobody a token::

    [[token]]
    name = "agents"
    sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    role = "service"

    [[token]]
    name = "project alpha"
    sha256 = "…"
    role = "user"
    project = "alpha"

A digest is made by ``printf %s "$TOKEN" | sha256sum``.  Source: design, section 9.
"""

import hashlib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from wherry.api.errors import Unauthenticated
from wherry.app.settings import Settings
from wherry.model.caller import LOCAL_ADMIN, Caller, Role
from wherry.model.errors import BadConfiguration

Identify = Callable[[str | None], Caller]
"""Takes the header Authorization, or None; gives the caller or raises Unauthenticated."""


class TokenEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One token of the file."""

    name: str
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    role: Role
    project: str = ""


class TokenFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of tokens."""

    token: tuple[TokenEntry, ...]


def open_door(settings: Settings) -> Identify:
    """Choose how callers are told apart.

    Raises:
        BadConfiguration: the file of tokens cannot be taken.
    """
    if settings.believes_all:
        return lambda _header: LOCAL_ADMIN
    if settings.tokens_file is None:
        raise BadConfiguration("auth is token: name the file of tokens with tokens_file")
    callers = read_tokens(settings.tokens_file)
    return lambda header: identify(callers, header)


def bearer(authorization: str | None, token: str | None) -> str | None:
    """Take a token from either header: Authorization, or X-Auth-Token as OpenStack sends it."""
    return f"Bearer {token}" if authorization is None and token is not None else authorization


def identify(callers: Mapping[bytes, Caller], header: str | None) -> Caller:
    """Find the caller whose token this is.

    A look-up by digest takes the same time for every wrong token: nobody can choose the
    digest that a guess will have.

    Raises:
        Unauthenticated: no token, no bearer token, or nobody's.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("this service asks for a token: Authorization: Bearer TOKEN")
    caller = callers.get(hashlib.sha256(token.strip().encode()).digest())
    if caller is None:
        raise Unauthenticated("the token is not known here")
    return caller


def read_tokens(file: Path) -> Mapping[bytes, Caller]:
    """Read the file of tokens: digest to caller.

    Raises:
        BadConfiguration: it cannot be read, is not as it should be, or names a digest twice.
    """
    entries = _read(file).token
    callers = {bytes.fromhex(entry.sha256): _caller(file, entry) for entry in entries}
    if len(callers) != len(entries):
        message = f"{file}: two tokens have the same sha256"
        raise BadConfiguration(message)
    return callers


def _read(file: Path) -> TokenFile:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        return msgspec.convert(document, TokenFile)
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{file}: is not valid TOML: {error}"
    except msgspec.ValidationError as error:
        message = f"{file}: {error}"
    raise BadConfiguration(message)


def _caller(file: Path, entry: TokenEntry) -> Caller:
    if (entry.role == "user") != bool(entry.project):
        message = (
            f"{file}: token {entry.name!r}: role user needs a project, and no other role has one"
        )
        raise BadConfiguration(message)
    return Caller(role=entry.role, project=entry.project, name=entry.name)
