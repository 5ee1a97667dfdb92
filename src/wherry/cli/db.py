"""``wherry db``: the database's schema, and whether what it holds is sound.

These commands open the database themselves; all others ask the service.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
from msgspec import Struct

from wherry.app.settings import TABLE, load_settings
from wherry.cli.exits import NO, YES
from wherry.cli.options import takes
from wherry.cli.output import count, print_json, say
from wherry.cli.service import json_option

F = TypeVar("F", bound=Callable[..., Any])


class Status(Struct, frozen=True, kw_only=True):
    """What ``wherry db status --json`` prints."""

    database: str
    schema: str | None
    """Schema found; null where there is none."""
    needed: str
    is_current: bool


class Upgraded(Struct, frozen=True, kw_only=True):
    """What ``wherry db upgrade --json`` prints."""

    database: str
    before: str | None
    after: str
    sql: str | None
    """The statements, where they were only asked for."""


class Checked(Struct, frozen=True, kw_only=True):
    """What ``wherry db check --json`` prints."""

    database: str
    is_sound: bool
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    """Inventories that shrank below what is held of them: legal, and worth knowing."""


class Rotated(Struct, frozen=True, kw_only=True):
    """What ``wherry db rotate-salt --json`` prints."""

    database: str
    labels: int
    """Labels that have another name now."""
    providers: int
    """Providers that have such labels."""
    forgotten: int
    """Labels that nothing published any more."""


def opens_database(command: F) -> F:
    """Give a command the options that name the database, and its URL as first argument."""

    @takes([option for option in TABLE if option.name in {"state_dir", "database"}])
    @json_option
    @wraps(command)
    def with_url(*, config: Path | None, state_dir: Any, database: Any, **options: Any) -> Any:
        said = {"state_dir": state_dir, "database": database}
        return command(load_settings(said, file=config).database_url, **options)

    return with_url  # type: ignore[return-value] # click's decorators keep the signature


@click.group(short_help="Look after the database.")
def db() -> None:
    """Look after the database that the service keeps its fleet in.

    The database is found as the service finds it: by --database or WHERRY_DATABASE, else in
    the state folder.
    """


@db.command(short_help="Say which schema the database has.")
@opens_database
def status(url: str, *, as_json: bool) -> int:
    """Say which schema the database has; ends with 1 if it is not the one that is needed."""
    from wherry.store.engine import read_schema  # noqa: PLC0415 - as in `serve`
    from wherry.store.tables import REVISION  # noqa: PLC0415

    found = read_schema(url)
    answer = Status(
        database=without_password(url),
        schema=found,
        needed=REVISION,
        is_current=found == REVISION,
    )
    if as_json:
        print_json(answer)
    else:
        say(f"database  {answer.database}")
        say(f"schema    {found or 'none yet'}")
        say(f"needed    {REVISION}{_what_to_do(answer)}")
    return YES if answer.is_current else NO


@db.command(short_help="Bring the database to the present schema.")
@click.option("--dry-run", is_flag=True, help="Print the statements, and change nothing.")
@opens_database
def upgrade(url: str, *, dry_run: bool, as_json: bool) -> int:
    """Bring the database to the schema of this version; what is there already stays."""
    from wherry.store.engine import upgrade_store  # noqa: PLC0415 - as in `serve`

    done = upgrade_store(url, dry_run=dry_run)
    if as_json:
        shown = without_password(url)
        sql = done.sql if dry_run else None
        print_json(Upgraded(database=shown, before=done.before, after=done.after, sql=sql))
    elif not done.is_needed:
        say(f"the database is at schema {done.after} already")
    elif dry_run:
        click.echo(done.sql, nl=False)
    else:
        say(f"the database went from {done.before or 'nothing'} to schema {done.after}")
    return YES


@db.command(short_help="Hold what is stored to its invariants.")
@opens_database
def check(url: str, *, as_json: bool) -> int:
    """Hold what is stored to its invariants; ends with 1 if anything breaks them.

    Reads whole tables on one snapshot, also beside a running service, and writes nothing.
    """
    from wherry.store.audit import audit, overfull  # noqa: PLC0415 - as in `serve`
    from wherry.store.engine import read_store  # noqa: PLC0415

    findings, notes = read_store(url, lambda tx: (audit(tx), overfull(tx)))
    answer = Checked(
        database=without_password(url),
        is_sound=not findings,
        findings=tuple(findings),
        notes=tuple(notes),
    )
    if as_json:
        print_json(answer)
    else:
        for line in findings:
            say(f"broken: {line}")
        for line in notes:
            say(f"note: {line}")
        say(
            "the database is sound" if answer.is_sound else f"{len(findings)} broken: please report"
        )
    return YES if answer.is_sound else NO


@db.command("rotate-salt", short_help="Give all derived traits new names.")
@opens_database
def rotate(url: str, *, as_json: bool) -> int:
    """Make a new salt, and rewrite all derived traits with it: all of them, or none.

    For when the salt or a list of what traits stand for has become known. Running services on
    PostgreSQL follow; on SQLite, stop the service first. A copy in another Placement is to be
    exported anew, and queries compiled before find nothing any more.
    """
    from wherry.store.engine import write_store  # noqa: PLC0415 - as in `serve`
    from wherry.store.salt_rotation import rotate_salt  # noqa: PLC0415
    from wherry.store.upgrade import new_salt  # noqa: PLC0415

    salt = new_salt()
    done = write_store(url, lambda tx: rotate_salt(tx, salt))
    answer = Rotated(
        database=without_password(url),
        labels=done.labels,
        providers=done.providers,
        forgotten=done.forgotten,
    )
    if as_json:
        print_json(answer)
    else:
        say(
            f"{count(done.labels, 'derived trait')} on {count(done.providers, 'provider')}"
            " have other names now"
        )
    return YES


def without_password(url: str) -> str:
    """Write the URL of a database so that it can be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{parts.password}@", ":***@", 1)


def _what_to_do(answer: Status) -> str:
    if answer.is_current:
        return ""
    if answer.schema is not None and answer.schema > answer.needed:
        return ": the database was written by a newer Wherry than this"
    return ": run `wherry db upgrade`"
