"""Who asks, by the way of authentication that is set up.

``noauth2`` is for tests: the token is ``user`` or ``user:project``, and user ``admin`` has
that role.

Source: Placement 16.0.0, ``auth_strategy = noauth2``, probed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.api.auth import Identify, bearer
from wherry.api.errors import Unauthenticated
from wherry.api.placement.refused import Refused
from wherry.model.caller import Caller

Environ = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks, as policies look at it.

    Attributes:
        project: the one that the token is for.
        is_system: whether the token is for the system as a whole.
        domain: the one that the token is for, where it is for a whole domain.
        more: what else is known, in the words that an operator's rules use.
    """

    user: str
    project: str | None
    roles: frozenset[str]
    is_system: bool = False
    domain: str | None = None
    more: Mapping[str, object] = field(default_factory=dict)


IdentifyClient = Callable[[Environ], Client]
"""Takes the environment of a request; raises Refused (401)."""


def identify_noauth2(environ: Environ) -> Client:
    """Believe what the headers say.

    Raises:
        Refused: there is no token.
    """
    token = environ.get("HTTP_X_AUTH_TOKEN")
    if token is None:
        raise Refused(401)
    user, _, project = str(token).partition(":")
    listed = environ.get("HTTP_X_ROLES")
    if listed is None:
        listed = "admin" if user == "admin" else ""
    is_system = bool(environ.get("HTTP_OPENSTACK_SYSTEM_SCOPE"))
    tenant = None if is_system else project or user
    return Client(
        user=user,
        project=environ.get("HTTP_X_PROJECT_ID", tenant),
        roles=frozenset(role.strip().lower() for role in listed.split(",") if role.strip()),
        is_system=is_system,
        domain=environ.get("HTTP_X_DOMAIN_ID") or None,
    )


def identify_by(identify: Identify) -> IdentifyClient:
    """Ask the service's own authentication; a token may come as either header."""

    def ask(environ: Environ) -> Client:
        header = bearer(environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_X_AUTH_TOKEN"))
        try:
            return _client(identify(header))
        except Unauthenticated as error:
            raise Refused(401, str(error), headers=error.headers) from None

    return ask


def _client(caller: Caller) -> Client:
    role = "reader" if caller.role == "user" else caller.role
    return Client(user=caller.name, project=caller.project or None, roles=frozenset({role}))
