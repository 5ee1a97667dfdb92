"""A migration for people: where it stands, why, and what happened."""

from msgspec import UNSET

from wherry.cli.exits import NO, YES
from wherry.cli.output import print_json, say
from wherry.cli.reasons import reason_lines, row_lines
from wherry.model.migrations import Migration, Step

_VERDICT = {"refused": "no", "expired": "no", "aborted": "warn", "lost": "warn"}


def verdict_of(migration: Migration) -> str:
    """Give the colour of a migration's state."""
    return _VERDICT.get(migration.state, "ok")


def end_of(migration: Migration) -> int:
    """Give the exit status after a step: 1 where it was refused or its lease ran out."""
    return NO if migration.state in {"refused", "expired"} else YES


def say_state(migration: Migration) -> None:
    """Print in one line where a migration stands."""
    say(
        f"migration {migration.uuid}: {migration.state}, guest {migration.guest} "
        f"from {migration.source} to {migration.target}, token {migration.token}",
        verdict=verdict_of(migration),
    )


def show_migration(migration: Migration, *, as_json: bool, story: tuple[str, ...] = ()) -> None:
    """Print a migration: its state, the verdict it was claimed on, its story if there is one."""
    if as_json:
        print_json(migration)
        return
    say_state(migration)
    for verdict, line in (
        *reason_lines(migration.answer.reasons),
        *row_lines(migration.answer.mapping),
    ):
        say(line, verdict=verdict)
    for line in story:
        say(line)
    if not story and migration.history and migration.state == "refused":
        _show_step(migration.history[-1])
    if migration.error is not UNSET:
        say(f"error: {migration.error}")


def _show_step(step: Step) -> None:
    by = f" by {step.by}" if step.by else ""
    say(f"{step.at} {step.event} -> {step.state}{by}{': ' if step.note else ''}{step.note}")
    for verdict, line in reason_lines(step.reasons):
        say(line, verdict=verdict)
