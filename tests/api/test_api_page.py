"""Every exchange on the page of calls is what the service really answers.

The exchanges tell one story; times and what is random are written as one value each.
WHERRY_WRITE_GOLDEN=1 writes the page, for review in the diff.
"""

import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from acme_fleet import PROFILES, Fleet, a_report, name_of
from service import Answer
from wherry.api.openapi import refusals, success
from wherry.api.routes import Everybody, Route
from wherry.api.wherry import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
FIRST = "\n## First placement\n"
WIDTH = 96

GUEST = f"/wherry/guests/{name_of('g')}"
MOVE = f"/wherry/migrations/{name_of('m')}"
BACK = f"/wherry/migrations/{name_of('n')}"

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
MOMENT = re.compile(r"\b1[5-9]\d{8}\.\d+\b")
LABEL = re.compile(r"CUSTOM_WHERRY_[A-Z2-7]{24}")
REQUEST = re.compile(r"req-[0-9a-f-]{36}")
STEP = ("uuid", "state", "token", "lease_until")
"""What is shown of a migration after the first time."""


class Story:
    """Asks the calls and keeps one exchange of each."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.told: dict[str, str] = {}
        self._jobs: dict[str, str] = {}

    def ask(
        self,
        call: str,
        path: str,
        body: Any = None,
        *,
        only: tuple[str, ...] = (),
        few: int = 0,
        refused: bool = False,
    ) -> Answer:
        """Ask, and keep the exchange below the call that it is an example of.

        Args:
            call: method and path of the route.
            path: what is asked.
            body: of the request.
            only: keys of the answer that are shown; none: all.
            few: how many of a list, or lines of text, are shown; 0: all.
            refused: whether the example is of a refusal, as where no device of the story can.
        """
        method = call.partition(" ")[0]
        answer = self.fleet.service.ask(method, path, body)
        assert (answer.status >= 400) == refused, (call, answer.body)
        self.told[call] = self._write(method, path, body, answer, only, few)
        return answer

    def watch(self, call: str, path: str, lines: int) -> None:
        """Keep the first lines of a stream."""
        url = urlsplit(self.fleet.service.url)
        with closing(HTTPConnection(url.hostname or "", url.port, timeout=60)) as link:
            link.request("GET", path)
            stream = link.getresponse()
            text = b"".join(stream.readline() for _ in range(lines)).decode()
        self.told[call] = (
            f"```text\nGET {path}\n```\n\nanswers {stream.status}:\n\n```text\n{text}…\n```\n"
        )

    def _write(
        self, method: str, path: str, body: Any, answer: Answer, only: tuple[str, ...], few: int
    ) -> str:
        asked = f"```text\n{method} {path}\n"
        asked += f"\n{pretty(body)}\n```\n" if body is not None else "```\n"
        if answer.status == 204:
            return self._steady(f"{asked}\nanswers 204, without a body.\n")
        kind, text = "text", answer.body.decode()
        if answer.headers["content-type"].startswith("application/json"):
            kind, text = "json", pretty(abridged(answer.json, only, few))
        elif few:
            text = "\n".join([*text.splitlines()[:few], "…"])
        return self._steady(f"{asked}\nanswers {answer.status}:\n\n```{kind}\n{text}\n```\n")

    def name_jobs(self, jobs: list[dict[str, Any]]) -> None:
        for job in jobs:
            number = len(self._jobs) + 1
            self._jobs[job["id"]] = f"5c3e8d10-7f0a-4c1e-9d55-0a6b1c2d3e0{number}"

    def _steady(self, text: str) -> str:
        for old, new in self._jobs.items():
            text = text.replace(old, new)
        text = text.replace(str(PROFILES), "/etc/wherry/profiles")
        text = LABEL.sub("CUSTOM_WHERRY_…", text)
        text = TIME.sub("2026-11-22T10:15:00.000Z", text)
        text = REQUEST.sub("req-2f1d…", text)
        return MOMENT.sub("1795342510.0", text)


def abridged(value: Any, only: tuple[str, ...], few: int) -> Any:
    """Leave out what would be read twice; what is left out is marked."""
    if only:
        return {**{key: value[key] for key in only if key in value}, "…": "…"}
    if few and isinstance(value, dict) and len(value) == 1:
        ((key, rows),) = value.items()
        return {key: [*rows[:few], "…"]} if len(rows) > few else value
    if few:
        return {**dict(list(value.items())[:few]), "…": "…"}
    return value


def pretty(value: Any, indent: int = 0) -> str:
    """Write JSON with what is short on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= WIDTH or not isinstance(value, dict | list) or not value:
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, list):
        inner = [f"{pad}{pretty(item, indent + 2)}" for item in value]
        return "[\n" + ",\n".join(inner) + "\n" + " " * indent + "]"
    inner = [
        f"{pad}{json.dumps(k, ensure_ascii=False)}: {pretty(v, indent + 2)}"
        for k, v in value.items()
    ]
    return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"


def tell(fleet: Fleet) -> dict[str, str]:
    """Tell the story; gives call to exchange."""
    story = Story(fleet)
    report = a_report("node-17", version="2.0.1", features="X")
    story.ask("PUT /wherry/hosts/{name}/report", "/wherry/hosts/node-17/report", report)
    _place(story)
    fleet.report("node-18", version="2.1.1", features="X Y")
    fleet.report("node-19", version="3.0.0", features="Y")
    story.ask("GET /wherry/hosts", "/wherry/hosts", few=1)
    story.ask(
        "PATCH /wherry/hosts/{name}",
        "/wherry/hosts/node-18",
        {"state": "enabled", "labels": {"rack": "r3"}},
        only=("host", "last_seen"),
    )
    _look(story)
    cursor = story.fleet.service.get("/wherry/changes")["cursor"]
    fleet.service.ask("PATCH", "/wherry/hosts/node-18", {"labels": {"rack": "r4"}})
    story.ask("GET /wherry/changes", f"/wherry/changes?after={cursor}&wait=30")
    story.watch("GET /wherry/events", f"/wherry/events?after={cursor}", lines=6)
    story.ask("GET /wherry/profiles", "/wherry/profiles", few=2)
    row = {"id": "r1", "types": ["nvidia/*"], "compare": {"host_branch": "ge"}, "severity": "no"}
    pack = {"id": "vendor-2026-11", "rows": [row]}
    story.ask("PUT /wherry/packs/{id}", "/wherry/packs/vendor-2026-11", pack)
    story.ask("GET /wherry/packs/{id}", "/wherry/packs/vendor-2026-11")
    story.ask("GET /wherry/packs", "/wherry/packs", few=1)
    story.ask("PUT /wherry/guests/{uuid}", GUEST, fleet.a_guest("node-17", features=["X"]))
    story.ask("GET /wherry/guests", "/wherry/guests?tenant=alpha", few=1)
    _groups(story)
    story.ask("GET /wherry/guests/{uuid}", GUEST, only=("uuid", "host", "tenant", "generation"))
    story.ask("GET /wherry/hosts/{name}", "/wherry/hosts/node-17")
    story.ask("GET /wherry/hosts/{name}/report", "/wherry/hosts/node-17/report")
    device = {"provider": fleet.provider("node-17"), "type": "acme/a1"}
    shown = ("uuid", "host", "generation")
    plug = {"slot": "gpu1", "device": device}
    story.ask("POST /wherry/guests/{uuid}/plug", f"{GUEST}/plug", plug, only=shown)
    story.ask("POST /wherry/guests/{uuid}/unplug", f"{GUEST}/unplug", {"slot": "gpu1"}, only=shown)
    story.ask(
        "POST /wherry/guests/{uuid}/targets",
        f"{GUEST}/targets",
        {"policy": {"mode": "live"}, "hosts": ["node-18", "node-19"], "explain": True},
    )
    story.ask("GET /wherry/guests/{uuid}/query", f"{GUEST}/query?mode=live&limit=10")
    check = next(route.example for route in ROUTES if route.path == "/wherry/check")
    story.ask("POST /wherry/check", "/wherry/check", check)
    _compose(story)
    _move(story)
    anew = ("pinned", "reasons", "not_offered", "closed")
    reboot = {"kind": "new_process"}
    story.ask("POST /wherry/guests/{uuid}/reboot", f"{GUEST}/reboot", reboot, only=anew)
    story.ask("DELETE /wherry/guests/{uuid}", GUEST)
    story.ask("GET /healthz", "/healthz")
    story.ask("GET /readyz", "/readyz")
    story.ask("GET /metrics", "/metrics", few=2)
    for path in ("/wherry/openapi.json", "/wherry/placement/openapi.json"):
        story.ask(f"GET {path}", path, only=("openapi",))
    story.ask("GET /wherry/docs", "/wherry/docs", few=0)
    page = re.compile(r"```text\n.*?```", re.DOTALL)
    text = page.sub("```text\n<!doctype html>…\n```", story.told["GET /wherry/docs"])
    return {**story.told, "GET /wherry/docs": text}


def _look(story: Story) -> None:
    """Look at what is offered."""
    story.ask("GET /wherry/offers", "/wherry/offers?host=node-17")
    story.ask("GET /wherry/lints", "/wherry/lints")
    story.ask("GET /wherry/fleet", "/wherry/fleet?type=acme/a1")
    story.ask("GET /wherry/types", "/wherry/types")
    drawn = story.fleet.service.get("/wherry/matrix?type=acme/a1")
    story.ask(
        "GET /wherry/matrix",
        "/wherry/matrix?type=acme/a1",
        only=("type", "mode", "fields", "cells", "one_way", "kinds_left_out", "providers_left_out"),
    )
    older, newer = sorted(drawn["kinds"], key=lambda k: k["example_host"])[:2]
    pair = f"/wherry/matrix/pair?type=acme/a1&source={newer['id']}&target={older['id']}"
    story.ask("GET /wherry/matrix/pair", pair, only=("there", "back"))


def _place(story: Story) -> None:
    call, path = "/wherry/device-requests/{request}", "/wherry/device-requests/acme"
    request = {"alternatives": [{"resource_class": "CUSTOM_ACME_SLICE"}]}
    story.ask(f"PUT {call}", path, request)
    story.ask(f"GET {call}", path)
    story.ask("GET /wherry/device-requests", "/wherry/device-requests")
    asked = {"devices": [{"name": "acme", "count": 2}], "limit": 1, "explain": True}
    story.ask("POST /wherry/candidates", "/wherry/candidates", asked)
    story.ask(f"DELETE {call}", path)


def _compose(story: Story) -> None:
    path = f"/wherry/providers/{story.fleet.provider('node-19')}/compositions"
    uuid = name_of("c")
    pair = {"uuid": uuid, "name": "pair", "parts": [{"type": "acme/a1", "count": 2}]}
    call = "/wherry/providers/{uuid}/compositions"
    story.ask(f"POST {call}", path, pair)
    story.ask(f"GET {call}", path, few=1)
    one = f"{call}/{{composition}}"
    story.ask(f"GET {one}", f"{path}/{uuid}", only=("uuid", "type", "description"))
    story.ask(f"DELETE {one}", f"{path}/{uuid}")


def _groups(story: Story) -> None:
    web = {"policy": "anti-affinity", "guests": [name_of("g"), name_of("h")]}
    story.ask("PUT /wherry/groups/{group}", "/wherry/groups/web", web)
    story.ask("GET /wherry/groups", "/wherry/groups")
    story.ask("GET /wherry/groups/{group}", "/wherry/groups/web")
    story.ask("DELETE /wherry/groups/{group}", "/wherry/groups/web")
    red = f"/wherry/aggregates/{name_of('red')}"
    story.ask("PUT /wherry/aggregates/{aggregate}", red, {"tenants": ["alpha", "beta"]})
    story.ask("GET /wherry/aggregates", "/wherry/aggregates")
    story.ask("GET /wherry/aggregates/{aggregate}", red)
    story.ask("DELETE /wherry/aggregates/{aggregate}", red)


def _move(story: Story) -> None:
    fleet = story.fleet
    call = "PUT /wherry/migrations/{uuid}"
    claimed = story.ask(call, MOVE, {"guest": name_of("g"), "target": "node-18"}).json
    token = {"token": claimed["token"]}
    told: list[Answer] = []

    def preflight() -> None:
        path = f"{MOVE}/preflight"
        told.append(story.ask("POST /wherry/migrations/{uuid}/preflight", path, token, only=STEP))

    asking = threading.Thread(target=preflight)
    asking.start()
    jobs = fleet.jobs("node-17", wait=50) + fleet.jobs("node-18", wait=50)
    story.name_jobs(jobs)
    call = "GET /wherry/hosts/{name}/jobs"
    story.ask(call, "/wherry/hosts/node-18/jobs?wait=30")
    source, target = jobs
    assert fleet.answer(source).status == 204
    call = "POST /wherry/hosts/{name}/jobs/{job}"
    path = f"/wherry/hosts/node-18/jobs/{target['id']}"
    story.ask(call, path, {"token": target["token"], "side": "target", "ok": True})
    asking.join(timeout=60)
    story.ask("GET /wherry/migrations", f"/wherry/migrations?guest={name_of('g')}", few=0)
    story.told["GET /wherry/migrations"] = re.sub(
        r"(\{\"migrations\": \[|\{\n  \"migrations\": \[).*?\n```\n",
        '{"migrations": ["…"]}\n```\n',
        story.told["GET /wherry/migrations"],
        flags=re.DOTALL,
    )
    story.ask("GET /wherry/migrations/{uuid}", MOVE, only=(*STEP, "confirmed", "history"))
    body = {"token": told[0].json["token"]}
    call = "POST /wherry/migrations/{uuid}/"
    body = {"token": story.ask(f"{call}start", f"{MOVE}/start", body, only=STEP).json["token"]}
    nic = {**body, "slot": "gpu0"}
    story.ask(f"{call}unplug", f"{MOVE}/unplug", nic, refused=True)
    story.ask(f"{call}plug", f"{MOVE}/plug", {**nic, "where": "target"}, refused=True)
    renewed = story.ask(f"{call}renew", f"{MOVE}/renew", {**body, "lease_s": 600}, only=STEP)
    finish = {"token": renewed.json["token"], "outcome": "finished"}
    story.ask(f"{call}finish", f"{MOVE}/finish", finish, only=(*STEP, "outcome"))
    back = fleet.claim("n", "g", "node-17").json
    note = {"token": back["token"], "note": "the operator changed their mind"}
    story.ask(f"{call}abort", f"{BACK}/abort", note, only=STEP)


def name_of_route(route: Route) -> str:
    return f"{route.method} {route.path}"


def sections(told: dict[str, str]) -> Iterator[str]:
    """The generated part of the page, tag by tag."""
    for tag in dict.fromkeys(route.tag for route in ROUTES):
        yield f"\n## {tag}\n"
        for route in (each for each in ROUTES if each.tag == tag):
            yield section(route, told[name_of_route(route)])


def section(route: Route, exchange: str) -> str:
    roles = "anybody" if route.roles is None else ", ".join(sorted(route.roles))
    about = f"{route.summary}. {route.description}".strip()
    for_user = " Role `user` gets less." if route.user_answer and route.roles == Everybody else ""
    query = "".join(f"- `{each.name}`: {each.help}\n" for each in route.query)
    codes = ", ".join(f"`{error.code}`" for error in refusals(route))
    return (
        f"\n### `{name_of_route(route)}`\n\n{about}\n\n"
        f"Roles: {roles}.{for_user} Answers {success(route)}"
        + (f"; refuses with {codes}.\n\n" if codes else ".\n\n")
        + (f"{query}\n" if query else "")
        + exchange
    )


@pytest.fixture
def generated(sqlite_fleet: Fleet) -> str:
    return "".join(sections(tell(sqlite_fleet))).lstrip("\n")


def test_the_page_shows_one_real_exchange_of_every_call(generated: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    if os.environ.get("WHERRY_WRITE_GOLDEN") == "1":
        page = page.partition(FIRST)[0] + "\n" + generated
        PAGE.write_text(page, encoding="utf-8")

    assert (FIRST + page.partition(FIRST)[2]).lstrip("\n") == generated
