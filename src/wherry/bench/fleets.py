"""Fleets of four kinds, made from a seed.

``flat`` is one provider a host.  ``vgpu`` has two NUMA nodes below each host and two GPUs below
each of them, so seven providers.  ``pci`` has eight like devices below each host, each given out
whole: the shape in which the number of candidates explodes (launchpad bug 2070257).  ``mig`` is a
mixed fleet of eleven providers a host: two NUMA nodes and eight devices (GPUs whose slices and
framebuffer are pools, NVMe, FPGA, NIC, QAT), used from not at all to full.

All but ``mig`` have a trait on every other host and one on every hundredth, and ten aggregates.
"""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from wherry.bench.writer import Floats, Numbers, Writer
from wherry.inventory.columns import Columns
from wherry.model.inventory import Inventory

NODES, DEVICES = 2, 8
CARD: Final = "CUSTOM_PCI_10DE_20B0"
GPU_TYPES: Final = ("CUSTOM_NVIDIA_558", "CUSTOM_NVIDIA_559")
"""Traits of the first and of the second GPU of each NUMA node."""
VGPUS = 8
HALF, RARE = "CUSTOM_HALF", "CUSTOM_RARE"
HUNDRED = 100
"""Of so many hosts one has the rare trait."""
HOST_TRAITS = tuple(f"CUSTOM_CPU_{n}" for n in range(40))
AGGREGATES = tuple(str(uuid5(NAMESPACE_OID, f"aggregate {n}")) for n in range(10))
KINDS: Mapping[str, tuple[str, ...]] = {
    "gpu": ("GPU", "GPU", "NIC", "NIC") * NODES,
    "nvme": ("NVME", "NVME", "NVME", "NIC") * NODES,
    "fpga": ("FPGA", "FPGA", "NIC", "NIC") * NODES,
    "general": ("NIC", "NIC", "QAT", "QAT") * NODES,
}
SHARES = (0.10, 0.20, 0.05, 0.65)
STOCK: Mapping[str, Mapping[str, int]] = {
    "GPU": {"CUSTOM_GPU": 1, "CUSTOM_GPU_FB_MB": 40_960, "CUSTOM_GPU_SLICE": 7},
    "NVME": {"CUSTOM_NVME": 1, "CUSTOM_NVME_GB": 3_840},
    "FPGA": {"FPGA": 1},
    "NIC": {"SRIOV_NET_VF": 8, "NET_BW_EGR_KILOBIT_PER_SEC": 10_000_000},
    "QAT": {"CUSTOM_QAT": 1},
}


def flat(hosts: int, seed: int = 1, *, load: float = 0.5, room: int = 1) -> Columns:
    """Make hosts without children.

    Args:
        load: the greatest share of a host's units that is in use.
        room: what units of hosts are multiplied with.
    """
    writer = Writer(seed, hosts, 1)
    _add_plain(writer, load, room)
    return writer.columns([-1])


def vgpu(hosts: int, seed: int = 1, *, load: float = 0.5, room: int = 1) -> Columns:
    """Make hosts with two NUMA nodes with two GPUs each; arguments as for `flat`."""
    writer = Writer(seed, hosts, 1 + 3 * NODES)
    _add_plain(writer, load, room)
    for node in (1, 2):
        writer.add("PCPU", writer.row(writer.every, node), Inventory(total=32))
        writer.traits[:, node] = writer.name(["HW_NUMA_ROOT"])
    for place in (3, 4, 5, 6):
        rows, kind = writer.row(writer.every, place), (place + 1) % len(GPU_TYPES)
        writer.add("VGPU", rows, Inventory(total=VGPUS))
        if kind:
            writer.add("CUSTOM_VGPU_NVIDIA_559", rows, Inventory(total=VGPUS))
        writer.traits[:, place] = writer.name([GPU_TYPES[kind], "OWNER_NOVA"])
    return writer.columns([-1, 0, 0, 1, 1, 2, 2])


def pci(
    hosts: int, seed: int = 1, *, load: float = 0.5, room: int = 1, devices: int = DEVICES
) -> Columns:
    """Make hosts with equal PCI devices, all free; arguments as for `flat`."""
    writer = Writer(seed, hosts, 1 + devices)
    _add_plain(writer, load, room)
    for place in range(1, 1 + devices):
        writer.add(CARD, writer.row(writer.every, place), Inventory(total=1))
    return writer.columns([-1, *[0] * devices])


def mig(hosts: int, seed: int = 1, *, load: float = 1.0, room: int = 1) -> Columns:
    """Make a mixed fleet of trees of eleven providers; arguments as for `flat`."""
    writer = Writer(seed, hosts, 1 + NODES + DEVICES)
    dice = writer.dice
    used = load * np.where(dice.random(hosts) < 0.15, 0.0, dice.beta(3, 2, hosts))  # noqa: PLR2004
    kinds = dice.choice(len(KINDS), hosts, p=SHARES)
    _add_host(writer, used, room)
    for number, devices in enumerate(KINDS.values()):
        some = writer.every[kinds == number]
        for place, device in enumerate(devices):
            _add_device(writer, some, 1 + NODES + place, device, used[some])
    parents = [-1, *[0] * NODES, *(1 + n * NODES // DEVICES for n in range(DEVICES))]
    return writer.columns(parents)


def _add_plain(writer: Writer, load: float, room: int) -> None:
    """Hosts of one size."""
    root = writer.row(writer.every, 0)
    used = writer.dice.random(writer.hosts) * load
    for name, total, ratio in (
        ("VCPU", 64, 4.0), ("MEMORY_MB", 262_144, 1.0), ("DISK_GB", 4_000, 1.0)
    ):  # fmt: skip
        inventory = Inventory(total=total * room, allocation_ratio=ratio)
        writer.add(name, root, inventory, _used(inventory.capacity, used))
    sets = []
    for number in range(HUNDRED):
        traits = writer.dice.choice(HOST_TRAITS, 4, replace=False).tolist()
        traits += [HALF] * (number % 2 == 0) + [RARE] * (number == 0)
        sets.append(writer.name(traits))
    writer.traits[:, 0] = np.array(sets)[writer.every % HUNDRED]
    named = [writer.tables.aggregate_sets.intern(frozenset([each])) for each in AGGREGATES]
    writer.aggregates[:, 0] = np.array(named)[writer.every % len(named)]


def _add_host(writer: Writer, load: Floats, room: int) -> None:
    """Roots of four sizes, and their NUMA nodes."""
    root, hosts, dice = writer.row(writer.every, 0), writer.hosts, writer.dice
    sizes = dice.choice(4, hosts)
    for size in range(4):
        some = sizes == size
        for name, total, ratio in (
            ("VCPU", 64 << size // 2, 4.0 if size % 2 else 1.0),
            ("MEMORY_MB", 262_144 << size // 2, 1.0),
            ("DISK_GB", 2_000 << size, 1.0),
        ):
            inventory = Inventory(total=total * room, allocation_ratio=ratio)
            writer.add(name, root[some], inventory, _used(inventory.capacity, load[some]))
    for node in range(NODES):
        rows = writer.row(writer.every, 1 + node)
        for name, total in (("PCPU", 32), ("CUSTOM_HUGE_2M", 8_192), ("CUSTOM_HUGE_1G", 64)):
            skew = np.clip(load + dice.normal(0, 0.1, hosts) * (load > 0), 0, 1)
            writer.add(name, rows, Inventory(total=total * room), _used(total * room, skew))
    writer.traits[:, 1 : 1 + NODES] = writer.name(["HW_NUMA_ROOT"])
    families = [
        writer.name(dice.choice(HOST_TRAITS, 6, replace=False).tolist()) for _ in range(200)
    ]
    rare = [writer.name([*writer.tables.trait_sets[family], RARE]) for family in families]
    which = dice.choice(len(families), hosts)
    is_rare = dice.random(hosts) < 1 / HUNDRED
    is_rare[:1] = True
    writer.traits[:, 0] = np.where(is_rare, np.array(rare)[which], np.array(families)[which])


def _add_device(writer: Writer, hosts: Numbers, place: int, kind: str, load: Floats) -> None:
    """One device of some hosts, of one of three models."""
    rows = writer.row(hosts, place)
    taken = writer.dice.random(len(hosts)) < load
    for name, total in STOCK[kind].items():
        used = np.where(taken, total, 0) if total == 1 or kind == "GPU" else _used(total, load)
        writer.add(name, rows, Inventory(total=total), used)
    models = np.array([writer.name([f"CUSTOM_{kind}", f"CUSTOM_{kind}_V{n}"]) for n in range(3)])
    writer.traits[hosts, place] = models[writer.dice.choice(3, len(hosts))]


def _used(capacity: int, load: Floats) -> Numbers:
    return (load * capacity).astype(np.int64)


FLEETS: Mapping[str, Callable[..., Columns]] = {"flat": flat, "vgpu": vgpu, "pci": pci, "mig": mig}
"""Each takes hosts, seed, and by keyword ``load`` and ``room``."""
