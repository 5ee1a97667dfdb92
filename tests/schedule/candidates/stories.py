"""Fleets and questions whose answers the peer has given once; `recorded.json` keeps them.

With the peer installed, ``python -m schedule.candidates.stories`` (from the folder ``tests``)
asks it anew and writes the file.
"""

import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from obvious_search.world import World
from schedule.candidates.peer import Answer, find_peer, run_peer
from schedule.candidates.worlds import AGGREGATES, a_provider, a_world, uuid_of
from wherry.model.inventory import Inventory
from wherry.model.provider import SHARES
from wherry.schedule.candidates.request import Microversion

RECORDED = Path(__file__).with_name("recorded.json")


def _fleet() -> dict[str, World]:
    first = a_provider(
        uuid_of(1),
        has={"VCPU": Inventory(total=4, allocation_ratio=2.0), "MEMORY_MB": 8, "DISK_GB": 5},
        used={"VCPU": 6},
        traits=["HW_CPU_X86_VMX"],
        aggregates=AGGREGATES[:1],
    )
    second = a_provider(uuid_of(2), has={"VCPU": 2, "MEMORY_MB": Inventory(total=8, step_size=2)})
    host = a_provider(uuid_of(1), has={"MEMORY_MB": 16}, traits=["CUSTOM_RED"])
    node, other = (
        a_provider(uuid_of(n), host, has={"VCPU": 4}, traits=["CUSTOM_BLUE"]) for n in (2, 3)
    )
    gpus = [
        a_provider(uuid_of(10 + n), node if n < 2 else other, has={"VGPU": 1}) for n in range(4)
    ]
    disk = a_provider(uuid_of(9), has={"DISK_GB": 100}, traits=[SHARES], aggregates=AGGREGATES[:1])
    near = a_provider(uuid_of(1), has={"VCPU": 4}, aggregates=AGGREGATES[:1])
    far = a_provider(uuid_of(2), has={"VCPU": 4, "DISK_GB": 10}, aggregates=AGGREGATES[1:2])
    return {
        "two flat hosts": a_world(first, second),
        "NUMA nodes with GPUs": a_world(host, node, other, *gpus),
        "shared storage": a_world(near, far, disk),
    }


WORLDS = _fleet()

QUESTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "two flat hosts": (
        ("1.10", "resources=VCPU:1"),
        ("1.11", "resources=VCPU:3"),
        ("1.12", "resources=VCPU:2,MEMORY_MB:4"),
        ("1.17", "resources=VCPU:1&required=HW_CPU_X86_VMX"),
        ("1.22", "resources=VCPU:1&required=!HW_CPU_X86_VMX"),
        ("1.21", f"resources=VCPU:1&member_of={AGGREGATES[0]}"),
        ("1.32", f"resources=VCPU:1&member_of=!{AGGREGATES[0]}"),
        ("1.27", "resources=MEMORY_MB:3"),
        ("1.39", "resources=VCPU:1&required=in:HW_CPU_X86_VMX,CUSTOM_RED"),
        ("1.39", "resources=VCPU:100"),
        ("1.39", "resources=CUSTOM_NONE:1"),
        ("1.39", "resources=VCPU:1&required=CUSTOM_NONE"),
        ("1.39", "resources=VCPU"),
        ("1.39", "resources=VCPU:0"),
        ("1.39", "resources=VCPU:1&limit=0"),
        ("1.15", "resources=VCPU:1&limit=1"),
        ("1.39", "resources=VCPU:1&required=in:A,!B"),
        ("1.38", "resources=VCPU:1&required=in:A,B"),
        ("1.39", "resources=VCPU:1&unknown=1"),
        ("1.39", "resources1=VCPU:1&resources2=VCPU:1"),
        ("1.39", "resources=VCPU:1&member_of=no-uuid"),
    ),
    "NUMA nodes with GPUs": (
        ("1.28", "resources=VCPU:1,MEMORY_MB:1"),
        ("1.29", "resources=VCPU:1,MEMORY_MB:1"),
        ("1.29", "resources=VCPU:1&resources1=VGPU:1"),
        ("1.34", "resources=MEMORY_MB:1&resources1=VGPU:1&resources2=VGPU:1&group_policy=isolate"),
        ("1.36", "resources_N=VCPU:1&resources_G=VGPU:1&group_policy=none&same_subtree=_N,_G"),
        (
            "1.36",
            "resources_G=VGPU:1&required_N=CUSTOM_BLUE&group_policy=none&same_subtree=_N,_G",
        ),
        ("1.36", "resources1=VGPU:1&required2=CUSTOM_BLUE&group_policy=none"),
        ("1.35", "resources=VGPU:1&root_required=CUSTOM_RED,!CUSTOM_BLUE"),
        ("1.35", "resources=VGPU:1&root_required=!CUSTOM_RED"),
        ("1.31", f"resources=VCPU:1&in_tree={uuid_of(2)}"),
        ("1.31", f"resources1=VGPU:1&in_tree1={uuid_of(77)}"),
        ("1.39", "resources1=VGPU:2"),
    ),
    "shared storage": (
        ("1.12", "resources=VCPU:1,DISK_GB:1"),
        ("1.34", "resources=VCPU:1,DISK_GB:1"),
        ("1.34", "resources=VCPU:1&resources1=DISK_GB:20"),
        ("1.34", "resources=DISK_GB:50"),
        ("1.34", f"resources=VCPU:1,DISK_GB:1&member_of={AGGREGATES[0]}"),
        ("1.34", f"resources=VCPU:1,DISK_GB:1&in_tree={uuid_of(1)}"),
    ),
}


def parse_microversion(text: str) -> Microversion:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def in_order(answer: Answer) -> dict[str, Any]:
    """An answer without what has no order, and without the request's own id."""
    if answer.status != 200:
        return {"status": answer.status, "detail": answer.detail}
    requests = [json.dumps(each, sort_keys=True) for each in answer.body["allocation_requests"]]
    summaries = answer.body["provider_summaries"]
    for each in summaries.values():
        if "traits" in each:
            each["traits"] = sorted(each["traits"])
    return {
        "status": 200,
        "allocation_requests": [json.loads(text) for text in sorted(requests)],
        "provider_summaries": summaries,
    }


def record(folder: Path) -> list[dict[str, Any]]:
    """Ask the peer every question."""
    python = find_peer()
    assert python is not None, "the peer is not installed: `make peer`"
    recorded = []
    with run_peer(python, folder) as peer:
        for name, questions in QUESTIONS.items():
            peer.load(WORLDS[name])
            for microversion, query in questions:
                answer = peer.ask(parse_qsl(query), parse_microversion(microversion))
                recorded.append(
                    {"world": name, "microversion": microversion, "query": query}
                    | {"answer": in_order(answer)}
                )
    return recorded


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = record(Path(folder))
    RECORDED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
