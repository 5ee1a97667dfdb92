"""Asks one Placement, openstack-placement or Wherry, over HTTP.

Reads are sent again where the connection or a proxy fails; a write never is, as whoever runs the
copy again reads first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.util import Retry, Timeout

from wherry.integrations.placement_copy.plan import NEWEST
from wherry.model.errors import BadConfiguration, NotAllowed, ServiceUnavailable

CONNECT_S = 5.0
ANSWER_S = 120.0
PARALLEL = 4
"""Reads at once: a Placement behind a few workers answers no faster to more."""

_READS = Retry(
    total=4,
    connect=2,
    read=2,
    status=2,
    redirect=0,
    other=0,
    backoff_factor=0.2,
    status_forcelist=(502, 503, 504),
    allowed_methods=frozenset({"GET"}),
    raise_on_status=False,
)
_REFUSED = 400
_LEAD = "\n\n"
"""What stands in a detail between the sentence of its status and its own words."""
_UNKNOWN_CALLER, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_NEEDED = tuple(int(number) for number in NEWEST.split("."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer: its status, and its body if that is JSON."""

    status: int
    body: Any

    @property
    def is_refused(self) -> bool:
        """Whether the request has changed nothing."""
        return self.status >= _REFUSED

    @property
    def reason(self) -> str:
        """What an error says, without the sentence that all of its status begin with."""
        try:
            detail = str(self.body["errors"][0]["detail"])
        except (TypeError, LookupError):
            return f"{self.status}, and no reason given"
        return f"{self.status}, {' '.join(detail.partition(_LEAD)[2].split() or detail.split())}"


class PlacementClient:
    """One Placement, by its address; threads may share it.

    Args:
        url: of its root, such as ``http://controller/placement``.
        token: sent as ``X-Auth-Token``; None sends none.
        roles: sent as ``X-Roles``, for services that take them from the caller (``noauth2``).
        what: how messages name it, such as ``the source``.
    """

    def __init__(
        self, url: str, *, token: str | None = None, roles: str | None = None, what: str
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            message = f"address {url!r} of {what} is no URL such as http://controller/placement"
            raise BadConfiguration(message)
        self.url = url.rstrip("/")
        self.what = what
        self._headers = {"Accept": "application/json", "User-Agent": "wherry"}
        if token:
            self._headers["X-Auth-Token"] = token
        if roles:
            self._headers["X-Roles"] = roles
        self._http = urllib3.PoolManager(maxsize=PARALLEL, retries=_READS)

    def require_version(self) -> None:
        """Make sure that it is a Placement that knows all that is copied.

        Raises:
            BadConfiguration: it is none, or an older one.
            ServiceUnavailable: nobody answers there.
        """
        body = self.send("GET", "/").body
        try:
            newest = str(body["versions"][0]["max_version"])
            known = tuple(int(number) for number in newest.split("."))
        except (TypeError, LookupError, ValueError):
            message = f"{self.url}, {self.what}, does not answer as a Placement: give its root"
            raise BadConfiguration(message) from None
        if known < _NEEDED:
            message = (
                f"{self.url}, {self.what}, knows microversions up to {newest}, and a copy needs"
                f" {NEWEST}: upgrade it first"
            )
            raise BadConfiguration(message)

    def find(self, path: str) -> Any:
        """Read something that may be gone; None where it is."""
        reply = self.send("GET", path)
        return None if reply.status == _NOT_FOUND else self._body(path, reply)

    def get(self, path: str) -> Any:
        """Read something.

        Raises:
            NotAllowed: the token is not known there, or may not read this.
            ServiceUnavailable: it does not answer, or not with what was asked for.
        """
        return self._body(path, self.send("GET", path))

    def _body(self, path: str, reply: Reply) -> Any:
        if reply.is_refused or not isinstance(reply.body, dict):
            message = f"{self.url}, {self.what}, answered {path} with {reply.reason}"
            raise ServiceUnavailable(message)
        return reply.body

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        microversion: str = NEWEST,
    ) -> Reply:
        """Send one request and give its answer, refusals included.

        Raises:
            NotAllowed: the token is not known there, or may not do this.
            ServiceUnavailable: it does not answer.
        """
        headers = self._headers | {"OpenStack-API-Version": f"placement {microversion}"}
        data = None
        if body is not None:
            data = msgspec.json.encode(body)
            headers["Content-Type"] = "application/json"
        try:
            response = self._http.request(
                method,
                f"{self.url}{path}",
                body=data,
                headers=headers,
                timeout=Timeout(connect=CONNECT_S, read=ANSWER_S),
                redirect=False,
            )
        except HTTPError as error:
            message = f"cannot reach {self.url}, {self.what}: {_why(error)}"
            raise ServiceUnavailable(message) from None
        reply = Reply(status=response.status, body=_parse(response.data))
        if reply.status in {_UNKNOWN_CALLER, _FORBIDDEN}:
            message = f"{self.url}, {self.what}, does not let us {method} {path}: {_needs(reply)}"
            raise NotAllowed(message)
        return reply


def _why(error: HTTPError) -> str:
    cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return str(cause).rpartition("): ")[2] or type(cause).__name__


def _needs(reply: Reply) -> str:
    if reply.status == _UNKNOWN_CALLER:
        return "401, it knows no such token, or no longer; get one, and run this again"
    return f"{reply.reason}; it needs the token of an administrator or a service"


def _parse(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return None
