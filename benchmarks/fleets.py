"""Fleets of three shapes for the search of candidates, and what is asked of each.

``flat`` is one provider a host.  ``vgpu`` has two NUMA nodes below each host and two GPUs below
each of them, so seven providers.  ``pci`` has eight like devices below each host, each given out
whole: the shape in which the number of candidates explodes (launchpad bug 2070257).

Everything follows from shape and index, so that a figure can be had again.  How many candidates
a query has is counted here by hand, from the shape alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import perm
from uuid import NAMESPACE_OID, uuid5

PLAIN = "resources=VCPU:2,MEMORY_MB:4096,DISK_GB:20"
CARD = "CUSTOM_PCI_10DE_20B0"
CARDS = 8
GPU_TYPES = ("CUSTOM_NVIDIA_558", "CUSTOM_NVIDIA_559")
"""Traits of the first and of the second GPU of each NUMA node."""
NODES, UNITS = 2, 8
HALF, RARE = "CUSTOM_HALF", "CUSTOM_RARE"
CPU_TRAITS = ("HW_CPU_X86_VMX", "HW_CPU_X86_AVX", "HW_CPU_X86_AVX2", "HW_CPU_X86_AESNI")
AGGREGATES = tuple(str(uuid5(NAMESPACE_OID, f"aggregate {n}")) for n in range(10))
OWN_TRAITS = (HALF, RARE, *GPU_TYPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider of a fleet; nothing of it is in use."""

    uuid: str
    root: str
    parent: str | None = None
    inventories: Mapping[str, int] = field(default_factory=dict)
    traits: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question, with what is known of its answer.

    Attributes:
        per_host: candidates of a host that has any.
        every: of so many hosts one has any.
        groups: suffixed groups.
        isolate: whether they must be on different providers.
    """

    name: str
    text: str
    per_host: int
    every: int = 1
    groups: int = 0
    isolate: bool = False

    def count(self, hosts: int) -> int:
        """Candidates of a whole fleet."""
        return self.per_host * -(-hosts // self.every)


def make_fleet(shape: str, hosts: int) -> list[Provider]:
    """Make a fleet, parents before their children."""
    return [each for number in range(hosts) for each in SHAPES[shape](number)]


def make_flat(number: int) -> Iterator[Provider]:
    """A host alone: three to six traits, one of ten aggregates."""
    traits = CPU_TRAITS[: 3 + number % 2]
    traits += (HALF,) * (number % 2 == 0) + (RARE,) * (number % 100 == 0)
    uuid = _uuid("host", number)
    yield Provider(
        uuid=uuid,
        root=uuid,
        inventories={"VCPU": 128, "MEMORY_MB": 1 << 20, "DISK_GB": 4000},
        traits=traits,
        aggregates=(AGGREGATES[number % len(AGGREGATES)],),
    )


def make_vgpu(number: int) -> Iterator[Provider]:
    """A host with its NUMA nodes and their GPUs."""
    [host] = make_flat(number)
    yield host
    for node in range(NODES):
        numa = _uuid("numa", number, node)
        yield Provider(
            uuid=numa,
            root=host.uuid,
            parent=host.uuid,
            inventories={"PCPU": 32},
            traits=("HW_NUMA_ROOT",),
        )
        for gpu, kind in enumerate(GPU_TYPES):
            also = {"CUSTOM_VGPU_NVIDIA_559": UNITS} if gpu else {}
            yield Provider(
                uuid=_uuid("gpu", number, node, gpu),
                root=host.uuid,
                parent=numa,
                inventories={"VGPU": UNITS, **also},
                traits=(kind, "OWNER_NOVA"),
            )


def make_pci(number: int) -> Iterator[Provider]:
    """A host with devices that are given out whole."""
    [host] = make_flat(number)
    yield host
    for card in range(CARDS):
        uuid = _uuid("card", number, card)
        yield Provider(uuid=uuid, root=host.uuid, parent=host.uuid, inventories={CARD: 1})


def _uuid(*words: object) -> str:
    return str(uuid5(NAMESPACE_OID, " ".join(map(str, words))))


SHAPES: Mapping[str, Callable[[int], Iterator[Provider]]] = {
    "flat": make_flat,
    "vgpu": make_vgpu,
    "pci": make_pci,
}


def _grouped(resource_class: str, count: int, policy: str) -> str:
    groups = "".join(f"&resources_{n}={resource_class}:1" for n in range(count))
    return f"{PLAIN}{groups}&group_policy={policy}"


def _vgpus(count: int) -> Query:
    return Query(
        name=f"vgpu.{count}xisolate",
        text=_grouped("VGPU", count, "isolate"),
        per_host=perm(NODES * len(GPU_TYPES), count),
        groups=count,
        isolate=True,
    )


def _cards(count: int, policy: str) -> Query:
    # A card has one unit, so that no two groups share it under either policy.
    return Query(
        name=f"pci.{count}.{policy}",
        text=_grouped(CARD, count, policy),
        per_host=perm(CARDS, count),
        groups=count,
        isolate=True,
    )


_GPU = f"{PLAIN}&resources_G=VGPU:1"
_NODE = "&resources_N=PCPU:2&required_N=HW_NUMA_ROOT&same_subtree=_N,_G&group_policy=none"
QUERIES: Mapping[str, tuple[Query, ...]] = {
    "flat": (
        Query(name="flat", text=PLAIN, per_host=1),
        Query(name="flat.trait50%", text=f"{PLAIN}&required={HALF}", per_host=1, every=2),
        Query(name="flat.trait1%", text=f"{PLAIN}&required={RARE}", per_host=1, every=100),
    ),
    "vgpu": (
        Query(name="vgpu.plain", text=_GPU, per_host=4, groups=1),
        Query(name="vgpu.trait", text=f"{_GPU}&required_G={GPU_TYPES[0]}", per_host=2, groups=1),
        Query(name="vgpu.numa_subtree", text=_GPU + _NODE, per_host=4, groups=2),
        _vgpus(2),
        _vgpus(4),
    ),
    "pci": (
        _cards(1, "none"),
        *(_cards(count, policy) for count in (2, 4, 8) for policy in ("none", "isolate")),
    ),
}
