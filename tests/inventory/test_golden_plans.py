"""What each recording that comes with Wherry becomes, as checked-in text and JSON.

After a wanted change write the files anew with ``WHERRY_GOLDEN=write`` and review their diff.
"""

import os
from pathlib import Path

import msgspec
import pytest

from wherry.hosts import recordings
from wherry.hosts.look import look_at
from wherry.inventory.derive import plan_host
from wherry.inventory.views import pool_free, seen_use, view_free, view_numbers
from wherry.model.facts import Report
from wherry.model.inventory import HostPlan, PlannedProvider
from wherry.profiles.builtin import builtin_profiles

GOLDEN = Path(__file__).parent / "golden"


def plan_of(recording: str) -> HostPlan:
    """What a recording becomes as a host of its own name."""
    report = Report(
        schema="wherry.report/1",
        host=recording,
        boot_id="recorded",
        sequence=1,
        observed_at="2026-01-01T00:00:00Z",
        facts=look_at(recordings.load(recording), {}),
    )
    return plan_host(report, builtin_profiles())


def render_plan(plan: HostPlan) -> str:
    """A plan as a person would review it: what there is, what is free, what each type is."""
    lines = [line for provider in plan.providers for line in render_provider(provider)]
    lines += [f"! {one.code} {one.device or '-'}: {one.message}" for one in plan.findings]
    return "\n".join(lines) + "\n"


def render_provider(provider: PlannedProvider) -> list[str]:
    """A provider with pools, instances, views and offers, one line each."""
    use = seen_use(provider)
    lines = [f"{provider.name}{f'  ({provider.note})' if provider.note else ''}"]
    lines += [f"    trait {trait}" for trait in provider.traits]
    lines += [f"    slot {slot}" for slot in provider.slots]
    for name, inventory in provider.inventories.items():
        free = pool_free(provider, use, name)
        lines.append(f"    {inventory.total} {name}, {free} free, {inventory.reserved} reserved")
    for one in provider.instances:
        lines.append(f"    made {one.id} {one.type} {_amounts(one.units)}")
    for name, view in provider.views.items():
        numbers = view_numbers(provider, use, name)
        free = f"total {numbers.total}, reserved {numbers.reserved}, {numbers.free} free"
        assert numbers.free == view_free(provider, use, view)
        lines.append(f"    view {name} of {view.type}: {free}")
    for offer in provider.offers:
        params = {k: v.value for k, v in (offer.params or {}).items()}
        can = f"{offer.migration.support}, {'/'.join(offer.migration.modes)}"
        state = f", state {offer.state.emits or 'unknown'}" if offer.state else ""
        lines.append(f"    offers {offer.kind} {offer.type} for {_amounts(offer.units)}")
        lines.append(f"        migration {can}{state}")
        if params:
            lines.append("        " + ", ".join(f"{k}={v or '-'}" for k, v in params.items()))
    return lines


def _amounts(units: dict[str, int]) -> str:
    return " + ".join(f"{amount} {name}" for name, amount in sorted(units.items()))


@pytest.mark.parametrize("recording", recordings.names())
def test_each_recording_becomes_what_was_reviewed(recording: str) -> None:
    plan = plan_of(recording)
    files = {
        GOLDEN / f"{recording}.txt": render_plan(plan),
        GOLDEN / f"{recording}.json": _as_json(plan),
    }
    if os.environ.get("WHERRY_GOLDEN") == "write":
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")

    assert {file.name: file.read_text(encoding="utf-8") for file in files} == {
        file.name: text for file, text in files.items()
    }


def _as_json(plan: HostPlan) -> str:
    document = msgspec.json.encode(plan, order="deterministic")
    return msgspec.json.format(document, indent=1).decode() + "\n"


def test_every_golden_file_is_of_a_recording() -> None:
    names = set(recordings.names())

    assert {file.stem for file in GOLDEN.iterdir()} == names


def test_the_json_of_a_plan_reads_back_as_the_same_plan() -> None:
    for recording in recordings.names():
        text = (GOLDEN / f"{recording}.json").read_bytes()

        assert msgspec.json.decode(text, type=HostPlan) == plan_of(recording)
