"""Who may do what: one rule a call, in three profiles.

``secure`` are the rules of Placement 16.0.0; ``legacy`` lets in besides whom the older rules
let in; ``open`` lets everybody do everything, for tests.  Where an operator has rules of their
own, ``oslo.policy`` looks at them instead (``api/openstack``).

Source: Placement 16.0.0, its policies; oslo.policy, ``enforce_new_defaults``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from wherry.api.placement.identity import Client
from wherry.api.placement.refused import Refused


class Policy(Protocol):
    """Rules, kept and looked at in whichever way."""

    def allows(self, rule: str, client: Client, project: str | None) -> bool:
        """Whether a rule lets a client do this; *project* is the one asked about."""
        ...


Check = Callable[[Client, str | None], bool]
"""Takes who asks and the project that is asked about."""

USAGES = "placement:usages"
RESHAPE = "placement:reshaper:reshape"


def _anybody(_client: Client, _project: str | None) -> bool:
    return True


def _admin_or_service(client: Client, _project: str | None) -> bool:
    return not client.roles.isdisjoint({"admin", "service"})


def _service(client: Client, _project: str | None) -> bool:
    return "service" in client.roles


def _reader_of_project(client: Client, project: str | None) -> bool:
    own = "reader" in client.roles and client.project is not None and client.project == project
    return own or _admin_or_service(client, project)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A whole set of rules: the one for most calls, and those that differ."""

    most: Check
    others: Mapping[str, Check] = field(default_factory=dict)

    def allows(self, rule: str, client: Client, project: str | None) -> bool:
        """Whether a rule lets a client do this."""
        # Every rule is for tokens of a project, none for those of a domain or the system.
        is_of_project = client.domain is None and not client.is_system
        return is_of_project and self.others.get(rule, self.most)(client, project)


PROFILES: Mapping[str, Profile] = {
    "legacy": Profile(most=_admin_or_service, others={USAGES: _reader_of_project}),
    "secure": Profile(
        most=_admin_or_service, others={USAGES: _reader_of_project, RESHAPE: _service}
    ),
    "open": Profile(most=_anybody),
}


def require_allowed(policy: Policy, rule: str, client: Client, project: str | None) -> None:
    """Refuse what a rule does not let a client do.

    Raises:
        Refused: 403.
    """
    if not policy.allows(rule, client, project):
        raise Refused(403, f"Policy does not allow {rule} to be performed.")
