"""What the inventory of recorded hosts says of a move, against what really happened.

Live migrations of the kernel's sample devices between two QEMU processes were recorded: which
ones completed, and which ones broke in the middle of the stream with ``Broken pipe``.  The
offers derived from the same hosts have to know before.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from host_facts import STREAM_1_0, a_host_with, a_plan, a_report, an_mtty, the_provider
from wherry.compat.engine import check
from wherry.compat.pinning import Choice, pin
from wherry.hosts import recordings
from wherry.hosts.look import look_at
from wherry.inventory.derive import plan_host
from wherry.model.checks import CheckResponse, Policy
from wherry.model.device import Offer
from wherry.model.facts import Report
from wherry.profiles.builtin import builtin_profiles

OTHER_TYPE = {"PARAM_EQ", "TYPE_MISMATCH", "UNITS_MISMATCH"}
NO_STATE = {"MIGRATION_UNSUPPORTED", "MODE"}
GUEST = "11111111-2222-4333-8444-555555555555"


@cache
def offers_of(recording: str) -> dict[str, Offer]:
    """Type to offer, as derived from a recording."""
    report = a_report(name=recording)
    fields = {name: getattr(report, name) for name in report.__struct_fields__}
    facts = look_at(recordings.load(recording), {})
    plan = plan_host(Report(**{**fields, "facts": facts}), builtin_profiles())
    return {
        offer.type: offer for provider in plan.providers for offer in provider.offers if offer.type
    }


def verdict_of(source: tuple[str, str], target: tuple[str, str]) -> CheckResponse:
    """The verdict on a guest booted from one recorded offer, and another recorded offer."""
    (here, had), (there, wanted) = source, target
    contract = pin(offers_of(here)[had], Choice(), consumer=GUEST, slot="serial0")
    return check(contract, offers_of(there)[wanted], Policy())


@pytest.mark.parametrize(
    ("source", "target", "verdict", "codes"),
    [
        (("mtty-fresh", "mtty/mtty-1"), ("mtty-3mdevs", "mtty/mtty-1"), "ok", set()),
        (("mtty-fresh", "mtty/mtty-2"), ("mtty-3mdevs", "mtty/mtty-2"), "ok", set()),
        (("mtty-fresh", "mtty/mtty-2"), ("mtty-fresh", "mtty/mtty-1"), "no", OTHER_TYPE),
        (("mtty-fresh", "mtty/mtty-1"), ("mtty-fresh", "mtty/mtty-2"), "no", OTHER_TYPE),
        (("mtty-fresh", "mtty/mtty-1"), ("mtty-stream-minor1", "mtty/mtty-1"), "no",
         {"STATE_FORMAT_NOT_EQUAL"}),
        (("mtty-stream-minor1", "mtty/mtty-2"), ("mtty-fresh", "mtty/mtty-2"), "no",
         {"STATE_FORMAT_NOT_EQUAL"}),
        (("mdpy-mbochs", "mdpy/mdpy-vga"), ("mdpy-mbochs", "mdpy/mdpy-vga"), "no", NO_STATE),
        (("igb-vfs", "pci/8086:10ca"), ("igb-vfs", "pci/8086:10ca"), "no", NO_STATE),
        (("constructed-gvtg-v5", "i915/GVTg_V5_4"), ("constructed-gvtg-v5", "i915/GVTg_V5_4"),
         "no", NO_STATE),
        (("constructed-nvidia-a6000", "nvidia/RTXA6000-2Q"),
         ("constructed-nvidia-a6000", "nvidia/RTXA6000-2Q"), "unknown",
         {"ASSUMED", "VERSION_ABSENT"}),
    ],
)  # fmt: skip
def test_a_move_is_known_before_it_begins(
    source: tuple[str, str], target: tuple[str, str], verdict: str, codes: set[str]
) -> None:
    response = verdict_of(source, target)

    assert (response.verdict, {one.code for one in response.reasons}) == (verdict, codes)


@pytest.mark.parametrize(("option", "verdict"), [("y", "ok"), ("n", "no")])
def test_a_kernel_that_cannot_read_the_log_of_dirty_memory_is_known_before(
    option: str, verdict: str
) -> None:
    """Recorded with a stock kernel: ``ram_save_setup failed: Operation not supported``."""
    host = a_host_with({"mtty": {"srcversion": STREAM_1_0}}, kernel_config={
        "CONFIG_IOMMUFD_DRIVER": option})  # fmt: skip
    (offer, _) = the_provider(a_plan(an_mtty(), host=host), "mtty").offers
    contract = pin(offer, Choice(), consumer=GUEST, slot="serial0")

    response = check(contract, offer, Policy())

    assert response.verdict == verdict


def test_recorded_moves_ended_as_the_inventory_says(shared: Path) -> None:
    """Of the recorded cases those that differ in their devices alone."""
    lines = (shared / "data/migration/mtty/cases.ndjson").read_text("utf-8").splitlines()
    cases: list[dict[str, Any]] = [json.loads(line) for line in lines]
    judged = 0
    for case in cases:
        status = (case.get("query_migrate") or {}).get("status")
        types = case.get("source_type"), case.get("target_type")
        if status not in {"completed", "failed"} or not all(types):
            continue
        if case["case"].startswith(("kernel without", "target ")):
            continue  # a kernel option, a missing device, a guest's slot
        one, other = (("mtty-fresh", f"mtty/{name}") for name in types)
        verdict = verdict_of(one, other).verdict
        assert (verdict == "ok") == (status == "completed"), case["case"]
        judged += 1
    assert judged == 4
