"""A class per type is a view: its allocations are charged to the pools that it shares."""

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from builders import FB, a_uuid
from store_worlds import a_device, a_plan, claim, holding, report, stored, used
from wherry.inventory.views import view_numbers
from wherry.model.errors import CapacityExceeded
from wherry.model.inventory import Inventory, SeenInstance, View
from wherry.store.audit import audit


@pytest.fixture
def fleet(store):
    """A GPU of 16384 MB with a small type of 4096 and a large one of 8192."""
    report(store, a_plan("host1", a_device("gpu0", views={"VGPU": 4096, "CUSTOM_LARGE": 8192})))
    return store


def shown(store, name):
    """Total, reserved and used of a view, as clients see them."""
    record = stored(store, "gpu0")
    numbers = view_numbers(record.plan, record.use, name)
    return (numbers.total, numbers.reserved, numbers.used)


def test_an_allocation_of_a_view_is_charged_to_its_pool(fleet):
    claim(fleet, holding("guest", {"gpu0": {"VGPU": 2}}))

    record = stored(fleet, "gpu0")
    assert record.use.used == {"VGPU": 2}
    assert record.use.charged == {FB: 8192}


def test_a_claim_of_one_type_moves_what_its_siblings_have_reserved(fleet):
    assert [shown(fleet, name) for name in ("VGPU", "CUSTOM_LARGE")] == [(4, 0, 0), (2, 0, 0)]

    claim(fleet, holding("guest", {"gpu0": {"VGPU": 1}}))

    assert [shown(fleet, name) for name in ("VGPU", "CUSTOM_LARGE")] == [(4, 0, 1), (2, 1, 0)]

    claim(fleet, holding("other", {"gpu0": {"CUSTOM_LARGE": 1}}))

    assert [shown(fleet, name) for name in ("VGPU", "CUSTOM_LARGE")] == [(4, 2, 1), (2, 1, 1)]
    assert stored(fleet, "gpu0").generation == 3


def test_views_and_the_pool_itself_take_from_the_same_units(fleet):
    claim(
        fleet,
        holding("guest", {"gpu0": {"VGPU": 1, "CUSTOM_LARGE": 1}}),
        holding("other", {"gpu0": {FB: 4096}}),
    )

    assert used(fleet) == 16384
    for name in ("VGPU", "CUSTOM_LARGE", FB):
        with pytest.raises(CapacityExceeded) as caught:
            claim(fleet, holding("third", {"gpu0": {name: 1}}))
        assert caught.value.resource_class == FB


def test_a_view_is_refused_where_its_pool_has_too_little(fleet):
    claim(fleet, holding("guest", {"gpu0": {FB: 8193}}))

    with pytest.raises(CapacityExceeded) as caught:
        claim(fleet, holding("other", {"gpu0": {"CUSTOM_LARGE": 1}}))

    assert (caught.value.resource_class, caught.value.asked) == (FB, 8192)
    claim(fleet, holding("other", {"gpu0": {"VGPU": 1}}))


def test_a_type_is_changed_for_a_smaller_one_on_a_full_provider(fleet):
    claim(fleet, holding("guest", {"gpu0": {"CUSTOM_LARGE": 2}}))

    claim(fleet, holding("guest", {"gpu0": {"CUSTOM_LARGE": 1, "VGPU": 2}}))

    assert used(fleet) == 16384


def test_a_recipe_takes_of_several_pools(store):
    pools = {FB: Inventory(total=100), "CUSTOM_SLICE": Inventory(total=7)}
    view = View(type="t", units={FB: 10, "CUSTOM_SLICE": 2})
    device = replace(a_device("gpu0", inventories=pools), views={"VGPU": view})
    report(store, a_plan("host1", device))

    claim(store, holding("guest", {"gpu0": {"VGPU": 3}}))

    assert stored(store, "gpu0").use.charged == {FB: 30, "CUSTOM_SLICE": 6}
    with pytest.raises(CapacityExceeded) as caught:
        claim(store, holding("other", {"gpu0": {"VGPU": 1}}))
    assert caught.value.resource_class == "CUSTOM_SLICE"


def test_a_recipe_that_changes_charges_what_is_held_anew(fleet):
    claim(fleet, holding("guest", {"gpu0": {"VGPU": 2}}))

    report(fleet, a_plan("host1", a_device("gpu0", views={"VGPU": 5000})), sequence=2)

    assert used(fleet) == 10000
    claim(fleet, holding("guest"))
    assert used(fleet) == 0


def test_a_pool_that_becomes_a_view_and_back_keeps_what_is_held(fleet):
    report(
        fleet,
        a_plan(
            "host1",
            a_device("gpu0", inventories={FB: Inventory(total=16384), "VGPU": Inventory(total=4)}),
        ),
        sequence=2,
    )
    claim(fleet, holding("guest", {"gpu0": {"VGPU": 2}}))
    assert stored(fleet, "gpu0").use.charged == {"VGPU": 2}

    report(fleet, a_plan("host1", a_device("gpu0", views={"VGPU": 4096})), sequence=3)
    assert stored(fleet, "gpu0").use.charged == {FB: 8192}

    report(
        fleet,
        a_plan(
            "host1",
            a_device("gpu0", inventories={FB: Inventory(total=16384), "VGPU": Inventory(total=4)}),
        ),
        sequence=4,
    )
    assert stored(fleet, "gpu0").use.charged == {"VGPU": 2}
    claim(fleet, holding("guest"))


def test_instances_that_nobody_allocated_count_against_the_pool(store):
    seen = SeenInstance(id=a_uuid("m"), type="acme/vgpu", units={FB: 4096})
    report(store, a_plan("host1", a_device("gpu0", views={"VGPU": 4096}, instances=(seen,))))

    assert shown(store, "VGPU") == (4, 1, 0)
    claim(store, holding("guest", {"gpu0": {"VGPU": 3}}))
    with pytest.raises(CapacityExceeded):
        claim(store, holding("other", {"gpu0": {"VGPU": 1}}))


def test_an_audit_finds_a_view_whose_pool_has_no_inventory(fleet):
    """No foreign key says so: it follows from what writes a provider's inventories."""
    found = []

    def break_it(tx):
        tx.execute(text("DELETE FROM inventory WHERE cap IS NOT NULL"))
        found.extend(audit(tx))
        raise LookupError("undone")

    with pytest.raises(LookupError):
        fleet.write(break_it)
    assert sum("has no inventory of" in each for each in found) == 2
