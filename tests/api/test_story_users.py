"""What a project user sees: ok or no, and never a version, driver, firmware or host.

Source: S. Mooney, 2020-07-14: "the version of an mdev is not something we would want to be
exposed to endusers", since it lets them "discover if a device has an unpatch vulnerablity".
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acme_fleet import PROFILES, Fleet, a_report, name_of
from service import Answer, Running, run_service
from wherry.app.settings import Settings

ROLES = {"admin-token": ("admin", ""), "agent-token": ("service", ""), "alpha": ("user", "alpha")}
SECRETS = (
    *("secret-host", "6.66.6", "66.77", "9.99.9", "SECRET-FW", "secretdrv", "SECRET-SUB"),
    *("3b:00.0", "secret-label", "secret.rule", "secret_fact", "1ae0"),
)
"""What is planted in every field that a host or an administrator fills."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Ids, one of which is new with each answer: their digits may look like anything."""


def tokens(folder: Path) -> Path:
    file = folder / "tokens.toml"
    rows = []
    for token, (role, project) in ROLES.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        rows.append(f'[[token]]\nname = "{token}"\nsha256 = "{digest}"\nrole = "{role}"\n')
        if project:
            rows.append(f'project = "{project}"\n')
    file.write_text("".join(rows))
    return file


def a_profile(folder: Path) -> Path:
    """The driver's profile, for a driver with a secret name."""
    text = (PROFILES / "acme.toml").read_text().replace('driver = "acme"', 'driver = "secretdrv"')
    (folder / "acme.toml").write_text(text)
    return folder


@pytest.fixture
def planted(sqlite_url: str, tmp_path: Path) -> Iterator[Fleet]:
    """A service with tokens, asked as admin, with secrets in every field."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    settings = Settings(
        database=sqlite_url,
        auth="token",
        tokens_file=tokens(tmp_path),
        profile_dirs=(a_profile(profiles),),
    )
    fleet = Fleet(run_service(settings, token="admin-token"))
    for host, version in (("secret-host-1", "6.66.6"), ("secret-host-2", "9.99.9")):
        report = a_report(
            host, version=version, state="66.77", firmware="SECRET-FW", driver="secretdrv"
        )
        report["facts"]["devices"][0]["attributes"]["subsystem_vendor"] = "SECRET-SUB"
        fleet.service.put(f"/wherry/hosts/{host}/report", report)
    fleet.service.ask("PATCH", "/wherry/hosts/secret-host-2", {"labels": {"secret-label": "x"}})
    row = {
        "id": "secret.rule",
        "types": ["acme/*"],
        "require": {"target.secret_fact": {"eq": 1}},
        "severity": "no",
    }
    pack = {"id": "secret.rule", "rows": [row]}
    assert fleet.service.ask("PUT", "/wherry/packs/secret.rule", pack).status == 200
    fleet.boot("mine", "secret-host-1", tenant="alpha")
    fleet.boot("other", "secret-host-1", tenant="beta")
    yield fleet
    fleet.service.stop()


def as_user(fleet: Fleet, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    answer = fleet.service.ask(method, path, body, token="alpha", **more)
    text = UUID.sub("", answer.body.decode() + json.dumps(answer.headers))
    assert [secret for secret in SECRETS if secret in text] == [], (method, path)
    return answer


def guest(what: str, rest: str = "") -> str:
    return f"/wherry/guests/{name_of(what)}{rest}"


def test_a_user_sees_its_own_guests_slots_and_features(planted: Fleet) -> None:
    mine = {
        "uuid": name_of("mine"),
        "tenant": "alpha",
        "slots": {"gpu0": ["X"]},
        "migrating": False,
    }

    assert as_user(planted, "GET", "/wherry/guests").json == {"guests": [mine]}
    assert as_user(planted, "GET", guest("mine")).json == mine


def test_anothers_guest_is_as_if_there_were_none(planted: Fleet) -> None:
    theirs = as_user(planted, "GET", guest("other"))
    nobodys = as_user(planted, "GET", guest("nobody"))

    assert theirs.status == nobodys.status == 404
    assert theirs.error["code"] == nobodys.error["code"]
    assert as_user(planted, "POST", guest("other", "/targets"), {}).status == 404


def test_a_user_learns_ok_or_no_and_the_families(planted: Fleet) -> None:
    refused = as_user(planted, "POST", guest("mine", "/targets"), {})
    assert refused.status == 200
    assert refused.json["verdict"] == "no"
    assert set(refused.json["families"]) <= {"type", "interface", "feature", "capacity", "host"}

    planted.service.put("/wherry/packs/secret.rule", {"id": "secret.rule", "rows": []})
    same = a_report("secret-host-3", version="6.66.7", state="66.77", driver="secretdrv")
    planted.service.put("/wherry/hosts/secret-host-3/report", same)
    taken = as_user(planted, "POST", guest("mine", "/targets"), {})
    assert taken.json == {"verdict": "ok", "families": []}


def test_a_user_has_no_query_of_its_own_guest(planted: Fleet) -> None:
    """Its words tell what labels hide."""
    assert as_user(planted, "GET", guest("mine", "/query")).status == 403


QUESTIONS = [
    {"explain": True},
    {"member_of": [name_of("aggregate")]},
    {"hosts": ["secret-host-2"]},
    {"hosts": []},
    {"policy": {"packs": [{"id": "mine", "rows": []}]}},
    {"policy": {"offer_generation": 1}},
    {"policy": {"downtime": {"budget_ms": 1}}},
    {"policy": {"probe": "last_resort"}},
]


@pytest.mark.parametrize("question", QUESTIONS, ids=json.dumps)
def test_a_question_whose_answer_tells_of_one_host_is_refused(
    planted: Fleet, question: dict[str, Any]
) -> None:
    answer = as_user(planted, "POST", guest("mine", "/targets"), question)

    assert (answer.status, answer.error["code"]) == (403, "forbidden")


@pytest.mark.parametrize("query", ["?host=secret", "?tenant=beta"])
def test_a_list_that_tells_of_others_is_refused(planted: Fleet, query: str) -> None:
    assert as_user(planted, "GET", f"/wherry/guests{query}").status == 403


def test_a_user_checks_what_it_brings_along_and_no_stored_record(planted: Fleet) -> None:
    pair = {
        "contract": {
            "schema": "wherry.device/1",
            "record": "contract",
            "consumer": name_of("mine"),
            "slot": "gpu0",
            "kind": "mdev",
            "device_api": "vfio-pci",
            "type": "a/b",
            "interface": {"version": "1.0"},
            "migration": {"support": "yes"},
        },
        "offer": None,
    }
    brought = as_user(planted, "POST", "/wherry/check", pair)
    assert brought.json == {"verdict": "no", "families": ["host"]}

    for body in (
        {"guest": name_of("mine"), "target": "secret-host-2"},
        {"guest": name_of("other"), "target": "secret-host-2"},
        {"before": pair["offer"], "after": pair["offer"]},
    ):
        assert as_user(planted, "POST", "/wherry/check", body).status == 403


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b"\xff", b"[" * 5000 + b"]" * 5000])
def test_a_users_check_that_is_no_document_is_refused(planted: Fleet, body: bytes) -> None:
    assert as_user(planted, "POST", "/wherry/check", body).status == 400


CLOSED = [
    ("GET", "/wherry/hosts", None),
    ("GET", "/wherry/hosts/secret-host-1", None),
    ("PATCH", "/wherry/hosts/secret-host-1", {"state": "disabled"}),
    ("PUT", "/wherry/hosts/secret-host-1/report", a_report("secret-host-1")),
    ("GET", "/wherry/hosts/secret-host-1/jobs", None),
    ("GET", "/wherry/offers", None),
    ("GET", "/wherry/lints", None),
    ("GET", "/wherry/groups", None),
    ("GET", "/wherry/aggregates", None),
    ("PUT", f"/wherry/aggregates/{name_of('red')}", {"tenants": ["alpha"]}),
    ("PUT", "/wherry/groups/web", {"policy": "affinity"}),
    ("GET", "/wherry/profiles", None),
    ("GET", "/wherry/packs", None),
    ("GET", "/wherry/packs/secret.rule", None),
    ("PUT", "/wherry/packs/mine", {"id": "mine", "rows": []}),
    ("PUT", guest("mine"), {"host": "secret-host-1"}),
    ("DELETE", guest("mine"), None),
    ("POST", guest("mine", "/reboot"), {}),
    ("POST", guest("mine", "/unplug"), {"slot": "gpu0"}),
    ("GET", "/wherry/migrations", None),
    ("PUT", f"/wherry/migrations/{name_of('m')}", {"guest": name_of("mine")}),
    ("POST", f"/wherry/migrations/{name_of('m')}/abort", {}),
    ("GET", "/metrics", None),
]


@pytest.mark.parametrize(("method", "path", "body"), CLOSED)
def test_the_rest_is_closed_to_users(planted: Fleet, method: str, path: str, body: Any) -> None:
    answer = as_user(planted, method, path.replace("secret-host-1", "x"), body)
    assert (answer.status, answer.error["code"]) == (403, "forbidden")

    nobody = planted.service.ask(method, path, body, token="guess")
    assert (nobody.status, nobody.error["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "path",
    [
        "/healthz",
        "/readyz",
        "/wherry/openapi.json",
        "/wherry/placement/openapi.json",
        "/wherry/docs",
    ],
)
def test_what_is_open_to_all_tells_nothing(planted: Fleet, path: str) -> None:
    answer = planted.service.ask("GET", path, token=None)

    assert answer.status == 200
    assert [secret for secret in SECRETS if secret in answer.body.decode()] == []


def test_counts_tell_no_version_either(planted: Fleet) -> None:
    planted.service.ask("GET", "/wherry/hosts/secret-host-1")
    planted.service.ask("GET", "/secret-host-1/6.66.6")
    planted.targets("mine")
    text = planted.service.ask("GET", "/metrics").body.decode()

    assert "wherry_guests 2" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_secrets_are_really_planted(planted: Fleet) -> None:
    """What is not to be seen must be there to be seen."""
    seen = "".join(
        planted.service.ask("GET", path).body.decode()
        for path in ("/wherry/offers", "/wherry/packs", "/wherry/hosts", guest("mine"))
    )
    agent = planted.service.ask("GET", "/wherry/hosts/secret-host-1", token="agent-token")

    hidden = {"SECRET-SUB"}  # a fact that no profile of this driver reads
    assert [secret for secret in SECRETS if secret not in seen and secret not in hidden] == []
    assert agent.status == 200


def test_a_service_may_not_do_what_only_administrators_do(planted: Fleet) -> None:
    service: Running = planted.service
    state = service.ask(
        "PATCH", "/wherry/hosts/secret-host-1", {"state": "disabled"}, token="agent-token"
    )
    pack = service.ask("PUT", "/wherry/packs/mine", {"id": "mine", "rows": []}, token="agent-token")

    assert (state.status, pack.status) == (403, 403)
