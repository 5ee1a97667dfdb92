"""A report is one transaction; what is equal writes nothing, what is older is refused."""

import pytest
from msgspec.structs import replace

from builders import FB, a_uuid, an_offer
from store_worlds import (
    NOW,
    a_device,
    a_plan,
    a_report,
    claim,
    holding,
    is_stored,
    names,
    occupant,
    report,
    stored,
    used,
)
from wherry.model.checks import HostFacts
from wherry.model.errors import (
    CapacityExceeded,
    NotFound,
    ReportContradicts,
    ReportOutdated,
)
from wherry.model.inventory import Finding, HostPlan, Inventory, SeenInstance
from wherry.store.feed import read_changes, read_fleet
from wherry.store.hosts import read_host, read_last_seen, read_report
from wherry.store.reports import derive_stored, read_digest


def the_host(store, name="host1"):
    record = store.read(lambda tx: read_host(tx, name))
    assert record is not None
    return record


def gone(store, name="host1"):
    """The messages about providers that are gone and held."""
    return [one.message for one in the_host(store, name).findings if one.code == "PROVIDER_GONE"]


def refused(store, plan, **fields):
    """A report that must be refused as contradicting itself, and leave nothing."""
    before = store.read(read_fleet).changes
    with pytest.raises(ReportContradicts) as caught:
        report(store, plan, **fields)
    assert store.read(read_fleet).changes == before
    return str(caught.value)


def test_a_first_report_makes_the_host_with_its_tree(store):
    outcome = report(store, a_plan("host1", a_device("gpu0", traits=("CUSTOM_A",))))

    record = stored(store, "gpu0")
    assert (outcome.outcome, outcome.sequence, outcome.generation) == ("stored", 1, 1)
    assert names(outcome.changed, "host1", "gpu0") == {"host1", "gpu0"}
    assert record.plan == a_device("gpu0", traits=("CUSTOM_A",))
    assert (record.host, record.root, record.owner) == ("host1", a_uuid("host1"), "report")
    assert (record.generation, record.facts_generation) == (1, 1)
    assert the_host(store).check == HostFacts(arch="x86_64")
    assert store.read(lambda tx: read_report(tx, "host1")) == a_report("host1")


def test_an_equal_report_moves_only_when_the_host_was_last_seen(store):
    plan = a_plan("host1", a_device("gpu0"))
    report(store, plan, now=NOW)
    before = store.read(read_fleet)

    outcome = report(store, plan, sequence=2, now=NOW + 60)

    after = store.read(lambda tx: read_changes(tx, before.cursor))
    assert (outcome.outcome, outcome.sequence, outcome.generation) == ("unchanged", 2, 1)
    assert (after.events, after.changes) == ((), ())
    assert store.read(read_last_seen) == {"host1": NOW + 60}
    assert stored(store, "gpu0").generation == 1


def test_a_late_equal_report_does_not_turn_back_when_the_host_was_last_seen(store):
    plan = a_plan("host1")
    report(store, plan, now=NOW + 60)

    report(store, plan, now=NOW)

    assert store.read(read_last_seen) == {"host1": NOW + 60}


def test_the_sequence_of_an_equal_report_counts(store):
    report(store, a_plan("host1"), sequence=1)
    report(store, a_plan("host1"), sequence=7)

    with pytest.raises(ReportOutdated):
        report(store, a_plan("host1", a_device("gpu0")), sequence=6)


@pytest.mark.parametrize("sequence", [1, 2])
def test_news_of_the_same_boot_with_no_later_sequence_is_refused(store, sequence):
    report(store, a_plan("host1"), sequence=2)
    before = store.read(read_fleet)

    with pytest.raises(ReportOutdated, match=f"sequence {sequence} after 2"):
        report(store, a_plan("host1", a_device("gpu0")), sequence=sequence)

    assert store.read(read_fleet).changes == before.changes
    assert not is_stored(store, "gpu0")


def test_an_earlier_report_is_refused_though_nothing_in_it_is_new(store):
    report(store, a_plan("host1"), sequence=2)

    with pytest.raises(ReportOutdated, match="sequence 1 after 2"):
        report(store, a_plan("host1"), sequence=1)


def test_another_boot_starts_its_sequence_anew(store):
    report(store, a_plan("host1"), sequence=9, boot="boot-1")

    outcome = report(store, a_plan("host1", a_device("gpu0")), sequence=1, boot="boot-2")

    assert (outcome.outcome, outcome.generation) == ("stored", 2)
    assert the_host(store).boot_id == "boot-2"


def test_a_boot_that_another_one_has_followed_is_refused(store):
    for number, boot in enumerate(("boot-1", "boot-2", "boot-3")):
        report(store, a_plan("host1", a_device(f"gpu{number}")), boot=boot)

    for boot in ("boot-1", "boot-2"):
        with pytest.raises(ReportOutdated, match="has been followed by boot-3"):
            report(store, a_plan("host1"), sequence=99, boot=boot)
    assert is_stored(store, "gpu2")


def test_one_hosts_boots_do_not_count_for_another(store):
    for host in ("host1", "host2"):
        report(store, a_plan(host), boot="boot-1")
    report(store, a_plan("host1", a_device("gpu0")), boot="boot-2")

    assert report(store, a_plan("host2"), sequence=2, boot="boot-1").outcome == "unchanged"


def test_a_new_boot_with_the_same_facts_moves_the_host_and_no_provider(store):
    report(store, a_plan("host1", a_device("gpu0")), boot="boot-1")

    outcome = report(store, a_plan("host1", a_device("gpu0")), boot="boot-2")

    assert (outcome.outcome, outcome.generation, outcome.changed) == ("stored", 2, ())
    assert stored(store, "gpu0").generation == 1


def test_only_providers_whose_facts_changed_move(store):
    report(store, a_plan("host1", a_device("gpu0"), a_device("gpu1")))

    outcome = report(store, a_plan("host1", a_device("gpu0"), a_device("gpu1", pool=1)), sequence=2)

    assert names(outcome.changed, "gpu0", "gpu1") == {"gpu1"}
    assert (stored(store, "gpu0").generation, stored(store, "gpu1").generation) == (1, 2)
    assert stored(store, "gpu1").facts_generation == 2


def test_who_is_there_moves_no_facts(store):
    seen = SeenInstance(id=a_uuid("mdev"), type="acme/gpu-a", units={FB: 4096})
    report(store, a_plan("host1", a_device("gpu0")))

    outcome = report(store, a_plan("host1", a_device("gpu0", instances=(seen,))), sequence=2)

    record = stored(store, "gpu0")
    assert names(outcome.changed, "gpu0") == {"gpu0"}
    assert (record.generation, record.facts_generation) == (2, 1)
    assert record.use.stray == {FB: 4096}


def test_a_claim_moves_no_facts(store):
    report(store, a_plan("host1", a_device("gpu0")))

    claim(store, holding("guest", {"gpu0": {FB: 1}}))

    record = stored(store, "gpu0")
    assert (record.generation, record.facts_generation) == (2, 1)


def test_a_provider_that_nobody_holds_ends_when_the_host_no_longer_has_it(store):
    report(store, a_plan("host1", a_device("gpu0")))

    outcome = report(store, a_plan("host1"), sequence=2)

    assert names(outcome.removed, "gpu0") == {"gpu0"}
    assert not is_stored(store, "gpu0")
    assert gone(store) == []


def test_a_provider_that_is_held_stays_and_is_a_finding_until_it_is_freed(store):
    report(store, a_plan("host1", a_device("gpu0")))
    claim(store, holding("guest", {"gpu0": {FB: 4096}}))

    outcome = report(store, a_plan("host1"), sequence=2)

    record = stored(store, "gpu0")
    assert outcome.removed == ()
    assert [one.code for one in outcome.findings] == ["PROVIDER_GONE"]
    assert gone(store) == ["gpu0 is gone from the host and still held"]
    assert (record.plan.note, record.plan.inventories) == ("gone", {FB: Inventory(total=0)})
    with pytest.raises(CapacityExceeded):
        claim(store, holding("other", {"gpu0": {FB: 1}}))

    claim(store, holding("guest"))
    assert is_stored(store, "gpu0")
    outcome = report(store, a_plan("host1"), sequence=3)

    assert names(outcome.removed, "gpu0") == {"gpu0"}
    assert not is_stored(store, "gpu0")
    assert gone(store) == []


def test_a_held_provider_whose_name_has_blanks_is_forgotten_like_any_other(store):
    devices = [a_device("a card"), a_device("a disk")]
    report(store, a_plan("host1", *devices))
    for device in devices:
        claim(store, holding(f"of {device.name}", {device.name: {FB: 1}}))
    report(store, a_plan("host1"), sequence=2)
    claim(store, holding("of a card"))

    report(store, a_plan("host1"), sequence=3)

    assert gone(store) == ["a disk is gone from the host and still held"]


def test_a_device_that_comes_back_under_its_holders_serves_again(store):
    plan = a_plan("host1", a_device("gpu0"))
    report(store, plan)
    claim(store, holding("guest", {"gpu0": {FB: 4096}}, occupant("gpu0")))
    report(store, a_plan("host1"), sequence=2)

    report(store, plan, sequence=3)

    record = stored(store, "gpu0")
    assert gone(store) == []
    assert record.plan == a_device("gpu0")
    assert record.use.charged == {FB: 4096}
    assert record.facts_generation == 3
    claim(store, holding("other", {"gpu0": {FB: 12288}}))


def test_what_is_held_keeps_the_providers_above_it(store):
    card = a_device("card", inventories={})
    report(store, a_plan("host1", card, a_device("gpu0", parent=a_uuid("card"))))
    claim(store, holding("guest", {"gpu0": {FB: 1}}))

    report(store, a_plan("host1"), sequence=2)

    assert is_stored(store, "card")
    claim(store, holding("guest"))
    outcome = report(store, a_plan("host1"), sequence=3)
    assert names(outcome.removed, "card", "gpu0") == {"card", "gpu0"}


def test_a_provider_that_ended_and_comes_back_goes_on_above_its_generations(store):
    report(store, a_plan("host1", a_device("gpu0")))
    claim(store, holding("guest", {"gpu0": {FB: 1}}))
    claim(store, holding("guest"))
    before = stored(store, "gpu0")
    report(store, a_plan("host1"), sequence=2)

    report(store, a_plan("host1", a_device("gpu0")), sequence=3)

    after = stored(store, "gpu0")
    assert after.generation > before.generation
    assert after.facts_generation > before.facts_generation


def test_providers_may_swap_their_names_and_move_below_each_other(store):
    one, two = a_device("one"), a_device("two")
    report(store, a_plan("host1", one, two))
    swapped = (replace(one, name="two"), replace(two, name="one", parent=one.uuid))

    report(store, a_plan("host1", *swapped), sequence=2)

    assert (stored(store, "one").plan.name, stored(store, "two").plan.name) == ("two", "one")
    assert stored(store, "two").plan.parent == one.uuid


def test_a_device_that_is_held_may_be_replaced_by_one_of_the_same_name(store):
    report(store, a_plan("host1", a_device("old")))
    claim(store, holding("guest", {"old": {FB: 1}}))
    new = replace(a_device("new"), name="old")

    report(store, a_plan("host1", new), sequence=2)

    assert stored(store, "new").plan.name == "old"
    assert stored(store, "old").plan.name != "old"
    assert len(gone(store)) == 1
    claim(store, holding("guest"))
    report(store, a_plan("host1", new), sequence=3)
    assert gone(store) == []


def test_a_device_that_is_free_may_be_replaced_by_one_of_the_same_name(store):
    report(store, a_plan("host1", a_device("old")))
    new = replace(a_device("new"), name="old")

    outcome = report(store, a_plan("host1", new), sequence=2)

    assert names(outcome.removed, "old") == {"old"}
    assert stored(store, "new").plan.name == "old"


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        ([a_device("a"), replace(a_device("a"), name="b")], "two providers have one uuid"),
        ([a_device("a"), replace(a_device("b"), name="a")], "two providers have one name"),
        ([a_device("a", parent=a_uuid("nobody"))], "has an unknown parent"),
        (
            [a_device("a", parent=a_uuid("b")), a_device("b", parent=a_uuid("a"))],
            "each other's parents",
        ),
        ([a_device("a", pool=-1)], f"an impossible inventory of {FB}"),
        ([a_device("a", views={"VGPU": 0})], "takes units that are none"),
        ([a_device("a", views={FB: 1})], "is of no pool, or a pool itself"),
        ([a_device("a", views={"VGPU": 1}, inventories={})], "is of no pool, or a pool itself"),
        ([a_device("a", slots=("0.1", "0.1"))], "names a device twice"),
        (
            [a_device("a", instances=(SeenInstance(id="x", type="t", units={}),) * 2)],
            "names an instance twice",
        ),
    ],
)
def test_a_report_that_says_two_things_of_one_is_refused_whole(store, devices, says):
    report(store, a_plan("host1", a_device("gpu0")))

    message = refused(store, a_plan("host1", *devices), sequence=2)

    assert says in message
    assert "host1" in message


def test_a_host_of_which_nothing_is_published_is_stored_all_the_same(store):
    outcome = report(store, HostPlan(host="host1", providers=(), check=HostFacts()))

    assert (outcome.outcome, outcome.changed) == ("stored", ())


def test_a_provider_of_another_host_is_not_taken_over(store):
    report(store, a_plan("host1", a_device("gpu0")))

    message = refused(store, a_plan("host2", a_device("gpu0", host="host2")))

    assert "belongs to host1" in message


def test_a_name_of_another_hosts_provider_is_not_taken_over(store):
    report(store, a_plan("host1", a_device("gpu0")))
    same_name = replace(a_device("gpu1", host="host2"), name="gpu0")

    message = refused(store, a_plan("host2", same_name))

    assert "gpu0" in message
    assert "belongs to host1" in message


def test_a_host_is_derived_anew_from_its_stored_report(store):
    report(store, a_plan("host1", a_device("gpu0")))

    anew = a_plan("host1", a_device("gpu0", pool=1))
    outcome = store.write(lambda tx: derive_stored(tx, "host1", lambda _: anew))

    assert (outcome.outcome, outcome.sequence, outcome.generation) == ("stored", 1, 2)
    assert stored(store, "gpu0").plan.inventories[FB].total == 1
    assert store.read(lambda tx: read_report(tx, "host1")) == a_report("host1")


def test_deriving_what_is_so_already_moves_nothing(store):
    plan = a_plan("host1", a_device("gpu0"), findings=(Finding(code="X", message="x"),))
    report(store, plan)

    outcome = store.write(lambda tx: derive_stored(tx, "host1", lambda _: plan))

    assert (outcome.outcome, outcome.generation) == ("unchanged", 1)


def test_a_host_that_never_reported_cannot_be_derived_anew(store):
    with pytest.raises(NotFound, match="no host host1"):
        store.write(lambda tx: derive_stored(tx, "host1", lambda _: a_plan("host1")))


def test_the_digest_of_a_host_is_that_of_its_stored_report(store):
    report(store, a_plan("host1"))
    first = store.read(lambda tx: read_digest(tx, "host1"))
    report(store, a_plan("host1", a_device("gpu0")), sequence=2)

    assert store.read(lambda tx: read_digest(tx, "host1")) not in {None, first}
    assert store.read(lambda tx: read_digest(tx, "host2")) is None


def test_a_class_that_is_no_longer_reported_stays_until_it_is_let_go(store):
    both = {FB: Inventory(total=10), "CUSTOM_SLICE": Inventory(total=4)}
    report(store, a_plan("host1", a_device("gpu0", inventories=both)))
    claim(store, holding("guest", {"gpu0": {"CUSTOM_SLICE": 2}}))

    report(store, a_plan("host1", a_device("gpu0", pool=10)), sequence=2)

    assert used(store, "gpu0", "CUSTOM_SLICE") == 2
    with pytest.raises(CapacityExceeded):
        claim(store, holding("other", {"gpu0": {"CUSTOM_SLICE": 1}}))
    claim(store, holding("guest"))
    assert used(store, "gpu0", "CUSTOM_SLICE") == 0


def test_a_view_that_is_no_longer_reported_charges_its_pool_until_it_is_let_go(store):
    report(store, a_plan("host1", a_device("gpu0", pool=10, views={"VGPU": 4})))
    claim(store, holding("guest", {"gpu0": {"VGPU": 2}}))

    report(store, a_plan("host1", a_device("gpu0", pool=10)), sequence=2)

    assert used(store) == 8
    with pytest.raises(CapacityExceeded):
        claim(store, holding("other", {"gpu0": {FB: 3}}))
    claim(store, holding("guest"))
    assert used(store) == 0


def offering(total, kind="acme/gpu-a", **pool):
    return an_offer(provider="gpu0", type=kind, pools={FB: {"total": total, **pool}})


@pytest.mark.parametrize(
    "devices",
    [
        [a_device("gpu0", offers=(offering(16384), offering(8192, "acme/gpu-b")))],
        [
            a_device("gpu0", offers=(offering(16384),)),
            a_device("gpu1", offers=(offering(8192, provider=a_uuid("gpu0")),)),
        ],
    ],
)
def test_two_totals_of_one_pool_are_refused(store, devices):
    message = refused(store, a_plan("host1", *devices))

    assert f"two totals of {FB}: 16384 and 8192" in message


def test_two_pools_of_one_class_may_have_two_totals(store):
    devices = [
        a_device("gpu0", offers=(offering(16384),)),
        a_device("gpu1", offers=(offering(8192),)),
    ]

    assert report(store, a_plan("host1", *devices)).outcome == "stored"
