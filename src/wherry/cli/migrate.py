"""``wherry migrate``: claim a target, have both ends confirm, and see the move through."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import UNSET, structs

from wherry.agent.client import Client, part
from wherry.cli.groups import GroupWithDefault
from wherry.cli.member_of import takes_member_of
from wherry.cli.output import print_json, print_table, say
from wherry.cli.policy import make_policy, takes_policy
from wherry.cli.render_migration import end_of, show_migration
from wherry.cli.service import asks_service, json_option
from wherry.cli.watching import beside, watch
from wherry.model.migrations import Migration
from wherry.model.wire import (
    AbortRequest,
    FinishRequest,
    MigrationList,
    MigrationRequest,
    MigrationStory,
    PlugStep,
    RenewRequest,
    TokenRequest,
    UnplugStep,
)

F = TypeVar("F", bound=Callable[..., Any])

PREFLIGHT_S = 600
"""Most that a service may be set up to wait for both ends."""


@click.group(
    cls=GroupWithDefault,
    default="run",
    alone=False,
    short_help="Claim a target, confirm it, and see a move through.",
)
def migrate() -> None:
    """Claim a target, have both ends confirm, and see the move through.

    `wherry migrate GUEST --to HOST` does the first two; whatever moves the guest then says
    `start` and `finish` with the token that was printed.
    """


def _takes_target(command: F) -> F:
    """Give a command what a claim is asked with: where to, and by which policy."""
    for option in (
        click.option(
            "--replug",
            multiple=True,
            metavar="SLOT",
            help="NIC to unplug before the move and plug anew after it; may be repeated.",
        ),
        takes_policy,
        takes_member_of,
        click.option(
            "--lease", type=click.IntRange(1, 86_400), metavar="SECONDS", help="Time it stands."
        ),
        click.option("--reason", default="", metavar="TEXT", help="Why it is forced; kept."),
        click.option(
            "--force",
            is_flag=True,
            help="Go to --to over warn and unknown, never over no; for administrators.",
        ),
        click.option(
            "--alternate",
            multiple=True,
            metavar="HOST",
            help="Host to try next if the target refuses; may be repeated.",
        ),
        click.option(
            "--alternates",
            type=click.IntRange(0, 16),
            default=0,
            metavar="N",
            help="Try so many of the next best targets if the target refuses.",
        ),
        click.option("--to", metavar="HOST", help="Where to (default: the best target)."),
    ):
        command = option(command)
    return command


@migrate.command()
@click.argument("guest")
@click.option("--id", "id_", metavar="UUID", help="uuid of the migration (default: a new one).")
@click.option("--watch", "is_watched", is_flag=True, help="Tell each step until it ends.")
@_takes_target
@json_option
@asks_service
def run(
    client: Client, guest: str, *, id_: str | None, is_watched: bool, as_json: bool, **said: Any
) -> int:
    """Claim a target for GUEST (a uuid) and have both ends confirm it.

    Ends with 0 once both ends have confirmed, and with 1 if the move is refused. With --watch
    it goes on to the end of the move, as `wherry migrate watch` does.
    """
    asked = _request(guest, **said)
    path = _path(id_ or str(uuid.uuid4()))
    claimed = client.send("PUT", path, Migration, asked)
    if not as_json:
        say(f"claimed {claimed.target} for guest {claimed.guest}; asking both hosts")
        if claimed.alternates:
            say(f"if it refuses: {', '.join(claimed.alternates)}")
    if is_watched:
        asked_both = beside(lambda: _preflight(client, claimed.uuid, claimed.token))
        return watch(client, claimed.uuid, as_json=as_json, asked=asked_both)
    return _end(_preflight(client, claimed.uuid, claimed.token), as_json=as_json)


@migrate.command()
@click.argument("migration")
@click.option("--guest", required=True, metavar="UUID", help="The guest to move.")
@_takes_target
@json_option
@asks_service
def begin(client: Client, migration: str, *, guest: str, as_json: bool, **said: Any) -> int:
    """Claim a target, as MIGRATION (a new uuid); sent again, it answers what was begun."""
    asked = _request(guest, **said)
    return _end(client.send("PUT", _path(migration), Migration, asked), as_json=as_json)


def _token_option(command: Any) -> Any:
    return click.option(
        "--token", type=click.IntRange(0), required=True, help="Fencing token, as last printed."
    )(command)


@migrate.command()
@click.argument("migration")
@_token_option
@json_option
@asks_service
def preflight(client: Client, migration: str, *, token: int, as_json: bool) -> int:
    """Have both ends confirm MIGRATION."""
    return _end(_preflight(client, migration, token), as_json=as_json)


@migrate.command()
@click.argument("migration")
@_token_option
@json_option
@asks_service
def start(client: Client, migration: str, *, token: int, as_json: bool) -> int:
    """Say that the move of MIGRATION has begun."""
    return _step(client, migration, "start", TokenRequest(token=token), as_json=as_json)


@migrate.command()
@click.argument("migration")
@click.argument("slot")
@_token_option
@json_option
@asks_service
def unplug(client: Client, migration: str, slot: str, *, token: int, as_json: bool) -> int:
    """Say that the NIC in SLOT, which is moved by replug, is out of the guest."""
    asked = UnplugStep(token=token, slot=slot)
    return _step(client, migration, "unplug", asked, as_json=as_json)


@migrate.command()
@click.argument("migration")
@click.argument("slot")
@_token_option
@click.option(
    "--where",
    type=click.Choice(["target", "source", "nowhere"]),
    default="target",
    show_default=True,
    help="Where the device is in the guest; nowhere: the plug failed.",
)
@click.option("--error", metavar="TEXT", help="What the lower level said of a plug that failed.")
@json_option
@asks_service
def plug(
    client: Client,
    migration: str,
    slot: str,
    *,
    token: int,
    where: Any,
    error: str | None,
    as_json: bool,
) -> int:
    """Say where the NIC in SLOT, which was unplugged, is plugged now."""
    said = UNSET if error is None else error
    asked = PlugStep(token=token, slot=slot, where=where, error=said)
    return _step(client, migration, "plug", asked, as_json=as_json)


@migrate.command()
@click.argument("migration")
@_token_option
@click.option("--lease", type=click.IntRange(1, 86_400), metavar="SECONDS", help="From now on.")
@json_option
@asks_service
def renew(client: Client, migration: str, *, token: int, lease: int | None, as_json: bool) -> int:
    """Ask for more time for MIGRATION."""
    asked = RenewRequest(token=token, lease_s=UNSET if lease is None else lease)
    return _step(client, migration, "renew", asked, as_json=as_json)


@migrate.command()
@click.argument("migration")
@_token_option
@click.option(
    "--outcome",
    type=click.Choice(["finished", "failed"]),
    default="finished",
    show_default=True,
    help="How the move ended.",
)
@click.option("--error", metavar="TEXT", help="What the lower level said; kept with the verdict.")
@json_option
@asks_service
def finish(
    client: Client, migration: str, *, token: int, outcome: Any, error: str | None, as_json: bool
) -> int:
    """Say how the move of MIGRATION ended."""
    asked = FinishRequest(token=token, outcome=outcome, error=UNSET if error is None else error)
    return _step(client, migration, "finish", asked, as_json=as_json)


@migrate.command()
@click.argument("migration")
@click.option("--token", type=click.IntRange(0), help="Fencing token; admins may leave it out.")
@click.option("--note", default="", help="Why; kept in the history.")
@json_option
@asks_service
def abort(client: Client, migration: str, *, token: int | None, note: str, as_json: bool) -> int:
    """Give up MIGRATION and its target."""
    asked = AbortRequest(token=UNSET if token is None else token, note=note)
    return _step(client, migration, "abort", asked, as_json=as_json)


@migrate.command()
@click.argument("migration")
@json_option
@asks_service
def show(client: Client, migration: str, *, as_json: bool) -> None:
    """Show MIGRATION with its story: each step with time, who, what and why."""
    found = client.get(_path(migration), MigrationStory)
    show_migration(found, as_json=as_json, story=found.story)


@migrate.command("watch")
@click.argument("migration")
@json_option
@asks_service
def watch_migration(client: Client, migration: str, *, as_json: bool) -> int:
    """Tell each step of MIGRATION until it ends, and how long its lease still stands.

    Ends with 0 if the guest has moved, and with 1 if it has not. Goes on where it was if the
    service is started anew. With --json: one line of JSON each time the migration has changed.
    """
    return watch(client, migration, as_json=as_json)


@migrate.command("list")
@click.option("--guest", metavar="UUID", help="Only those of this guest.")
@click.option("--host", help="Only those from or to this host.")
@click.option("--state", help="Only those in this state, or in all of `running` or of `ended`.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many."
)
@click.option("--marker", metavar="UUID", help="Go on after this one.")
@json_option
@asks_service
def list_migrations(client: Client, *, as_json: bool, **said: Any) -> None:
    """List migrations, the latest first."""
    found = client.get("/wherry/migrations", MigrationList, **said)
    if as_json:
        print_json(found)
        return
    print_table(
        ("MIGRATION", "GUEST", "FROM", "TO", "STATE", "TOKEN"),
        ((m.uuid, m.guest, m.source, m.target, m.state, m.token) for m in found.migrations),
        empty="no migration is on record",
    )
    if found.next:
        say(f"there are more: --marker {found.next}")


def _request(  # noqa: PLR0913, one parameter an option
    guest: str,
    *,
    to: str | None,
    alternates: int,
    alternate: tuple[str, ...],
    force: bool,
    reason: str,
    member_of: tuple[str, ...],
    lease: int | None,
    policy: Path | None,
    mode: str | None,
    accept: tuple[str, ...],
    replug: tuple[str, ...],
) -> MigrationRequest:
    if alternates and alternate:
        message = "name the alternates, or say how many: not both"
        raise click.UsageError(message)
    wanted = make_policy(policy, mode, accept)
    if replug:
        wanted = structs.replace(wanted, replug=tuple(dict.fromkeys(replug)))
    return MigrationRequest(
        guest=guest,
        target=UNSET if to is None else to,
        alternates=alternate or alternates,
        member_of=member_of,
        force=force,
        reason=reason,
        policy=wanted,
        lease_s=UNSET if lease is None else lease,
    )


def _path(migration: str) -> str:
    return f"/wherry/migrations/{part(migration)}"


def _preflight(client: Client, migration: str, token: int) -> Migration:
    path = f"{_path(migration)}/preflight"
    return client.send("POST", path, Migration, TokenRequest(token=token), wait_s=PREFLIGHT_S)


def _step(client: Client, migration: str, step: str, asked: Any, *, as_json: bool) -> int:
    done = client.send("POST", f"{_path(migration)}/{step}", Migration, asked)
    return _end(done, as_json=as_json)


def _end(migration: Migration, *, as_json: bool) -> int:
    show_migration(migration, as_json=as_json)
    return end_of(migration)
