"""How long it takes to rank a whole fleet for one guest, with every refusal counted.

    python benchmarks/targets.py [--hosts 10000] [--devices 8] [--rounds 20] [--seed 1]

The world is made from the seed: GPUs of a few models in several driver versions, whose pools
are filled unevenly, hosts of three CPU generations, some disabled, some full.  Before
anything is timed, the answer is held against a plain loop that checks the whole guest on the
materialised offers of each host of a sample.

*first* is with an empty cache, as after a change of the contract or of the policy; *again*
is the same question on the same fleet.
"""

import argparse
import gc
import random
import statistics
import time
from collections import Counter
from uuid import UUID

from wherry.compat.guest import check_guest
from wherry.inventory.fleet import Fleet, FleetView
from wherry.inventory.host_view import HostView
from wherry.model.changes import Change
from wherry.model.checks import HostFacts, Needs
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


def check_answer(guest: Guest, view: FleetView, answer: TargetsAnswer, sample: list[str]) -> None:
    """Hold the answer against the plain check of each host of a sample."""
    contracts = [slot.contract for slot in guest.slots.values()]
    listed = {target.host: target for target in answer.targets}
    for name in sample:
        host = view.get(name)
        assert host is not None
        offers = [each.offer for each in host.offers]
        plain = check_guest(
            contracts, guest.needs, offers, host.facts.value, TargetsRequest().policy
        )
        has_room = all(host.root_room[c] >= n for c, n in guest.resources.items())
        takes = (
            plain.accepted and has_room and host.record.state == "enabled" and name != guest.host
        )
        assert takes == (name in listed), name
        if takes:
            assert listed[name].mapping == plain.mapping, name
            assert listed[name].downtime_ms == plain.downtime_ms, name


def time_one(
    guest: Guest, source: HostView | None, view: FleetView, cache: JudgementCache
) -> tuple[float, float]:
    """Seconds of wall clock and of CPU for one answer of 20 targets."""
    wall, cpu = time.perf_counter(), time.process_time()
    find_targets(guest, source, view, TargetsRequest(), cache)
    return time.perf_counter() - wall, time.process_time() - cpu


def report(name: str, took: list[tuple[float, float]]) -> None:
    """Print median, worst and CPU in milliseconds."""
    wall = sorted(each[0] * 1000 for each in took)
    cpu = statistics.median(each[1] * 1000 for each in took)
    p50 = statistics.median(wall)
    print(f"{name:6} p50 {p50:7.1f} ms   max {wall[-1]:7.1f} ms   CPU p50 {cpu:7.1f} ms")


def main() -> None:
    """Make the world, check it, time it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    fleet = Fleet()
    began = time.perf_counter()
    fleet.apply(change for n in range(args.hosts) for change in make_host(dice, n, args.devices))
    loaded_s = time.perf_counter() - began
    view = fleet.view
    source = next(h for h in view if h.facts.value.cpu_models != CPUS[:1])
    guest = make_guest(source)

    assert len(view) == args.hosts
    assert all(len(host.providers) == args.devices + 1 for host in view)
    whole = find_targets(guest, source, view, TargetsRequest(limit=10_000), JudgementCache())
    assert whole.total + whole.refused.count == args.hosts
    check_answer(guest, view, whole, dice.sample([h.name for h in view], min(500, args.hosts)))

    # As the service does once it has loaded: what stays is not looked through again and again.
    gc.collect()
    gc.freeze()
    islands = Counter(island for host in view for island in host.islands)
    print(
        f"{args.hosts} hosts x {args.devices} devices, {fleet.shape_count} shapes, {len(islands)} distinct islands; loaded in {loaded_s:.1f} s"
    )
    print(f"{whole.total} hosts take the guest; refusals {whole.refused.by_reason}")
    report("first", [time_one(guest, source, view, JudgementCache()) for _ in range(args.rounds)])
    cache = JudgementCache()
    report("again", [time_one(guest, source, view, cache) for _ in range(args.rounds)])


if __name__ == "__main__":
    main()
