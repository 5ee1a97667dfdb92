"""What is asked of each kind of fleet, and what is known of the answer.

How many candidates a query has is counted here by hand, from the shape of the fleet alone; where
it hangs on what is in use it is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import perm
from typing import Final
from urllib.parse import parse_qsl

from wherry.bench.fleets import CARD, DEVICES, GPU_TYPES, HALF, HUNDRED, NODES, RARE
from wherry.schedule.candidates.query import parse_candidates_query
from wherry.schedule.candidates.request import CandidatesRequest

PLAIN: Final = "resources=VCPU:2,MEMORY_MB:4096,DISK_GB:20"
NEWEST = (1, 39)
LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question.

    Attributes:
        per_host: candidates of a host that has any; None: not known.
        every: of so many hosts one has any.
        groups: groups with a suffix.
        isolate: whether they must be on different providers.
    """

    name: str
    text: str
    per_host: int | None = None
    every: int = 1
    groups: int = 0
    isolate: bool = False

    def count(self, hosts: int) -> int | None:
        """Candidates of a whole fleet; None: not known."""
        return None if self.per_host is None else self.per_host * -(-hosts // self.every)


def read(query: str, limit: int | None = LIMIT) -> CandidatesRequest:
    """Read a query as the door does."""
    pairs = parse_qsl(query) + ([] if limit is None else [("limit", str(limit))])
    return parse_candidates_query(pairs, NEWEST)


def groups(asked: Mapping[str, str], policy: str, together: str = "", plain: str = "") -> str:
    """Put a query of groups together.

    Args:
        asked: suffix to resources.
        together: suffixes of a ``same_subtree`` by commas, several of them by spaces.
        plain: what the group without a suffix asks.
    """
    parts = [f"resources{suffix}={resources}" for suffix, resources in asked.items()]
    parts += [f"same_subtree={each}" for each in together.split()]
    return "&".join([*([plain] if plain else []), *parts, f"group_policy={policy}"])


def numa(node: str, devices: int) -> dict[str, str]:
    """A NUMA node with so many GPUs and as many NICs, as groups."""
    asked = {f"_N{node}": "PCPU:8"}
    asked |= {f"_G{node}{n}": "CUSTOM_GPU:1" for n in range(devices)}
    return asked | {f"_I{node}{n}": "SRIOV_NET_VF:2" for n in range(devices)}


def _vgpus(count: int) -> Query:
    asked = {f"_{n}": "VGPU:1" for n in range(count)}
    return Query(
        name=f"vgpu.{count}xisolate", text=groups(asked, "isolate", plain=PLAIN),
        per_host=perm(NODES * len(GPU_TYPES), count), groups=count, isolate=True,
    )  # fmt: skip


def cards(count: int, policy: str) -> Query:
    """So many of the equal devices of the fleet ``pci``."""
    asked = {f"_{n}": f"{CARD}:1" for n in range(count)}
    # A card has one unit, so that no two groups share it under either policy.
    return Query(
        name=f"pci.{count}.{policy}", text=groups(asked, policy, plain=PLAIN),
        per_host=perm(DEVICES, count), groups=count, isolate=True,
    )  # fmt: skip


_GPU = f"{PLAIN}&resources_G=VGPU:1"
_NODE = "&resources_N=PCPU:2&required_N=HW_NUMA_ROOT&same_subtree=_N,_G&group_policy=none"
_FIVE = {
    "_N": "PCPU:4", "_I0": "SRIOV_NET_VF:1", "_I1": "SRIOV_NET_VF:1", "_Q0": "CUSTOM_QAT:1",
    "_Q1": "CUSTOM_QAT:1",
}  # fmt: skip
_SLICES = "resources_G=CUSTOM_GPU_SLICE:2,CUSTOM_GPU_FB_MB:10240"
QUERIES: Mapping[str, tuple[Query, ...]] = {
    "flat": (
        Query(name="flat", text=PLAIN, per_host=1),
        Query(name="flat.trait50%", text=f"{PLAIN}&required={HALF}", per_host=1, every=2),
        Query(name="flat.trait1%", text=f"{PLAIN}&required={RARE}", per_host=1, every=HUNDRED),
    ),
    "vgpu": (
        Query(name="vgpu.plain", text=_GPU, per_host=4, groups=1),
        Query(name="vgpu.trait", text=f"{_GPU}&required_G={GPU_TYPES[0]}", per_host=2, groups=1),
        Query(name="vgpu.numa_subtree", text=_GPU + _NODE, per_host=4, groups=2),
        _vgpus(2),
        _vgpus(4),
    ),
    "pci": (
        cards(1, "none"),
        *(cards(count, policy) for count in (2, 4, 8) for policy in ("none", "isolate")),
    ),
    "mig": (
        Query(name="mig.trait1%", text=f"{PLAIN}&required={RARE}"),
        Query(name="mig.capacity35%", text="resources=VCPU:60,MEMORY_MB:200000,DISK_GB:1500"),
        Query(name="mig.plain", text=PLAIN),
        Query(name="mig.slices", text=f"{PLAIN}&{_SLICES}", groups=1),
        Query(
            name="mig.3groups", groups=3, isolate=True,
            text=groups(numa("A", 1), "isolate", ",".join(numa("A", 1))),
        ),
        Query(
            name="mig.5groups", groups=5, isolate=True,
            text=groups(_FIVE, "isolate", ",".join(_FIVE)),
        ),
        Query(
            name="mig.10groups", groups=10, isolate=True,
            text=groups(
                numa("A", 2) | numa("B", 2), "isolate", " ".join(",".join(numa(n, 2)) for n in "AB")
            ),
        ),
    ),
}  # fmt: skip
"""By the name of the fleet."""
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
"""What no host of the fleet ``mig`` can give."""
