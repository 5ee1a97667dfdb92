"""A client of Wherry's API: for the agent, the command line and the demo.

Calls that may be sent twice without harm are sent again where the connection fails; an
error comes back as the class its code stands for.
"""

import os
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import urllib3
from msgspec import UNSET
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry, Timeout

from wherry.model.errors import BadConfiguration, ServiceUnavailable, WherryError
from wherry.model.told import told_error
from wherry.model.wire import ErrorAnswer

DEFAULT_URL = "http://127.0.0.1:8778"
CONNECT_S = 5.0
ANSWER_S = 60.0
CLOCKS_AGREE_S = 2.0
"""Clocks that are no further apart are taken as one: answers tell theirs in whole seconds."""

_AGAIN = Retry(
    total=2,
    connect=2,
    read=1,
    status=0,
    redirect=0,
    other=0,
    # A busy service says 503 and when to come again: what to do then is the caller's to say.
    respect_retry_after_header=False,
    backoff_factor=0.2,
    allowed_methods=frozenset({"GET", "HEAD", "PUT", "DELETE"}),
)
_OK, _NOT_OK = 200, 300

T = TypeVar("T")


class Client:
    """One service, by its address; threads may share it."""

    def __init__(self, url: str = DEFAULT_URL, *, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            message = f"address {url!r} is no URL such as {DEFAULT_URL}"
            raise BadConfiguration(message)
        self.url = url.rstrip("/")
        self.token = token
        self._headers = {"Accept": "application/json", "User-Agent": "wherry"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._http = urllib3.PoolManager(maxsize=4, retries=_AGAIN)
        self._ahead_s = 0.0

    def now(self) -> float:
        """Tell the time by the service's clock, in seconds since the epoch.

        Leases end by that clock, which each answer tells; the one of this machine may be wrong.
        """
        return time.time() + self._ahead_s

    def get(self, path: str, kind: type[T], *, wait_s: float = 0, **query: Any) -> T:
        """Ask for something.

        Args:
            path: such as ``/wherry/hosts``.
            kind: type of the answer.
            wait_s: how long the service may take on purpose, besides the usual time.
            query: parameters; None leaves one out.
        """
        said = urlencode({name: value for name, value in query.items() if value is not None})
        return self.send("GET", f"{path}?{said}" if said else path, kind, wait_s=wait_s)

    def send(
        self,
        method: str,
        path: str,
        kind: type[T],
        body: Any = None,
        *,
        wait_s: float = 0,
    ) -> T:
        """Send a call and read its answer.

        Args:
            method: of HTTP.
            path: with parts made by `part`, and a query if there is one.
            kind: type of the answer; ``bytes`` gives it as it stands.
            body: a record of the wire, or bytes that are JSON already; None sends none.
            wait_s: as for `get`.

        Raises:
            ServiceUnavailable: nobody answers there, or not in Wherry's words.
            WherryError: what the service says, by the class of its code.
        """
        status, data = self._exchange(method, path, body, wait_s)
        if not _OK <= status < _NOT_OK:
            raise self._error(status, data)
        if kind is bytes:
            return data  # type: ignore[return-value] # `bytes` was asked for
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.DecodeError as error:
            message = f"{self.url} answered what this version does not understand: {error}"
            raise ServiceUnavailable(message) from None

    def _exchange(self, method: str, path: str, body: Any, wait_s: float) -> tuple[int, bytes]:
        data, headers = _encode(body)
        try:
            response = self._http.request(
                method,
                f"{self.url}{path}",
                body=data,
                headers={**self._headers, **headers},
                timeout=Timeout(connect=CONNECT_S, read=ANSWER_S + wait_s),
                redirect=False,
            )
        except HTTPError as error:
            raise ServiceUnavailable(self._unreachable(error)) from None
        self._compare_clocks(response.headers.get("Date"))
        return response.status, response.data

    def _compare_clocks(self, said: str | None) -> None:
        try:
            told = parsedate_to_datetime(said or "").timestamp()
        except ValueError:
            return
        ahead_s = told + 0.5 - time.time()
        self._ahead_s = ahead_s if abs(ahead_s) > CLOCKS_AGREE_S else 0.0

    def _unreachable(self, error: HTTPError) -> str:
        cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        why = str(getattr(cause, "message", cause)).rpartition("): ")[2] or type(cause).__name__
        return f"cannot reach {self.url}: {why} (is `wherry serve` running there?)"

    def _error(self, status: int, data: bytes) -> WherryError:
        try:
            told = msgspec.json.decode(data, type=ErrorAnswer).error
        except msgspec.DecodeError:
            message = f"{self.url} answered {status}, and not as Wherry does"
            return ServiceUnavailable(message)
        path = None if told.path is UNSET else told.path
        return told_error(told.code, told.message, path=path, detail=told.detail)


def part(text: str) -> str:
    """Write a name as one part of a path."""
    return quote(text, safe="")


def read_token(
    file: Path | None,
    environ: Mapping[str, str] = os.environ,
    variable: str = "WHERRY_TOKEN",
) -> str | None:
    """Find the caller's token: in a file, else in a variable; None where there is none.

    Raises:
        BadConfiguration: the file cannot be read, or is empty.
    """
    if file is None:
        return environ.get(variable) or None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        message = f"token file {file} cannot be read: {error}"
        raise BadConfiguration(message) from None
    if not token:
        message = f"token file {file} is empty"
        raise BadConfiguration(message)
    return token


def _encode(body: Any) -> tuple[bytes | None, dict[str, str]]:
    if body is None:
        return None, {}
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return data, {"Content-Type": "application/json"}
