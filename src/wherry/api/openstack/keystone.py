"""Who asks, by a token of Keystone: its own middleware asks the identity service.

Source: keystonemiddleware, ``auth_token``; Placement 16.0.0, ``auth_strategy = keystone``.
"""

import importlib.util
import io
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from keystoneauth1.exceptions import ClientException
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_context.context import RequestContext

from wherry.api.errors import Unauthenticated
from wherry.api.placement.identity import Client, Environ
from wherry.api.placement.refused import Refused
from wherry.model.caller import Caller
from wherry.model.errors import BadConfiguration, NotAllowed, ServiceUnavailable

log = logging.getLogger("wherry.api.openstack")

SECTION = "keystone_authtoken"


class Keystone:
    """An identity service that tells whose a token is.

    Args:
        conf: the options, with the section ``[keystone_authtoken]``.
        file: where they stand, for messages.
    """

    def __init__(self, conf: cfg.ConfigOpts, file: Path) -> None:
        try:
            self._gate = auth_token.AuthProtocol(_let_in, {"oslo_config_config": conf})
            named = conf[SECTION].auth_type or conf[SECTION].auth_section
        # Its plugins raise errors of many kinds; each is about a line of the file.
        except Exception as error:
            message = f"{file}: [{SECTION}]: {' '.join(str(error).split())}"
            raise BadConfiguration(message) from None
        if not named:
            message = (
                f"{file}: [{SECTION}] has no auth_type: say how the service itself proves who "
                "it is, such as auth_type = password with auth_url, username and password"
            )
            raise BadConfiguration(message)
        _require_cache(conf, file)

    def client(self, environ: Environ) -> Client:
        """Find who asks the Placement API.

        Raises:
            Refused: in the words of the middleware: the token is missing or not valid (401),
                or the identity service does not answer (503).
        """
        asked = dict(environ)
        try:
            status, headers, body = self._ask(asked)
        except ServiceUnavailable as error:
            raise Refused(503, str(error)) from None
        if status != HTTPStatus.OK:
            kind = headers.pop("Content-Type", "text/plain")
            headers.pop("Content-Length", None)
            raise Refused(status, headers=headers, whole=(kind, body))
        return _client(RequestContext.from_environ(asked, overwrite=False))

    def caller(self, header: str | None) -> Caller:
        """Find who asks Wherry's own API, by the header Authorization.

        Raises:
            Unauthenticated: the token is missing or not valid.
            NotAllowed: none of its roles is known here, it is not for a project, or it is
                for some calls only.
            ServiceUnavailable: the identity service does not answer.
        """
        scheme, _, token = (header or "").partition(" ")
        asked = dict(_BARE) | {"wsgi.input": io.BytesIO()}
        if scheme.lower() == "bearer":
            asked["HTTP_X_AUTH_TOKEN"] = token.strip()
        status, headers, _ = self._ask(asked)
        if status == HTTPStatus.UNAUTHORIZED:
            told = {k: v for k, v in headers.items() if k == "WWW-Authenticate"}
            message = "this service asks for a token of Keystone, and one that is still valid"
            raise Unauthenticated(message, headers=told)
        if status != HTTPStatus.OK:
            raise ServiceUnavailable(_NO_ANSWER)
        _require_unbound(asked)
        return _caller(_client(RequestContext.from_environ(asked, overwrite=False)))

    def _ask(self, asked: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Let the middleware look at a request; it writes into *asked* what it has learnt."""
        told: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            told.extend((int(status[:3]), dict(headers)))

        try:
            body = b"".join(self._gate(asked, start_response))
        except ClientException as error:
            log.warning("the identity service cannot be asked: %s", error)
            raise ServiceUnavailable(_NO_ANSWER) from None
        return told[0], told[1], body


_NO_ANSWER = "the identity service does not answer: try again later"
_BARE: Mapping[str, Any] = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/wherry",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
}
"""A request about which only its token is to be told."""


def _let_in(environ: Environ, start_response: Any) -> Iterable[bytes]:
    """Stand behind the middleware: whom it has not named (``delay_auth_decision``) is nobody."""
    known = bool(environ.get("HTTP_X_USER_ID"))
    start_response("200 OK" if known else "401 Unauthorized", [])
    return ()


def _require_cache(conf: cfg.ConfigOpts, file: Path) -> None:
    """Refuse to share tokens through memcached where its client is not there to do it."""
    said = conf[SECTION]
    if not said.memcached_servers:
        return
    is_binary = said.memcache_sasl_enabled or said.memcache_tls_enabled
    module = "bmemcached" if is_binary else "memcache"
    if importlib.util.find_spec(module) is None:
        message = f"{file}: [{SECTION}] memcached_servers needs the library {module}"
        raise BadConfiguration(message)


def _require_unbound(asked: Environ) -> None:
    """Refuse a token whose access rules list calls: they speak of the catalogue's services."""
    credential = asked["keystone.token_info"]["token"].get("application_credential") or {}
    if credential.get("access_rules") is not None:
        raise NotAllowed("the token has access rules, and those are for the Placement API alone")


def _client(told: RequestContext) -> Client:
    return Client(
        user=told.user_id or "",
        project=told.project_id or None,
        roles=frozenset(role.lower() for role in told.roles),
        is_system=bool(told.system_scope),
        domain=told.domain_id or None,
        more=dict(told.to_policy_values()),
    )


def _caller(client: Client) -> Caller:
    if client.is_system or client.domain is not None or client.project is None:
        raise NotAllowed("the token is for no project: ask for one that is")
    for role in ("admin", "service"):
        if role in client.roles:
            return Caller(role=role, name=client.user)
    if client.roles.isdisjoint({"member", "reader"}):
        raise NotAllowed("the token has none of the roles admin, service, member and reader")
    return Caller(role="user", project=client.project, name=client.user)
