"""Steps that several of the e-mail's stories take."""

import threading
from typing import Any

from acme_fleet import Fleet, name_of
from service import expect

Json = dict[str, Any]
NEWEST = {"OpenStack-API-Version": "placement 1.39"}


def get(fleet: Fleet, path: str) -> Any:
    """What a client of the newest Placement is answered."""
    return expect(fleet.service.ask("GET", path, headers=NEWEST), 200).json


def preflight(fleet: Fleet, ends: tuple[str, str], *, alternate: str = "", **said: Json) -> Json:
    """Ask both ends of migration `move` and let their agents answer; gives what came of it.

    Args:
        fleet: which one.
        ends: source and target.
        alternate: target that confirms after the first one has refused; none if empty.
        said: side to what its agent answers in place of a confirmation.
    """
    token = fleet.service.get(f"/wherry/migrations/{name_of('move')}")["token"]
    told: list[Any] = []
    thread = threading.Thread(
        target=lambda: told.append(fleet.step("move", "preflight", {"token": token}))
    )
    thread.start()
    sides = dict(zip(("source", "target"), ends, strict=True))
    # An end that refuses answers last: it takes the other's job away.
    for side in sorted(sides, key=said.__contains__):
        answer(fleet, sides[side], said.get(side, {}))
    if alternate:
        for host in (ends[0], alternate):
            answer(fleet, host, {})
    thread.join(timeout=60)
    return dict(told[0].json)


def answer(fleet: Fleet, host: str, said: Json) -> None:
    """Let a host's agent answer what it is asked: it confirms, unless said otherwise."""
    for job in fleet.jobs(host, wait=60):
        assert fleet.answer(job, **said).status == 204


def move(fleet: Fleet, guest: str, source: str, target: str) -> None:
    """Move a guest, both ends confirming."""
    assert fleet.claim("move", guest, target).status == 200
    token = preflight(fleet, (source, target))["token"]
    token = fleet.step("move", "start", {"token": token}).json["token"]
    assert fleet.step("move", "finish", {"token": token}).json["state"] == "finished"


def all_codes(migration: Json) -> set[str]:
    """Codes of all reasons in a migration's history."""
    return {reason["code"] for step in migration["history"] for reason in step.get("reasons", [])}


def belongs_to(fleet: Fleet, host: str, *aggregates: str) -> None:
    """Put a host into aggregates, as a client of Placement does."""
    (root,) = get(fleet, f"/resource_providers?name={host}")["resource_providers"]
    put_into(fleet, root["uuid"], *aggregates)


def put_into(fleet: Fleet, provider: str, *aggregates: str) -> None:
    """Put a provider into these aggregates and no others."""
    path = f"/resource_providers/{provider}/aggregates"
    generation = get(fleet, path)["resource_provider_generation"]
    body = {"aggregates": aggregates, "resource_provider_generation": generation}
    expect(fleet.service.ask("PUT", path, body, headers=NEWEST), 200)
