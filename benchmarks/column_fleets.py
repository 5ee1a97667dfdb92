"""Seeded fleets in columns, for the benchmarks of the search.

`heterogeneous` is a mixed fleet: hosts of four classes, each a root, two NUMA nodes and eight
devices, with utilisation from empty to full.  `flat`, `vgpu` and `pci` have the shapes that
openstack-placement was measured on, every host like the next.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wherry.inventory.columns import Columns, LimitsTable
from wherry.inventory.columns.assemble import assemble
from wherry.inventory.columns.raw import Raw, RawStock, Tables
from wherry.model.inventory import Inventory

Numbers = NDArray[np.int64]
NODES, DEVICES = 2, 8
PLACES = 1 + NODES + DEVICES
HOST_TRAITS = tuple(f"CUSTOM_CPU_{n}" for n in range(40))
RARE = "CUSTOM_RARE"
KINDS: Mapping[str, tuple[str, ...]] = {
    "gpu": ("GPU", "GPU", "NIC", "NIC") * NODES,
    "nvme": ("NVME", "NVME", "NVME", "NIC") * NODES,
    "fpga": ("FPGA", "FPGA", "NIC", "NIC") * NODES,
    "general": ("NIC", "NIC", "QAT", "QAT") * NODES,
}
SHARES = (0.10, 0.20, 0.05, 0.65)
STOCK: Mapping[str, Mapping[str, int]] = {
    "GPU": {"CUSTOM_GPU": 1, "CUSTOM_GPU_FB_MB": 40_960, "VGPU": 8},
    "NVME": {"CUSTOM_NVME": 1, "CUSTOM_NVME_GB": 3_840},
    "FPGA": {"FPGA": 1},
    "NIC": {"SRIOV_NET_VF": 8, "NET_BW_EGR_KILOBIT_PER_SEC": 10_000_000},
    "QAT": {"CUSTOM_QAT": 1},
}


@dataclass(slots=True)
class Stock:
    """Entries of one class, as they are gathered."""

    table: LimitsTable = field(default_factory=LimitsTable)
    rows: list[Numbers] = field(default_factory=list)
    limits: list[Numbers] = field(default_factory=list)
    used: list[Numbers] = field(default_factory=list)


class Writer:
    """Gathers a fleet of so many hosts with so many providers each."""

    def __init__(self, seed: int, hosts: int, places: int) -> None:
        self.dice = np.random.default_rng(seed)
        self.hosts, self.places = hosts, places
        self.tables = Tables()
        self._stock: dict[str, Stock] = {}
        self.traits = np.zeros((hosts, places), np.int64)
        self.tables.trait_sets.intern(frozenset())
        self.tables.aggregate_sets.intern(frozenset())

    def row(self, hosts: Numbers, place: int) -> Numbers:
        """Rows of the providers at one place of some hosts."""
        return hosts * self.places + place

    def add(self, name: str, rows: Numbers, inventory: Inventory, used: Numbers) -> None:
        """Give some providers an inventory."""
        stock = self._stock.setdefault(name, Stock())
        number = stock.table.intern(inventory)
        stock.rows.append(rows)
        stock.limits.append(np.full(len(rows), number))
        stock.used.append(used)

    def name(self, traits: Sequence[str]) -> int:
        """Number a set of traits."""
        return self.tables.trait_sets.intern(frozenset(traits))

    def columns(self, parents: Sequence[int]) -> Columns:
        """Put it together; *parents* are places, -1 for the root."""
        roots = np.repeat(np.arange(self.hosts) * self.places, self.places)
        above = np.tile(np.array(parents), self.hosts)
        size = self.hosts * self.places
        for name, stock in self._stock.items():
            self.tables.limits[name] = stock.table
        raw = Raw(
            keys=self.dice.integers(0, 256, (size, 16), np.uint8),
            odd={},
            parent=np.where(above < 0, -1, roots + above),
            root=roots,
            traits=self.traits.reshape(-1),
            aggregates=np.zeros(size, np.int64),
            stock={
                name: RawStock(*(np.concatenate(each) for each in (s.rows, s.limits, s.used)))
                for name, s in self._stock.items()
            },
        )
        return assemble(raw, self.tables)


def heterogeneous(hosts: int, seed: int = 1) -> Columns:
    """Make a mixed fleet of trees of eleven providers."""
    writer = Writer(seed, hosts, PLACES)
    dice = writer.dice
    load = np.where(dice.random(hosts) < 0.15, 0.0, dice.beta(3, 2, hosts))
    kinds = dice.choice(len(KINDS), hosts, p=SHARES)
    every = np.arange(hosts)
    _add_host(writer, every, load)
    for number, devices in enumerate(KINDS.values()):
        some = every[kinds == number]
        for place, device in enumerate(devices):
            _add_device(writer, some, 1 + NODES + place, device, load[some])
    parents = [-1, *[0] * NODES, *(1 + n * NODES // DEVICES for n in range(DEVICES))]
    return writer.columns(parents)


def _add_host(writer: Writer, hosts: Numbers, load: NDArray[np.float64]) -> None:
    """Root and NUMA nodes."""
    root = writer.row(hosts, 0)
    sizes = writer.dice.choice(4, len(hosts))
    for size in range(4):
        some = sizes == size
        for name, total, ratio in (
            ("VCPU", 64 << size // 2, 4.0 if size % 2 else 1.0),
            ("MEMORY_MB", 262_144 << size // 2, 1.0),
            ("DISK_GB", 2_000 << size, 1.0),
        ):
            inventory = Inventory(total=total, allocation_ratio=ratio)
            writer.add(name, root[some], inventory, _used(inventory.capacity, load[some]))
    for node in range(NODES):
        rows = writer.row(hosts, 1 + node)
        for name, total in (("PCPU", 32), ("CUSTOM_HUGE_2M", 8_192), ("CUSTOM_HUGE_1G", 64)):
            skew = np.clip(load + writer.dice.normal(0, 0.1, len(hosts)) * (load > 0), 0, 1)
            writer.add(name, rows, Inventory(total=total), _used(total, skew))
    writer.traits[:, 1 : 1 + NODES] = writer.name(["HW_NUMA_ROOT"])
    families = [
        writer.name(writer.dice.choice(HOST_TRAITS, 6, replace=False).tolist()) for _ in range(200)
    ]
    rare = [writer.name([*writer.tables.trait_sets[family], RARE]) for family in families]
    which = writer.dice.choice(len(families), len(hosts))
    is_rare = writer.dice.random(len(hosts)) < 0.01
    is_rare[:1] = True
    writer.traits[:, 0] = np.where(is_rare, np.array(rare)[which], np.array(families)[which])


def _add_device(
    writer: Writer, hosts: Numbers, place: int, kind: str, load: NDArray[np.float64]
) -> None:
    rows = writer.row(hosts, place)
    taken = writer.dice.random(len(hosts)) < load
    for name, total in STOCK[kind].items():
        used = np.where(taken, total, 0) if total == 1 or kind == "GPU" else _used(total, load)
        writer.add(name, rows, Inventory(total=total), used)
    models = np.array([writer.name([f"CUSTOM_{kind}", f"CUSTOM_{kind}_V{n}"]) for n in range(3)])
    writer.traits[hosts, place] = models[writer.dice.choice(3, len(hosts))]


def _used(capacity: int, load: NDArray[np.float64]) -> Numbers:
    return (load * capacity).astype(np.int64)


def flat(hosts: int, seed: int = 1) -> Columns:
    """Make hosts without children, a few of their units in use."""
    writer = Writer(seed, hosts, 1)
    _add_plain(writer)
    return writer.columns([-1])


def vgpu(hosts: int, seed: int = 1) -> Columns:
    """Make hosts with two NUMA nodes with two GPUs each."""
    writer = Writer(seed, hosts, 7)
    _add_plain(writer)
    every = np.arange(hosts)
    none = np.zeros(hosts, np.int64)
    for node in (1, 2):
        writer.add("PCPU", writer.row(every, node), Inventory(total=32), none)
        writer.traits[:, node] = writer.name(["HW_NUMA_ROOT"])
    for place in (3, 4, 5, 6):
        rows = writer.row(every, place)
        writer.add("VGPU", rows, Inventory(total=8), none)
        traits = ["CUSTOM_NVIDIA_558", "CUSTOM_DRIVER_550"]
        if place in {4, 6}:
            writer.add("CUSTOM_VGPU_NVIDIA_559", rows, Inventory(total=8), none)
            traits.append("CUSTOM_NVIDIA_559")
        writer.traits[:, place] = writer.name(traits)
    return writer.columns([-1, 0, 0, 1, 1, 2, 2])


def pci(hosts: int, seed: int = 1, devices: int = 8) -> Columns:
    """Make hosts with equal PCI devices."""
    writer = Writer(seed, hosts, 1 + devices)
    _add_plain(writer)
    every = np.arange(hosts)
    none = np.zeros(hosts, np.int64)
    for place in range(1, 1 + devices):
        rows = writer.row(every, place)
        writer.add("CUSTOM_PCI_10DE_20B0", rows, Inventory(total=1), none)
    return writer.columns([-1, *[0] * devices])


def _add_plain(writer: Writer) -> None:
    every = np.arange(writer.hosts)
    root = writer.row(every, 0)
    load = writer.dice.random(writer.hosts) * 0.5
    for name, total, ratio in (
        ("VCPU", 64, 4.0), ("MEMORY_MB", 262_144, 1.0), ("DISK_GB", 4_000, 1.0)
    ):  # fmt: skip
        inventory = Inventory(total=total, allocation_ratio=ratio)
        writer.add(name, root, inventory, _used(inventory.capacity, load))
    sets = [
        writer.name(
            [
                *writer.dice.choice(HOST_TRAITS, 4, replace=False).tolist(),
                *(["CUSTOM_HALF"] if n % 2 else []),
                *(["CUSTOM_PERCENT"] if not n else []),
            ]
        )
        for n in range(100)
    ]
    writer.traits[:, 0] = np.array(sets)[every % 100]


FLEETS: Mapping[str, Callable[[int], Columns]] = {"flat": flat, "vgpu": vgpu, "pci": pci}
