"""Candidates are searched in memory, in the state that the database has."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import select, true

from builders import FB, a_uuid
from inventory.columns.naive import check
from obvious_search.world import make_world
from placement_wire import C1, RP, U1, U2, U3, holds
from store_worlds import a_device, a_plan, report
from wherry.app.placement.world import PlacementWorld
from wherry.model.claims import Claim, Holding
from wherry.model.errors import CapacityExceeded
from wherry.profiles.tables import standard_classes, standard_traits
from wherry.store.claims import write_claim
from wherry.store.feed import prune_changes
from wherry.store.placement_world import read_world_providers
from wherry.store.tables import resource_class, trait

AGGREGATE = "a0000000-0000-4000-8000-000000000000"
GPU, VIEW = a_uuid("gpu0"), "CUSTOM_ACME_4"
UUIDS = (U1, U2, U3)


def post(wire, dice):
    uuid = dice.choice(UUIDS)
    parent = dice.choice((None, *UUIDS, GPU))
    wire("POST", RP, {"uuid": uuid, "name": uuid, "parent_provider_uuid": parent})


def put(wire, dice):
    uuid = dice.choice(UUIDS)
    parent = dice.choice((None, *UUIDS, GPU))
    wire("PUT", f"{RP}/{uuid}", {"name": f"new {uuid}", "parent_provider_uuid": parent})


def delete(wire, dice):
    wire("DELETE", f"{RP}/{dice.choice(UUIDS)}")


def seen(wire, uuid):
    """The generation that a client sends; 0 where the provider is not there."""
    return wire("GET", f"{RP}/{uuid}").json.get("generation", 0)


def stock(wire, dice):
    uuid = dice.choice(UUIDS)
    names = dice.sample(("VCPU", "CUSTOM_A", "CUSTOM_B"), 2)
    body = {
        "resource_provider_generation": seen(wire, uuid),
        "inventories": {name: {"total": dice.randint(1, 9)} for name in names},
    }
    wire("PUT", f"{RP}/{uuid}/inventories", body)


def traits(wire, dice):
    uuid = dice.choice(UUIDS)
    names = [dice.choice(("CUSTOM_T", "MISC_SHARES_VIA_AGGREGATE"))]
    body = {"resource_provider_generation": seen(wire, uuid), "traits": names}
    wire("PUT", f"{RP}/{uuid}/traits", body)


def aggregates(wire, dice):
    """In the form that moves no generation."""
    wire("PUT", f"{RP}/{dice.choice((*UUIDS, GPU))}/aggregates", [AGGREGATE], mv="1.1")


def name(wire, dice):
    wire(dice.choice(("PUT", "PUT", "DELETE")), f"/traits/{dice.choice(('CUSTOM_T', 'CUSTOM_U'))}")
    wire(dice.choice(("PUT", "PUT", "DELETE")), "/resource_classes/CUSTOM_A")


def rename(wire, dice):
    old, new = dice.sample(("CUSTOM_A", "CUSTOM_B"), 2)
    wire("PUT", f"/resource_classes/{old}", {"name": new}, mv="1.6")


def allocate(wire, dice):
    generation = wire.ok("GET", f"/allocations/{C1}").get("consumer_generation")
    held = {dice.choice(UUIDS): {"resources": {"VCPU": dice.randint(1, 3)}}}
    wire("PUT", f"/allocations/{C1}", holds(held, generation))


def let_go(wire, _dice):
    wire("DELETE", f"/allocations/{C1}")


def tell(wire, dice):
    """A report, with another pool each time and no device now and then."""
    device = a_device(pool=dice.choice((8192, 16384)), views={VIEW: 4096})
    wire.sequence = getattr(wire, "sequence", 0) + 1
    plan = a_plan("host1", *([device] if dice.random() < 0.8 else []))
    report(wire.engine.store, plan, sequence=wire.sequence)


def claim(wire, dice):
    """A guest's claim of a type or of its pool, which the other one shows."""
    held = {GPU: {dice.choice((VIEW, FB)): 1}} if dice.random() < 0.6 else {}
    if wire("GET", f"{RP}/{GPU}/inventories").json.get("inventories"):
        one = Holding(
            consumer=a_uuid("guest"), consumer_type="INSTANCE", project="p", user="u",
            allocations=held,
        )  # fmt: skip
        made = Claim(id=str(dice.random()), holdings=(one,))
        with suppress(CapacityExceeded):
            wire.engine.store.write(lambda tx: write_claim(tx, made, now=1.0))


def read_plainly(tx):
    """Every provider as a value, one after the other."""
    names = [tx.execute(select(table.c.name)).scalars() for table in (resource_class, trait)]
    return make_world(
        read_world_providers(tx, true()).values(),
        classes=(*standard_classes(), *names[0]),
        traits=(*standard_traits(), *names[1]),
    )


WRITES = (
    post, post, put, delete, stock, stock, traits, aggregates, name, rename, allocate, let_go,
    tell, tell, claim,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_the_world_in_memory_is_the_one_that_would_be_read_now(wire, seed):
    """Whatever clients, reports and guests write, through whichever door."""
    dice = random.Random(seed)
    for path in ("/traits/CUSTOM_T", "/resource_classes/CUSTOM_A"):
        wire.ok("PUT", path)
    shapes = set()
    for _ in range(30):
        for _ in range(dice.randint(1, 3)):
            dice.choice(WRITES)(wire, dice)
        world = wire.engine.store.read(read_plainly)
        columns = wire.engine.placement.columns()
        check(columns, world)
        check(PlacementWorld(wire.engine.store).columns(), world)
        shapes.add((len(world.providers), len(world.trees), len(world.sharing)))

    assert len(shapes) > 2, "hardly anything has happened"


def test_a_cursor_that_is_too_old_reads_the_whole_world(wire):
    wire.provider(VCPU=8)
    wire.engine.placement.columns()
    wire.ok("PUT", "/traits/CUSTOM_T")
    wire.allocate(on_1={"VCPU": 3})
    wire.engine.store.write(lambda tx: prune_changes(tx, keep=0))

    columns = wire.engine.placement.columns()

    assert columns.provider(columns.row(U1)).used == {"VCPU": 3}
    assert "CUSTOM_T" in columns.known_traits


def test_a_search_sees_every_write_that_was_acknowledged_before_it(wire):
    """Many clients at once, each of which allocates and looks."""
    for uuid in UUIDS:
        wire.provider(uuid, VCPU=100)

    def work(number):
        uuid = UUIDS[number]
        for units in range(1, 11):
            holder = f"c{number:03x}{units:04x}-0000-4000-8000-000000000000"
            assert (
                wire(
                    "PUT", f"/allocations/{holder}", holds({uuid: {"resources": {"VCPU": 1}}})
                ).status
                == 204
            )
            body = wire.ok("GET", f"/allocation_candidates?resources=VCPU:1&in_tree={uuid}")
            assert body["provider_summaries"][uuid]["resources"]["VCPU"]["used"] == units
        return True

    with ThreadPoolExecutor(len(UUIDS)) as pool:
        assert all(pool.map(work, range(len(UUIDS))))


def test_a_class_of_a_report_keeps_its_name(wire):
    """The host's next report would call it by the old one."""
    report(wire.engine.store, a_plan("host1", a_device()))

    told = wire("PUT", f"/resource_classes/{FB}", {"name": "CUSTOM_OTHER"}, mv="1.6")

    assert (told.status, FB in wire.engine.placement.columns().known_classes) == (409, True)
