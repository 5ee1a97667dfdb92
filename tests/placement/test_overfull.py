"""A pool of which strangers have taken more than there is: clients see all of it reserved."""

from builders import FB, a_uuid
from placement_wire import RP, Wire
from store_worlds import a_device, a_plan, report
from wherry.model.inventory import SeenInstance


def test_no_more_is_reserved_than_there_is(wire: Wire) -> None:
    """Placement takes no inventory with more reserved than there is, so none is shown."""
    stranger = SeenInstance(id="mdev", type="acme/gpu-a", units={FB: 20000})
    report(wire.engine.store, a_plan("host1", a_device("gpu0", instances=(stranger,))))

    shown = wire.ok("GET", f"{RP}/{a_uuid('gpu0')}/inventories")["inventories"][FB]

    assert (shown["total"], shown["reserved"]) == (16384, 16384)
    found = wire.ok("GET", f"/allocation_candidates?resources={FB}:1")
    assert found["allocation_requests"] == []
