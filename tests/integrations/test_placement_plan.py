"""Whatever a target holds, each request of a plan succeeds, and after the last it is a copy."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from placement_wire import Wire
from placement_worlds import NAMES, UUIDS, forests
from wherry.app.engine import open_engine
from wherry.app.settings import Settings
from wherry.integrations.placement_copy.plan import Write, plan_copy
from wherry.integrations.placement_copy.world import Consumer, Provider, World
from wherry.model.inventory import Inventory

RP = "/resource_providers"
ONE, TWO, THREE, FOUR = UUIDS[:4]
GUESTS = tuple(f"c{n:07x}-0000-4000-8000-000000000000" for n in (1, 2, 3))


@pytest.fixture
def wire(sqlite_url: str, tmp_path: Path) -> Iterator[Wire]:
    """A Placement in this process."""
    engine = open_engine(Settings(state_dir=tmp_path, database=sqlite_url))
    yield Wire(engine)
    engine.close()


def a_chain(*uuids: str, names: Mapping[str, str] | None = None) -> World:
    """Providers, each below the one before it; they are named after their uuids."""
    above = dict(zip(uuids[1:], uuids, strict=False))
    return World(
        providers={
            uuid: Provider(name=(names or {}).get(uuid, uuid), parent=above.get(uuid))
            for uuid in uuids
        }
    )


@st.composite
def trees(draw: st.DrawFn) -> World:
    """Draw providers that mostly have the names of all other worlds, in any places."""
    some = draw(st.sampled_from((UUIDS, UUIDS, UUIDS, UUIDS[:4], UUIDS[:2], UUIDS[3:])))
    names = NAMES if draw(st.integers(0, 2)) else draw(st.permutations(NAMES))
    named = dict(zip(UUIDS, names, strict=True))
    where = draw(forests(some))
    return World(
        providers={
            uuid: Provider(name=named[uuid], parent=parent) for uuid, parent in where.items()
        }
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(source=trees(), target=trees(), prune=st.booleans())
@example(source=a_chain(ONE, TWO), target=a_chain(TWO, ONE), prune=True)
@example(source=a_chain(ONE, TWO, THREE), target=a_chain(THREE, ONE, TWO), prune=True)
@example(source=a_chain(ONE, TWO, THREE), target=a_chain(TWO, THREE, ONE), prune=False)
@example(source=a_chain(ONE, TWO), target=a_chain(TWO, THREE, ONE), prune=False)
@example(source=a_chain(ONE, TWO), target=a_chain(TWO, THREE, ONE), prune=True)
@example(source=a_chain(TWO, ONE), target=a_chain(THREE, FOUR, TWO, ONE), prune=True)
def test_any_tree_becomes_any_other(wire: Wire, source: World, target: World, prune: bool) -> None:
    """Names stay or go round, and what moves may have to go below what is below it."""
    clear(wire)
    for uuid in target.from_the_roots():
        has = target.providers[uuid]
        body = {"uuid": uuid, "name": has.name, "parent_provider_uuid": has.parent}
        wire.ok("POST", RP, body)

    refused = send_plan(wire, source, target, prune=prune)

    kept = {} if prune else {u: p for u, p in target.providers.items() if u not in source.providers}
    wanted = {**kept, **source.providers}
    if len({each.name for each in wanted.values()}) < len(wanted):
        assert refused, "what is not to be deleted keeps the name that the copy needs"
        wanted = kept
    else:
        assert refused == []
        assert read_trees(wire).keys() == wanted.keys()
    found = read_trees(wire)
    assert {u: found[u] for u in wanted} == {u: (p.name, p.parent) for u, p in wanted.items()}


def send_plan(wire: Wire, source: World, target: World, *, prune: bool) -> list[tuple[Write, int]]:
    """Send all that is planned, in its order; gives what was refused."""
    refused = []
    for step in plan_copy(source, target, prune=prune):
        for write in step.writes:
            body = None if write.body is None else dict(write.body)
            if write.counted is not None and body is not None:
                body["resource_provider_generation"] = wire.generation(write.counted)
            told = wire(write.method, write.path, body, mv=write.microversion)
            if told.status >= 300:
                refused.append((write, told.status))
    return refused


def test_a_consumer_is_let_go_only_to_take_its_type_away() -> None:
    """What a running guest holds is else replaced in one request."""
    for source, target, methods in (
        ("unknown", "unknown", ["PUT"]),
        ("INSTANCE", "unknown", ["PUT"]),
        ("MIGRATION", "INSTANCE", ["PUT"]),
        ("unknown", "INSTANCE", ["DELETE", "PUT"]),
    ):
        wanted = stocked(ONE, g0=a_guest({ONE: {"VCPU": 1}}, type=source))
        has = stocked(ONE, g0=a_guest({ONE: {"VCPU": 2}}, type=target))
        [step] = plan_copy(wanted, has, prune=False)
        assert [write.method for write in step.writes] == methods


def read_trees(wire: Wire) -> dict[str, tuple[str, str | None]]:
    rows = wire.ok("GET", RP)["resource_providers"]
    return {row["uuid"]: (row["name"], row["parent_provider_uuid"]) for row in rows}


def clear(wire: Wire) -> None:
    left = {uuid: parent for uuid, (_, parent) in read_trees(wire).items()}
    while left:
        for uuid in left.keys() - left.values():
            wire.ok("DELETE", f"{RP}/{uuid}")
            del left[uuid]


def a_guest(held: Mapping[str, Mapping[str, int]], **has: str) -> Consumer:
    return Consumer(**{"project": "p", "user": "u", "type": "INSTANCE", **has}, allocations=held)


STOCK = {"VCPU": Inventory(total=4), "DISK_GB": Inventory(total=10)}


def stocked(*uuids: str, **guests: Consumer) -> World:
    """Roots with four VCPUs each, and who holds them."""
    return World(
        providers={uuid: Provider(name=uuid, inventories=STOCK) for uuid in uuids},
        consumers={GUESTS[int(key[1:])]: guest for key, guest in guests.items()},
    )


@pytest.mark.parametrize(
    ("source", "target"),
    [
        pytest.param(
            stocked(ONE, TWO, g0=a_guest({ONE: {"VCPU": 4}}), g1=a_guest({TWO: {"VCPU": 4}})),
            stocked(ONE, TWO, g0=a_guest({TWO: {"VCPU": 4}}), g1=a_guest({ONE: {"VCPU": 4}})),
            id="guests change places on full providers",
        ),
        pytest.param(
            stocked(ONE, g0=a_guest({ONE: {"VCPU": 4}})),
            stocked(ONE, g1=a_guest({ONE: {"VCPU": 4}})),
            id="a guest that goes makes room for one that comes",
        ),
        pytest.param(
            stocked(ONE, g0=a_guest({ONE: {"VCPU": 1}}, type="unknown")),
            stocked(ONE, g0=a_guest({ONE: {"VCPU": 1}})),
            id="a type is taken away",
        ),
        pytest.param(
            stocked(ONE, g0=a_guest({ONE: {"VCPU": 1}}, project="q")),
            stocked(ONE, g0=a_guest({ONE: {"VCPU": 1}})),
            id="a guest changes its project alone",
        ),
        pytest.param(
            stocked(ONE, g0=a_guest({ONE: {"DISK_GB": 1}})),
            stocked(ONE, TWO, g0=a_guest({ONE: {"VCPU": 1}, TWO: {"VCPU": 1}})),
            id="a guest leaves a provider that is to be deleted",
        ),
        pytest.param(
            replace(
                stocked(ONE, g0=a_guest({ONE: {"VCPU": 4}})),
                providers={ONE: Provider(name=ONE, inventories={"VCPU": Inventory(total=1)})},
            ),
            stocked(ONE),
            id="more is held than the inventory gives today",
        ),
        pytest.param(
            World(
                classes=frozenset({"CUSTOM_X"}),
                traits=frozenset({"CUSTOM_A"}),
                providers={
                    ONE: Provider(
                        name=ONE,
                        inventories={"CUSTOM_X": Inventory(total=1)},
                        traits=frozenset({"CUSTOM_A"}),
                        aggregates=frozenset({UUIDS[4]}),
                    )
                },
            ),
            World(
                classes=frozenset({"CUSTOM_Y"}),
                traits=frozenset({"CUSTOM_B"}),
                providers={
                    ONE: Provider(
                        name=ONE,
                        inventories={"CUSTOM_Y": Inventory(total=1)},
                        traits=frozenset({"CUSTOM_B"}),
                        aggregates=frozenset({UUIDS[3]}),
                    )
                },
            ),
            id="own names take the places of others",
        ),
        pytest.param(
            World(providers={ONE: Provider(name=ONE)}),
            World(
                traits=frozenset({"CUSTOM_B"}),
                providers={
                    ONE: Provider(
                        name=ONE,
                        inventories=STOCK,
                        traits=frozenset({"CUSTOM_B", "HW_CPU_X86_VMX"}),
                        aggregates=frozenset({UUIDS[3]}),
                    )
                },
            ),
            id="what the source lacks is taken away",
        ),
    ],
)
def test_stock_and_guests_are_replaced_without_a_refusal(
    wire: Wire, source: World, target: World
) -> None:
    assert send_plan(wire, target, World(), prune=False) == []
    held = {uuid: replace(each, generation=1) for uuid, each in target.consumers.items()}
    target = replace(target, consumers=held)

    assert send_plan(wire, source, target, prune=True) == []

    for uuid, each in source.providers.items():
        told = {
            what: wire.ok("GET", f"{RP}/{uuid}/{what}")[what]
            for what in ("inventories", "traits", "aggregates")
        }
        assert {name: held["total"] for name, held in told["inventories"].items()} == {
            name: held.total for name, held in each.inventories.items()
        }
        assert set(told["traits"]) == each.traits
        assert set(told["aggregates"]) == each.aggregates
    assert read_trees(wire).keys() == source.providers.keys()
    for guest in GUESTS:
        told = wire.ok("GET", f"/allocations/{guest}")
        wanted = source.consumers.get(guest)
        held = {uuid: each["resources"] for uuid, each in told["allocations"].items()}
        assert held == ({} if wanted is None else wanted.allocations)
        if wanted is not None:
            assert (told["project_id"], told["consumer_type"]) == (wanted.project, wanted.type)
    names = wire.ok("GET", "/resource_classes")["resource_classes"]
    assert {n["name"] for n in names if n["name"].startswith("CUSTOM_")} == source.classes
    assert set(wire.ok("GET", "/traits?name=startswith:CUSTOM_")["traits"]) == source.traits
