"""``wherry targets``: where a guest can go, and why not elsewhere."""

from collections.abc import Iterable
from pathlib import Path

import click
from msgspec import UNSET

from wherry.agent.client import Client, part
from wherry.cli.exits import NO, YES
from wherry.cli.member_of import takes_member_of
from wherry.cli.output import count, print_json, print_table, say
from wherry.cli.policy import make_policy, takes_policy
from wherry.cli.reasons import configure_lines, reason_lines, row_lines
from wherry.cli.service import asks_service, json_option
from wherry.model.targets import (
    Refusal,
    Refused,
    Remedy,
    Target,
    TargetsAnswer,
    TargetsRequest,
)
from wherry.schedule.reasons import meaning_of, rule_of


@click.command(short_help="Find where a guest can go, and why not elsewhere.")
@click.argument("guest")
@click.option("--explain", is_flag=True, help="List every refused host with all its reasons.")
@click.option("--remedies", is_flag=True, help="Say what would open refused hosts, and how many.")
@click.option("--host", "hosts", multiple=True, help="Look at this host only; may be repeated.")
@takes_member_of
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Most targets."
)
@takes_policy
@json_option
@asks_service
def targets(  # noqa: PLR0913, one parameter an option
    client: Client,
    guest: str,
    *,
    explain: bool,
    remedies: bool,
    hosts: tuple[str, ...],
    member_of: tuple[str, ...],
    limit: int,
    policy: Path | None,
    mode: str | None,
    accept: tuple[str, ...],
    as_json: bool,
) -> int:
    """Rank the hosts that take GUEST (a uuid), and count why the others do not.

    Ends with 0 if there is a target and 1 if there is none.
    """
    asked = TargetsRequest(
        policy=make_policy(policy, mode, accept),
        hosts=hosts or UNSET,
        member_of=member_of,
        limit=limit,
        explain=explain,
        remedies=remedies,
    )
    path = f"/wherry/guests/{part(guest)}/targets"
    found = client.send("POST", path, TargetsAnswer, asked)
    if as_json:
        print_json(found)
    else:
        print_targets(found)
    return YES if found.total else NO


def print_targets(found: TargetsAnswer) -> None:
    """Print targets, then the reasons of the refused by count, then hosts if they are listed."""
    looked_at = found.total + found.refused.count
    say(f"guest {found.guest} on {found.source}: taken by {found.total} of {looked_at} hosts")
    if found.targets:
        click.echo()
        print_table(
            ("HOST", "VERDICT", "SCORE", "DOWNTIME", "WAY BACK", "NOTES"),
            (_row(target) for target in found.targets),
            empty="",
        )
        _print_settings(found.targets)
    if found.refused.count:
        click.echo()
        _print_refused(found.refused)


def _row(target: Target) -> tuple[object, ...]:
    downtime = "-" if target.downtime_ms is None else f"{target.downtime_ms} ms"
    notes = {r.code for r in target.reasons} | {r.code for m in target.mapping for r in m.reasons}
    score = f"{target.score:.3f}"
    return target.host, target.verdict, score, downtime, _way_back(target), " ".join(sorted(notes))


def _way_back(target: Target) -> str:
    order = ("no", "unknown", "warn", "ok")
    verdicts = {path.verdict for path in target.return_path.values()}
    return next((verdict for verdict in order if verdict in verdicts), "-")


def _print_settings(found: Iterable[Target]) -> None:
    for target in found:
        lines = [
            (verdict, f"{row.slot}:{line}")
            for row in target.mapping
            for verdict, line in configure_lines(row.configure, indent=" ")
        ]
        if lines:
            click.echo()
            say(f"on {target.host} the claim would configure")
        for verdict, line in lines:
            say(f"  {line}", verdict=verdict)


def _print_refused(refused: Refused) -> None:
    do = "does" if refused.count == 1 else "do"
    say(f"{count(refused.count, 'host')} {do} not take it")
    counted = sorted(refused.by_reason.items(), key=lambda item: (-item[1], item[0]))
    print_table(
        ("HOSTS", "REASON", "RULE", "MEANING"),
        ((count, code, rule_of(code), meaning_of(code)) for code, count in counted),
        empty="",
    )
    if refused.remedies is not UNSET:
        _print_remedies(refused.remedies)
    if refused.hosts is UNSET:
        say("--explain lists each host with all its reasons")
        return
    for host in refused.hosts:
        _print_refusal(host)


def _print_remedies(remedies: Iterable[Remedy]) -> None:
    click.echo()
    print_table(
        ("HOSTS", "REMEDY", "SUCH AS", "WHERE"),
        (
            (each.hosts, each.sentence.rpartition(": ")[0], " ".join(each.examples), _where(each))
            for each in remedies
        ),
        empty="nothing that was tried opens another host",
    )
    click.echo()


def _where(remedy: Remedy) -> str:
    return " ".join(
        f"{label}={value}:{hosts}"
        for label, counts in remedy.labels.items()
        for value, hosts in counts.items()
    )


def _print_refusal(host: Refusal) -> None:
    click.echo()
    say(f"{host.host}: {host.verdict}", verdict=host.verdict)
    for verdict, line in (*reason_lines(host.reasons), *row_lines(host.mapping)):
        say(line, verdict=verdict)
