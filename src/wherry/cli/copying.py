"""What ``import --from-placement`` and ``export --to-placement`` share: options, run, report."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from wherry.agent.client import Client, read_token
from wherry.cli.exits import NO, YES
from wherry.cli.output import count, print_json, progress, say
from wherry.integrations.placement_copy.client import PlacementClient
from wherry.integrations.placement_copy.copy import Outcome, copy_placement
from wherry.integrations.placement_copy.world import World

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """How a copy shall be made, and who we are at both ends."""

    token_file: Path | None
    placement_roles: str | None
    roles: str | None
    prune: bool
    dry_run: bool

    def placement(self, url: str, end: str) -> PlacementClient:
        """Make the client of the other Placement."""
        token = read_token(self.token_file, os.environ, "WHERRY_PLACEMENT_TOKEN")
        return PlacementClient(url, token=token, roles=self.placement_roles, what=f"the {end}")

    def service(self, client: Client, end: str) -> PlacementClient:
        """Make the client of the service's own Placement door."""
        return PlacementClient(client.url, token=client.token, roles=self.roles, what=f"the {end}")

    def run(self, source: PlacementClient, target: PlacementClient, *, as_json: bool) -> int:
        """Copy, say what was done, and give the exit status."""
        outcome = copy_placement(
            source, target, watch=progress, prune=self.prune, dry_run=self.dry_run
        )
        if as_json:
            print_json(_as_json(outcome))
        else:
            _print(outcome, source, target, dry_run=self.dry_run)
        return NO if outcome.refused or outcome.differences else YES


def copies_placement(command: F) -> F:
    """Give a command the options of a copy, as one argument."""

    @click.option(
        "--prune", is_flag=True, help="Delete in the target what the source does not have."
    )
    @click.option("--dry-run", is_flag=True, help="Compare and count, and write nothing.")
    @click.option(
        "--placement-token-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="File that holds the token for the Placement (default: the variable"
        " WHERRY_PLACEMENT_TOKEN).",
    )
    @click.option(
        "--placement-roles",
        metavar="ROLES",
        help="Roles to claim at the Placement, where it runs with noauth2.",
    )
    @click.option(
        "--roles",
        metavar="ROLES",
        help="Roles to claim at the service, where it runs with noauth2.",
    )
    @wraps(command)
    def with_copying(
        *args: Any,
        placement_token_file: Path | None,
        placement_roles: str | None,
        roles: str | None,
        prune: bool,
        dry_run: bool,
        **options: Any,
    ) -> Any:
        copying = Copying(
            token_file=placement_token_file,
            placement_roles=placement_roles,
            roles=roles,
            prune=prune,
            dry_run=dry_run,
        )
        return command(*args, copying=copying, **options)

    return with_copying  # type: ignore[return-value] # click's decorators keep the signature


def _print(
    outcome: Outcome, source: PlacementClient, target: PlacementClient, *, dry_run: bool
) -> None:
    say(f"source: {source.url}, {_describe(outcome.source)}")
    say(f"target: {target.url}, {_describe(outcome.target)}")
    if not outcome.steps:
        say("Nothing to write.")
    else:
        done = f"To write: {count(outcome.planned, 'request')}."
        if not dry_run:
            done = f"Written: {outcome.written} of {count(outcome.planned, 'request')}."
        say(done)
        for step in outcome.steps:
            say(f"  {step.what}: {len(step.writes)}")
    for refusal in outcome.refused:
        say(f"refused: {refusal.subject}: {refusal.method} {refusal.path}: {refusal.reason}")
    for difference in outcome.differences:
        say(f"not the same: {difference}")
    if outcome.differences:
        say(f"The target is no copy: {count(len(outcome.differences), 'difference')}.")
    else:
        say("The target holds all that the source holds, and nothing else.")


def _numbers(world: World) -> dict[str, int]:
    providers = world.providers.values()
    return {
        "resource provider": len(providers),
        "inventory": sum(len(each.inventories) for each in providers),
        "consumer": len(world.consumers),
        "allocation": sum(1 for each in world.consumers.values() for _ in each.rows()),
    }


def _describe(world: World) -> str:
    numbers = _numbers(world)
    plural = {"inventory": "inventories"}
    return ", ".join(
        f"{number} {name if number == 1 else plural.get(name, f'{name}s')}"
        for name, number in numbers.items()
    )


def _as_json(outcome: Outcome) -> dict[str, Any]:
    source, target = outcome.source, outcome.target
    return {
        "same": not outcome.differences,
        "planned": outcome.planned,
        "written": outcome.written,
        "refused": outcome.refused,
        "differences": outcome.differences,
        "source": _numbers(source),
        "target": _numbers(target),
        "generations": {
            "resource_providers": _generations(source.providers, target.providers),
            "consumers": _generations(source.consumers, target.consumers),
        },
    }


def _generations(source: Any, target: Any) -> dict[str, dict[str, int]]:
    """Each object's generation on both sides: no call sets one, and clients keep them."""
    return {
        uuid: {"source": source[uuid].generation, "target": target[uuid].generation}
        for uuid in sorted(source.keys() & target.keys())
    }
