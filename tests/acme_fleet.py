"""A small fleet over HTTP: hosts of a made-up driver whose types publish version and features."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service import Running, run_service
from wherry.app.settings import Settings

PROFILES = Path(__file__).parent / "data"
PREFLIGHT_S, LEASE_S = 60, 300
"""So long that nothing runs out by itself on a busy machine; who wants it to sets the clock on."""
NAMES = uuid.UUID("3d2c2b7e-0b0a-5d39-8b9f-5b8f3f0a7c55")


def name_of(what: str) -> str:
    """A uuid for a guest or migration, the same in every run."""
    return str(uuid.uuid5(NAMES, what))


def a_report(host: str, **said: Any) -> dict[str, Any]:
    """A host with one board of the driver.

    Args:
        host: its name.
        said: ``version``, ``features`` (blanks between), ``free``, ``instances`` (mdev
            uuids), ``state``, ``firmware``, ``types`` (type ids), ``boot_id``, ``sequence``,
            ``arch``, ``driver``.
    """
    types = said.get("types", ("a1",))
    instances = tuple(said.get("instances", ()))
    attributes = {
        "available_instances": str(said.get("free", 4)),
        "device_api": "vfio-pci",
        "version": said.get("version", "1.0"),
        "features": said.get("features", "X"),
    }
    device = {
        "name": "0000:3b:00.0",
        "bus": "pci",
        "role": "function",
        "driver": said.get("driver", "acme"),
        "attributes": {
            "vendor": "1ae0",
            "device": "0042",
            "class": "030200",
            "firmware_version": said.get("firmware", "7.7"),
            "state_version": said.get("state", "1.0"),
        },
        "mdev_types": [{"id": each, "attributes": attributes} for each in types],
    }
    return {
        "schema": "wherry.report/1",
        "host": host,
        "boot_id": said.get("boot_id", "b1"),
        "sequence": said.get("sequence", 1),
        "observed_at": "2026-11-22T10:15:00Z",
        "facts": {
            "host": {"arch": said.get("arch", "x86_64"), "kernel": "6.12.57", "iommu": True},
            "devices": [device],
            "instances": [
                {"id": each, "parent": "0000:3b:00.0", "type": types[0]} for each in instances
            ],
        },
        "guests": list(said.get("guests", ())),
    }


class Fleet:
    """The calls of a story, in the words of the story."""

    def __init__(self, service: Running) -> None:
        self.service = service

    def report(self, host: str, **said: Any) -> dict[str, Any]:
        """Report a host; gives the answer."""
        told = self.service.put(f"/wherry/hosts/{host}/report", a_report(host, **said))
        return dict(told)

    def provider(self, host: str, type_name: str = "acme/a1") -> str:
        """uuid of the provider that offers a type on a host."""
        rows = self.service.get(f"/wherry/offers?host={host}&type={type_name}")["offers"]
        return str(rows[0]["provider"])

    def fits(self, host: str) -> int | None:
        """How many more instances fit on a host."""
        rows = self.service.get(f"/wherry/offers?host={host}")["offers"]
        found: int | None = rows[0]["fits"]
        return found

    def boot(self, guest: str, host: str, **chosen: Any) -> dict[str, Any]:
        """Record a guest with one device; gives it as stored."""
        body = self.a_guest(host, **chosen)
        return dict(self.service.put(f"/wherry/guests/{name_of(guest)}", body))

    def a_guest(self, host: str, *, tenant: str = "alpha", **chosen: Any) -> dict[str, Any]:
        """The body of such a record."""
        slot: dict[str, Any] = {"provider": self.provider(host), "type": "acme/a1"}
        if chosen:
            slot["chosen"] = chosen
        return {"host": host, "tenant": tenant, "slots": {"gpu0": slot}}

    def targets(self, guest: str, **asked: Any) -> dict[str, Any]:
        """Where a guest can go, with every refusal explained."""
        path = f"/wherry/guests/{name_of(guest)}/targets"
        return dict(self.service.post(path, {"explain": True, **asked}))

    def codes(self, guest: str, host: str, **policy: Any) -> list[str]:
        """Codes of all reasons against a host, without remarks; empty means that it takes it."""
        answer = self.targets(guest, hosts=[host], policy=policy)
        if answer["total"]:
            return []
        (refused,) = answer["refused"]["hosts"]
        rows = refused.get("mapping", ())
        reasons = [*refused["reasons"], *(r for row in rows for r in row["reasons"])]
        return sorted({r["code"] for r in reasons if r["severity"] != "info"})

    def claim(self, move: str, guest: str, target: str | None = None, **more: Any) -> Any:
        """Claim a target; gives the answer with its status."""
        body: dict[str, Any] = {"guest": name_of(guest), **more}
        if target:
            body["target"] = target
        return self.service.ask("PUT", f"/wherry/migrations/{name_of(move)}", body)

    def step(self, move: str, step: str, body: dict[str, Any]) -> Any:
        """Take a step of a migration; gives the answer with its status."""
        return self.service.ask("POST", f"/wherry/migrations/{name_of(move)}/{step}", body)

    def state(self, move: str) -> str:
        """State of a migration."""
        return str(self.service.get(f"/wherry/migrations/{name_of(move)}")["state"])

    def jobs(self, host: str, wait: int = 0) -> list[dict[str, Any]]:
        """The jobs that wait for a host's agent."""
        return list(self.service.get(f"/wherry/hosts/{host}/jobs?wait={wait}")["jobs"])

    def answer(self, job: dict[str, Any], **said: Any) -> Any:
        """Answer a job as an agent that confirms, unless said otherwise."""
        body = {"token": job["token"], "side": job["side"], "ok": True, **said}
        return self.service.ask("POST", f"/wherry/hosts/{job['host']}/jobs/{job['id']}", body)


@pytest.fixture
def fleet(store_url: str) -> Iterator[Fleet]:
    """A running service that knows the driver, on each engine in turn."""
    running = run_service(
        Settings(
            database=store_url, profile_dirs=(PROFILES,), preflight_s=PREFLIGHT_S, lease_s=LEASE_S
        )
    )
    yield Fleet(running)
    running.stop()


@pytest.fixture
def sqlite_fleet(sqlite_url: str) -> Iterator[Fleet]:
    """The same on SQLite only, where derived traits are published."""
    running = run_service(
        Settings(
            database=sqlite_url,
            profile_dirs=(PROFILES,),
            publish_traits="yes",
            preflight_s=PREFLIGHT_S,
            lease_s=LEASE_S,
        )
    )
    yield Fleet(running)
    running.stop()
