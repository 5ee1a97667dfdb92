"""What another writes between two statements of a use case: it is as if it came before or after."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from builders import a_uuid
from cutting import Act, Cutting, Pair, cutting
from databases import PostgresqlServer
from engines import Fleet
from nova_compute import Nova
from placement_wire import RP, U1, Told, Wire, holds
from reports import a_report
from wherry.app import compositions, groups, guests, tenancy
from wherry.app.reports import put_report
from wherry.model.compositions import CompositionRequest, PartRequest
from wherry.model.groups import GroupRequest
from wherry.model.guests import GuestRequest, SlotRequest
from wherry.model.tenancy import AggregateRequest
from wherry.store.guests import remove_guest

PORT, ONE, OTHER = "CUSTOM_MTTY_PORT", "CUSTOM_ONE", "CUSTOM_OTHER"
GUEST, PAIR = a_uuid("guest"), a_uuid("pair")


@pytest.fixture(scope="module")
def cuts(
    postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cutting]:
    with cutting(postgresql, tmp_path_factory.mktemp("cuts")) as made:
        yield made


def nothing(_: Wire) -> None:
    """The fleet is empty."""


def report(wire: Wire) -> None:
    put_report(wire.engine, a_report(host="host1", sequence=2))


def report_of_no_device(wire: Wire) -> None:
    said = a_report(host="host1")
    put_report(wire.engine, replace(said, facts=replace(said.facts, devices=(), instances=())))


def names(wire: Wire) -> None:
    for name in (ONE, PORT):
        wire.ok("PUT", f"/resource_classes/{name}")
    wire.provider(VCPU=4)


def names_and_host(wire: Wire) -> None:
    names(wire)
    report_of_no_device(wire)


def put_inventories(wire: Wire) -> Told:
    body = {"resource_provider_generation": 1, "inventories": {ONE: {"total": 4}}}
    return wire("PUT", f"{RP}/{U1}/inventories", body)


def post_inventory(wire: Wire) -> Told:
    return wire("POST", f"{RP}/{U1}/inventories", {"resource_class": ONE, "total": 4})


def delete(path: str) -> Act:
    return lambda wire: wire("DELETE", path)


def rename(name: str) -> Act:
    return lambda wire: wire("PUT", f"/resource_classes/{name}", {"name": OTHER}, mv="1.2")


def group(*members: str) -> Act:
    asked = GroupRequest(policy="anti-affinity", guests=tuple(map(a_uuid, members)))
    return lambda wire: groups.put_group(wire.engine, "group", asked)


def delete_group(wire: Wire) -> None:
    groups.delete_group(wire.engine, "group")


def only_for(*tenants: str, name: str = "aggregate") -> Act:
    asked = AggregateRequest(tenants=tenants)
    return lambda wire: tenancy.put_aggregate(wire.engine, a_uuid(name), asked)


def two_hosts_in_an_aggregate(wire: Wire) -> None:
    """Guests may go to either, and another aggregate is for some already."""
    Fleet(wire.engine, a="mtty-fresh", b="mtty-fresh").boot("a", tenant="project")
    only_for("somebody", name="another")(wire)
    [root] = [one["uuid"] for one in providers(wire) if one["name"] == "b"]
    body = {"resource_provider_generation": wire.generation(root)}
    wire.ok("PUT", f"{RP}/{root}/aggregates", {**body, "aggregates": [a_uuid("aggregate")]})


def begin(wire: Wire) -> None:
    Fleet(wire.engine).begin("b")


def providers(wire: Wire) -> list[dict[str, str]]:
    found: list[dict[str, str]] = wire.ok("GET", RP)["resource_providers"]
    return found


def device(wire: Wire) -> str:
    return next(one["uuid"] for one in providers(wire) if one["name"].endswith("mtty"))


def allocate_to(consumer: str) -> Act:
    def act(wire: Wire) -> Told:
        body = holds({device(wire): {"resources": {PORT: 2}}})
        return wire("PUT", f"/allocations/{consumer}", body)

    return act


def allocate_to_two(wire: Wire) -> Told:
    body = holds({U1: {"resources": {"VCPU": 1}}})
    return wire("POST", "/allocations", {GUEST: body, PAIR: body})


def compose(wire: Wire) -> None:
    parts = (PartRequest(type="mtty/mtty-2", count=2),)
    asked = CompositionRequest(uuid=PAIR, name="pair", parts=parts)
    compositions.create(wire.engine, device(wire), asked)


def held_by_nobody_on_record(wire: Wire) -> None:
    report(wire)
    assert allocate_to(GUEST)(wire).status == 204
    wire.engine.store.write(lambda tx: remove_guest(tx, GUEST))


def put_guest(wire: Wire) -> None:
    slot = SlotRequest(provider=device(wire), type="mtty/mtty-2")
    asked = GuestRequest(host="host1", tenant="project", slots={"port": slot})
    guests.put_guest(wire.engine, GUEST, asked)


def nova_makes_a_root(wire: Wire) -> None:
    Nova(wire).root()


PAIRS = {
    "a class is deleted and comes to be used": Pair(
        names, delete(f"/resource_classes/{ONE}"), put_inventories, near="FROM view"
    ),
    "an inventory is added of a class that is deleted": Pair(
        names, post_inventory, delete(f"/resource_classes/{ONE}"), near="resource_class"
    ),
    "a class is renamed and comes to be used": Pair(
        names, rename(ONE), put_inventories, near="UPDATE resource_class"
    ),
    "a class is renamed and a host reports it": Pair(
        names_and_host, rename(PORT), report, near="JOIN view ON"
    ),
    "a host reports a class that is renamed": Pair(
        names_and_host, report, rename(PORT), near="SELECT resource_class.name"
    ),
    "a group is written and deleted": Pair(group("one"), group("one", "two"), delete_group),
    "an aggregate is for these and for those": Pair(
        nothing, only_for("these"), only_for("those"), near="DELETE"
    ),
    "a guest goes to a host that is closed": Pair(
        two_hosts_in_an_aggregate, begin, only_for("somebody"), near="SELECT aggregate_tenant"
    ),
    "a guest that lets go is put on record": Pair(
        held_by_nobody_on_record,
        delete(f"/allocations/{GUEST}"),
        put_guest,
        near="guest.migration IN",
    ),
    "a guest takes a device that comes to stand below another root": Pair(
        report, allocate_to(GUEST), nova_makes_a_root, near="provider.facts_generation"
    ),
    "two take of a provider that is deleted": Pair(
        names, allocate_to_two, delete(f"{RP}/{U1}"), near="provider.uuid IN"
    ),
    "devices are composed under the uuid of who takes of them": Pair(
        report, compose, allocate_to(PAIR), near="FOR UPDATE"
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_it_is_as_if_one_had_come_after_the_other(cuts: Cutting, name: str) -> None:
    assert cuts.play(PAIRS[name]) > 0
