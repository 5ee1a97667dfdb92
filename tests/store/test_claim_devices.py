"""Devices with names, values in which instances must agree, and instances seen on the host."""

import pytest
from msgspec.structs import replace

from builders import FB, a_uuid, an_offer
from store_worlds import a_device, a_plan, claim, held, holding, occupant, report, stored
from wherry.model.errors import CapacityExceeded, ExclusiveConflict, NotFound, SlotTaken
from wherry.model.inventory import Inventory, SeenInstance

VFS = ("0000:01:1f.7", "0000:01:10.0", "0000:01:0a.2")
NET = {"SRIOV_NET_VF": Inventory(total=3)}


@pytest.fixture
def nics(store):
    """A physical function with three VFs."""
    report(store, a_plan("host1", a_device("pf", inventories=NET, slots=VFS)))
    return store


def take(store, consumer, *occupants, units=None):
    """Take VFs; gives slot to device."""
    amount = len(occupants) if units is None else units
    outcome = claim(store, holding(consumer, {"pf": {"SRIOV_NET_VF": amount}}, *occupants))
    return outcome.devices.get(a_uuid(consumer), {})


def test_devices_are_given_out_in_the_order_of_the_plan(nics):
    given = [take(nics, f"guest{n}", occupant("pf", "net"))["net"] for n in range(3)]

    assert given == list(VFS)
    assert stored(nics, "pf").use.devices == tuple(sorted(VFS))


def test_a_device_can_be_asked_for_by_name(nics):
    assert take(nics, "guest", occupant("pf", "net", device=VFS[0])) == {"net": VFS[0]}


def test_a_named_device_is_not_given_to_another_slot_of_the_claim(nics):
    given = take(nics, "guest", occupant("pf", "a"), occupant("pf", "b", device=VFS[0]))

    assert given == {"a": VFS[1], "b": VFS[0]}


def test_a_device_that_is_held_is_refused(nics):
    take(nics, "guest", occupant("pf", "net", device=VFS[0]))

    with pytest.raises(SlotTaken, match=f"device {VFS[0]}") as caught:
        take(nics, "other", occupant("pf", "net", device=VFS[0]))

    assert (caught.value.provider, caught.value.device) == (a_uuid("pf"), VFS[0])


def test_where_no_device_is_left_a_claim_of_any_is_refused(store):
    report(
        store,
        a_plan(
            "host1", a_device("pf", inventories={"SRIOV_NET_VF": Inventory(total=9)}, slots=VFS[:1])
        ),
    )
    take(store, "guest", occupant("pf", "net"))

    with pytest.raises(SlotTaken, match=r"\(any\)"):
        take(store, "other", occupant("pf", "net"))


def test_a_device_that_the_provider_does_not_have_is_not_found(nics):
    with pytest.raises(NotFound, match=r"named 0000:99:00\.0"):
        take(nics, "guest", occupant("pf", "net", device="0000:99:00.0"))


def test_a_slot_keeps_its_device_while_others_come_and_go(nics):
    first = take(nics, "guest", occupant("pf", "a"))["a"]
    take(nics, "other", occupant("pf", "b"))

    given = take(nics, "guest", occupant("pf", "a"), occupant("pf", "c"))

    assert given == {"a": first, "c": VFS[2]}


def test_a_device_that_the_host_no_longer_has_can_be_passed_on_and_let_go(nics):
    take(nics, "guest", occupant("pf", "net", device=VFS[0]))
    report(nics, a_plan("host1", a_device("pf", inventories=NET, slots=VFS[1:])), sequence=2)
    mine = held(nics, "guest")

    claim(nics, holding("guest"), replace(mine, consumer=a_uuid("move"), expected_generation=None))
    assert held(nics, "move").occupants[0].device == VFS[0]
    claim(nics, holding("move"))

    with pytest.raises(NotFound):
        take(nics, "guest", occupant("pf", "net", device=VFS[0]))


def test_two_slots_may_swap_their_devices(nics):
    take(nics, "guest", occupant("pf", "a", device=VFS[0]), occupant("pf", "b", device=VFS[1]))

    given = take(
        nics, "guest", occupant("pf", "a", device=VFS[1]), occupant("pf", "b", device=VFS[0])
    )

    assert given == {"a": VFS[1], "b": VFS[0]}


def test_a_provider_whose_instances_are_made_takes_any_name_once(store):
    report(store, a_plan("host1", a_device("gpu0"), a_device("gpu1")))
    mdev = a_uuid("mdev")
    claim(store, holding("guest", {"gpu0": {FB: 1}}, occupant("gpu0", "a", device=mdev)))

    with pytest.raises(SlotTaken):
        claim(store, holding("other", {"gpu0": {FB: 1}}, occupant("gpu0", "a", device=mdev)))
    outcome = claim(store, holding("other", {"gpu1": {FB: 1}}, occupant("gpu1", "a")))
    assert outcome.devices == {}


def board(**fields):
    """A board whose first vGPU fixes the size of all."""
    offer = an_offer(provider="gpu0", exclusive={"by": "framebuffer", "in_use": []})
    return a_plan("host1", a_device("gpu0", offers=(offer,), **fields))


def size(consumer, value, units=1, slot="a", **fields):
    return holding(
        consumer, {"gpu0": {FB: units}}, occupant("gpu0", slot, exclusive=value, **fields)
    )


def test_instances_must_agree_with_those_in_use(store):
    report(store, board())
    claim(store, size("guest", 4096))

    with pytest.raises(ExclusiveConflict) as caught:
        claim(store, size("other", 8192))

    error = caught.value
    assert (error.provider, error.by) == (a_uuid("gpu0"), "framebuffer")
    assert (error.wanted, error.in_use) == (8192, (4096,))
    claim(store, size("other", 4096))
    assert stored(store, "gpu0").use.exclusive == (4096,)


def test_the_last_one_to_leave_opens_the_board_to_other_sizes(store):
    report(store, board())
    claim(store, size("guest", 4096), size("other", 4096))
    claim(store, holding("guest"))
    with pytest.raises(ExclusiveConflict):
        claim(store, size("guest", 8192))

    claim(store, holding("other"))

    claim(store, size("guest", 8192))


def test_two_sizes_in_one_claim_are_refused(store):
    report(store, board())

    with pytest.raises(ExclusiveConflict):
        claim(store, size("guest", 4096), size("other", 8192))


def test_the_only_instance_may_change_its_size(store):
    report(store, board())
    claim(store, size("guest", 4096))

    claim(store, size("guest", 8192))

    assert stored(store, "gpu0").use.exclusive == (8192,)


def test_true_is_not_one_and_text_is_no_number(store):
    report(store, board())
    claim(store, size("guest", 1))

    for value in (True, "1"):
        with pytest.raises(ExclusiveConflict):
            claim(store, size("other", value))


def test_instances_without_a_value_close_nothing(store):
    report(store, board())
    claim(store, size("guest", None))

    claim(store, size("other", 8192))


def mdev(name, units=4096, kind="acme/gpu-a", **fields):
    return SeenInstance(id=a_uuid(name), type=kind, units={FB: units}, **fields)


def stray(store):
    return stored(store, "gpu0").use.stray.get(FB, 0)


def test_an_instance_that_a_claim_names_is_counted_once(store):
    report(store, a_plan("host1", a_device("gpu0", pool=4096, instances=(mdev("m1"),))))
    assert stray(store) == 4096

    claim(store, holding("guest", {"gpu0": {FB: 4096}}, occupant("gpu0", "a", device=a_uuid("m1"))))

    assert stray(store) == 0


def test_a_refused_claim_adopts_no_instance(store):
    report(store, a_plan("host1", a_device("gpu0", pool=4096, instances=(mdev("m1", 4000),))))

    with pytest.raises(CapacityExceeded):
        claim(
            store,
            holding("guest", {"gpu0": {FB: 9999}}, occupant("gpu0", "a", device=a_uuid("m1"))),
        )

    assert stray(store) == 4000


def test_a_new_instance_of_a_claimed_type_is_taken_for_the_one_that_was_claimed(store):
    report(store, a_plan("host1", a_device("gpu0")))
    claim(store, holding("guest", {"gpu0": {FB: 4096}}, occupant("gpu0", "a")))

    both = (mdev("m1"), mdev("m2", kind="acme/gpu-b"))
    report(store, a_plan("host1", a_device("gpu0", instances=both)), sequence=2)

    assert stray(store) == 4096


def test_an_instance_whose_holder_lets_go_counts_until_the_host_no_longer_has_it(store):
    plan = a_plan("host1", a_device("gpu0", pool=4096, instances=(mdev("m1"),)))
    report(store, plan)
    claim(store, holding("guest", {"gpu0": {FB: 4096}}, occupant("gpu0", "a", device=a_uuid("m1"))))

    claim(store, holding("guest"))

    assert stray(store) == 4096
    with pytest.raises(CapacityExceeded):
        claim(store, holding("other", {"gpu0": {FB: 4096}}))
    report(store, a_plan("host1", a_device("gpu0", pool=4096)), sequence=2)
    claim(store, holding("other", {"gpu0": {FB: 4096}}))


def test_an_instance_counts_too_when_the_holder_without_a_named_one_lets_go(store):
    report(store, a_plan("host1", a_device("gpu0")))
    for guest in ("one", "two"):
        claim(store, holding(guest, {"gpu0": {FB: 4096}}, occupant("gpu0", "a")))
    both = (mdev("m1"), mdev("m2"))
    report(store, a_plan("host1", a_device("gpu0", instances=both)), sequence=2)
    assert stray(store) == 0

    claim(store, holding("one"))

    assert stray(store) == 4096


def test_an_instance_that_passes_to_a_migration_is_not_let_go(store):
    report(store, a_plan("host1", a_device("gpu0", instances=(mdev("m1"),))))
    claim(store, holding("guest", {"gpu0": {FB: 4096}}, occupant("gpu0", "a", device=a_uuid("m1"))))

    claim(
        store,
        holding("guest"),
        replace(held(store, "guest"), consumer=a_uuid("move"), expected_generation=None),
    )

    assert stray(store) == 0


def test_an_instance_that_nobody_allocated_closes_a_board_to_other_sizes(store):
    report(store, board(instances=(mdev("m1", exclusive=4096),)))

    with pytest.raises(ExclusiveConflict):
        claim(store, size("guest", 8192))
    claim(store, size("guest", 4096))


def test_an_instance_that_a_claim_names_closes_nothing_by_itself(store):
    report(store, board(instances=(mdev("m1", exclusive=4096),)))

    claim(store, size("guest", 4096, 4096, device=a_uuid("m1")))

    assert stored(store, "gpu0").use.exclusive == (4096,)


def vgpu_on(vf):
    return SeenInstance(id=vf, type="acme/vf", units={"SRIOV_NET_VF": 1})


def test_a_device_with_an_instance_of_nobodys_is_the_last_to_be_given(store):
    seen = (vgpu_on(VFS[1]),)
    inventories = {"SRIOV_NET_VF": Inventory(total=4)}
    pf = a_device("pf", inventories=inventories, slots=VFS, instances=seen)
    report(store, a_plan("host1", pf))

    given = [take(store, f"guest{n}", occupant("pf", "net"))["net"] for n in range(3)]

    assert given == [VFS[0], VFS[2], VFS[1]]
    assert stored(store, "pf").use.stray == {}
