"""``wherry query``: a guest as a question that Placement can answer."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from msgspec import UNSET

from wherry.agent.client import Client, part
from wherry.cli.exits import NO, YES
from wherry.cli.output import print_json, say
from wherry.cli.policy import make_policy, takes_policy
from wherry.cli.reasons import reason_lines
from wherry.cli.service import asks_service, json_option
from wherry.model.checks import Policy
from wherry.model.queries import QueryAnswer, QueryPart, WhyNoQuery

SIGNS = {"all": "has", "any": "one of", "none": "must not"}


@click.command(short_help="Compile a guest to a question for Placement.")
@click.argument("guest")
@click.option(
    "--member-of",
    multiple=True,
    metavar="UUID",
    help="Aggregate that hosts must be in; repeated: one of them.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Most candidates (default: all).")
@click.option("--curl", is_flag=True, help="Print a command that asks Placement, and no more.")
@takes_policy
@json_option
@asks_service
def query(  # noqa: PLR0913, one parameter an option
    client: Client,
    guest: str,
    *,
    member_of: tuple[str, ...],
    limit: int | None,
    curl: bool,
    policy: Path | None,
    mode: str | None,
    accept: tuple[str, ...],
    as_json: bool,
) -> int:
    """Compile GUEST (a uuid) to a call of GET /allocation_candidates.

    For schedulers that speak only Placement. The hosts of its candidates are all that could
    take the guest, and perhaps some more: what the call cannot ask is listed, and `wherry
    targets --host` judges each. Ends with 0 if there is a call and 1 if there is none.
    """
    asked = _parameters(make_policy(policy, mode, accept))
    if member_of:
        asked["member_of"] = ",".join(member_of)
    if limit is not None:
        asked["limit"] = str(limit)
    found = client.get(f"/wherry/guests/{part(guest)}/query", QueryAnswer, **asked)
    if as_json:
        print_json(found)
    elif curl and found.query is not None:
        click.echo(curl_of(found))
    else:
        print_query(found)
    return NO if found.query is None else YES


def _parameters(policy: Policy) -> dict[str, Any]:
    """Give what of a policy the compiled call can hold; all else is for the exact stage."""
    said: dict[str, Any] = {"mode": policy.mode, "accept": ",".join(policy.accept) or "ok"}
    if policy.replug:
        said["replug"] = ",".join(policy.replug)
    for name in ("postcopy", "allow_untracked_dma"):
        if getattr(policy, name):
            said[name] = "true"
    return said


def curl_of(found: QueryAnswer) -> str:
    """Write the call as a command; its address and token are variables of the shell."""
    return (
        'curl -sS -H "X-Auth-Token: $OS_TOKEN"'
        f' -H "OpenStack-API-Version: placement {found.microversion}"'
        f" \"$PLACEMENT_URL\"'{found.query}'"
    )


def print_query(found: QueryAnswer) -> None:
    """Print what is asked for each device and of the host, what is left, and the call."""
    if found.query is None:
        say(f"guest {found.guest} on {found.source}: nothing to ask", verdict="no")
        for why in found.why:
            _print_why(why)
        return
    say(f"guest {found.guest} on {found.source}, Placement {found.microversion}")
    if found.resources:
        say(f"the host: {_amounts(found.resources)}")
    for group in found.groups:
        say(f"{group.slot}, {group.mode}: {_amounts(group.resources) or 'no amounts'}")
        _print_parts(group.parts)
    if found.root:
        say("the host's root")
        _print_parts(found.root)
    say("left to judge of each host that is found")
    for rest in found.rest:
        say(f"  {rest.rules}: {rest.words}")
    click.echo()
    click.echo(found.query)


def _print_parts(parts: Iterable[QueryPart]) -> None:
    for each in parts:
        say(f"  {SIGNS[each.how]:<8}  {each.words} ({each.rules})")


def _print_why(why: WhyNoQuery) -> None:
    where = "" if why.slot is UNSET else f"{why.slot}: "
    say(f"  {where}{why.words} ({why.code})")
    for verdict, line in reason_lines(why.reasons):
        say(line, verdict=verdict)


def _amounts(resources: dict[str, int]) -> str:
    return ", ".join(f"{amount} {name}" for name, amount in sorted(resources.items()))
