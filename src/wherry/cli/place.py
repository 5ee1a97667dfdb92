"""``wherry place``: where a new guest could go, and taking a place."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from msgspec import ValidationError, convert

from wherry.agent.client import Client
from wherry.cli.exits import NO, YES
from wherry.cli.files import JSON_FILE, read_bytes
from wherry.cli.member_of import takes_member_of
from wherry.cli.output import count, print_json, print_table, say
from wherry.cli.service import asks_service, json_option
from wherry.model.candidates import (
    CandidatesAnswer,
    CandidatesAsked,
    Claimed,
    Counted,
    Part,
    PlacedCandidate,
)

POLICIES = click.Choice(["required", "preferred", "legacy", "socket"])


@click.command(short_help="Find where a new guest could go, and take a place.")
@click.option(
    "--resources",
    multiple=True,
    metavar="CLASS=N,…",
    help="What the guest takes besides devices; may be repeated.",
)
@click.option(
    "--required",
    multiple=True,
    metavar="TRAIT,…",
    help="Traits: T, !T for one that must not be there, in:T,U for one of several.",
)
@takes_member_of
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="NAME[:N]",
    help="So many devices of a stored device request; may be repeated.",
)
@click.option("--flavor", metavar="KEY=VALUE,…", help="Extra specs of a flavor, as they stand.")
@click.option(
    "--flavor-file", type=JSON_FILE, help="The same from a file, or a flavor's JSON; - is stdin."
)
@click.option(
    "--group-policy", type=click.Choice(["none", "isolate"]), help="Goes before the flavor's."
)
@click.option("--numa-policy", type=POLICIES, help="Goes before that of the device requests.")
@click.option("--tenant", help="Whose the guest is; hosts for other tenants are left out.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Most candidates."
)
@click.option(
    "--order",
    type=click.Choice(["spread", "pack"]),
    default="spread",
    show_default=True,
    help="Most room left first, or least.",
)
@click.option("--explain", is_flag=True, help="Count why hosts do not take it.")
@click.option("--claim", metavar="UUID", help="Take the best place for this consumer.")
@click.option("--project", default="", help="Project of the consumer.")
@click.option("--user", default="", help="User of the consumer.")
@json_option
@asks_service
def place(  # one parameter an option
    client: Client,
    *,
    as_json: bool,
    claim: str | None,
    project: str,
    user: str,
    **said: Any,
) -> int:
    """Rank where a new guest could go, with what goes where.

    Ends with 0 if there is a place and 1 if there is none. With --claim the best place that is
    still free is taken; the same UUID again gets what it holds.
    """
    claimed = {"claim": {"consumer": claim, "project": project, "user": user}} if claim else {}
    asked = _asked({**said, **claimed})
    found = client.send("POST", "/wherry/candidates", CandidatesAnswer, asked)
    if as_json:
        print_json(found)
    else:
        print_candidates(found)
    return YES if found.candidates or found.claimed else NO


def _asked(said: dict[str, Any]) -> CandidatesAsked:
    file: Path | None = said.pop("flavor_file")
    resources, devices = said.pop("resources"), said.pop("devices")
    if file is not None and said["flavor"] is not None:
        raise click.UsageError("--flavor and --flavor-file say the same: give one of them")
    if file is not None:
        said["flavor"] = read_bytes(file).decode("utf-8", errors="replace")
    body = {
        **{name: value for name, value in said.items() if value is not None},
        "resources": dict(_amounts(resources)),
        "devices": [_device(text) for text in devices],
    }
    try:
        return convert(body, CandidatesAsked)
    except ValidationError as error:
        raise click.UsageError(str(error)) from None


def _amounts(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    for text in texts:
        for part in text.split(","):
            name, _, number = part.replace(":", "=").partition("=")
            if not number.strip().isdecimal():
                message = f"--resources has {part!r} and takes CLASS=N"
                raise click.UsageError(message)
            yield name.strip(), int(number)


def _device(text: str) -> dict[str, Any]:
    name, colon, number = text.partition(":")
    if colon and not number.isdecimal():
        message = f"--device has {text!r} and takes NAME or NAME:N"
        raise click.UsageError(message)
    return {"name": name, "count": int(number) if colon else 1}


def print_candidates(found: CandidatesAnswer) -> None:
    """Print candidates, then why hosts do not take it, then what was not looked at."""
    if found.claimed is not None:
        _print_claimed(found.claimed)
    if found.candidates:
        print_table(
            ("HOST", "SCORE", "NUMA", "WHAT", "WHERE", "ADDRESS"),
            (row for one in found.candidates for row in _rows(one)),
            empty="",
        )
        if not found.is_all and found.claimed is None:
            say("there are more; --limit shows more of them")
    elif found.claimed is None:
        say("no host takes it", verdict="no")
    for counted in found.counts:
        _print_counts(counted, found.queries)
    for note in found.notes:
        say(f"note: {note}")


def _rows(one: PlacedCandidate) -> Iterator[tuple[object, ...]]:
    for number, part in enumerate(one.parts):
        begin = (one.host, f"{one.score:.3f}", one.numa or "-") if not number else ("", "", "")
        yield *begin, _what(part), part.provider_name, _address(part)


def _what(part: Part) -> str:
    units = " ".join(f"{amount} {name}" for name, amount in sorted(part.resources.items()))
    return f"{part.request}: {units}" if part.request else units or "-"


def _address(part: Part) -> str:
    return " ".join(part.addresses) or part.device or "-"


def _print_claimed(claimed: Claimed) -> None:
    again = "held already" if not claimed.attempts else f"taken, try {claimed.attempts}"
    say(f"consumer {claimed.consumer}: {again}", verdict="ok")
    for slot, device in claimed.devices.items():
        say(f"  {slot}: {device or 'a device without an address of its own'}")


def _print_counts(counted: Counted, queries: tuple[str, ...]) -> None:
    click.echo()
    of = f" of {queries[counted.query]}" if len(queries) > 1 else ""
    say(f"{count(counted.fitting, 'host')} could take it, {counted.refused} could not{of}")
    if counted.by_reason:
        print_table(
            ("HOSTS", "CAUSE", "ABOUT", "WHY"),
            ((one.hosts, one.cause, one.what or "-", one.message) for one in counted.by_reason),
            empty="",
        )
