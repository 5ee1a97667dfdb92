"""Clients that race for the last of a board, in the words of types that share it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.test_quantities_machine import STORIES
from builders import a_uuid
from engines import EngineMaker
from placement_wire import RP, Wire, holds
from wherry.app import offers, reports
from wherry.store.audit import audit, overfull

RACES = {
    # Two ports are left: one mtty-2 wins, or up to two mtty-1.
    "mtty": ({"CUSTOM_MTTY_2": 11}, ("CUSTOM_MTTY_2", "CUSTOM_MTTY_1")),
    # One half is left, or all of the board: two of three slices never meet the seven.
    "mig": ({}, ("CUSTOM_VGPU_A100_3_20C", "CUSTOM_VGPU_A100_7_40C")),
    # The first one fixes the size.
    "a6000": ({}, ("CUSTOM_NVIDIA_531", "CUSTOM_NVIDIA_553")),
    "gvt-g": ({}, ("CUSTOM_I915_GVTG_V5_1", "CUSTOM_I915_GVTG_V5_2")),
}
FAIR = {
    "mtty": [{"CUSTOM_MTTY_2": 1}, {"CUSTOM_MTTY_1": 2}],
    "mig": [{"CUSTOM_VGPU_A100_3_20C": 2}, {"CUSTOM_VGPU_A100_7_40C": 1}],
    "a6000": [{"CUSTOM_NVIDIA_531": 3}, {"CUSTOM_NVIDIA_553": 2}],
    "gvt-g": [{"CUSTOM_I915_GVTG_V5_1": 1}, {"CUSTOM_I915_GVTG_V5_2": 2}],
}
"""What may be held in the end: as much as fits of one type, and nothing of the other."""


@pytest.mark.parametrize("story", sorted(RACES))
def test_of_types_that_race_one_wins_and_nothing_is_half_taken(
    make: EngineMaker, store_url: str, story: str
) -> None:
    engine = make(store_url)
    reports.put_report(engine, STORIES[story][0](story))
    provider = offers.list_offers(engine, story, None).offers[0].provider
    wire = Wire(engine)
    before, views = RACES[story]
    if before:
        asked = holds({provider: {"resources": before}})
        assert wire("PUT", f"/allocations/{a_uuid('before')}", asked).status == 204

    def race(number: int) -> int:
        asked = holds({provider: {"resources": {views[number % 2]: 1}}})
        return wire("PUT", f"/allocations/{a_uuid(f'racer {number}')}", asked).status

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(race, range(8)))

    won = Counter(views[n % 2] for n, status in enumerate(told) if status == 204)
    assert won in FAIR[story]
    assert set(told) == {204, 409}
    usages = wire.ok("GET", f"{RP}/{provider}/usages")["usages"]
    assert {view: usages[view] - before.get(view, 0) for view in won} == won
    assert engine.store.read(audit) == []
    assert engine.store.read(overfull) == []


@pytest.mark.parametrize(
    ("story", "fitting", "apart"),
    [
        ("mtty", "CUSTOM_MTTY_1:22,CUSTOM_MTTY_2:1", "CUSTOM_MTTY_1:23,CUSTOM_MTTY_2:1"),
        (
            "mig",
            "CUSTOM_VGPU_A100_3_20C:1,CUSTOM_VGPU_A100_4_20C:1",
            "CUSTOM_VGPU_A100_3_20C:1,CUSTOM_VGPU_A100_7_40C:1",
        ),
        (
            "a6000",
            "CUSTOM_NVIDIA_529:3,CUSTOM_NVIDIA_550:3",
            "CUSTOM_NVIDIA_529:1,CUSTOM_NVIDIA_531:1",
        ),
        (
            "gvt-g",
            "CUSTOM_I915_GVTG_V5_2:1,CUSTOM_I915_GVTG_V5_8:4",
            "CUSTOM_I915_GVTG_V5_1:1,CUSTOM_I915_GVTG_V5_8:2",
        ),
    ],
)
def test_types_that_fit_apart_and_not_together_are_no_candidate(
    make: EngineMaker, sqlite_url: str, story: str, fitting: str, apart: str
) -> None:
    """On two hosts, of which the first is full, also where the client asks for one candidate."""
    engine = make(sqlite_url)
    wire = Wire(engine)
    providers = {}
    for host in ("full", "empty"):
        reports.put_report(engine, STORIES[story][0](host))
        providers[host] = offers.list_offers(engine, host, None).offers[0].provider
    amounts = dict(part.split(":") for part in fitting.split(","))
    held = {"resources": {name: int(amount) for name, amount in amounts.items()}}
    asked = holds({providers["full"]: held})
    assert wire("PUT", f"/allocations/{a_uuid('holder')}", asked).status == 204

    def listed(resources: str, more: str) -> list[set[str]]:
        path = f"/allocation_candidates?resources={resources}{more}"
        found = wire.ok("GET", path)["allocation_requests"]
        return [set(each["allocations"]) for each in found]

    whole = set(map(frozenset, listed(fitting, "")))
    assert frozenset({providers["empty"]}) in whole
    assert frozenset({providers["full"]}) not in whole
    for host, provider in providers.items():
        assert listed(apart, f"&in_tree={provider}") == [], host
        assert listed(apart, f"&in_tree={provider}&limit=1") == [], host
