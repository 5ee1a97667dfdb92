"""What a report says and nova-compute reports too is counted once, whichever comes first."""

import pytest

from builders import a_uuid
from guest_worlds import a_report
from placement_wire import RP, U1, U2, Wire, holds
from wherry.app.engine import open_engine
from wherry.app.reports import put_report
from wherry.app.settings import Settings

ROOT, CHILD = U1, U2
DEVICE = "mtty"
"""The parent device of the recording."""
NOVA = f"host1_{DEVICE}"


@pytest.fixture(params=["own", "external"])
def wire(request, store_url, tmp_path):
    """A client, whoever makes the roots of hosts."""
    settings = Settings(state_dir=tmp_path, database=store_url, roots=request.param)
    engine = open_engine(settings)
    yield Wire(engine)
    engine.close()


def report(wire: Wire, sequence: int = 1):
    return put_report(wire.engine, a_report("mtty-fresh", sequence=sequence))


def nova_root(wire: Wire) -> None:
    """What nova-compute does first."""
    wire.ok("POST", RP, {"uuid": ROOT, "name": "host1"})
    vcpu = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 8}}}
    wire.ok("PUT", f"{RP}/{ROOT}/inventories", vcpu)


def nova_device(wire: Wire) -> None:
    """What nova-compute does for a device that it is told to give out."""
    wire.ok("POST", RP, {"uuid": CHILD, "name": NOVA, "parent_provider_uuid": ROOT})
    vgpu = {"resource_provider_generation": 0, "inventories": {"VGPU": {"total": 12}}}
    wire.ok("PUT", f"{RP}/{CHILD}/inventories", vgpu)


def names(wire: Wire) -> set[str]:
    return {one["name"] for one in wire.ok("GET", RP)["resource_providers"]}


def codes(wire: Wire) -> list[str]:
    return [one.code for one in wire.engine.view().get("host1").record.findings]


ORDERS = [
    (report, nova_root, nova_device),
    (nova_root, report, nova_device),
    (nova_root, nova_device, report),
]


@pytest.mark.parametrize("order", ORDERS)
def test_the_same_device_is_counted_once_in_every_order(wire, order):
    for step in order:
        step(wire)
    assert {"host1", NOVA} <= names(wire)
    assert not [name for name in names(wire) if name.startswith(f"host1_wherry_{DEVICE}")]
    assert wire.engine.view().get("host1").root.uuid == ROOT
    assert "COUNTED_ELSEWHERE" in codes(wire)
    assert set(wire.ok("GET", f"{RP}/{CHILD}/inventories")["inventories"]) == {"VGPU"}


def test_a_device_that_nova_does_not_report_stands_below_its_root(wire):
    report(wire)
    nova_root(wire)
    ours = f"host1_wherry_{DEVICE}"
    [found] = wire.ok("GET", f"{RP}?name={ours}")["resource_providers"]
    assert found["root_provider_uuid"] == ROOT
    inventories = wire.ok("GET", f"{RP}/{found['uuid']}/inventories")["inventories"]
    held = {found["uuid"]: {"resources": dict.fromkeys(inventories, 1)}}
    wire.ok("PUT", f"/allocations/{a_uuid('guest')}", holds(held))
    nova_device(wire)
    assert NOVA in names(wire)
    wire.ok("DELETE", f"/allocations/{a_uuid('guest')}")
    report(wire, sequence=2)
    assert ours not in names(wire)


def test_until_nova_has_made_a_root_only_own_ones_are_published(wire):
    report(wire)
    is_own = wire.engine.settings.roots == "own"
    assert ("host1" in names(wire)) == is_own
    assert (wire.engine.view().get("host1").root is not None) == is_own


def test_a_root_that_nova_removes_takes_along_what_the_report_added(wire):
    report(wire)
    before = names(wire)
    nova_root(wire)
    assert wire("DELETE", f"{RP}/{ROOT}").status == 204
    assert names(wire) == before


def test_a_root_below_which_something_is_held_stays(wire):
    report(wire)
    nova_root(wire)
    [found] = wire.ok("GET", f"{RP}?name=host1_wherry_{DEVICE}")["resource_providers"]
    inventories = wire.ok("GET", f"{RP}/{found['uuid']}/inventories")["inventories"]
    held = {found["uuid"]: {"resources": dict.fromkeys(inventories, 1)}}
    wire.ok("PUT", f"/allocations/{a_uuid('guest')}", holds(held))
    assert wire("DELETE", f"{RP}/{ROOT}").status == 409
    after = wire.ok("GET", f"{RP}/{found['uuid']}/inventories")["inventories"]
    assert {name: one["total"] for name, one in after.items()} == {
        name: one["total"] for name, one in inventories.items()
    }


def test_nova_changes_the_traits_of_its_own_providers(wire):
    report(wire)
    nova_root(wire)
    generation = wire.generation(ROOT)
    body = {"resource_provider_generation": generation, "traits": ["HW_CPU_X86_AVX"]}
    assert wire("PUT", f"{RP}/{ROOT}/traits", body).status == 200
