"""A fleet of GPUs for one guest to look for a target in, made from a seed.

GPUs are of a few models in several driver versions, their pools filled unevenly; hosts are of three
CPU generations, some disabled, some full.
"""

import random
from uuid import UUID

from msgspec.structs import replace

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


def claimed(record: ProviderRecord) -> ProviderRecord:
    """The same board after a claim on it, or after the end of all on it."""
    part = record.use.charged[FB] + PARTS[0]
    units = {FB: part if part <= TOTAL else 0}
    use = Use(used=units, charged=units, exclusive=record.use.exclusive)
    return replace(record, use=use, generation=record.generation + 1)
