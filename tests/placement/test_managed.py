"""Providers of a host's report: ordinary to a client's eye, and not a client's to change."""

import pytest

from builders import FB, a_uuid
from placement_wire import C1, C2, RP, Wire, holds
from store_worlds import a_device, a_plan, claim, held, holding, occupant, report
from wherry.model.inventory import SeenInstance
from wherry.store.providers import read_provider

GPU = a_uuid("gpu0")
SMALL, LARGE = "CUSTOM_ACME_4", "CUSTOM_ACME_8"
VIEWS = {SMALL: 4096, LARGE: 8192}


@pytest.fixture
def gpu(wire: Wire) -> Wire:
    """A client, on a fleet with one GPU that has two classes for types beside its pool."""
    report(wire.engine.store, a_plan("host1", a_device(views=VIEWS, traits=("CUSTOM_ACME",))))
    return wire


def free(wire: Wire) -> dict[str, int]:
    """What could still be claimed, as a client computes it."""
    inventories = wire.ok("GET", f"{RP}/{GPU}/inventories")["inventories"]
    used = wire.ok("GET", f"{RP}/{GPU}/usages")["usages"]
    return {name: i["total"] - i["reserved"] - used[name] for name, i in inventories.items()}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"name": "mine"}),
        ("DELETE", "", None),
        ("PUT", "/inventories", {"resource_provider_generation": None, "inventories": {}}),
        ("DELETE", "/inventories", None),
        ("POST", "/inventories", {"resource_class": "VCPU", "total": 1}),
        ("DELETE", f"/inventories/{FB}", None),
        ("PUT", "/traits", {"resource_provider_generation": None, "traits": []}),
        ("DELETE", "/traits", None),
    ],
)
def test_a_client_cannot_change_what_a_report_owns(gpu, method, path, body):
    generation = gpu.generation(GPU)
    if body and "resource_provider_generation" in body:
        body = {**body, "resource_provider_generation": generation}
    before = gpu.ok("GET", f"{RP}/{GPU}/inventories")
    told = gpu(method, f"{RP}/{GPU}{path}", body)
    assert told.status == 409
    assert told.error["code"] == "wherry.managed"
    assert gpu.ok("GET", f"{RP}/{GPU}/inventories") == before
    assert gpu.ok("GET", f"{RP}/{GPU}/traits")["traits"] == ["CUSTOM_ACME"]


def test_a_client_may_put_it_into_aggregates_and_others_below_it(gpu):
    body = {"aggregates": [C1], "resource_provider_generation": gpu.generation(GPU)}
    assert gpu("PUT", f"{RP}/{GPU}/aggregates", body).status == 200
    child = {"name": "child", "parent_provider_uuid": GPU}
    assert gpu.ok("POST", RP, child)["root_provider_uuid"] == a_uuid("host1")


def test_types_that_share_a_pool_shrink_each_other(gpu):
    assert free(gpu) == {FB: 16384, SMALL: 4, LARGE: 2}
    body = holds({GPU: {"resources": {LARGE: 1}}})
    assert gpu("PUT", f"/allocations/{C1}", body).status == 204
    assert free(gpu) == {FB: 8192, SMALL: 2, LARGE: 1}
    assert gpu.ok("GET", f"{RP}/{GPU}/usages")["usages"] == {FB: 0, SMALL: 0, LARGE: 1}


@pytest.mark.parametrize("asked", [f"{SMALL}:3", f"{LARGE}:2", f"{FB}:8193"])
def test_no_client_is_offered_what_cannot_be_claimed(gpu, asked):
    query = f"/allocation_candidates?resources={asked}"
    assert len(gpu.ok("GET", query)["allocation_requests"]) == 1
    gpu("PUT", f"/allocations/{C1}", holds({GPU: {"resources": {LARGE: 1}}}))
    assert gpu.ok("GET", query)["allocation_requests"] == []
    name, _, amount = asked.partition(":")
    told = gpu("PUT", f"/allocations/{C2}", holds({GPU: {"resources": {name: int(amount)}}}))
    assert told.status == 409
    assert "exceed the capacity" in told.error["detail"]


def test_a_device_goes_along_when_allocations_move_to_a_migration_and_back(gpu):
    """Nova's client knows nothing of devices, and the guest keeps its own."""
    store = gpu.engine.store
    claim(store, holding("guest", {"gpu0": {FB: 4096}}, occupant(device=a_uuid("mdev"))))
    guest, migration = a_uuid("guest"), a_uuid("migration")
    held_ = {GPU: {"resources": {FB: 4096}}}
    moved = {guest: holds({}, 1), migration: holds(held_, None, consumer_type="MIGRATION")}
    assert gpu("POST", "/allocations", moved).status == 204
    assert [one.device for one in held(store, "migration").occupants] == [a_uuid("mdev")]
    back = {guest: holds(held_, None), migration: holds({}, 1)}
    assert gpu("POST", "/allocations", back).status == 204
    assert [one.device for one in held(store, "guest").occupants] == [a_uuid("mdev")]


def test_what_strangers_took_is_reserved(wire):
    """An instance on the host that nobody has allocated takes room, and is no usage."""
    stray = SeenInstance(id=a_uuid("mdev"), type="acme/gpu-a", units={FB: 4096})
    report(wire.engine.store, a_plan("host1", a_device(views=VIEWS, instances=(stray,))))
    assert free(wire) == {FB: 12288, SMALL: 3, LARGE: 1}
    assert wire.ok("GET", f"{RP}/{GPU}/usages")["usages"] == {FB: 0, SMALL: 0, LARGE: 0}


def test_a_provider_with_an_aggregate_ends_with_its_host(gpu):
    body = {"aggregates": [C1], "resource_provider_generation": gpu.generation(GPU)}
    gpu.ok("PUT", f"{RP}/{GPU}/aggregates", body)
    report(gpu.engine.store, a_plan("host1"), sequence=2)
    assert gpu("GET", f"{RP}/{GPU}").status == 404


def test_a_record_follows_what_clients_make(wire):
    uuid = wire.provider(VCPU=4)
    wire.ok("PUT", f"{RP}/{uuid}", {"name": "renamed"})
    record = wire.engine.store.read(lambda tx: read_provider(tx, uuid))
    assert record.plan.name == "renamed"
    assert record.plan.inventories["VCPU"].total == 4


def test_reports_and_claims_tell_when_a_provider_changed(gpu):
    """A client that polls by it sees what the host has told, and what guests have taken."""

    def modified():
        return gpu("GET", f"{RP}/{GPU}").headers["last-modified"]

    plan = a_plan("host1", a_device(views=VIEWS, pool=8192))
    seen = [modified()]
    for number, now in ((2, 1_760_000_000.0), (3, 1_770_000_000.0)):
        report(gpu.engine.store, plan, sequence=number, now=now)
        seen.append(modified())

    assert seen == [
        "Sun, 15 Jun 2025 15:06:40 GMT",
        "Thu, 09 Oct 2025 08:53:20 GMT",
        "Thu, 09 Oct 2025 08:53:20 GMT",
    ]
    claim(gpu.engine.store, holding("guest", {"gpu0": {FB: 1}}))
    assert modified() == seen[0]
