"""How long it takes to rank a whole fleet for one guest, with every refusal counted.

Before anything is timed, the answer is held against a plain loop that checks the whole guest on the
offers of each host of a sample; its time, counted for the whole fleet, is what ratios are of.
"""

import gc
import random
import statistics
from collections.abc import Iterator, Sequence

from wherry.bench.boards import CPUS, claimed, make_guest, make_host
from wherry.bench.figures import Figure, Took, once, require, resident_mb, timed
from wherry.compat.guest import check_guest
from wherry.inventory.fleet import Fleet
from wherry.inventory.host_columns import make_columns
from wherry.inventory.host_view import HostView
from wherry.model.checks import GuestResponse
from wherry.model.guests import Guest
from wherry.model.targets import TargetsAnswer, TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.targets import find_targets

SAMPLE = 500
"""Hosts that the plain loop looks at."""
EVERY = TargetsRequest(limit=10_000)
FEW_ROUNDS = 3


class _World:
    """One fleet, and a guest on it."""

    def __init__(self, hosts: int, devices: int, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a load, not a secret
        self.fleet = Fleet()
        self.fleet.apply(
            change for number in range(hosts) for change in make_host(self.dice, number, devices)
        )
        self.hosts = sorted(self.fleet.view, key=lambda each: each.name)
        self.source = next(each for each in self.hosts if each.facts.value.cpu_models != CPUS[:1])
        self.guest = make_guest(self.source)

    def ask(self, cache: JudgementCache, request: TargetsRequest | None = None) -> TargetsAnswer:
        """Rank the fleet."""
        asked = request or TargetsRequest()
        return find_targets(self.guest, self.source, self.fleet.view, asked, cache)


def time_targets(hosts: int, devices: int, *, seed: int, rounds: int) -> Iterator[Figure]:
    """Make a fleet and look for targets.

    *first* is with nothing remembered, as after a change of the contract or the policy; *again*
    is the same question; *after a claim* is it once the columns have followed one; *remedies* are
    what would open hosts that refuse the guest.

    Raises:
        WrongAnswer: the answer is not that of the plain loop.
    """
    made: list[_World] = []
    took = timed(1, lambda _: made.append(_World(hosts, devices, seed)), warm=0)
    [world] = made
    whole = world.ask(JudgementCache(), EVERY)
    counted = whole.total + whole.refused.count
    require(counted == hosts, f"{counted} hosts are told of")
    sample = world.dice.sample(world.hosts, min(SAMPLE, hosts))
    _require_same(world.guest, sample, whole)
    note = f"{world.fleet.shape_count} shapes, {whole.total} hosts take the guest"
    yield once("make the fleet", hosts, took, memory_mb=resident_mb(), note=note)
    # As the service does once it has loaded: what stays is not looked through again and again.
    gc.freeze()
    try:
        yield from _time(world, sample, hosts, rounds)
    finally:
        gc.unfreeze()


def _time(world: _World, sample: Sequence[HostView], hosts: int, rounds: int) -> Iterator[Figure]:
    shards = world.fleet.view.shards
    yield timed(FEW_ROUNDS, lambda _: make_columns(shards)).figure("make the columns", hosts)
    slow = timed(FEW_ROUNDS, lambda _: _check_each(world.guest, sample), warm=0)
    plain_ms = statistics.median(slow.cpu) * hosts / len(sample)
    cache = JudgementCache()
    for what, took in (
        ("targets, first", timed(rounds, lambda _: world.ask(JudgementCache()))),
        ("targets, again", timed(rounds, lambda _: world.ask(cache))),
        ("targets, after a claim", timed(rounds, lambda number: _ask_after(world, cache, number))),
    ):
        yield took.figure(what, hosts, ratio=_ratio(plain_ms, took), note="beside the plain loop")
    asked = TargetsRequest(remedies=True)
    told = world.ask(cache, asked).refused.remedies or ()
    yield timed(FEW_ROUNDS, lambda _: world.ask(JudgementCache(), asked)).figure(
        "targets with remedies, first", hosts, note=f"{len(told)} remedies"
    )
    yield timed(rounds, lambda _: world.ask(cache, asked)).figure(
        "targets with remedies, again", hosts, note=f"{len(told)} remedies"
    )
    what = f"plain loop, {len(sample)} hosts counted for all"
    yield Figure(what=what, hosts=hosts, unit="ms", median=plain_ms, cpu_ms=plain_ms)


def _ratio(plain_ms: float, took: Took) -> float:
    return plain_ms / statistics.median(took.cpu)


def _ask_after(world: _World, cache: JudgementCache, number: int) -> None:
    now = world.fleet.view.get(world.hosts[number % len(world.hosts)].name)
    if now is not None:
        world.fleet.apply([claimed(now.offers[-1].provider.record)])
    world.ask(cache)


def _require_same(guest: Guest, hosts: Sequence[HostView], answer: TargetsAnswer) -> None:
    """Hold the answer against the plain loop on each of some hosts."""
    listed = {target.host: target for target in answer.targets}
    all_listed = len(listed) == answer.total
    for host, plain in zip(hosts, _check_each(guest, hosts), strict=True):
        has_room = all(host.root_room[c] >= n for c, n in guest.resources.items())
        is_open = host.record.state == "enabled" and host.name != guest.host
        takes, told = plain.accepted and has_room and is_open, listed.get(host.name)
        if told is None:
            require(not takes or not all_listed, f"{host.name} takes the guest and is not told")
            continue
        require(takes, f"{host.name} does not take the guest")
        same = (told.mapping, told.downtime_ms) == (plain.mapping, plain.downtime_ms)
        require(same, f"{host.name}: another mapping or downtime than the plain loop's")


def _check_each(guest: Guest, hosts: Sequence[HostView]) -> list[GuestResponse]:
    """Check the whole guest on each host, one by one."""
    contracts = [slot.contract for slot in guest.slots.values()]
    policy = TargetsRequest().policy
    return [
        check_guest(
            contracts, guest.needs, [each.offer for each in host.offers], host.facts.value, policy
        )
        for host in hosts
    ]
