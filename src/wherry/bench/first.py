"""How long it takes to find where a new guest could go, in a fleet that a database holds.

Before anything is timed, the answer is held against a plain loop over the providers of every host:
how many hosts take the guest, and what each candidate that is told leaves where it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from msgspec.structs import replace

from wherry.app.engine import Engine, open_engine
from wherry.app.first.place import place
from wherry.app.first.search import stand
from wherry.app.settings import Settings
from wherry.bench.claims import require_empty
from wherry.bench.figures import Figure, once, require, resident_mb, timed
from wherry.bench.fleets import CARD, FLEETS
from wherry.bench.stored import write_fleet
from wherry.inventory.columns import Columns
from wherry.model.candidates import CandidatesAnswer, CandidatesAsked, DeviceAsked, PlacedCandidate
from wherry.model.device_requests import Alternative, DeviceRequest
from wherry.model.provider import Provider
from wherry.store.engine import upgrade_store

UNITS: Final = {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}
DEVICES: Final[Mapping[str, tuple[str, int]]] = {
    "vgpu": ("VGPU", 2),
    "pci": (CARD, 2),
    "mig": ("CUSTOM_GPU", 1),
}
"""Fleet to what the guest's devices are counted in, and how many it takes."""
MOST = 1000
"""Candidates of the longest answer that may be asked for."""
DEADLINE_S = 60.0


def time_first(
    url: str, folder: Path, fleet: str, hosts: int, *, seed: int, rounds: int
) -> Iterator[Figure]:
    """Write a fleet into an empty database, and ask where a new guest could go.

    Args:
        folder: where the state of a service may be kept.

    Raises:
        BadConfiguration: the database is not empty.
        WrongAnswer: the answer is not that of the plain loop.
    """
    # Units in use would need those who hold them, or the database was not sound.
    columns = FLEETS[fleet](hosts, seed, load=0)
    upgrade_store(url)
    engine = open_engine(Settings(state_dir=folder, database=url))
    try:
        require_empty(engine.store, url)
        engine.store.write(lambda tx: write_fleet(tx, columns))
        took = timed(1, lambda _: stand(engine, "", deadline_s=DEADLINE_S), warm=0)
        yield once("take the fleet into memory", hosts, took, memory_mb=resident_mb())
        yield from _time(engine, columns, make_question(fleet), rounds)
    finally:
        engine.close()


def make_question(fleet: str) -> CandidatesAsked:
    """A guest with the devices of a fleet."""
    if fleet not in DEVICES:
        return CandidatesAsked(resources=UNITS)
    name, count = DEVICES[fleet]
    request = DeviceRequest(alternatives=(Alternative(resource_class=name),))
    devices = (DeviceAsked(name="device", count=count, request=request),)
    return CandidatesAsked(resources=UNITS, devices=devices)


def _time(
    engine: Engine, columns: Columns, asked: CandidatesAsked, rounds: int
) -> Iterator[Figure]:
    every = replace(asked, limit=MOST, explain=True)
    told = place(engine, every, deadline_s=DEADLINE_S)
    slow = timed(1, partial(_require_same, columns, asked, told), warm=0)
    [plain_ms] = slow.cpu
    for what, one in (
        ("place, 10 told", asked),
        ("place, 10 told, why not others", replace(asked, explain=True)),
        (f"place, {MOST} told", replace(asked, limit=MOST)),
    ):
        took = timed(rounds, partial(_ask, engine, one))
        note = f"beside the plain loop; {told.counts[0].fitting} hosts take the guest"
        yield took.figure(what, columns.trees, ratio=plain_ms / median(took.cpu), note=note)
    yield slow.figure("plain loop", columns.trees)


def _ask(engine: Engine, asked: CandidatesAsked, _: int) -> CandidatesAnswer:
    return place(engine, asked, deadline_s=DEADLINE_S)


def _require_same(columns: Columns, asked: CandidatesAsked, told: CandidatesAnswer, _: int) -> None:
    """Hold an answer against every host, one after the other."""
    shown: dict[str, list[PlacedCandidate]] = {}
    for one in told.candidates:
        shown.setdefault(one.root, []).append(one)
    fitting = 0
    for number in range(columns.trees):
        tree = columns.tree(number)
        fits = _takes(tree, asked)
        fitting += fits
        for one in shown.pop(tree[0].uuid, ()):
            require(fits, f"{one.host} does not take the guest")
            _require_sound(tree, asked, one)
    require(not shown, f"{len(shown)} hosts are told that are not there")
    require(fitting == told.counts[0].fitting, f"{fitting} hosts take the guest by the plain loop")
    require(len(told.candidates) >= min(fitting, MOST), "hosts are left out")


def _takes(tree: Sequence[Provider], asked: CandidatesAsked) -> bool:
    if not all(tree[0].holds(name, units) for name, units in asked.resources.items()):
        return False
    return all(_count(tree, name) >= units for name, units in _wanted(asked).items())


def _count(tree: Sequence[Provider], name: str) -> int:
    """Count the units of a class that are free below a host."""
    return sum(
        each.inventories[name].capacity - each.used.get(name, 0)
        for each in tree
        if name in each.inventories
    )


def _wanted(asked: CandidatesAsked) -> dict[str, int]:
    """Give the units that devices are counted in."""
    return {
        str(kind.resource_class): one.count
        for one in asked.devices
        if isinstance(one.request, DeviceRequest)
        for kind in one.request.alternatives
    }


def _require_sound(tree: Sequence[Provider], asked: CandidatesAsked, one: PlacedCandidate) -> None:
    """Hold a candidate to what is asked, and to the room of the providers that it names."""
    providers = {each.uuid: each for each in tree}
    total: dict[str, int] = {}
    left = 1.0
    for uuid, units in one.allocations.items():
        for name, amount in units.items():
            require(providers[uuid].holds(name, amount), f"{uuid} is too full")
            capacity = providers[uuid].inventories[name].capacity
            free = capacity - providers[uuid].used.get(name, 0) - amount
            left = min(left, free / capacity)
            total[name] = total.get(name, 0) + amount
    wants = {**asked.resources, **_wanted(asked)}
    require(total == wants, f"{one.host}: {total} is taken")
    require(one.score == round(left, 4), f"{one.host}: {left} is left, {one.score} is told")
