"""``wherry bench``: what work on a made-up fleet costs on this machine."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from wherry.cli.output import print_json
from wherry.cli.service import json_option

if TYPE_CHECKING:
    from wherry.bench.figures import Figure

F = TypeVar("F", bound=Callable[..., Any])
KINDS = ("flat", "vgpu", "pci", "mig")
"""Names in `wherry.bench.fleets`, which is loaded only where something is measured."""


seed_option = click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True,
    help="What the fleet is made from.",
)  # fmt: skip


class Chosen(NamedTuple):
    """The fleet that is asked for."""

    fleet: str
    hosts: int
    seed: int


def on_fleet(hosts: int) -> Callable[[F], F]:
    """Give a command the options that name a fleet, and the fleet as its first argument."""

    def decorate(command: F) -> F:
        @click.option(
            "--fleet", type=click.Choice(KINDS), default="vgpu", show_default=True,
            help="Shape of its hosts.",
        )  # fmt: skip
        @click.option(
            "--hosts", type=click.IntRange(1, 1_000_000), default=hosts, show_default=True,
            help="How many hosts the fleet has.",
        )  # fmt: skip
        @seed_option
        @wraps(command)
        def with_fleet(*, fleet: str, hosts: int, seed: int, **options: Any) -> Any:
            return command(Chosen(fleet, hosts, seed), **options)

        return with_fleet  # type: ignore[return-value] # click's decorators keep the signature

    return decorate


rounds_option = click.option(
    "--rounds", type=click.IntRange(1, 1000), default=30, show_default=True,
    help="Times that each piece of work is timed.",
)  # fmt: skip
database_option = click.option(
    "--database", metavar="URL",
    help="Empty database to fill, and leave behind; without, a SQLite file that is thrown away.",
)  # fmt: skip


@click.group(short_help="Measure work on a made-up fleet.")
def bench() -> None:
    """Measure work on a made-up fleet, on this machine.

    Fleets are made from a seed: flat is one provider a host, vgpu has two NUMA nodes with two
    GPUs each, pci eight equal devices, mig is a mix of GPUs with pools, NVMe, FPGAs, NICs and
    accelerators. Whatever is timed is held against what it should give before; nothing of a
    running service is touched. Times are wall clock; CPU is what stays comparable where other
    work goes on.
    """


@bench.command(short_help="Find allocation candidates.")
@on_fleet(1000)
@rounds_option
@json_option
def search(of: Chosen, *, rounds: int, as_json: bool) -> None:
    """Find allocation candidates in memory, limit 1000, each time from another host.

    A million hosts take a few gigabytes of memory, most of it while they are made.
    """
    from wherry.bench.search import time_search  # noqa: PLC0415 - as in `serve`

    asked = {"what": "search", **of._asdict(), "rounds": rounds}
    tell(asked, time_search(of.fleet, of.hosts, seed=of.seed, rounds=rounds), as_json=as_json)


@bench.command(short_help="Answer with allocation candidates.")
@on_fleet(1000)
@rounds_option
@json_option
def answers(of: Chosen, *, rounds: int, as_json: bool) -> None:
    """Read a query, search, and write the body: all of a request but its transport."""
    from wherry.bench.search import time_answers  # noqa: PLC0415 - as in `serve`

    asked = {"what": "answers", **of._asdict(), "rounds": rounds}
    tell(asked, time_answers(of.fleet, of.hosts, seed=of.seed, rounds=rounds), as_json=as_json)


@bench.command(short_help="Claim places for guests.")
@on_fleet(200)
@click.option(
    "--clients", type=click.IntRange(1, 512), multiple=True, default=(1, 16, 64),
    show_default=True, help="Clients at once; may be given several times.",
)  # fmt: skip
@click.option(
    "--hot", type=click.IntRange(min=0), default=4, show_default=True,
    help="Hosts that take all claims of the second part; 0: leave it out.",
)  # fmt: skip
@click.option(
    "--rounds", type=click.IntRange(1, 100), default=3, show_default=True,
    help="Times that each number of clients is timed.",
)  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(0.1, 600), default=5.0, show_default=True, help="Of a round."
)
@database_option
@json_option
def claims(
    of: Chosen, *, clients: tuple[int, ...], hot: int, rounds: int, seconds: float,
    database: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Claim places for guests and let them go, each claim waiting for the disk.

    On SQLite clients are threads of one process, on PostgreSQL sessions of processes of eight
    each. After each round each acknowledged claim must be stored, and no other.
    """
    from wherry.bench.claims import Load, time_claims  # noqa: PLC0415 - as in `serve`

    load = Load(clients=clients, hot=hot, rounds=rounds, seconds=seconds)
    asked = {"what": "claims", **of._asdict(), "rounds": rounds, "seconds": seconds}
    asked |= {"clients": clients, "hot": hot, "database": kind(database)}
    with scratch() as folder:
        url = database or f"sqlite:///{folder}/fleet.db"
        figures = time_claims(url, of.fleet, of.hosts, seed=of.seed, load=load)
        tell(asked, figures, as_json=as_json)


@bench.command(short_help="Place new guests.")
@on_fleet(1000)
@rounds_option
@database_option
@json_option
def place(of: Chosen, *, rounds: int, database: str | None, as_json: bool) -> None:
    """Find where a new guest could go, and count why not elsewhere.

    All that `wherry place` has a service do but its transport, in a fleet of which nothing is in
    use; the guest takes devices of the fleet. Ratios are of a plain loop over all providers.
    """
    from wherry.bench.first import time_first  # noqa: PLC0415 - as in `serve`

    asked = {"what": "place", **of._asdict(), "rounds": rounds, "database": kind(database)}
    with scratch() as folder:
        url = database or f"sqlite:///{folder}/fleet.db"
        figures = time_first(url, folder, of.fleet, of.hosts, seed=of.seed, rounds=rounds)
        tell(asked, figures, as_json=as_json)


@bench.command(short_help="Take in the reports of hosts.")
@click.option(
    "--hosts", type=click.IntRange(1, 1_000_000), default=200, show_default=True,
    help="How many hosts report.",
)  # fmt: skip
@database_option
@json_option
def register(*, hosts: int, database: str | None, as_json: bool) -> None:
    """Take in the first reports of hosts with four GPUs each, then each again with nothing new.

    One report after the other, in this process: what a core can do.
    """
    from wherry.bench.register import time_reports  # noqa: PLC0415 - as in `serve`

    asked = {"what": "register", "hosts": hosts, "database": kind(database)}
    with scratch() as folder:
        url = database or f"sqlite:///{folder}/fleet.db"
        tell(asked, time_reports(url, folder, hosts), as_json=as_json)


@bench.command(short_help="Take a stored fleet into memory.")
@on_fleet(10_000)
@database_option
@json_option
def start(of: Chosen, *, database: str | None, as_json: bool) -> None:
    """Write a fleet into the tables, then take it into memory as a service does when it starts.

    First from the database, then from a snapshot; there is none of a small fleet.
    """
    from wherry.bench.start import time_start  # noqa: PLC0415 - as in `serve`

    asked = {"what": "start", **of._asdict(), "database": kind(database)}
    with scratch() as folder:
        url = database or f"sqlite:///{folder}/fleet.db"
        figures = time_start(url, folder, of.fleet, of.hosts, seed=of.seed)
        tell(asked, figures, as_json=as_json)


@bench.command(short_help="Rank a fleet for one guest.")
@click.option(
    "--hosts", type=click.IntRange(2, 1_000_000), default=1000, show_default=True,
    help="How many hosts the fleet has.",
)  # fmt: skip
@click.option(
    "--devices", type=click.IntRange(4, 64), default=8, show_default=True,
    help="GPUs of each host.",
)  # fmt: skip
@seed_option
@rounds_option
@json_option
def targets(*, hosts: int, devices: int, seed: int, rounds: int, as_json: bool) -> None:
    """Find where a guest with two GPUs can go, and count why not elsewhere.

    The hosts have GPUs of a few models in several driver versions. Ratios are of a plain loop
    that checks the guest on one host after the other.
    """
    from wherry.bench.targets import time_targets  # noqa: PLC0415 - as in `serve`

    asked = {"what": "targets", "hosts": hosts, "devices": devices, "seed": seed, "rounds": rounds}
    tell(asked, time_targets(hosts, devices, seed=seed, rounds=rounds), as_json=as_json)


def kind(database: str | None) -> str:
    """Say which kind of database a URL names."""
    return "sqlite" if database is None else database.partition(":")[0]


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="wherry-bench-") as name:
        yield Path(name)


def tell(asked: dict[str, Any], figures: "Iterable[Figure]", *, as_json: bool) -> None:
    """Print figures as they come, or all of them as JSON."""
    from wherry.bench.figures import HEAD, measured, render, this_machine  # noqa: PLC0415

    machine = this_machine()
    if as_json:
        print_json(measured(asked, figures, machine))
        return
    click.echo(
        f"{machine.processor}, {machine.processors} processors, load {machine.load:.1f}, "
        f"Python {machine.python}, numpy {machine.numpy}"
    )
    click.echo(HEAD.rstrip())
    for figure in figures:
        click.echo(render(figure))
