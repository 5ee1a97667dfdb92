"""Watching a migration until it ends: each step a line, and what it waits for now.

The service may go and come back meanwhile: nothing is missed, as each look reads the whole story
and what is known of it already is not told again.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Thread
from typing import Any, TypeVar

import click
import msgspec

from wherry.agent.client import Client, part
from wherry.cli.exits import NO, YES
from wherry.cli.live_line import LiveLine, live_line
from wherry.cli.output import say
from wherry.cli.render_migration import say_state, verdict_of
from wherry.migrate.states import has_ended
from wherry.model.errors import WherryError
from wherry.model.wire import ChangeList, MigrationStory

T = TypeVar("T")

TICK_S = 1
"""How long a look waits for news where somebody sees seconds count down."""
WAIT_S = 30
"""The same where nobody does."""
AGAIN_S = 1.0
"""Pause after a look that the service did not answer."""
PASSING = frozenset({"service.unavailable", "service.busy", "store.unavailable", "internal"})
"""Codes after which to look again makes sense."""


def watch(client: Client, uuid: str, *, as_json: bool, asked: "Future[Any] | None" = None) -> int:
    """Tell each step of a migration until it ends; gives 0 if the guest has moved, and else 1.

    Args:
        client: of the service.
        uuid: of the migration.
        as_json: print it as one line of JSON each time it changed, instead.
        asked: work that goes on beside, such as the pre-flight; if it fails, so does this.

    Raises:
        WherryError: there is no such migration, or it may not be seen.
    """
    with live_line() as line:
        try:
            last = _until_the_end(client, uuid, line, as_json=as_json, asked=asked)
        except KeyboardInterrupt:
            line.clear()
            click.echo(f"not watched any more; `wherry migrate watch {uuid}` goes on", err=True)
            raise
    if not as_json:
        say_state(last)
    return YES if last.state == "finished" else NO


def _until_the_end(
    client: Client,
    uuid: str,
    line: LiveLine,
    *,
    as_json: bool,
    asked: "Future[Any] | None",
) -> MigrationStory:
    known, told = None, 0
    for seen in _follow(client, uuid, wait_s=TICK_S if line.is_live else WAIT_S):
        if isinstance(seen, WherryError):
            line.show(f"{seen}; asking again", verdict="warn")
            continue
        if seen is not None and seen != known:
            line.clear()
            _tell(seen, told, as_json=as_json)
            known, told = seen, len(seen.story)
            if has_ended(known.state):
                return known
        if known is None:
            continue
        if asked is not None and asked.done() and known.state == "claimed":
            asked.result()
        if not as_json:
            line.show(render_waiting(known, client.now()), verdict=verdict_of(known))
    raise AssertionError("it is followed until it ends")


def _follow(
    client: Client, uuid: str, *, wait_s: int
) -> Iterator[MigrationStory | WherryError | None]:
    """Give the story when it changed, None when it did not, and why the service did not answer."""
    path = f"/wherry/migrations/{part(uuid)}"
    cursor: str | None = None
    while True:
        try:
            if cursor is None:
                cursor = client.get("/wherry/changes", ChangeList).cursor
                yield client.get(path, MigrationStory)
            news = client.get(
                "/wherry/changes", ChangeList, after=cursor, wait=wait_s, wait_s=wait_s
            )
            is_news = news.reload or any(
                (each.kind, each.ref) == ("migration", uuid) for each in news.changes
            )
            yield client.get(path, MigrationStory) if is_news else None
            cursor = news.cursor
        except WherryError as error:
            if error.code not in PASSING:
                raise
            # What it missed meanwhile is read whole, so the cursor may be one of another database.
            cursor = None
            yield error
            time.sleep(AGAIN_S)


def _tell(seen: MigrationStory, told: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(seen))
        return
    for sentence in seen.story[told:]:
        say(sentence)


def render_waiting(migration: MigrationStory, now: float) -> str:
    """Say in a line what a migration waits for, and how long.

    Args:
        migration: one that has not ended.
        now: seconds since the epoch, by the service's clock.
    """
    way = f"{migration.state:<9}  {migration.source} -> {migration.target}"
    if migration.state == "lost":
        return f"{way}  both ends are held until somebody tells where the guest is"
    lease = f"lease {render_span(migration.lease_until - now)}"
    until = migration.preflight_until
    if migration.state == "claimed" and isinstance(until, float):
        lease = f"asking both hosts, {render_span(until - now)}  {lease}"
    return f"{way}  {lease}  token {migration.token}"


def render_span(seconds: float) -> str:
    """Write how much time is left: ``59 s``, ``4 min 05 s``; ``has run out`` where none is."""
    left = int(seconds)
    if seconds <= 0:
        return "has run out"
    minutes, rest = divmod(left, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def beside(work: Callable[[], T]) -> "Future[T]":
    """Start work in a thread that nobody has to wait for, and again where the service is away."""
    done: Future[T] = Future()

    def run() -> None:
        while True:
            try:
                done.set_result(work())
            except WherryError as error:
                if error.code in PASSING:
                    time.sleep(AGAIN_S)
                    continue
                done.set_exception(error)
            return

    Thread(target=run, daemon=True).start()
    return done
