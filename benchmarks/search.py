"""How many times quicker candidates are found in columns than by the obvious search.

    python -m benchmarks search [--hosts 40] [--rounds 9] [--devices 8 16 64]
                                [--devices-hosts 1 10000] [--seed 1] [--json FILE]

Small fleets of `wherry bench` are searched by both, which have to find the same; *ratio* is how
many times longer the obvious search takes for the same 20 candidates.  *k of n* are equal devices,
every k, limit 20: the slowest k, and the quickest beside.  What the search costs on large fleets
is what `wherry bench search` measures.
"""

import argparse
import statistics
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path

import msgspec

from obvious_search.search import search as search_slowly
from obvious_search.world import World, make_world
from wherry.bench.figures import HEAD, Figure, measured, render, this_machine, timed
from wherry.bench.fleets import CARD, FLEETS, pci
from wherry.bench.queries import HOPELESS, QUERIES, Query, groups, read
from wherry.bench.search import Searched
from wherry.inventory.columns import Columns
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.find import find

MOST = 300
"""Candidates that the obvious search is held against; of more, so many of each are compared."""
FEW = 20
SMALL = 4
"""Hosts on which the obvious search can place eight devices in every way."""


def world_of(columns: Columns) -> World:
    """The same fleet for the obvious search."""
    return make_world(
        columns.providers(), classes=columns.known_classes, traits=columns.known_traits
    )


def require_same(columns: Columns, queries: Sequence[Query]) -> None:
    """Make sure that both searches find the same."""
    world = world_of(columns)
    for query in queries:
        request = read(query.text, limit=MOST)
        want = {each.key for each in search_slowly(world, request)}
        found = {each.key for each in find(columns, request).candidates()}
        assert len(found) == len(want), f"{query.name}: {len(found)} found, not {len(want)}"
        if len(want) < MOST:
            assert found == want, f"{query.name}: other candidates than the twin's"


def time_twin(fleet: str, hosts: int, rounds: int, seed: int) -> Iterator[Figure]:
    """Both searches on a small fleet."""
    columns = FLEETS[fleet](hosts, seed)
    searched, world = Searched(columns), world_of(columns)
    for query in QUERIES[fleet]:
        request = read(query.text, limit=FEW)
        slow = timed(2, partial(_search_world, world, request))
        fast = timed(rounds, partial(_search_columns, searched, request))
        ratio = statistics.median(slow.cpu) / statistics.median(fast.cpu)
        yield fast.figure(query.name, hosts, ratio=ratio, note="beside the obvious search")


def _search_columns(searched: Searched, request: CandidatesRequest, number: int) -> None:
    searched.find(request, number)


def _search_world(world: World, request: CandidatesRequest, _number: int) -> None:
    list(search_slowly(world, request))


def time_devices(hosts: int, sizes: Sequence[int]) -> Iterator[Figure]:
    """K of n equal devices, every k."""
    for devices, policy in product(sizes, ("isolate", "none")):
        searched = Searched(pci(hosts, devices=devices))
        took = [_time_count(searched, count, policy) for count in range(1, devices + 1)]
        some = (1, devices // 2, devices)
        yield Figure(
            what=f"k of {devices}, {policy}", hosts=hosts, unit="ms", median=max(took),
            least=min(took), note=", ".join(f"k = {k}: {took[k - 1]:.2f}" for k in some),
        )  # fmt: skip


def _time_count(searched: Searched, count: int, policy: str) -> float:
    asked = {f"_{n}": f"{CARD}:1" for n in range(count)}
    request = read(groups(asked, policy, plain="resources=VCPU:1"), limit=FEW)
    return statistics.median(timed(3, partial(_search_columns, searched, request)).cpu)


def main(argv: list[str]) -> None:
    """Time both parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks search")
    parser.add_argument("--hosts", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--devices", type=int, nargs="*", default=[8, 16, 64])
    parser.add_argument("--devices-hosts", type=int, nargs="+", default=[1, 10_000])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    hopeless = [Query(name=name, text=text) for name, text in HOPELESS.items()]
    require_same(FLEETS["mig"](options.hosts, options.seed), [*QUERIES["mig"], *hopeless])
    for fleet in ("flat", "vgpu", "pci"):
        few = [query for query in QUERIES[fleet] if query.groups < 2 * SMALL]
        require_same(FLEETS[fleet](SMALL, options.seed), few)
    machine, figures = this_machine(), []
    print(HEAD.rstrip())
    parts = [time_twin("mig", options.hosts, options.rounds, options.seed)]
    parts += [time_devices(hosts, options.devices) for hosts in options.devices_hosts]
    for figure in (figure for part in parts for figure in part):
        figures.append(figure)
        print(render(figure), flush=True)
    if options.json:
        asked = {"what": "search beside its twin", **vars(options), "json": str(options.json)}
        options.json.write_bytes(msgspec.json.encode(measured(asked, figures, machine)))
