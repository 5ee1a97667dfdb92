"""Who may do what, by ``oslo.policy``: Placement's rules, and an operator's own before them.

The rules have the names that they have in Placement 16.0.0, so that an operator's policy file
for Placement goes on meaning what it means.  Files are read once, at the start.

Source: Placement 16.0.0, its policies; oslo.policy, "Policy enforcement".
"""

import difflib
from collections.abc import Mapping
from pathlib import Path

from oslo_config import cfg
from oslo_policy import opts, policy

from wherry.api.placement.identity import Client
from wherry.api.placement.policy import RESHAPE, USAGES
from wherry.api.placement.routes import ROUTES
from wherry.model.errors import BadConfiguration

_PROJECT = ["project"]
_OLD = policy.DeprecatedRule(
    name="rule:admin_api",
    check_str="role:admin",
    deprecated_reason="rules of a project's roles have taken its place",
    deprecated_since="W",
)
_NAMED: Mapping[str, str] = {
    "service_api": "role:service",
    "admin_or_service_api": "role:admin or role:service",
    "admin_or_project_reader_or_service_api": (
        "role:admin or rule:project_reader_api or role:service"
    ),
}
"""Rules that the calls' rules name, for tokens of a project."""
_OF_CALLS: Mapping[str, str] = {
    USAGES: "rule:admin_or_project_reader_or_service_api",
    RESHAPE: "rule:service_api",
}
"""What calls ask for; all others: admin or service."""


class OsloPolicy:
    """Rules that ``oslo.policy`` looks at."""

    def __init__(self, enforcer: policy.Enforcer) -> None:
        self._enforcer = enforcer

    def allows(self, rule: str, client: Client, project: str | None) -> bool:
        """Whether a rule lets a client do this.

        Args:
            project: the one that is asked about, where the call is about one.
        """
        about = project if rule == USAGES else client.project
        target = {"project_id": about, "user_id": client.user}
        who = {
            **client.more,
            "user_id": client.user,
            "project_id": client.project,
            "domain_id": client.domain,
            "system_scope": "all" if client.is_system else None,
            "roles": sorted(client.roles),
        }
        # What nobody named is left out, lest nothing be taken for the same as nothing.
        known = {name: value for name, value in target.items() if value is not None}
        return bool(self._enforcer.enforce(rule, known, who))


def read_policy(
    profile: str, conf: cfg.ConfigOpts, *, config: Path | None, file: Path | None
) -> OsloPolicy:
    """Make the rules of a profile, with an operator's files before them.

    Args:
        profile: ``secure``, ``legacy`` or ``open``.
        conf: options, with the section ``[oslo_policy]``.
        config: file of the options; relative paths in it count from its folder.
        file: policy file that goes before the one that *conf* names.

    Raises:
        BadConfiguration: a file cannot be taken, or *conf* says another thing than *profile*.
    """
    is_new = profile != "legacy"
    opts.set_defaults(conf, "policy.yaml", enforce_new_defaults=is_new)
    if profile != "open" and conf.oslo_policy.enforce_new_defaults != is_new:
        message = (
            f"{config}: [oslo_policy] enforce_new_defaults is not what placement_policy "
            f"{profile} means: set placement_policy to {'legacy' if is_new else 'secure'}, "
            "or leave the line out"
        )
        raise BadConfiguration(message)
    main, folders = _places(conf, config, file)
    conf.set_override("policy_dirs", [str(folder) for folder in folders], "oslo_policy")
    enforcer = policy.Enforcer(conf, policy_file=str(main))
    enforcer.suppress_default_change_warnings = True
    enforcer.register_defaults(declare(profile))
    files = [main] if main.exists() else []
    for folder in folders:
        files += sorted(each for each in folder.glob("[!.]*") if each.is_file())
    for each in files:
        _require_sound(each, set(enforcer.registered_rules))
    _load(enforcer, main)
    return OsloPolicy(enforcer)


def declare(profile: str) -> list[policy.RuleDefault]:
    """Declare every rule that there is, with what it asks for unless a file says otherwise."""
    named = [
        policy.RuleDefault(name, ask, scope_types=_PROJECT, deprecated_rule=_OLD)
        for name, ask in _NAMED.items()
    ]
    calls = dict.fromkeys(route.rule for route in ROUTES if route.rule)
    most = "rule:admin_or_service_api"
    return [
        policy.RuleDefault("admin_api", "role:admin", scope_types=_PROJECT),
        policy.RuleDefault(
            "project_reader_api",
            "role:reader and project_id:%(project_id)s",
            deprecated_rule=_OLD,
        ),
        *named,
        *(
            policy.RuleDefault(
                name,
                "@" if profile == "open" else _OF_CALLS.get(name, most),
                scope_types=_PROJECT,
            )
            for name in calls
        ),
    ]


def _places(
    conf: cfg.ConfigOpts, config: Path | None, file: Path | None
) -> tuple[Path, tuple[Path, ...]]:
    """Find the policy file and the folders of policy files that are there."""
    folder = (config or Path()).resolve().parent
    listed = [folder / name for name in conf.oslo_policy.policy_dirs] if config else []
    folders = tuple(each for each in listed if each.is_dir())
    found = conf.get_location("policy_file", "oslo_policy")
    said = found.location if found else None
    is_named = file is not None or said in {cfg.Locations.user, cfg.Locations.environment}
    main = file.resolve() if file else folder / conf.oslo_policy.policy_file
    if is_named and not main.is_file():
        message = f"{main}: there is no such policy file"
        raise BadConfiguration(message)
    return main, folders


def _require_sound(file: Path, known: set[str]) -> None:
    """Refuse what the library would take for a rule that nobody or everybody meets."""
    try:
        rules: object = policy.parse_file_contents(file.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise BadConfiguration(message) from None
    except ValueError as error:
        message = f"{file}: is no policy file: {' '.join(str(error).split())}"
        raise BadConfiguration(message) from None
    if not isinstance(rules, dict):
        message = f'{file}: is no policy file: it must hold lines such as "name": "role:admin"'
        raise BadConfiguration(message)
    for name, said in rules.items():
        _require_rule(file, str(name), said, known)


def _require_rule(file: Path, name: str, said: object, known: set[str]) -> None:
    if name.startswith("placement:") and name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        message = f"{file}: there is no rule {name}{hint}"
        raise BadConfiguration(message)
    if not isinstance(said, str):
        message = f'{file}: rule {name} must be text, such as "role:admin"'
        raise BadConfiguration(message)
    if said.strip() != "!" and str(policy.RuleDefault(name, said).check) == "!":
        message = f"{file}: rule {name} cannot be understood: {said!r}"
        raise BadConfiguration(message)


def _load(enforcer: policy.Enforcer, file: Path) -> None:
    try:
        enforcer.load_rules()
        enforcer.check_rules(raise_on_violation=True)
    except policy.InvalidDefinitionError as error:
        message = f"{file}: a rule names one that is not there, or itself: {error}"
        raise BadConfiguration(message) from None
    # From here on no request looks at files.
    enforcer.use_conf = False
