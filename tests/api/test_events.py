"""What changes is told to those who watch: by a stream, or by long-polling."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from acme_fleet import Fleet, name_of
from api.test_story_users import planted
from service import Running, run_service, start_process
from wherry.api.wherry.events import MOST, render_events
from wherry.app.settings import Settings
from wherry.model.wire import ChangedObject, ChangeList
from wherry.service.assembly import STREAMS

__all__ = ["planted"]

GUEST = f"/wherry/guests/{name_of('g')}"
Told = tuple[str, str, Any]


@contextmanager
def watching(url: str, path: str = "/wherry/events", **headers: str) -> Iterator[HTTPResponse]:
    """Open a stream."""
    host, port = url.removeprefix("http://").split(":")
    with closing(HTTPConnection(host, int(port), timeout=60)) as link:
        link.request("GET", path, headers=headers)
        yield link.getresponse()


def events(stream: HTTPResponse) -> Iterator[Told]:
    """Read events as a browser does: name, id, data; what only shows a sign is left out."""
    fields: dict[str, str] = {}
    for line in iter(stream.readline, b""):
        name, _, value = line.decode().rstrip("\n").partition(":")
        if line != b"\n":
            fields[name] = value.strip()
        elif "data" in fields:
            yield fields["event"], fields.get("id", ""), json.loads(fields["data"])
            fields = {}


def changes(fleet: Fleet, query: str = "") -> dict[str, Any]:
    return dict(fleet.service.get(f"/wherry/changes{query}"))


def refs(told: dict[str, Any], kind: str) -> list[str]:
    return [each["ref"] for each in told["changes"] if each["kind"] == kind]


def test_what_changed_since_a_cursor_is_named_once(fleet: Fleet) -> None:
    begin = changes(fleet)
    assert (begin["changes"], begin["reload"]) == ([], False)
    fleet.report("node-1")
    fleet.boot("g", "node-1")
    fleet.boot("g", "node-1", version="1.0")
    told = changes(fleet, f"?after={begin['cursor']}")

    assert refs(told, "host") == ["node-1"]
    assert refs(told, "guest") == [name_of("g")]
    assert changes(fleet, f"?after={told['cursor']}")["changes"] == []


def test_a_long_poll_answers_as_soon_as_something_changes(fleet: Fleet) -> None:
    begin, found = changes(fleet)["cursor"], []
    path = f"?after={begin}&wait=60"
    thread = threading.Thread(target=lambda: found.append(changes(fleet, path)))
    began = time.monotonic()
    thread.start()
    time.sleep(0.1)
    fleet.report("node-1")
    thread.join(timeout=60)

    assert refs(found[0], "host") == ["node-1"]
    assert time.monotonic() - began < 50


def test_a_long_poll_ends_with_nothing_after_its_time(sqlite_fleet: Fleet) -> None:
    begin = changes(sqlite_fleet)["cursor"]

    assert changes(sqlite_fleet, f"?after={begin}&wait=1") == {
        "cursor": begin,
        "changes": [],
        "reload": False,
    }


@pytest.mark.parametrize("cursor", ["1:1:1,0", "9:3:", "x", "", ":", "1" * 30])
def test_what_is_no_cursor_is_refused_with_what_to_do(fleet: Fleet, cursor: str) -> None:
    refused = fleet.service.ask("GET", f"/wherry/changes?after={cursor}")

    assert (refused.status, refused.error["code"]) == (400, "invalid_request")


def test_a_cursor_of_a_later_time_means_that_anything_may_have_changed(fleet: Fleet) -> None:
    """The database was put back to what it was before."""
    now = changes(fleet)["cursor"]
    later = "9" * 17 if now.isdigit() else f"{10**17}:{10**17}:"

    assert changes(fleet, f"?after={later}")["reload"] is True


def test_a_stream_tells_what_changes_as_it_does(fleet: Fleet) -> None:
    with watching(fleet.service.url) as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        assert stream.headers["Cache-Control"] == "no-store"
        told = events(stream)
        fleet.report("node-1")
        name, cursor, data = next(told)

    assert (name, [each["ref"] for each in data if each["kind"] == "host"]) == (
        "change",
        ["node-1"],
    )
    assert cursor


def test_a_stream_that_breaks_goes_on_where_it_was(fleet: Fleet) -> None:
    with watching(fleet.service.url) as stream:
        told = events(stream)
        fleet.report("node-1")
        _, cursor, _ = next(told)
    fleet.report("node-2")
    with watching(fleet.service.url, **{"Last-Event-ID": cursor}) as stream:
        _, _, data = next(events(stream))

    assert [each["ref"] for each in data if each["kind"] == "host"] == ["node-2"]


def test_a_stream_of_another_database_is_told_to_load_anew(sqlite_fleet: Fleet) -> None:
    """A browser that was refused would never come again."""
    with watching(sqlite_fleet.service.url, **{"Last-Event-ID": "7:7:"}) as stream:
        name, cursor, data = next(events(stream))

    assert (name, data) == ("reload", [])
    assert cursor == changes(sqlite_fleet)["cursor"]


def fill(url: str, held: ExitStack) -> int:
    """Watch from as many places as there are; gives how many there were."""
    for number in range(STREAMS + 1):
        stream = held.enter_context(watching(url))
        if stream.status == 503:
            assert json.loads(stream.read())["error"]["code"] == "service.busy"
            return number
    return STREAMS + 1


def test_places_are_free_again_when_watchers_have_gone(tmp_path: Path) -> None:
    """A real server notices it when it next has something to send."""
    process = start_process(tmp_path)
    try:
        with ExitStack() as held:
            assert fill(process.url, held) == STREAMS
            assert process.ask("GET", "/wherry/changes").status == 200
        until, taken = time.monotonic() + 150, 0
        with ExitStack() as held:
            while taken < STREAMS and time.monotonic() < until:
                time.sleep(0.2)
                taken += fill(process.url, held)
        assert taken == STREAMS
    finally:
        assert process.stop() == 0


def test_more_changes_than_one_event_holds_are_several_and_the_last_has_the_cursor() -> None:
    many = tuple(ChangedObject(kind="use", ref=str(n), generation=n) for n in range(2 * MOST + 1))
    text = render_events(ChangeList(cursor="9", changes=many, reload=False)).decode()
    parts = text.removesuffix("\n\n").split("\n\n")
    rows = [row for part in parts for row in json.loads(part.partition("data: ")[2])]

    assert [row["ref"] for row in rows] == [each.ref for each in many]
    assert ["id: 9" in part for part in parts] == [False, False, True]


def test_a_user_is_told_of_its_own_projects_guests_alone(planted: Fleet) -> None:
    service: Running = planted.service
    begin = service.ask("GET", "/wherry/changes", token="alpha").json["cursor"]
    for guest, tenant in (("mine", "alpha"), ("other", "beta")):
        body = planted.a_guest("secret-host-1", tenant=tenant)
        service.put(f"/wherry/guests/{name_of(guest)}", {**body, "resources": {}})
        planted.boot(f"new-{guest}", "secret-host-1", tenant=tenant)
    told = service.ask("GET", f"/wherry/changes?after={begin}", token="alpha").json

    assert {each["ref"] for each in told["changes"]} <= {name_of("mine"), name_of("new-mine")}
    assert name_of("new-mine") in {each["ref"] for each in told["changes"]}


def test_a_service_that_stops_ends_its_streams(sqlite_url: str) -> None:
    running = run_service(Settings(database=sqlite_url))
    with watching(running.url) as stream:
        assert stream.readline().startswith(b"retry:")
        running.stop()
        # Reading to the end comes back at all.
        assert b"event:" not in b"".join(iter(stream.readline, b""))
