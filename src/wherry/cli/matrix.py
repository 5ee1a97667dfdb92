"""``wherry matrix``: which offers of a type a guest of one of them could go to."""

from collections.abc import Iterator
from typing import get_args

import click

from wherry.agent.client import Client
from wherry.cli.exits import NO, YES
from wherry.cli.output import count, print_json, print_table, say
from wherry.cli.reasons import configure_lines, reason_lines
from wherry.cli.service import asks_service, json_option
from wherry.model.checks import CheckResponse
from wherry.model.device import Mode
from wherry.model.matrix import Matrix, MatrixKind, MatrixPair, TypeList


@click.command(short_help="Hold the offers of a type against each other.")
@click.argument("type_name", metavar="[TYPE]", required=False)
@click.option(
    "--mode",
    type=click.Choice(get_args(Mode)),
    default="live",
    show_default=True,
    help="How a guest would move.",
)
@click.option(
    "--pair",
    nargs=2,
    metavar="ID ID",
    help="Give all reasons of one cell: from the first kind to the second, and back.",
)
@json_option
@asks_service
def matrix(
    client: Client,
    type_name: str | None,
    *,
    mode: str,
    pair: tuple[str, str] | None,
    as_json: bool,
) -> int:
    """Group the offers of TYPE by what differs, and check each kind against each.

    A guest that was given a device of the kind in the row, with nothing chosen, is held against
    each column; room and places are left out. Without TYPE the types are listed. With --pair it
    ends with 1 if the first may not go to the second.
    """
    if type_name is None:
        if pair is not None:
            raise click.UsageError("--pair goes with a TYPE")
        _list_types(client, as_json=as_json)
        return YES
    if pair is not None:
        return _show_pair(client, type_name, mode, pair, as_json=as_json)
    found = client.get("/wherry/matrix", Matrix, type=type_name, mode=mode)
    if as_json:
        print_json(found)
    else:
        _print_matrix(found)
    return YES


def _list_types(client: Client, *, as_json: bool) -> None:
    found = client.get("/wherry/types", TypeList)
    if as_json:
        print_json(found)
        return
    print_table(
        ("TYPE", "KINDS", "PROVIDERS", "HOSTS"),
        ((each.type, " ".join(each.kinds), each.providers, each.hosts) for each in found.types),
        empty="nothing is offered",
    )


def _print_matrix(found: Matrix) -> None:
    say(f"{found.type}, mode {found.mode}: {count(len(found.kinds), 'kind')} of offers")
    if found.kinds_left_out:
        more = count(found.kinds_left_out, "more kind")
        say(f"{more} on {count(found.providers_left_out, 'provider')} not shown")
    click.echo()
    numbers = range(1, len(found.kinds) + 1)
    print_table(
        ("KIND", "ID", "PROVIDERS", "HOSTS", "SUCH AS", *(f"TO {number}" for number in numbers)),
        (
            (number, kind.id, kind.providers, kind.hosts, kind.example_host,
             *(cell.verdict for cell in cells))
            for number, kind, cells in zip(numbers, found.kinds, found.cells, strict=True)
        ),
        empty="",
    )  # fmt: skip
    _print_ways(found)
    _print_differences(found)


def _print_ways(found: Matrix) -> None:
    if not found.one_way:
        return
    click.echo()
    print_table(
        ("ONE WAY", "WHY NOT BACK"),
        (
            (f"{source + 1} to {target + 1}", " ".join(found.cells[target][source].codes))
            for source, target in found.one_way
        ),
        empty="",
    )


def _print_differences(found: Matrix) -> None:
    if not found.fields:
        return
    click.echo()
    print_table(
        ("DIFFERS IN", *(f"KIND {number}" for number in range(1, len(found.kinds) + 1))),
        ((name, *(_stated(kind, name) for kind in found.kinds)) for name in found.fields),
        empty="",
    )


def _show_pair(
    client: Client, type_name: str, mode: str, pair: tuple[str, str], *, as_json: bool
) -> int:
    source, target = pair
    found = client.get(
        "/wherry/matrix/pair",
        MatrixPair,
        type=type_name,
        source=source,
        target=target,
        mode=mode,
    )
    if as_json:
        print_json(found)
    else:
        for way, answer in ((f"{source} to {target}", found.there), ("back", found.back)):
            for verdict, line in _lines(way, answer):
                say(line, verdict=verdict)
    return NO if found.there.verdict == "no" else YES


def _lines(way: str, answer: CheckResponse) -> Iterator[tuple[str, str]]:
    yield answer.verdict, f"{way}: {answer.verdict}"
    yield from reason_lines(answer.reasons)
    yield from configure_lines(answer.configure)


def _stated(kind: MatrixKind, name: str) -> str:
    if name not in kind.differs:
        return "-"
    value = kind.differs[name]
    return "unreadable" if value is None else str(value).lower() if value is True else str(value)
