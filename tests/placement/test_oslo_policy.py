"""The library's rules and the plain tables let the same clients do the same things."""

import json
import subprocess
from collections.abc import Callable
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest

from schedule.candidates.peer import find_peer
from service import run_service
from wherry.api.openstack.config import read_config
from wherry.api.openstack.rules import declare, read_policy
from wherry.api.placement.identity import Client
from wherry.api.placement.policy import PROFILES, RESHAPE, USAGES, Policy
from wherry.api.placement.routes import ROUTES
from wherry.app.settings import Settings
from wherry.model.errors import BadConfiguration

RULES = sorted({route.rule for route in ROUTES if route.rule})
LIST = "placement:resource_providers:list"
ROLES = ("admin", "service", "reader", "member")

Read = Callable[..., Policy]


def a_client(*roles: str, **known: Any) -> Client:
    return Client(**({"user": "u", "project": "alpha", "roles": frozenset(roles)} | known))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read rules: a profile, the text of a policy file, and of the file of options."""

    def make(
        profile: str = "secure", text: str | None = None, options: str | None = None
    ) -> Policy:
        config = file = None
        if options is not None:
            config = tmp_path / "placement.conf"
            config.write_text(options)
        if text is not None:
            file = tmp_path / "rules.yaml"
            file.write_text(text)
        return read_policy(profile, read_config(config), config=config, file=file)

    return make


@pytest.mark.parametrize("profile", ["secure", "legacy", "open"])
def test_the_library_and_the_tables_answer_alike(read: Read, profile: str) -> None:
    """Every rule, every set of roles, every scope, every project asked about."""
    library, tables = read(profile, ""), PROFILES[profile]
    sets = chain.from_iterable(combinations(ROLES, n) for n in range(len(ROLES) + 1))
    scopes = (
        {"project": "alpha"},
        {"project": "beta"},
        {"project": None},
        {"project": None, "is_system": True},
        {"project": None, "domain": "default"},
    )
    let_in = 0
    for rule, roles, scope in product(RULES, list(sets), scopes):
        client = a_client(*roles, **scope)
        for project in (None, "alpha", "beta") if rule == USAGES else (None,):
            said = library.allows(rule, client, project)
            assert said == tables.allows(rule, client, project), (rule, client, project)
            let_in += said
    assert let_in > 100


def test_the_rules_are_those_of_openstack_placement() -> None:
    """Names, what they ask for, scopes, and the older rules."""
    python = find_peer()
    if python is None:
        pytest.skip("needs openstack-placement: `make peer`, or set WHERRY_PEER_VENV to its venv")
    script = """
import json
from placement import policies
print(json.dumps({
    rule.name: [rule.check_str, rule.scope_types, old and [old.name, old.check_str]]
    for rule in policies.list_rules() for old in [rule.deprecated_rule]}))
"""
    told = subprocess.run([python, "-c", script], capture_output=True, check=True, text=True)
    ours = {
        rule.name: [
            rule.check_str,
            rule.scope_types,
            rule.deprecated_rule and [rule.deprecated_rule.name, rule.deprecated_rule.check_str],
        ]
        for rule in declare("secure")
    }
    assert ours == json.loads(told.stdout)


def test_an_operators_rule_goes_before_ours(read: Read) -> None:
    policy = read(text='"placement:resource_providers:list": "role:reader"\n')
    assert policy.allows(LIST, a_client("reader"), None)
    assert not policy.allows(LIST, a_client("admin"), None)
    assert policy.allows("placement:traits:list", a_client("admin"), None)
    assert not policy.allows("placement:traits:list", a_client("reader"), None)


def test_a_rule_that_others_name_changes_them_all(read: Read) -> None:
    policy = read(text='"admin_or_service_api": "role:cloud_admin"\n')
    assert policy.allows(LIST, a_client("cloud_admin"), None)
    assert not policy.allows(LIST, a_client("admin"), None)
    assert policy.allows(RESHAPE, a_client("service"), None)


def test_rules_may_look_at_all_that_a_token_tells(read: Read) -> None:
    policy = read(
        text=f'"{LIST}": "user_id:nova or user_domain_id:ops or rule:ours"\n"ours": "!"\n'
    )
    assert policy.allows(LIST, a_client(user="nova"), None)
    assert policy.allows(LIST, a_client(more={"user_domain_id": "ops"}), None)
    assert not policy.allows(LIST, a_client(more={"user_domain_id": "dev"}), None)


def test_what_is_known_of_a_client_cannot_be_made_up_besides(read: Read) -> None:
    """The words of the token's own message give way to what the door has made of it."""
    policy = read(text="")
    client = a_client("reader", more={"roles": ["admin"], "project_id": "beta"})
    assert not policy.allows(LIST, client, None)
    assert not policy.allows(USAGES, client, "beta")
    assert policy.allows(USAGES, client, "alpha")


def test_files_that_the_options_name_are_read_from_beside_them(read: Read, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(f'"{LIST}": "role:reader"\n')
    (tmp_path / "more.d").mkdir()
    (tmp_path / "more.d" / "10.yaml").write_text('"placement:traits:list": "role:reader"\n')
    policy = read(options="[oslo_policy]\npolicy_file = own.yaml\npolicy_dirs = more.d\n")
    assert policy.allows(LIST, a_client("reader"), None)
    assert policy.allows("placement:traits:list", a_client("reader"), None)
    assert not policy.allows(RESHAPE, a_client("reader"), None)


def test_a_policy_file_beside_the_options_is_read_as_placement_reads_it(
    read: Read, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text(f'"{LIST}": "role:reader"\n')
    assert read(options="").allows(LIST, a_client("reader"), None)


def test_the_nearer_word_names_the_file(read: Read, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(f'"{LIST}": "role:reader"\n')
    policy = read(text=f'"{LIST}": "role:member"\n', options="")
    assert policy.allows(LIST, a_client("member"), None)
    assert not policy.allows(LIST, a_client("reader"), None)


def test_a_policy_file_counts_without_keystone_too(tmp_path: Path, sqlite_url: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(f'"{LIST}": "role:reader"\n')
    settings = Settings(database=sqlite_url, auth="noauth2", placement_policy_file=file)
    running = run_service(settings)
    try:
        got = {
            role: running.ask(
                "GET", "/resource_providers", headers={"X-Auth-Token": "ursula", "X-Roles": role}
            ).status
            for role in ("reader", "admin")
        }
    finally:
        running.stop()
    assert got == {"reader": 200, "admin": 403}


def test_rules_are_read_once(read: Read, tmp_path: Path) -> None:
    policy = read(text=f'"{LIST}": "role:reader"\n')
    (tmp_path / "rules.yaml").write_text("this is no longer: a policy file: at all\n")
    assert policy.allows(LIST, a_client("reader"), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- list\n", "is no policy file"),
        ("text", "is no policy file"),
        ("a: b: c\n", "is no policy file"),
        (
            '"placement:resource_provider:list": "@"\n',
            "resource_provider:list; did you mean placement:resource_providers:list?",
        ),
        (f'"{LIST}": "role:admin or"\n', "cannot be understood"),
        (f'"{LIST}":\n', "must be text"),
        (f'"{LIST}": 7\n', "must be text"),
        (f'"{LIST}": "rule:nowhere"\n', LIST),
        ('"a": "rule:b"\n"b": "rule:a"\n', "itself"),
    ],
)
def test_a_policy_file_that_does_not_say_what_it_means_is_refused(
    read: Read, text: str, words: str
) -> None:
    with pytest.raises(BadConfiguration) as told:
        read(text=text)
    assert "rules.yaml: " in str(told.value)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_of_a_folder_is_refused_by_its_own_name(read: Read, tmp_path: Path) -> None:
    (tmp_path / "policy.d").mkdir()
    (tmp_path / "policy.d" / "20.yaml").write_text(f'"{LIST}": 7\n')
    with pytest.raises(BadConfiguration, match=r"20\.yaml: rule"):
        read(options="")


@pytest.mark.parametrize("options", ["[oslo_policy]\npolicy_file = gone.yaml\n"])
def test_a_policy_file_that_is_named_must_be_there(read: Read, options: str) -> None:
    with pytest.raises(BadConfiguration, match="there is no such policy file"):
        read(options=options)


@pytest.mark.parametrize(
    ("profile", "said", "other"), [("secure", "false", "legacy"), ("legacy", "true", "secure")]
)
def test_two_words_about_the_old_rules_must_agree(
    read: Read, profile: str, said: str, other: str
) -> None:
    options = f"[oslo_policy]\nenforce_new_defaults = {said}\n"
    with pytest.raises(BadConfiguration, match=f"set placement_policy to {other}"):
        read(profile, options=options)
    assert read(other, options=options).allows(LIST, a_client("admin"), None)
