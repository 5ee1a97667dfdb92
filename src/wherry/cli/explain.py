"""``wherry explain``: what made a migration fail, read off a log.  Asks no service."""

from pathlib import Path
from typing import Any

import click

from wherry.cli.exits import NO, YES
from wherry.cli.files import read_bytes
from wherry.cli.output import print_json, say
from wherry.migrate.failures import explain as failures
from wherry.migrate.failures.explain import Found


@click.command(short_help="Say why a migration failed, from a log.")
@click.argument("log", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def explain(log: Path, *, as_json: bool) -> int:
    """Read LOG, of QEMU, libvirt or Nova, and say what made a migration fail; - is stdin.

    Names the device, what happened, what to do, and the rules that would have refused the move
    before it began. Ends with 0 if a cause was found, and with 1 if none was or only its echo.
    """
    found = failures.explain(read_bytes(log).decode("utf-8", errors="replace").splitlines())
    if as_json:
        print_json({"found": [_document(one) for one in found]})
    elif not found:
        say("nothing known: give QEMU's log of the target, and of the source", verdict="unknown")
    else:
        _print(found)
    return YES if any(one.sign.kind == "cause" for one in found) else NO


def _print(found: tuple[Found, ...]) -> None:
    for one in found:
        times = "" if one.count == 1 else f", {one.count} times"
        device = "" if one.device is None else f" {one.device}"
        is_cause = one.sign.kind == "cause"
        say(
            f"{one.sign.kind}{device} ({one.sign.id}; line {one.number}{times})",
            verdict="no" if is_cause else "unknown",
        )
        say(f"  {one.line}")
        say(f"  {one.sign.cause}")
        say(f"  do: {one.sign.remedy}")
        if one.sign.codes:
            say(f"  a check would have said: {', '.join(one.sign.codes)}")
    if not any(one.sign.kind == "cause" for one in found):
        say("no cause in this log: it stands in the log of the other side", verdict="unknown")


def _document(one: Found) -> dict[str, Any]:
    return {
        "sign": one.sign.id,
        "kind": one.sign.kind,
        "side": one.sign.side,
        "device": one.device,
        "line": {"number": one.number, "text": one.line, "count": one.count},
        "cause": one.sign.cause,
        "remedy": one.sign.remedy,
        "codes": list(one.sign.codes),
        "rules": list(one.rules),
    }
