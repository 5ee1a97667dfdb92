"""The recorded migrations, one by one: what QEMU did, and what a check says before it.

The page on why migrations fail late has the same table.  What is judged here are contracts and
offers derived from recordings that come with the program; the file of the recorded runs stays
outside, and where it is at hand its outcomes are held against the table.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from doc_tables import read_table
from host_facts import STREAM_1_0, a_host_with, a_plan, an_mtty, the_provider
from inventory.test_recorded_moves import GUEST, offers_of
from wherry.agent.processes import parse_slots
from wherry.compat.guest import check_guest
from wherry.compat.pinning import Choice, pin
from wherry.compat.verdicts import worst
from wherry.migrate.failures.explain import explain
from wherry.migrate.running_slots import blocker_name
from wherry.model.checks import GuestResponse, HostFacts, Needs, Policy, Reason
from wherry.model.device import Contract, Migration, Offer

PAGE = "explanation/why-migrations-fail-late.md"
SLOT, PLACE = "hd0", "0000:00:01.0"
MTTY_1, MTTY_2 = "mtty/mtty-1", "mtty/mtty-2"


def recorded(type_name: str, host: str = "mtty-fresh") -> Offer:
    """What a recorded host offers."""
    return offers_of(host)[type_name]


def on_kernel(option: str) -> Offer:
    """mtty on a kernel that has CONFIG_IOMMUFD_DRIVER, or has not."""
    host = a_host_with({"mtty": {"srcversion": STREAM_1_0}}, kernel_config={
        "CONFIG_IOMMUFD_DRIVER": option})  # fmt: skip
    return the_provider(a_plan(an_mtty(), host=host), "mtty").offers[0]


def given(offer: Offer, **pinned: Any) -> Contract:
    """What a guest was given of an offer when it booted."""
    contract = pin(offer, Choice(), consumer=GUEST, slot=SLOT)
    return replace(contract, guest_address=PLACE, **pinned)


def ask(contract: Contract, *offers: Offer, **policy: Any) -> GuestResponse:
    return check_guest((contract,), Needs(), offers, HostFacts(), Policy(**policy))


def same(type_name: str, **policy: Any) -> GuestResponse:
    return ask(given(recorded(type_name)), recorded(type_name), **policy)


def started_without_migration() -> GuestResponse:
    """As the agent reads it off the command line of the running guest."""
    words = ("-device", f"vfio-pci,id={SLOT},host=0000:01:10.0,enable-migration=off")
    said = parse_slots(words)[SLOT].blockers
    assert said is not UNSET
    offer = recorded(MTTY_1)
    ability = Migration() if offer.migration is UNSET else offer.migration
    blocked = replace(ability, blockers=tuple(map(blocker_name, said)))
    return ask(given(offer, migration=blocked), offer)


def without_support(recording: str, type_name: str, target: Offer | None = None) -> GuestResponse:
    offer = recorded(type_name, recording)
    return ask(given(offer), target or offer)


@dataclass(frozen=True, slots=True)
class Case:
    """One recorded run, and the question that could have been asked before it."""

    outcome: str
    """``completed``, ``failed`` in the middle, or ``refused`` when QEMU was told to."""
    ask: Callable[[], GuestResponse]
    verdict: str
    code: str = ""
    """The reason that stands in the way, whatever else does."""
    sign: str = ""
    """What `wherry explain` makes of the log of that run."""


NO_VF = ("igb-vfs", "pci/8086:10ca")
NO_MDPY = ("mdpy-mbochs", "mdpy/mdpy-vga")
NEW_1 = ("mtty/mtty-1", "mtty-stream-minor1")
NEW_2 = ("mtty/mtty-2", "mtty-stream-minor1")

CASES: dict[str, Case] = {
    "kernel without iova_bitmap, device dirty tracking": Case(
        "failed", lambda: ask(given(on_kernel("n")), on_kernel("n")),
        "no", "DIRTY_TRACKING_ABSENT", "dirty-tracking"),
    "same type": Case("completed", lambda: same(MTTY_1), "ok"),
    "same type, two ports": Case("completed", lambda: same(MTTY_2), "ok"),
    "two ports to one port": Case(
        "failed", lambda: ask(given(recorded(MTTY_2)), recorded(MTTY_1)),
        "no", "TYPE_MISMATCH", "device-state-refused"),
    "one port to two ports": Case(
        "failed", lambda: ask(given(recorded(MTTY_1)), recorded(MTTY_2)),
        "no", "TYPE_MISMATCH", "device-state-refused"),
    "driver without migration support, enable-migration=on": Case(
        "refused", lambda: without_support(*NO_MDPY, recorded(MTTY_1)),
        "no", "MIGRATION_UNSUPPORTED", "driver-cannot"),
    "driver without migration support, enable-migration=auto": Case(
        "refused", lambda: without_support(*NO_MDPY, recorded(MTTY_1)),
        "no", "MIGRATION_UNSUPPORTED", "driver-cannot"),
    "enable-migration=off on both": Case(
        "refused", started_without_migration, "no", "BLOCKER", "migration-disabled"),
    "igb VF to igb VF, enable-migration=on": Case(
        "refused", lambda: without_support(*NO_VF), "no", "MIGRATION_UNSUPPORTED",
        "driver-cannot"),
    "igb VF to igb VF, enable-migration=auto": Case(
        "refused", lambda: without_support(*NO_VF), "no", "MIGRATION_UNSUPPORTED",
        "driver-cannot"),
    "target has no such device": Case(
        "failed", lambda: ask(given(recorded(MTTY_1))), "no", "MAPPING", "device-not-there"),
    "target puts the device in another PCI slot": Case(
        "failed", lambda: same(MTTY_1, guest_addresses={SLOT: "0000:00:02.0"}),
        "no", "GUEST_ADDRESS", "device-not-there"),
    "post-copy asked for": Case(
        "refused", lambda: same(MTTY_1, postcopy=True), "no", "POSTCOPY_REQUESTED", "postcopy"),
    "save one port to a file": Case("completed", lambda: same(MTTY_1, mode="suspend"), "ok"),
    "save two ports to a file": Case("completed", lambda: same(MTTY_2, mode="suspend"), "ok"),
    "replay the one-port file": Case("completed", lambda: same(MTTY_1, mode="suspend"), "ok"),
    "version 1.0 stream into a version 1.1 driver": Case(
        "failed", lambda: ask(given(recorded(MTTY_1)), recorded(*NEW_1), mode="suspend"),
        "no", "STATE_FORMAT_NOT_EQUAL", "device-state-refused"),
    "version 1.0 two-port stream into a version 1.1 driver": Case(
        "failed", lambda: ask(given(recorded(MTTY_2)), recorded(*NEW_2), mode="suspend"),
        "no", "STATE_FORMAT_NOT_EQUAL", "device-state-refused"),
}  # fmt: skip
"""Every recorded run, in the order of the file."""


def every_reason(answer: GuestResponse) -> list[tuple[str, Reason]]:
    """All reasons, each with the slot that it names; empty where it is of the host."""
    rows = [(row.slot, reason) for row in answer.mapping for reason in row.reasons]
    return [*rows, *(("", reason) for reason in answer.reasons)]


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_before_the_run_is_what_the_run_showed(name: str) -> None:
    """Completed: allowed.  Failed or refused: refused before, naming the device and the cause."""
    case = CASES[name]
    answer = case.ask()

    assert answer.verdict == case.verdict
    assert (answer.verdict == "ok") == (case.outcome == "completed")
    if case.code:
        told = [(slot, one) for slot, one in every_reason(answer) if one.code == case.code]
        assert {one.severity for _, one in told} == {"no"}
        assert any(SLOT in (slot, *one.detail.get("slots", ())) for slot, one in told)


def test_a_build_of_a_driver_that_nobody_knows_is_unknown() -> None:
    """Of such a stream no record can tell, and that is what is said: no guess."""
    host = a_host_with({"mtty": {"srcversion": "0123456789ABCDEF0123456"}})
    (offer, _) = the_provider(a_plan(an_mtty(), host=host), "mtty").offers
    answer = ask(given(recorded(MTTY_1)), offer)

    assert answer.verdict == "unknown"
    against = [one for _, one in every_reason(answer) if one.severity != "info"]
    assert worst(one.severity for one in against) == "unknown"


def test_the_page_lists_every_case_as_it_is_judged() -> None:
    """Row by row: what QEMU did, the verdict, and the code."""
    rows = [
        (row["case"], row["QEMU"].partition(":")[0], row["verdict"], row["code"].strip("`"))
        for row in read_table(PAGE, "case")
    ]

    assert rows == [(name, c.outcome, c.verdict, c.code) for name, c in CASES.items()]


def outcome_of(run: dict[str, Any]) -> str:
    """What became of a recorded run."""
    status = (run.get("query_migrate") or {}).get("status")
    if status in {"completed", "failed"}:
        return str(status)
    if run.get("source_type") is None:
        return "failed" if "load of migration failed" in run["target"]["stderr"] else "completed"
    return "refused"


def log_of(run: dict[str, Any]) -> list[str]:
    """All that was said on both ends."""
    ends = [run.get(side) or {} for side in ("target", "source")]
    said = [*(str(end.get("stderr") or "") for end in ends), json.dumps(run.get("migrate_answer"))]
    return "\n".join(said).splitlines()


def test_the_recorded_runs_ended_as_the_table_says(shared: Path) -> None:
    """Each of them once, and its log explained."""
    lines = (shared / "data/migration/mtty/cases.ndjson").read_text("utf-8").splitlines()
    runs = {run["case"]: run for run in map(json.loads, lines)}

    assert list(runs) == list(CASES)
    assert {name: outcome_of(run) for name, run in runs.items()} == {
        name: case.outcome for name, case in CASES.items()
    }
    for name, case in CASES.items():
        causes = [found.sign.id for found in explain(log_of(runs[name]))]
        assert (case.sign in causes) if case.sign else True, (name, causes)
