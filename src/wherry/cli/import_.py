"""``wherry import``: recorded hosts become reports; a Placement is copied whole."""

import time
from collections.abc import Mapping
from pathlib import Path

import click

from wherry.agent.client import Client, part
from wherry.cli.copying import Copying, copies_placement
from wherry.cli.exits import exit_of
from wherry.cli.output import print_json, progress, say
from wherry.cli.service import asks_service, json_option
from wherry.hosts.boot import now, read_boot_id
from wherry.hosts.libvirt import read_side_files
from wherry.hosts.look import look_at
from wherry.hosts.snapshot import load_snapshot
from wherry.introspect.sides import add_sides
from wherry.model.errors import InvalidFile, WherryError
from wherry.model.facts import Facts, Report
from wherry.model.wire import ReportAnswer


@click.command("import", short_help="Take in recorded hosts, or a whole Placement.")
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the host; with one SOURCE only (default: the file's).")
@click.option(
    "--beside",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of libvirt's XML and the tools' JSON that goes with one snapshot.",
)
@click.option(
    "--from-placement",
    "placement_url",
    metavar="URL",
    help="Copy all that this Placement holds, and compare both afterwards.",
)
@copies_placement
@json_option
@asks_service
def import_(
    client: Client,
    sources: tuple[Path, ...],
    *,
    name: str | None,
    beside: Path | None,
    placement_url: str | None,
    copying: Copying,
    as_json: bool,
) -> int:
    """Report each SOURCE as a host, or copy a Placement.

    A SOURCE is a snapshot file, or a folder of libvirt's XML and mdevctl's JSON.
    All that can be taken are taken; ends with the status of the first that cannot.

    With --from-placement URL, make the service hold what that Placement holds. It
    reads both, writes what differs, and reads both again; run it again where it was
    cut off. Ends with 1 where anything was refused or is not the same.
    """
    if bool(sources) == bool(placement_url):
        raise click.UsageError("give either a SOURCE or --from-placement URL")
    if placement_url:
        if name or beside:
            raise click.UsageError("--name and --beside go with a SOURCE")
        return copying.run(
            copying.placement(placement_url, "source"),
            copying.service(client, "target"),
            as_json=as_json,
        )
    if len(sources) > 1 and (name or beside):
        raise click.UsageError("--name and --beside go with one SOURCE")
    sides = read_side_files(beside) if beside else {}
    answers, status = [], 0
    with progress(len(sources), "reporting hosts") as advance:
        for source in sources:
            try:
                answers.append(_put(client, make_report(source, name=name, sides=sides)))
            except WherryError as error:
                say_error(error)
                status = status or exit_of(error)
            advance()
    if as_json:
        print_json(answers)
    else:
        _print(answers)
    return status


def make_report(source: Path, *, name: str | None, sides: Mapping[str, str]) -> Report:
    """Make the report of a recorded host.

    Raises:
        InvalidFile: it is neither a snapshot nor a folder of such files.
    """
    boot_id, facts = _read(source, sides)
    return Report(
        schema="wherry.report/1",
        host=name or source.name.partition(".")[0],
        boot_id=boot_id or "imported",
        sequence=time.time_ns() // 1_000_000,
        observed_at=now(),
        facts=facts,
    )


def _read(source: Path, sides: Mapping[str, str]) -> tuple[str | None, Facts]:
    if source.is_dir():
        files = read_side_files(source)
        if not files:
            raise InvalidFile(
                "holds neither libvirt's XML nor mdevctl's JSON: name another", file=str(source)
            )
        return None, add_sides(Facts(), {**files, **sides})
    tree = load_snapshot(source)
    return read_boot_id(tree), look_at(tree, sides)


def _put(client: Client, report: Report) -> ReportAnswer:
    return client.send("PUT", f"/wherry/hosts/{part(report.host)}/report", ReportAnswer, report)


def say_error(error: WherryError) -> None:
    """Say on stderr what could not be taken, and go on."""
    click.echo(f"wherry: {error}", err=True)


def _print(answers: list[ReportAnswer]) -> None:
    for answer in answers:
        say(f"{answer.host}: {answer.outcome}, {answer.providers} providers")
        for finding in answer.findings:
            say(f"  {finding.code}: {finding.message}")
