"""Tokens of Keystone open both doors, as its own middleware tells whose they are."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from identity_server import Identity, a_token, run_identity
from schedule.candidates.peer import find_peer, run_peer
from service import Running, ask, run_service
from wherry.api.access import open_access
from wherry.app.settings import Settings
from wherry.model.errors import BadConfiguration

RP = "/resource_providers"
USAGES = "/usages?project_id="
TOKENS = {
    "admin": a_token("admin", "member", "reader"),
    "nova": a_token("service", user="nova", project="service"),
    "capitals": a_token("Admin"),
    "reader": a_token("reader", project="alpha"),
    "system": a_token("admin", system=True),
    "domain": a_token("admin", domain="default"),
    "unscoped": a_token(project=None),
    "expired": a_token("admin", expires_at="2020-01-01T00:00:00.000000Z"),
}


@pytest.fixture
def identity() -> Iterator[Identity]:
    """An identity server that knows a few tokens."""
    with run_identity() as running:
        running.tokens |= TOKENS
        yield running


@pytest.fixture
def start(identity: Identity, tmp_path: Path, sqlite_url: str) -> Iterator[Callable[..., Running]]:
    """Start a service that asks the identity server."""
    started: list[Running] = []

    def run(**more: Any) -> Running:
        config = identity.config(tmp_path, **more.pop("config", {}))
        settings = {"database": sqlite_url, "auth": "keystone", "keystone_config": config}
        started.append(run_service(Settings(**settings, **more)))
        return started[-1]

    yield run
    for running in started:
        running.stop()


def call(
    running: Running, token: str | None, path: str = RP, method: str = "GET", **headers: str
) -> Any:
    said = {"OpenStack-API-Version": "placement 1.39", "Accept": "application/json"}
    said |= {} if token is None else {"X-Auth-Token": token}
    body = {} if method == "POST" else None
    return running.ask(method, path, body, headers=said | headers)


def test_roles_of_a_token_decide_what_it_may_do(start: Callable[..., Running]) -> None:
    running = start()
    got = {token: call(running, token).status for token in TOKENS}
    assert got == {
        "admin": 200,
        "nova": 200,
        "capitals": 200,
        "reader": 403,
        "system": 403,
        "domain": 403,
        "unscoped": 403,
        "expired": 401,
    }
    assert call(running, "reader", f"{USAGES}alpha").status == 200
    assert call(running, "reader", f"{USAGES}beta").status == 403
    assert call(running, "admin", "/reshaper", "POST").status == 403
    assert call(running, "nova", "/reshaper", "POST").status == 400


def test_old_rules_let_administrators_reshape(start: Callable[..., Running]) -> None:
    assert call(start(placement_policy="legacy"), "admin", "/reshaper", "POST").status == 400


def test_whom_the_middleware_lets_pass_unnamed_is_nobody(start: Callable[..., Running]) -> None:
    running = start(config={"more": "delay_auth_decision = true\n"})
    for token in (None, "nobody's"):
        told = call(running, token)
        assert told.status == 401
        assert told.headers["www-authenticate"].startswith("Keystone uri=")
        assert running.ask("GET", "/wherry/hosts", token=token).status == 401
    assert call(running, "admin").status == 200


def test_what_is_refused_is_said_as_the_middleware_says_it(
    start: Callable[..., Running], identity: Identity
) -> None:
    running = start()
    for token in (None, "nobody's", "expired"):
        told = call(running, token)
        assert told.status == 401
        assert told.headers["www-authenticate"] == f'Keystone uri="{identity.url}"'
        assert told.headers["content-type"].startswith("application/json")
        assert told.json["error"]["title"] == "Unauthorized"
        assert "openstack-api-version" not in told.headers
        assert told.headers["x-openstack-request-id"].startswith("req-")
    assert call(running, None, "/").status == 200


def test_headers_that_a_client_makes_up_change_nothing(start: Callable[..., Running]) -> None:
    running = start()
    made_up = {"X-Roles": "admin", "X-User-Id": "root", "X-Project-Id": "beta"}
    made_up |= {"X-Identity-Status": "Confirmed"}
    assert call(running, "reader", **made_up).status == 403
    assert call(running, "reader", f"{USAGES}beta", **made_up).status == 403
    assert call(running, None, **made_up).status == 401


def test_a_token_is_asked_about_once_in_a_while(
    start: Callable[..., Running], identity: Identity
) -> None:
    running = start()
    for _ in range(5):
        assert call(running, "admin").status == 200
    assert identity.asked == ["admin"]


def test_a_server_in_trouble_is_no_fault_of_the_token(
    start: Callable[..., Running], identity: Identity
) -> None:
    running = start()
    identity.answers = False
    assert call(running, "admin").status == 503
    assert running.ask("GET", "/wherry/hosts", token="admin").status == 503

    identity.answers = True
    assert call(running, "admin").status == 200


def test_a_service_that_cannot_prove_who_it_is_answers_503(
    start: Callable[..., Running],
) -> None:
    running = start(config={"password": "forgotten"})
    assert call(running, "admin").status == 503
    assert running.ask("GET", "/wherry/hosts", token="admin").status == 503


def test_the_own_api_takes_the_same_tokens(start: Callable[..., Running]) -> None:
    running = start()
    got = {
        token: running.ask("GET", "/wherry/hosts", token=token).status
        for token in (None, "nobody's", *TOKENS)
    }
    assert got == {
        None: 401,
        "nobody's": 401,
        "admin": 200,
        "nova": 200,
        "capitals": 200,
        "reader": 403,
        "system": 403,
        "domain": 403,
        "unscoped": 403,
        "expired": 401,
    }
    told = running.ask("GET", "/wherry/hosts")
    assert told.headers["www-authenticate"].startswith("Keystone uri=")
    by_header = running.ask("GET", "/wherry/hosts", headers={"X-Auth-Token": "nova"})
    assert by_header.status == 200


def test_a_token_for_some_calls_is_for_no_others(
    start: Callable[..., Running], identity: Identity
) -> None:
    bound = a_token("admin")
    bound["token"]["catalog"] = [{"type": "placement", "id": "p", "endpoints": []}]
    rule = {"id": "r", "service": "placement", "method": "GET", "path": "/traits"}
    bound["token"]["application_credential"] = {"id": "c", "access_rules": [rule]}
    identity.tokens["bound"] = bound
    running = start(config={"more": "service_type = placement\n"})

    assert call(running, "bound", "/traits").status == 200
    assert call(running, "bound").status == 401
    rule |= {"path": "/**"}
    identity.tokens["wide"] = bound
    assert call(running, "wide").status == 200
    assert running.ask("GET", "/wherry/hosts", token="wide").status == 403


def test_a_project_sees_its_own_guests_and_no_others(start: Callable[..., Running]) -> None:
    running = start()
    consumer = "0c0ffee0-0000-4000-8000-000000000000"
    told = running.ask("GET", f"/wherry/guests/{consumer}", token="reader")
    assert (told.status, told.error["code"]) == (404, "not_found")


def test_tokens_of_the_file_go_on_beside_keystone(
    start: Callable[..., Running], identity: Identity, tmp_path: Path
) -> None:
    """Agents keep a token that does not end after an hour."""
    file = tmp_path / "tokens.toml"
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"
    file.write_text(f'[[token]]\nname = "agents"\nsha256 = "{digest}"\nrole = "service"\n')
    running = start(tokens_file=file)

    assert running.ask("GET", "/wherry/hosts", token="test").status == 200
    assert call(running, "test").status == 200
    assert identity.asked == []
    assert call(running, "nova").status == 200
    assert running.ask("GET", "/wherry/hosts", token="nova").status == 200
    assert call(running, "other").status == 401


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[keystone_authtoken]\nauth_url = http://127.0.0.1:1\n", "has no auth_type"),
        ("", "has no auth_type"),
        ("[keystone_authtoken]\nauth_type = telepathy\n", "telepathy"),
        ("[keystone_authtoken]\nauth_type = password\n", "auth.url"),
        ("[keystone_authtoken]\ntoken_cache_time = soon\nauth_type = none\n", "token_cache_time"),
        ("[keystone_authtoken\n", "keystone.conf:1"),
        (
            "[keystone_authtoken]\nauth_type = none\nmemcached_servers = 127.0.0.1:11211\n",
            "needs the library memcache",
        ),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_at_the_start(
    tmp_path: Path, text: str, words: str
) -> None:
    file = tmp_path / "keystone.conf"
    file.write_text(text)
    with pytest.raises(BadConfiguration, match=words) as told:
        open_access(Settings(auth="keystone", keystone_config=file))
    assert "keystone.conf" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_named_at_the_start(tmp_path: Path) -> None:
    file = tmp_path / "none.conf"
    with pytest.raises(BadConfiguration, match=r"none\.conf"):
        open_access(Settings(auth="keystone", keystone_config=file))


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (Settings(auth="keystone", keystone_config=Path("k.conf")), "auth keystone"),
        (Settings(placement_policy_file=Path("policy.yaml")), "placement_policy_file"),
    ],
)
def test_without_the_extra_its_name_is_told(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, asked: str
) -> None:
    for name in [name for name in sys.modules if name.startswith("wherry.api.openstack")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("wherry.api.openstack", raising=False)
    monkeypatch.setitem(sys.modules, "oslo_config", None)

    with pytest.raises(BadConfiguration) as told:
        open_access(settings)
    assert str(told.value) == (
        f"{asked} needs the extra openstack, and oslo_config is not installed: "
        "pip install 'wherry[openstack]'"
    )


PEER = """
[api]
auth_strategy = keystone
[placement_database]
connection = sqlite:///{folder}/placement.db
sync_on_startup = true
"""


def test_every_token_is_answered_as_openstack_placement_answers_it(
    start: Callable[..., Running], identity: Identity, tmp_path: Path
) -> None:
    """Status, who has to be asked, and bodies of refusals are the peer's; rules have its names."""
    python = find_peer()
    if python is None:
        pytest.skip("needs openstack-placement: `make peer`, or set WHERRY_PEER_VENV to its venv")
    running = start()
    config = PEER + identity.config(tmp_path).read_text()
    with run_peer(python, tmp_path, config) as peer:
        url = f"http://127.0.0.1:{peer.port}"
        for token in (None, "nobody's", *TOKENS):
            for path in ("/", RP, f"{USAGES}alpha", f"{USAGES}beta", "/traits"):
                seen = [_seen(each, token, path) for each in (url, running.url)]
                assert seen[0] == seen[1], (token, path)


def _seen(url: str, token: str | None, path: str) -> Any:
    said = {"OpenStack-API-Version": "placement 1.39", "Accept": "application/json"}
    told = ask(url, "GET", path, headers=said | ({} if token is None else {"X-Auth-Token": token}))
    words = told.json if told.status >= 400 else None
    if told.status == 403:
        # For tokens of no project the peer says the rule alone, and no sentence about it.
        words = re.findall(r"placement:[a-z_:]+", words["errors"][0]["detail"])
    names = ("www-authenticate", "content-type", "openstack-api-version")
    return told.status, {name: told.headers.get(name) for name in names}, words
