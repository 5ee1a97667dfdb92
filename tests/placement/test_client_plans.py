"""The plan of a client's provider is made when it is read, of what the client says now."""

from sqlalchemy import func, insert, select

from builders import a_uuid
from placement_wire import RP
from wherry.model.inventory import Inventory, PlannedProvider
from wherry.store import tables
from wherry.store.body import encode
from wherry.store.providers import read_provider, read_providers

ROOT, CHILD = a_uuid("root"), a_uuid("child")


def make_two(wire):
    wire.ok("POST", RP, {"uuid": ROOT, "name": "root"})
    wire.ok("POST", RP, {"uuid": CHILD, "name": "child", "parent_provider_uuid": ROOT})
    body = {"inventories": {"VGPU": {"total": 4}}, "resource_provider_generation": 0}
    wire.ok("PUT", f"{RP}/{CHILD}/inventories", body)
    body = {"traits": ["HW_CPU_X86_VMX"], "resource_provider_generation": 1}
    wire.ok("PUT", f"{RP}/{CHILD}/traits", body)
    wire.ok("PUT", f"{RP}/{CHILD}", {"name": "renamed"})


def a_child(**values):
    return PlannedProvider(
        uuid=CHILD,
        name="renamed",
        parent=ROOT,
        traits=("HW_CPU_X86_VMX",),
        inventories={"VGPU": Inventory(total=4)},
        **values,
    )


def test_a_plan_says_what_the_client_has_said_last(wire):
    make_two(wire)
    found = wire.engine.store.read(lambda tx: [one.plan for one in read_providers(tx)])
    assert found == [PlannedProvider(uuid=ROOT, name="root"), a_child()]


def test_nothing_is_stored_that_nobody_has_added(wire):
    make_two(wire)
    query = select(func.count()).select_from(tables.provider_plan)
    assert wire.engine.store.read(lambda tx: tx.execute(query).scalar()) == 0


def test_of_a_stored_plan_only_what_a_report_has_added_counts(wire):
    make_two(wire)
    provider = tables.provider.c

    def store(tx, **added):
        number = tx.execute(select(provider.id).where(provider.uuid == CHILD)).scalar()
        plan = PlannedProvider(uuid=CHILD, name="as it was once", traits=("HW_GPU",), **added)
        row = {"provider": number, "plan": encode(plan)}
        tx.execute(insert(tables.provider_plan), [row])
        found = read_provider(tx, CHILD).plan
        tx.execute(tables.provider_plan.delete())
        return found

    assert wire.engine.store.write(store) == a_child()
    found = wire.engine.store.write(lambda tx: store(tx, device="pci_0", note="seen"))
    assert found == a_child(device="pci_0", note="seen")
