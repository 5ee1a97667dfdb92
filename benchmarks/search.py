"""How long it takes to find allocation candidates in columns, and to answer with them.

    python -m benchmarks search [--hosts 1000 10000 100000] [--rounds 30] [--twin 40]
                                [--devices 8 16 64] [--seed 1] [--json FILE]

The fleets are made from the seed (`benchmarks/column_fleets.py`).  Before anything is timed,
small ones of the same making are searched by the obvious search as well, and both have to find
the same.

*search* is on mixed hosts, with limit 1000, each time from another host.  *answer* is the whole
of a request but the transport, on the shapes that openstack-placement was measured on, once the
bytes of trees are kept: query read, searched, rendered; *kB* is the body.  *devices* are k of n
equal ones, limit 20.  *explain* counts the reasons of a whole fleet; *every* is the search that
looks at every host for it, and *ratio* what the reasons cost more.  *twin* is the obvious
search on the small fleet, and how many times longer it takes there.

Figures are milliseconds of CPU: the median of all rounds, and the least.
"""

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np

from benchmarks.column_fleets import FLEETS, RARE, heterogeneous, pci
from obvious_search.search import search as search_slowly
from obvious_search.world import World, make_world
from wherry.api.placement.ready.answer import render_answer
from wherry.api.placement.ready.summaries import TreeBytes
from wherry.inventory.columns import Columns
from wherry.schedule.candidates.query import parse_candidates_query
from wherry.schedule.candidates.request import CandidatesRequest
from wherry.schedule.search.explain import Explanation, explain
from wherry.schedule.search.find import find
from wherry.schedule.search.found import Found
from wherry.schedule.search.memory import Memory

PLAIN = "resources=VCPU:2,MEMORY_MB:4096,DISK_GB:20"
NEWEST = (1, 39)
MOST = 300
"""Candidates that the obvious search is held against; of more, so many of each are compared."""


def groups(asked: Mapping[str, str], policy: str, together: str = "", plain: str = "") -> str:
    """Put a query of groups together: suffix to resources."""
    parts = [f"resources{suffix}={resources}" for suffix, resources in asked.items()]
    parts += [f"same_subtree={each}" for each in together.split()]
    return "&".join([*([plain] if plain else []), *parts, f"group_policy={policy}"])


def numa(node: str, devices: int) -> dict[str, str]:
    """A NUMA node with so many GPUs and as many NICs."""
    asked = {f"_N{node}": "PCPU:8"}
    asked |= {f"_G{node}{n}": "CUSTOM_GPU:1" for n in range(devices)}
    return asked | {f"_I{node}{n}": "SRIOV_NET_VF:2" for n in range(devices)}


MIXED: Mapping[str, str] = {
    "flat, a trait on 1 %": f"{PLAIN}&required={RARE}",
    "flat, 35 % by capacity": "resources=VCPU:60,MEMORY_MB:200000,DISK_GB:1500",
    "flat, nearly all": PLAIN,
    "3 groups": groups(numa("A", 1), "isolate", ",".join(numa("A", 1))),
    "5 groups": groups(
        {"_N": "PCPU:4", "_I0": "SRIOV_NET_VF:1", "_I1": "SRIOV_NET_VF:1", "_Q0": "CUSTOM_QAT:1",
         "_Q1": "CUSTOM_QAT:1"}, "isolate", "_N,_I0,_I1,_Q0,_Q1",
    ),
    "10 groups": groups(
        numa("A", 2) | numa("B", 2), "isolate", " ".join(",".join(numa(n, 2)) for n in "AB")
    ),
}  # fmt: skip
HOPELESS: Mapping[str, str] = {
    "too much memory": "resources=VCPU:1,MEMORY_MB:600000",
    "a trait nobody has with it": f"{PLAIN}&required={RARE},CUSTOM_QAT_V1",
    "devices no host has together": groups(
        numa("A", 1) | {"_Q": "CUSTOM_QAT:1"}, "isolate", ",".join([*numa("A", 1), "_Q"])
    ),
    "3 NICs on one node": groups(
        {"_N": "PCPU:4"} | {f"_I{n}": "SRIOV_NET_VF:1" for n in range(3)}, "isolate",
        "_N,_I0,_I1,_I2",
    ),
}  # fmt: skip
GPU = "CUSTOM_PCI_10DE_20B0:1"
SHAPES: Mapping[str, Mapping[str, str]] = {
    "flat": {
        "flat": PLAIN,
        "trait 50 %": f"{PLAIN}&required=CUSTOM_HALF",
        "trait 1 %": f"{PLAIN}&required=CUSTOM_PERCENT",
    },
    "vgpu": {
        "vGPU, trait": f"{PLAIN}&resources_G=VGPU:1&required_G=CUSTOM_NVIDIA_559",
        "NUMA subtree": groups({"_N": "PCPU:2", "_G": "VGPU:1"}, "none", "_N,_G", PLAIN),
        "4x isolate": groups({f"_{n}": "VGPU:1" for n in range(4)}, "isolate", plain=PLAIN),
    },
    "pci": {
        f"PCI {count} {policy}": groups({f"_{n}": GPU for n in range(count)}, policy, plain=PLAIN)
        for count in (1, 2, 4, 8)
        for policy in ("isolate", "none")
    },
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: milliseconds of CPU."""

    part: str
    hosts: int
    what: str
    p50: float
    best: float
    note: str = ""


def read(query: str, limit: int | None = 1000) -> CandidatesRequest:
    """Read a query as the door does."""
    pairs = parse_qsl(query) + ([] if limit is None else [("limit", str(limit))])
    return parse_candidates_query(pairs, NEWEST)


def timed(rounds: int, step: Callable[[int], object]) -> tuple[float, float]:
    """Median and least milliseconds of CPU; *step* is given the number of the round."""
    took = []
    gc.collect()
    gc.disable()
    for number in range(rounds + 1):
        began = time.thread_time()
        step(number)
        took.append((time.thread_time() - began) * 1000)
    gc.enable()
    return statistics.median(took[1:]), min(took[1:])


def world_of(columns: Columns) -> World:
    """The same fleet for the obvious search."""
    return make_world(
        columns.providers(), classes=columns.known_classes, traits=columns.known_traits
    )


class Fleet:
    """Columns, and what is remembered of them."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.memory, self.kept = Memory(), TreeBytes()
        self.body = b""

    def find(self, request: CandidatesRequest, start: int = 0) -> Found:
        """Search from some host."""
        return find(self.columns, request, start=start, memory=self.memory)

    def explain(self, request: CandidatesRequest) -> Explanation:
        """Count reasons."""
        return explain(self.columns, request, memory=self.memory)

    def answer(self, query: str, start: int) -> None:
        """Do all that a request takes but the transport."""
        request = read(query)
        self.body = render_answer(self.find(request, start), request.form, self.kept)


def require_same(columns: Columns, queries: Mapping[str, str]) -> None:
    """Make sure that both searches find the same."""
    world = world_of(columns)
    for name, query in queries.items():
        request = read(query, limit=MOST)
        want = {each.key for each in search_slowly(world, request)}
        found = {each.key for each in find(columns, request).candidates()}
        assert len(found) == len(want), f"{name}: {len(found)} found, the twin has {len(want)}"
        if len(want) < MOST:
            assert found == want, f"{name}: other candidates than the twin's"


def time_search(hosts: int, rounds: int, seed: int) -> Iterator[Row]:
    """Mixed hosts, limit 1000."""
    fleet = Fleet(heterogeneous(hosts, seed))
    starts = np.random.default_rng(seed).integers(0, hosts, rounds + 1).tolist()
    for name, query in MIXED.items():
        request = read(query)
        note = f"{fleet.find(request).count} found"
        p50, best = timed(rounds, partial(search_from, fleet, request, starts))
        yield Row("search", hosts, name, p50, best, note)
    for name, query in {**MIXED, **HOPELESS}.items():
        yield explain_one(fleet, hosts, name, read(query, limit=hosts))


def search_from(
    fleet: Fleet, request: CandidatesRequest, starts: Sequence[int], number: int
) -> None:
    """Search from the host of a round."""
    fleet.find(request, starts[number])


def explain_one(fleet: Fleet, hosts: int, name: str, request: CandidatesRequest) -> Row:
    """Count the reasons of a fleet; where nothing fits, beside the search that finds it out."""
    told = fleet.explain(request)
    reasons = ", ".join(
        f"{number} {reason.cause.value} {reason.what}".rstrip()
        for reason, number in told.refused.items()
    )
    p50, best = timed(7, lambda _: fleet.explain(request))
    note = f"{told.fitting} fit, {reasons}"
    if name in HOPELESS:
        assert not told.fitting, name
        every, _ = timed(7, lambda _: fleet.find(request))
        note = f"every {every:.3f} ms, ratio {p50 / every:.2f}, {note}"
    return Row("explain", hosts, name, p50, best, note)


def time_answers(hosts: int, rounds: int) -> Iterator[Row]:
    """The shapes that openstack-placement was measured on."""
    for shape, queries in SHAPES.items():
        fleet = Fleet(FLEETS[shape](hosts))
        for name, query in queries.items():
            fleet.answer(query, 0)
            p50, best = timed(rounds, partial(answer_from, fleet, query))
            count = fleet.find(read(query)).count
            note = f"{count} found, {len(fleet.body) // 1000} kB"
            yield Row("answer", hosts, name, p50, best, note)


def answer_from(fleet: Fleet, query: str, number: int) -> None:
    """Answer from another host each round."""
    fleet.answer(query, 77 * number)


def time_devices(hosts: int, sizes: Sequence[int]) -> Iterator[Row]:
    """K of n equal devices, every k."""
    for devices, policy in product(sizes, ("isolate", "none")):
        fleet = Fleet(pci(hosts, devices=devices))
        took = [time_count(fleet, count, policy) for count in range(1, devices + 1)]
        half = devices // 2
        note = ", ".join(f"k = {k}: {took[k - 1]:.2f}" for k in (1, half, devices))
        what = f"k of {devices}, {policy}, greatest of all k"
        yield Row("devices", hosts, what, max(took), min(took), note)


def time_count(fleet: Fleet, count: int, policy: str) -> float:
    """Ask for so many devices."""
    asked = {f"_{n}": GPU for n in range(count)}
    request = read(groups(asked, policy, plain="resources=VCPU:1"), limit=20)
    return timed(3, lambda number: fleet.find(request, number))[0]


def time_twin(hosts: int, seed: int) -> Iterator[Row]:
    """The obvious search on a small fleet."""
    fleet = Fleet(heterogeneous(hosts, seed))
    world = world_of(fleet.columns)
    for name, query in MIXED.items():
        request = read(query, limit=20)
        slow, best = timed(2, partial(search_world, world, request))
        fast, _ = timed(9, partial(search_from, fleet, request, range(10)))
        yield Row("twin", hosts, name, slow, best, f"{slow / fast:.0f} times the search")


def search_world(world: World, request: CandidatesRequest, _number: int) -> None:
    """Search as obviously as can be."""
    list(search_slowly(world, request))


def render(row: Row) -> str:
    """Put a figure into a line."""
    return (
        f"{row.part:8} {row.hosts:7} hosts  {row.what:36} p50 {row.p50:8.3f} ms  "
        f"best {row.best:8.3f} ms  {row.note}"
    )


def main(argv: list[str]) -> None:
    """Time all parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks search")
    parser.add_argument("--hosts", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--twin", type=int, default=40, help="hosts of the obvious search")
    parser.add_argument("--devices", type=int, nargs="+", default=[8, 16, 64])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    require_same(heterogeneous(options.twin, options.seed), {**MIXED, **HOPELESS})
    for shape, queries in SHAPES.items():
        require_same(FLEETS[shape](4), {n: q for n, q in queries.items() if "8" not in n})
    rows: list[Row] = []

    def tell(found: Iterator[Row]) -> None:
        for row in found:
            rows.append(row)
            print(render(row), flush=True)

    tell(time_twin(options.twin, options.seed))
    for hosts in options.hosts:
        tell(time_search(hosts, options.rounds, options.seed))
        if hosts <= 10_000:
            tell(time_answers(hosts, options.rounds))
    for hosts in (1, min(max(options.hosts), 10_000)):
        tell(time_devices(hosts, options.devices))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
