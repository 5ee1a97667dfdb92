"""What hosts with four GPUs report first."""

from collections.abc import Sequence
from typing import Any, Final

PROVIDERS: Final = 7
"""What a report becomes: a host, two NUMA nodes, four boards."""
BUSES = ("01", "41", "81", "c1")
TYPES = {"nvidia-558": "NVIDIA RTXA6000-1Q", "nvidia-559": "NVIDIA RTXA6000-2Q"}
DESCRIPTION = (
    "num_heads=4, frl_config=60, framebuffer={mb}M, max_resolution=5120x2880, max_instance={most}"
)


def make_report(number: int, sequence: int = 1, buses: Sequence[str] = BUSES) -> dict[str, Any]:
    """A report of a host: boards with all of their vGPUs free, none at another's address.

    Args:
        buses: one for each board, the first half on the first NUMA node.
    """
    return {
        "schema": "wherry.report/1",
        "host": f"compute-{number:06d}",
        "boot_id": f"boot-{number}",
        "sequence": sequence,
        "observed_at": f"2026-01-01T00:{sequence:02}:00Z",
        "facts": {
            "host": {"arch": "x86_64", "kernel": "6.12.57", "numa": [{"id": 0}, {"id": 1}]},
            "devices": [
                _board(f"{number:04x}:{bus}:00.0", 2 * place // len(buses))
                for place, bus in enumerate(buses)
            ],
            "instances": [],
        },
        "guests": [],
    }


def _board(name: str, node: int) -> dict[str, Any]:
    return {
        "name": name,
        "bus": "pci",
        "role": "function",
        "driver": "nvidia",
        "numa_node": node,
        "attributes": {"vendor": "10de", "device": "2230", "class": "030000"},
        "mdev_types": [
            {
                "id": kind,
                "attributes": {
                    "name": name,
                    "description": DESCRIPTION.format(mb=1024 << at, most=32 >> at),
                    "device_api": "vfio-pci",
                    "available_instances": str(32 >> at),
                },
            }
            for at, (kind, name) in enumerate(TYPES.items())
        ],
    }
