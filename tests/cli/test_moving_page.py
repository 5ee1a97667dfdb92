"""The page on moving from Placement shows what its commands print."""

import re
import shlex
from pathlib import Path

import pytest

from cli.inspect_golden import run
from placement_worlds import AGGREGATES, a_consumer, a_provider, a_world, load, must, speak
from service import Running

PLACEMENT, SERVICE = "http://controller/placement", "http://127.0.0.1:8778"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "move-from-placement.md"
BLOCK = re.compile(r"^```console\n\$ wherry (.*)\n((?:.*\n)*?)```$", re.MULTILINE)
GUEST, GONE = "3b9d4a1c-51c8-4f1c-8d3e-2a6e1b7f9c20", "7d0a3f52-6f0e-4b7e-9d55-0f6d0c1f8a11"
NODE_1, GPU, NODE_2 = (f"{n}f0c2b7e-90ab-4d39-8b9f-5b8f3f0a7c55" for n in range(1, 4))
NODE = {
    "VCPU": {"total": 64, "allocation_ratio": 4.0},
    "MEMORY_MB": {"total": 262144, "reserved": 2048},
    "DISK_GB": 2000,
}
PLAIN = {"VCPU": 4, "MEMORY_MB": 8192, "DISK_GB": 40}
FLEET = a_world(
    {
        NODE_1: a_provider(
            "compute-1", inventories=NODE, traits=["CUSTOM_RACK_A"], aggregates=[AGGREGATES[0]]
        ),
        GPU: a_provider(
            "compute-1_pci_0000_3b_00_0",
            NODE_1,
            inventories={"VGPU": 8, "PCI_DEVICE": 1},
            traits=["CUSTOM_NVIDIA_36"],
        ),
        NODE_2: a_provider("compute-2", inventories=NODE, traits=["HW_CPU_X86_VMX"]),
    },
    {GUEST: a_consumer({NODE_1: PLAIN, GPU: {"VGPU": 1}}), GONE: a_consumer({NODE_2: PLAIN})},
)


def test_the_page_shows_what_an_operator_reads(
    service: Running,
    placement: Running,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its commands run in order; before they go back, a guest is deleted."""
    shown = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    assert [words.split()[0] for words, _ in shown] == ["import", "import", "export", "export"]
    monkeypatch.setenv("WHERRY_URL", service.url)
    monkeypatch.setenv("WHERRY_PLACEMENT_TOKEN", "admin")
    load(speak(placement.url), FLEET)

    for words, expected in shown:
        if words.startswith("export") and "--prune" not in words:
            must(speak(service.url), "DELETE", f"/allocations/{GONE}")
        _, out, err = run(capsys, *shlex.split(words.replace(PLACEMENT, placement.url)))
        assert err == ""
        assert out.replace(placement.url, PLACEMENT).replace(service.url, SERVICE) == expected
