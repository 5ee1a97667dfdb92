"""How long it takes to rank a whole fleet for one guest, with every refusal counted.

    python -m benchmarks targets [--hosts 1000 10000] [--devices 8] [--rounds 20] [--seed 1]

The worlds are made from the seed: GPUs of a few models in several driver versions, whose pools
are filled unevenly, hosts of three CPU generations, some disabled, some full.  Before anything
is timed, the answer is held against its slow twin: a plain loop that checks the whole guest on
the materialised offers of each host of a sample.

*columns* makes the columns of the whole fleet, as the first question after a start does; *first*
is with an empty cache, as after a change of the contract or of the policy; *again* is the same
question on the same fleet; *moved* is that question after a claim on one of the hosts, so that
the columns follow first; *remedies* is it with remedies, the first time with an empty cache
(*remedy 1*); *twin* is the slow twin, timed on the sample and counted for the whole
fleet.  *ratio* says how many times faster *first* and *again* are, in CPU time.
"""

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from wherry.compat.guest import check_guest
from wherry.inventory.fleet import Fleet
from wherry.inventory.host_columns import make_columns
from wherry.inventory.host_view import HostView
from wherry.model.changes import Change
from wherry.model.checks import GuestResponse, HostFacts, Needs
from wherry.model.device import (
    SCHEMA,
    Contract,
    ContractInterface,
    ContractState,
    Exclusive,
    Migration,
    Offer,
    OfferInterface,
    OfferState,
    Param,
    Pool,
)
from wherry.model.guests import Guest, Slot
from wherry.model.inventory import HostRecord, Inventory, PlannedProvider, ProviderRecord, Use
from wherry.model.targets import TargetsAnswer, TargetsRequest
from wherry.schedule.cache import JudgementCache
from wherry.schedule.targets import find_targets

FB = "CUSTOM_GPU_FB_MB"
CPUS = ("Cascadelake-Server", "Icelake-Server", "SapphireRapids")
PARTS = (10_240, 20_480)
"""Framebuffer of the two types that each board makes; one board makes one of them at a time."""
TOTAL = 40_960
SAMPLE = 500
"""Hosts of a world that the slow twin looks at."""
TWIN_ROUNDS = 3
ABILITY = Migration(support="yes", flags=("stop_copy", "p2p", "pre_copy"), bytes_per_s=2 * 10**9)


def make_uuid(dice: random.Random) -> str:
    """A uuid of the seed."""
    return str(UUID(int=dice.getrandbits(128)))


def make_offer(provider: str, board: str, supports: str, part: int) -> Offer:
    """What one board offers of one type."""
    return Offer(
        schema=SCHEMA,
        record="offer",
        provider=provider,
        generation=0,
        kind="mdev",
        device_api="vfio-pci",
        device_class="display",
        type=f"nvidia/GRID-A100-{part // 1024}C",
        interface=OfferInterface(policy="semver", supports=supports),
        params={
            "board": Param(type="str", rule="in", allowed=(board,)),
            "fb_mb": Param(type="int", value=part),
        },
        units={FB: part},
        pools={FB: Pool(total=TOTAL)},
        exclusive=Exclusive(by="fb_mb", in_use=()),
        state=OfferState(policy="none"),
        migration=ABILITY,
    )


def make_device(
    dice: random.Random, host: str, root: str, number: int, model: tuple[str, str]
) -> ProviderRecord:
    """One board of a host, filled with instances of one of its types."""
    uuid = make_uuid(dice)
    part = dice.choice(PARTS)
    count = dice.choices(range(TOTAL // part + 1), k=1)[0]
    offers = tuple(make_offer(uuid, *model, each) for each in PARTS)
    use = Use(
        used={FB: count * part}, charged={FB: count * part}, exclusive=(part,) if count else ()
    )
    plan = PlannedProvider(
        uuid=uuid, name=f"{host}_0000:{number:02x}:00.0", parent=root,
        inventories={FB: Inventory(total=TOTAL)}, offers=offers,
    )  # fmt: skip
    return ProviderRecord(
        plan=plan, host=host, root=root, owner="report", generation=1, facts_generation=1, use=use
    )


def make_host(dice: random.Random, number: int, devices: int) -> list[Change]:
    """One host with its root and boards, all of one model and driver."""
    name = f"compute-{number:05d}"
    cpu = dice.randrange(len(CPUS))
    check = HostFacts(
        arch="x86_64",
        machine_types=("pc-q35-9.0", "pc-q35-9.1"),
        cpu_models=CPUS[: cpu + 1],
        versions={"qemu": dice.choice(("9.0.2", "9.1.0"))},
    )
    record = HostRecord(
        name=name,
        state=dice.choices(("enabled", "disabled", "maintenance"), (95, 3, 2))[0],
        check=check,
        boot_id="boot",
        sequence=1,
        observed_at="2026-01-01T00:00:00Z",
        generation=1,
    )
    root = make_uuid(dice)
    plan = PlannedProvider(
        uuid=root,
        name=name,
        inventories={"VCPU": Inventory(total=128), "MEMORY_MB": Inventory(total=1_048_576)},
    )
    vcpus = dice.randrange(0, 129)
    top = ProviderRecord(
        plan=plan, host=name, root=root, owner="report", generation=1, facts_generation=1,
        use=Use(used={"VCPU": vcpus, "MEMORY_MB": vcpus * 8_192}),
    )  # fmt: skip
    board = dice.choice(("A100-40GB", "A100-40GB", "A100X-40GB"))
    minor = dice.randrange(40)
    model = (board, f"{dice.choice((2, 2, 2, 3))}.{minor}.0")
    gpus = [make_device(dice, name, root, each, model) for each in range(devices)]
    return [record, top, *gpus]


def make_guest(host: HostView) -> Guest:
    """A guest with two devices on one host."""
    slots = {}
    for number in range(2):
        contract = Contract(
            schema=SCHEMA, record="contract", consumer=str(UUID(int=1)), slot=f"gpu{number}",
            kind="mdev", device_api="vfio-pci", device_class="display", type="nvidia/GRID-A100-10C",
            interface=ContractInterface(policy="semver", version="2.8.0"),
            params={"board": "A100-40GB", "fb_mb": 10_240}, units={FB: 10_240},
            state=ContractState(policy="none"),
            migration=Migration(support="yes", flags=ABILITY.flags, stop_copy_bytes=2**30),
        )  # fmt: skip
        provider = host.offers[number * 2].provider.uuid
        slots[contract.slot] = Slot(provider=provider, type=contract.type, contract=contract)
    needs = Needs(arch="x86_64", cpu_model="Icelake-Server", machine_type="pc-q35-9.0")
    return Guest(
        uuid=str(UUID(int=1)), host=host.name, needs=needs, slots=slots,
        resources={"VCPU": 16, "MEMORY_MB": 131_072},
    )  # fmt: skip


def check_answer(guest: Guest, hosts: Sequence[HostView], answer: TargetsAnswer) -> None:
    """Hold the answer against the slow twin on each of some hosts."""
    listed = {target.host: target for target in answer.targets}
    for host, plain in zip(hosts, slow_twin(guest, hosts), strict=True):
        has_room = all(host.root_room[c] >= n for c, n in guest.resources.items())
        is_open = host.record.state == "enabled" and host.name != guest.host
        assert (plain.accepted and has_room and is_open) == (host.name in listed), host.name
        if host.name in listed:
            assert listed[host.name].mapping == plain.mapping, host.name
            assert listed[host.name].downtime_ms == plain.downtime_ms, host.name


def slow_twin(guest: Guest, hosts: Sequence[HostView]) -> list[GuestResponse]:
    """Check the whole guest on each host, one by one."""
    contracts = [slot.contract for slot in guest.slots.values()]
    return [
        check_guest(
            contracts,
            guest.needs,
            [each.offer for each in host.offers],
            host.facts.value,
            TargetsRequest().policy,
        )
        for host in hosts
    ]


def claimed(record: ProviderRecord) -> ProviderRecord:
    """The same board after a claim on it, or after the end of all on it."""
    part = record.use.charged[FB] + PARTS[0]
    units = {FB: part if part <= TOTAL else 0}
    use = Use(used=units, charged=units, exclusive=record.use.exclusive)
    return replace(record, use=use, generation=record.generation + 1)


class Took(NamedTuple):
    """Milliseconds of wall clock and of CPU."""

    wall_ms: float
    cpu_ms: float


def time_one(act: Callable[[], object]) -> Took:
    """Time one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    act()
    return Took((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000)


def report(name: str, took: Sequence[Took]) -> float:
    """Print median, worst and CPU; gives the median of CPU."""
    wall = [each.wall_ms for each in took]
    cpu = statistics.median(each.cpu_ms for each in took)
    p50 = statistics.median(wall)
    print(f"  {name:8} p50 {p50:9.1f} ms   max {max(wall):9.1f} ms   CPU p50 {cpu:9.1f} ms")
    return cpu


def run(count: int, args: argparse.Namespace) -> None:
    """Make one world, check it, time it."""
    dice = random.Random(args.seed)
    fleet = Fleet()
    began = time.perf_counter()
    fleet.apply(change for n in range(count) for change in make_host(dice, n, args.devices))
    loaded_s = time.perf_counter() - began
    view = fleet.view
    source = min(
        (each for each in view if each.facts.value.cpu_models != CPUS[:1]),
        key=lambda each: each.name,
    )
    guest = make_guest(source)
    ordered = sorted(view, key=lambda each: each.name)
    sample = dice.sample(ordered, min(SAMPLE, count))

    assert len(view) == count
    assert all(len(host.providers) == args.devices + 1 for host in view)
    everything = TargetsRequest(limit=10_000)
    whole = find_targets(guest, source, view, everything, JudgementCache())
    assert whole.total + whole.refused.count == count
    assert 0 < whole.total < count, "the world is no question: all hosts, or none, take the guest"
    check_answer(guest, sample, whole)

    # As the service does once it has loaded: what stays is not looked through again and again.
    gc.collect()
    gc.freeze()
    islands = len({island for host in view for island in host.islands})
    print(
        f"{count} hosts x {args.devices} devices, {fleet.shape_count} shapes, {islands} distinct "
        f"islands; loaded in {loaded_s:.1f} s; {whole.total} hosts take the guest"
    )
    print(f"  refused {whole.refused.by_reason}")

    def ask(cache: JudgementCache, *, remedies: bool = False) -> Took:
        request = TargetsRequest(remedies=remedies)
        return time_one(lambda: find_targets(guest, source, fleet.view, request, cache))

    report("columns", [time_one(lambda: make_columns(view.shards)) for _ in range(TWIN_ROUNDS)])
    first = report("first", [ask(JudgementCache()) for _ in range(args.rounds)])
    cache = JudgementCache()
    ask(cache)
    again = report("again", [ask(cache) for _ in range(args.rounds)])
    moved = []
    for host in ordered[: args.rounds]:
        fleet.apply([claimed(host.offers[-1].provider.record)])
        moved.append(ask(cache))
    report("moved", moved)
    report("remedy 1", [ask(JudgementCache(), remedies=True) for _ in range(TWIN_ROUNDS)])
    ask(cache, remedies=True)
    report("remedies", [ask(cache, remedies=True) for _ in range(args.rounds)])
    request = TargetsRequest(remedies=True)
    for each in find_targets(guest, source, fleet.view, request, cache).refused.remedies or ():
        print(f"    {each.sentence}")
    share = count / len(sample)
    slow = [time_one(lambda: slow_twin(guest, sample)) for _ in range(TWIN_ROUNDS)]
    twin = report("twin", [Took(each.wall_ms * share, each.cpu_ms * share) for each in slow])
    print(f"  ratio  first {twin / first:9.1f} x    again {twin / again:7.1f} x")
    gc.unfreeze()


def main(argv: list[str] | None = None) -> None:
    """Time fleets of the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hosts", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    for count in args.hosts:
        run(count, args)


if __name__ == "__main__":
    main()
