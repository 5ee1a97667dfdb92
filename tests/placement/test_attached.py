"""A report attaches what it knows to the providers that nova-compute has made for its devices."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec import UNSET
from msgspec.structs import replace as changed
from sqlalchemy import select, update

from builders import a_uuid
from engines import GUEST, MOVE, Fleet
from guest_worlds import a_report
from nova_compute import Nova
from placement_wire import RP, Wire, holds
from wherry.app.engine import open_engine
from wherry.app.guests import get_guest, list_guests, put_guest
from wherry.app.housekeeping import DERIVED_WITH, derive_anew
from wherry.app.migrations import begin, finish, preflight, start
from wherry.app.placement.names import list_traits
from wherry.app.reports import put_report
from wherry.app.settings import Settings
from wherry.app.targets import find
from wherry.inventory.host_view import HostView
from wherry.model.caller import LOCAL_ADMIN
from wherry.model.guests import GuestRequest, SlotRequest
from wherry.model.inventory import PlannedProvider
from wherry.model.targets import TargetsRequest
from wherry.model.wire import FinishRequest, MigrationRequest
from wherry.store import tables
from wherry.store.audit import audit, overfull
from wherry.store.body import encode
from wherry.store.guests import remove_guest
from wherry.store.meta import write_note

MTTY_2 = "CUSTOM_MTTY_2"
PF = "0000:01:00.0"
VF_CLASS = "CUSTOM_PCI_8086_10CA"
DERIVED = "CUSTOM_SERIAL_MTTY"


@pytest.fixture(params=["own", "external"])
def wire(request, store_url, tmp_path):
    """A client, whoever makes the roots of hosts; what is stored is sound when the test ends."""
    settings = Settings(state_dir=tmp_path, database=store_url, roots=request.param)
    engine = open_engine(settings)
    yield Wire(engine)
    assert engine.store.read(audit) == []
    engine.close()


@pytest.fixture
def nova(wire):
    return Nova(wire)


def report(wire: Wire, recording: str = "mtty-fresh", host: str = "host1", **fields):
    return put_report(wire.engine, a_report(recording, host, **fields))


def without_devices(wire: Wire, sequence: int, recording: str = "mtty-fresh"):
    """The host's devices are gone."""
    said = a_report(recording, sequence=sequence)
    return put_report(wire.engine, changed(said, facts=changed(said.facts, devices=())))


def view(wire: Wire, host: str = "host1") -> HostView:
    found = wire.engine.view().get(host)
    assert found is not None
    return found


def codes(wire: Wire, host: str = "host1") -> list[str]:
    return sorted(one.code for one in view(wire, host).record.findings)


def offers_on(wire: Wire, nova: Nova, name: str):
    uuid = nova.uuid(name)
    return [one.offer for one in view(wire, nova.host).offers if one.provider.uuid == uuid]


def attach(nova: Nova, **inventories) -> None:
    """Nova's provider of mtty, and a report of it."""
    nova.root()
    nova.device("mtty", **(inventories or {MTTY_2: 12}))
    report(nova.wire)


# Both orders


DEVICES = [
    ("mtty-fresh", "mtty", MTTY_2, 12),
    ("mtty-fresh", "mtty", "VGPU", 24),
    ("mtty-fresh", "mtty_mtty", "VGPU", 7),
    ("mtty-3mdevs", "mtty", "VGPU", 12),
    ("igb-vfs", PF, VF_CLASS, 7),
    ("igb-vfs", PF, "CUSTOM_NIC", 5),
    ("constructed-nvidia-a6000", "pci_0000_01_00_0", "CUSTOM_NVIDIA_525", 24),
    ("constructed-nvidia-vfio", "0000:81:00.0", "CUSTOM_PCI_10DE_2335", 4),
]
ON_EACH_ENGINE = [
    pytest.param(
        engine, *device, marks=pytest.mark.full if engine == "postgresql" and number else ()
    )
    for engine in ("sqlite", "postgresql")
    for number, device in enumerate(DEVICES)
]
"""Which device it is makes no difference to the engine: `make test` tries one on PostgreSQL."""


@pytest.mark.parametrize(
    ("store_url", "recording", "name", "resource_class", "total"),
    ON_EACH_ENGINE,
    indirect=["store_url"],
)
def test_all_orders_of_discovery_end_in_the_same_state(
    wire, recording, name, resource_class, total
):
    def say(nova):
        report(wire, recording, nova.host)

    def make(nova):
        nova.device(name, **{resource_class: total})

    def trait(nova):
        nova.put_traits(name, "COMPUTE_MANAGED_PCI_DEVICE")

    orders = [
        (Nova.root, make, trait, say),
        (Nova.root, make, say, trait),
        (Nova.root, say, make, trait),
        (say, Nova.root, make, trait),
    ]
    seen = []
    for number, steps in enumerate(orders):
        nova = Nova(wire, f"host{number}")
        for step in steps:
            step(nova)
        seen.append(nova.state(resource_class))
        assert nova.offered(resource_class) == min(total, most_of(wire, nova, name))
    assert all(one == seen[0] for one in seen[1:])
    assert seen[0]["candidates"]


def most_of(wire, nova, name):
    """What the offers on a provider say is free."""
    return max(sum(p.free for p in o.pools.values()) for o in offers_on(wire, nova, name))


# Guests on Nova's provider


def test_what_nova_allocates_pins_a_contract_of_its_class(wire, nova):
    attach(nova)
    assert nova.boot("guest", "mtty", MTTY_2) == 204
    [slot] = get_guest(wire.engine, GUEST).slots.values()
    assert (slot.provider, slot.type) == (nova.uuid("mtty"), "mtty/mtty-2")
    assert slot.contract.units == {MTTY_2: 1}
    assert "type" not in (slot.contract.assumed or ())
    assert find(wire.engine, GUEST, TargetsRequest()).targets == ()


def test_a_type_that_only_the_count_tells_is_assumed(wire, nova):
    attach(nova, VGPU=12)
    assert nova.boot("guest", "mtty", "VGPU") == 204
    [slot] = get_guest(wire.engine, GUEST).slots.values()
    assert slot.type == "mtty/mtty-2"
    assert "type" in slot.contract.assumed


def test_where_nobody_can_tell_the_type_nothing_is_pinned_and_it_is_listed(wire, nova):
    attach(nova, VGPU=10)
    assert nova.boot("guest", "mtty", "VGPU") == 204
    assert list_guests(wire.engine).guests == ()
    assert "TYPE_UNTOLD" in codes(wire)


def test_a_guest_is_written_on_novas_provider(wire, nova):
    attach(nova)
    slot = SlotRequest(provider=nova.uuid("mtty"), type="mtty/mtty-2")
    put_guest(wire.engine, GUEST, GuestRequest(host="host1", slots={"port": slot}))
    held = wire.ok("GET", f"/allocations/{GUEST}")["allocations"]
    assert {uuid: one["resources"] for uuid, one in held.items()} == {
        nova.uuid("mtty"): {MTTY_2: 1}
    }
    assert nova.free("mtty") == {MTTY_2: 11}


def test_a_guest_moves_from_one_provider_of_novas_to_another(wire, nova):
    attach(nova)
    other = Nova(wire, "host2")
    report(wire, host="host2")
    other.root()
    other.device("mtty", **{MTTY_2: 3})
    assert nova.boot("guest", "mtty", MTTY_2) == 204
    assert [one.host for one in find(wire.engine, GUEST, TargetsRequest()).targets] == ["host2"]
    begin(wire.engine, MOVE, MigrationRequest(guest=GUEST), LOCAL_ADMIN)
    assert (nova.free("mtty"), other.free("mtty")) == ({MTTY_2: 11}, {MTTY_2: 2})
    held = wire.ok("GET", f"/allocations/{GUEST}")["allocations"]
    assert held[other.uuid("mtty")]["resources"] == {MTTY_2: 1}
    assert held[other.uuid()]["resources"] == {"VCPU": 1}


def test_a_move_between_providers_of_novas_goes_through_all_its_steps(wire, nova):
    fleet, other = Fleet(wire.engine), Nova(wire, "host2")
    for each in (nova, other):
        fleet.report(each.host)
        each.root()
        each.device("mtty", **{MTTY_2: 3})
    assert nova.boot("guest", "mtty", MTTY_2) == 204
    token = fleet.begin().attempt
    with ThreadPoolExecutor(1) as pool:
        confirming = pool.submit(preflight, wire.engine, MOVE, token)
        while not confirming.done():
            fleet.answer("host1")
            fleet.answer("host2")
    assert (confirming.result().state, confirming.result().attempt) == ("confirmed", token)
    start(wire.engine, MOVE, token, LOCAL_ADMIN)
    finish(wire.engine, MOVE, FinishRequest(token=token, outcome="finished"), LOCAL_ADMIN)
    guest = get_guest(wire.engine, GUEST)
    assert (guest.host, guest.slots["device0"].provider) == ("host2", other.uuid("mtty"))
    assert (nova.free("mtty"), other.free("mtty")) == ({MTTY_2: 3}, {MTTY_2: 2})


def test_a_guest_that_nova_moves_keeps_its_contract(wire, nova):
    attach(nova)
    other = Nova(wire, "host2")
    other.root()
    other.device("mtty", **{MTTY_2: 3})
    report(wire, host="host2")
    nova.boot("guest", "mtty", MTTY_2)
    before = get_guest(wire.engine, GUEST).slots["device0"].contract
    here = wire.ok("GET", f"/allocations/{GUEST}")["allocations"]
    held = {uuid: {"resources": one["resources"]} for uuid, one in here.items()}
    moved = {GUEST: holds({}, 1), MOVE: holds(held, None, consumer_type="MIGRATION")}
    assert wire("POST", "/allocations", moved).status == 204
    assert other.boot("guest", "mtty", MTTY_2) == 204
    assert wire("DELETE", f"/allocations/{MOVE}").status == 204
    after = get_guest(wire.engine, GUEST)
    [slot] = after.slots.values()
    assert (after.host, slot.provider) == ("host2", other.uuid("mtty"))
    assert slot.contract.pinned_at == before.pinned_at


def test_guests_that_were_there_before_the_report_get_contracts_as_those_after(wire, nova):
    nova.root()
    nova.device("mtty", **{MTTY_2: 12})
    for name in ("guest", "second"):
        assert nova.boot(name, "mtty", MTTY_2) == 204
    before = wire.ok("GET", f"/allocations/{GUEST}")
    report(wire)
    assert wire.ok("GET", f"/allocations/{GUEST}") == before
    assert nova.boot("third", "mtty", MTTY_2) == 204
    old, new = (get_guest(wire.engine, a_uuid(name)) for name in ("guest", "third"))
    [one], [other] = old.slots.values(), new.slots.values()
    assert changed(one.contract, consumer=GUEST, pinned_at=UNSET) == changed(
        other.contract, consumer=GUEST, pinned_at=UNSET
    )
    assert (old.host, old.tenant, old.resources) == (new.host, new.tenant, new.resources)
    assert len(list_guests(wire.engine).guests) == 3
    report(wire, "mtty-3mdevs", sequence=2)
    assert get_guest(wire.engine, GUEST) == old


def test_a_migrations_consumer_is_no_guest_that_was_there_before(wire, nova):
    nova.root()
    nova.device("mtty", **{MTTY_2: 12})
    held = {nova.uuid("mtty"): {"resources": {MTTY_2: 1}}}
    body = holds(held, None, consumer_type="MIGRATION")
    assert wire("PUT", f"/allocations/{MOVE}", body).status == 204
    report(wire)
    assert list_guests(wire.engine).guests == ()


def test_guests_get_contracts_when_another_program_tells_what_their_devices_are(wire, nova):
    attach(nova)
    assert nova.boot("guest", "mtty", MTTY_2) == 204
    before = get_guest(wire.engine, GUEST)
    wire.engine.store.write(lambda tx: remove_guest(tx, GUEST))
    wire.engine.store.write(lambda tx: write_note(tx, DERIVED_WITH, "a program before"))
    derive_anew(wire.engine)
    assert get_guest(wire.engine, GUEST).slots.keys() == before.slots.keys()


def test_a_class_that_is_renamed_is_offered_by_its_new_name(wire, nova):
    attach(nova, CUSTOM_SERIAL=3)
    wire.ok("PUT", "/resource_classes/CUSTOM_SERIAL", {"name": "CUSTOM_TTY"}, mv="1.6")
    assert all(offer.units == {"CUSTOM_TTY": 1} for offer in offers_on(wire, nova, "mtty"))
    assert nova.offered("CUSTOM_TTY") == 3


# Counting once


@pytest.mark.parametrize("counted", [3, 12, 15])
def test_nobody_gets_more_than_the_smaller_of_both_counts(wire, nova, counted):
    attach(nova, **{MTTY_2: counted})
    least = min(counted, 12)
    assert nova.offered(MTTY_2) == least
    assert nova.free("mtty") == {MTTY_2: least}
    assert nova.inventories("mtty")[MTTY_2]["total"] == counted
    statuses = [nova.boot(f"guest{n}", "mtty", MTTY_2) for n in range(least + 1)]
    assert statuses == [204] * least + [409]
    assert ("COUNTS_DIFFER" in codes(wire)) == (counted != 12)


def test_what_a_stranger_runs_closes_a_board_for_other_sizes(wire, nova):
    """An RTXA6000-2Q runs on the board, and Nova counts the larger 4Q."""
    name, large = "pci_0000_01_00_0", "CUSTOM_NVIDIA_527"
    nova.root()
    nova.device(name, **{large: 12})
    report(wire, "constructed-nvidia-a6000")
    [offer] = offers_on(wire, nova, name)
    assert (offer.type, offer.exclusive.in_use) == ("nvidia/RTXA6000-4Q", (2048,))
    assert nova.offered(large) == 0
    assert nova.boot("guest", name, large) == 409


def test_what_nova_writes_anew_is_held_to_the_report_again(wire, nova):
    attach(nova)
    for counted in (20, 5, 30):
        nova.put_inventories("mtty", **{MTTY_2: counted})
        assert nova.offered(MTTY_2) == min(counted, 12)
    one = {"resource_provider_generation": nova.generations["mtty"], "total": 40}
    nova.wire.ok("PUT", f"{RP}/{nova.uuid('mtty')}/inventories/{MTTY_2}", one)
    assert nova.offered(MTTY_2) == 12
    assert nova.wire("DELETE", f"{RP}/{nova.uuid('mtty')}/inventories").status == 204
    assert offers_on(wire, nova, "mtty") == []
    body = {"resource_class": MTTY_2, "total": 50}
    assert wire("POST", f"{RP}/{nova.uuid('mtty')}/inventories", body).status == 201
    assert nova.offered(MTTY_2) == 12


def test_a_reshape_takes_no_more_than_the_report_knows(wire, nova):
    attach(nova)

    def reshape(units):
        inventories = {MTTY_2: {"total": 30}}
        held = {nova.uuid("mtty"): {"resources": {MTTY_2: units}}}
        body = {
            "inventories": {
                nova.uuid("mtty"): {
                    "resource_provider_generation": wire.generation(nova.uuid("mtty")),
                    "inventories": inventories,
                }
            },
            "allocations": {GUEST: holds(held)},
        }
        return wire("POST", "/reshaper", body).status

    assert reshape(13) == 409
    assert reshape(12) == 204
    assert nova.free("mtty") == {MTTY_2: 0}


def test_what_is_held_of_the_reports_own_provider_counts_until_it_is_let_go(wire, nova):
    """The report came first and guests were placed; then Nova reports the device itself."""
    nova.root()
    report(wire)
    [own] = wire.ok("GET", f"{RP}?name=host1_wherry_mtty")["resource_providers"]
    for number, units in enumerate((2, 2, 1)):
        held = {own["uuid"]: {"resources": {"CUSTOM_MTTY_PORT": units}}}
        assert wire("PUT", f"/allocations/{a_uuid(f'old{number}')}", holds(held)).status == 204
    nova.device("mtty", **{MTTY_2: 12})
    assert nova.offered(MTTY_2) == 9
    assert {"HELD_APART", "PROVIDER_GONE"} <= set(codes(wire))
    assert wire("DELETE", f"/allocations/{a_uuid('old0')}").status == 204
    report(wire, sequence=2)
    assert nova.offered(MTTY_2) == 10
    for number in (1, 2):
        assert wire("DELETE", f"/allocations/{a_uuid(f'old{number}')}").status == 204
    report(wire, sequence=3)
    assert nova.offered(MTTY_2) == 12
    assert not {"HELD_APART", "PROVIDER_GONE"} & set(codes(wire))
    assert wire("GET", f"{RP}/{own['uuid']}").status == 404


def test_no_unit_is_given_twice_while_both_providers_are_held(wire, nova):
    nova.root()
    report(wire)
    [own] = wire.ok("GET", f"{RP}?name=host1_wherry_mtty")["resource_providers"]
    held = {own["uuid"]: {"resources": {"CUSTOM_MTTY_PORT": 20}}}
    assert wire("PUT", f"/allocations/{a_uuid('old')}", holds(held)).status == 204
    nova.device("mtty", **{MTTY_2: 12})
    statuses = [nova.boot(f"guest{n}", "mtty", MTTY_2) for n in range(4)]
    assert statuses == [204, 204, 409, 409]
    body = holds({own["uuid"]: {"resources": {"CUSTOM_MTTY_PORT": 1}}})
    assert wire("PUT", f"/allocations/{a_uuid('late')}", body).status == 409
    assert wire.engine.store.read(overfull) == [
        line for line in wire.engine.store.read(overfull) if "wherry" in line
    ]


# Traits


def test_traits_of_the_report_are_read_wherever_traits_are(wire, nova):
    attach(nova)
    uuid = nova.uuid("mtty")
    assert nova.traits("mtty") == [DERIVED]
    [found] = wire.ok("GET", f"{RP}?required={DERIVED}")["resource_providers"]
    assert found["uuid"] == uuid
    assert wire.ok("GET", f"{RP}?required=!{DERIVED}&in_tree={uuid}&name=host1_mtty") == {
        "resource_providers": []
    }
    query = f"/allocation_candidates?resources={MTTY_2}:1&required="
    candidates = wire.ok("GET", f"{query}{DERIVED}")
    assert candidates["provider_summaries"][uuid]["traits"] == [DERIVED]
    assert wire.ok("GET", f"{query}!{DERIVED}")["allocation_requests"] == []
    assert DERIVED in list_traits(wire.engine, associated=True)
    assert DERIVED in view(wire).find_provider(uuid).record.plan.traits
    assert wire("DELETE", f"/traits/{DERIVED}").status == 409


def test_a_clients_traits_neither_add_nor_remove_those_of_the_report(wire, nova):
    attach(nova)
    assert nova.put_traits("mtty", "CUSTOM_MINE") == ["CUSTOM_MINE", DERIVED]
    assert nova.put_traits("mtty") == [DERIVED]
    # As a client does that reads, changes and writes back.
    assert nova.put_traits("mtty", *nova.traits("mtty"), "CUSTOM_MINE") == ["CUSTOM_MINE", DERIVED]
    assert wire("DELETE", f"{RP}/{nova.uuid('mtty')}/traits").status == 204
    assert nova.traits("mtty") == [DERIVED]
    without_devices(wire, sequence=2)
    assert nova.traits("mtty") == []


def test_a_trait_that_both_have_stays_while_one_of_them_has_it(wire, nova):
    nova.root()
    nova.device("mtty", **{MTTY_2: 12})
    nova.put_traits("mtty", DERIVED, "CUSTOM_MINE")
    report(wire)
    assert nova.put_traits("mtty", DERIVED, "CUSTOM_MINE") == ["CUSTOM_MINE", DERIVED]
    without_devices(wire, sequence=2)
    assert nova.traits("mtty") == ["CUSTOM_MINE", DERIVED]
    report(wire, sequence=3)
    assert nova.put_traits("mtty", "CUSTOM_MINE") == ["CUSTOM_MINE", DERIVED]
    without_devices(wire, sequence=4)
    assert nova.traits("mtty") == ["CUSTOM_MINE"]


def test_a_put_that_changes_nothing_of_a_clients_own_moves_no_generation(wire, nova):
    attach(nova)
    before = nova.generations["mtty"]
    assert nova.put_traits("mtty", DERIVED) == [DERIVED]
    assert nova.generations["mtty"] == before


# Generations


def test_reports_do_not_move_the_generation_that_nova_knows(wire, nova):
    attach(nova)
    uuid = nova.uuid("mtty")
    for sequence, recording in enumerate(("mtty-3mdevs", "mtty-fresh", "mtty-exhausted"), 2):
        report(wire, recording, sequence=sequence)
        assert wire.generation(uuid) == nova.generations["mtty"]
    without_devices(wire, sequence=5)
    assert wire.generation(uuid) == nova.generations["mtty"]
    nova.put_inventories("mtty", **{MTTY_2: 11})
    nova.put_traits("mtty", "CUSTOM_MINE")


def test_a_claim_decided_on_other_facts_is_stale_after_a_report(wire, nova):
    """The generation inside moves with facts, whatever clients count."""
    attach(nova)
    uuid = nova.uuid("mtty")
    before = view(wire).find_provider(uuid).record
    without_devices(wire, sequence=2)
    after = view(wire).find_provider(uuid).record
    assert after.facts_generation > before.facts_generation
    assert after.generation > before.generation


# What ends


def test_a_device_that_is_gone_from_the_report_is_novas_as_it_was(wire, nova):
    attach(nova, **{MTTY_2: 20})
    assert nova.offered(MTTY_2) == 12
    without_devices(wire, sequence=2)
    assert nova.inventories("mtty")[MTTY_2]["reserved"] == 0
    assert nova.offered(MTTY_2) == 20
    plan = view(wire).find_provider(nova.uuid("mtty")).record.plan
    assert (plan.device, plan.offers, plan.slots, plan.traits) == (UNSET, (), (), ())


def test_a_provider_that_nova_deletes_gives_the_device_back_to_the_report(wire, nova):
    attach(nova)
    assert wire("DELETE", f"{RP}/{nova.uuid('mtty')}").status == 204
    [own] = wire.ok("GET", f"{RP}?name=host1_wherry_mtty")["resource_providers"]
    inventories = wire.ok("GET", f"{RP}/{own['uuid']}/inventories")["inventories"]
    assert inventories["CUSTOM_MTTY_PORT"]["total"] == 24
    assert "COUNTED_ELSEWHERE" not in codes(wire)
    nova.device("mtty", **{MTTY_2: 12})
    assert nova.offered(MTTY_2) == 12
    assert wire("GET", f"{RP}/{own['uuid']}").status == 404


@pytest.mark.parametrize("where", ["renamed", "under another root", "on top"])
def test_a_provider_that_leaves_the_host_takes_nothing_of_the_report_along(wire, nova, where):
    attach(nova, **{MTTY_2: 20})
    uuid = nova.uuid("mtty")
    wire.provider(a_uuid("other"))
    body = {
        "renamed": {"name": "something", "parent_provider_uuid": nova.uuid()},
        "under another root": {"name": "host1_mtty", "parent_provider_uuid": a_uuid("other")},
        "on top": {"name": "host1_mtty", "parent_provider_uuid": None},
    }[where]
    wire.ok("PUT", f"{RP}/{uuid}", body)
    assert nova.traits("mtty") == []
    assert nova.free("mtty") == {MTTY_2: 20}
    assert len(wire.ok("GET", f"{RP}?name=host1_wherry_mtty")["resource_providers"]) == 1
    wire.ok("PUT", f"{RP}/{uuid}", {"name": "host1_mtty", "parent_provider_uuid": nova.uuid()})
    assert nova.traits("mtty") == [DERIVED]
    assert nova.offered(MTTY_2) == 12


def test_a_root_that_is_renamed_takes_nothing_of_the_report_along(wire, nova):
    attach(nova)
    wire.ok("PUT", f"{RP}/{nova.uuid()}", {"name": "another"})
    assert nova.traits("mtty") == []
    wire.ok("PUT", f"{RP}/{nova.uuid()}", {"name": "host1"})
    assert nova.traits("mtty") == [DERIVED]


def test_an_audit_names_what_was_left_behind(wire, nova):
    attach(nova)
    provider, plan = tables.provider.c, tables.provider_plan
    number = select(provider.id).where(provider.uuid == nova.uuid("mtty")).scalar_subquery()
    bare = encode(PlannedProvider(uuid=nova.uuid("mtty"), name="host1_mtty"))

    def forget(tx):
        tx.execute(update(plan).where(plan.c.provider == number).values(plan=bare))
        found = audit(tx)
        raise LookupError(*found)

    with pytest.raises(LookupError, match="traits of a report that adds nothing"):
        wire.engine.store.write(forget)
