"""``wherry check``: may this guest's device go on living there?  Asks no service."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from wherry.cli.exits import NO, YES
from wherry.cli.files import JSON_FILE, read_document, read_record
from wherry.cli.output import print_json, say
from wherry.cli.reasons import configure_lines, reason_lines
from wherry.compat.answer import answer, parse_request
from wherry.compat.stream import Stream
from wherry.model.checks import CheckResponse, Policy
from wherry.model.errors import InvalidFile, InvalidRequest

CHUNK = 1 << 20


@click.command(short_help="Check a contract against an offer.")
@click.option("--contract", type=JSON_FILE, help="JSON file of the contract; - is stdin.")
@click.option("--offer", type=JSON_FILE, help="JSON file of the offer; - is stdin.")
@click.option("--source-offer", type=JSON_FILE, help="The source's offer: tells the way back too.")
@click.option("--policy", type=JSON_FILE, help="JSON file of a policy.")
@click.option("--ndjson", is_flag=True, help="Answer requests from stdin, one on each line.")
# Not from `cli.service`: its client takes longer to load than all that a check needs.
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def check(
    *,
    contract: Path | None,
    offer: Path | None,
    source_offer: Path | None,
    policy: Path | None,
    ndjson: bool,
    as_json: bool,
) -> int:
    """Check a contract against an offer, and print the verdict with all its reasons.

    Ends with 0 if the verdict is accepted and 1 if not. With --ndjson, reads one request per
    line from stdin and writes one answer per line; ends with 0 once every line is answered.
    """
    if ndjson:
        if contract or offer or source_offer or policy or as_json:
            raise click.UsageError("--ndjson takes its requests from stdin: give no other option")
        return answer_stream(sys.stdin.fileno(), sys.stdout.buffer)
    if contract is None or offer is None:
        raise click.UsageError("give --contract and --offer, or --ndjson")
    named = {"contract": contract, "offer": offer, "source_offer": source_offer, "policy": policy}
    files = {name: file for name, file in named.items() if file}
    if [str(file) for file in files.values()].count("-") > 1:
        raise click.UsageError("stdin can be read once: give - for one file only")
    response = _check(files)
    if as_json:
        print_json(response)
    else:
        _print(response)
    return YES if response.accepted else NO


def _check(files: dict[str, Path]) -> CheckResponse:
    records = {name: _document(name, file) for name, file in files.items()}
    try:
        response = answer(parse_request(msgspec.json.encode(records)))
    except InvalidRequest as error:
        place = str(error).partition("$.")[2]
        name = next((name for name in files if place.startswith(name)), "")
        raise InvalidFile(str(error), file=str(files.get(name, files["contract"]))) from None
    if not isinstance(response, CheckResponse):
        raise TypeError(type(response))
    return response


def _document(name: str, file: Path) -> object:
    return read_record(file, Policy) if name == "policy" else read_document(file)


def _print(response: CheckResponse) -> None:
    accepted = "accepted" if response.accepted else "not accepted"
    say(f"{response.verdict} ({accepted})", verdict=response.verdict)
    for verdict, line in reason_lines(response.reasons):
        say(line, verdict=verdict)
    for verdict, line in configure_lines(response.configure):
        say(line, verdict=verdict)
    say("modes: " + ", ".join(f"{mode} {verdict}" for mode, verdict in response.modes.items()))
    if response.downtime_ms is not None:
        say(f"downtime: about {response.downtime_ms} ms")
    if isinstance(back := response.return_path, msgspec.UnsetType):
        return
    say(f"way back: {back.verdict}", verdict=back.verdict)
    for verdict, line in reason_lines(back.reasons):
        say(line, verdict=verdict)


def answer_stream(source: int, target: BinaryIO) -> int:
    """Answer each line of *source* on *target*, in order, until its end.

    What is there is answered and flushed at once, so a program may talk line by line.  The
    memory it takes is bound by the longest line and by what a stream remembers.

    Source: specification of compatibility, section 15.
    """
    stream = Stream()
    number = 0
    for lines in read_lines(source):
        answers = [
            stream.answer(line, at) + b"\n"
            for at, line in enumerate(lines, number + 1)
            if line.strip()
        ]
        number += len(lines)
        target.write(b"".join(answers))
        target.flush()
    return YES


def read_lines(source: int, chunk: int = CHUNK) -> Iterator[list[bytes]]:
    """Give the whole lines that are there, as they come; the last may lack its end."""
    pieces: list[bytes] = []
    while data := os.read(source, chunk):
        head, newline, rest = data.rpartition(b"\n")
        if not newline:
            pieces.append(data)
            continue
        lines = b"".join((*pieces, head)).split(b"\n")
        pieces = [rest]
        yield lines
    if last := b"".join(pieces):
        yield [last]
