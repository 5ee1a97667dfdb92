"""What consumers hold: written whole, counted once, refused with a reason."""

import threading

import pytest

from placement_wire import C1, C2, RP, U1, U2, U3, holds
from wherry.model.claims import Claim, Holding
from wherry.store.claims import write_claim


def test_a_consumer_holds_what_was_written(wire):
    wire.provider(VCPU=4, MEMORY_MB=8)
    assert wire.allocate(on_1={"VCPU": 2, "MEMORY_MB": 8}).status == 204
    assert wire.ok("GET", f"/allocations/{C1}") == {
        "allocations": {U1: {"resources": {"VCPU": 2, "MEMORY_MB": 8}, "generation": 2}},
        "project_id": "project",
        "user_id": "user",
        "consumer_generation": 1,
        "consumer_type": "INSTANCE",
    }
    on_provider = wire.ok("GET", f"{RP}/{U1}/allocations")
    assert on_provider["allocations"][C1]["resources"] == {"VCPU": 2, "MEMORY_MB": 8}


@pytest.mark.parametrize(
    ("mv", "keys"),
    [
        ("1.11", {"allocations"}),
        ("1.12", {"allocations", "project_id", "user_id"}),
        ("1.28", {"allocations", "project_id", "user_id", "consumer_generation"}),
    ],
)
def test_older_microversions_show_less(wire, mv, keys):
    wire.provider(VCPU=4)
    wire.allocate(on_1={"VCPU": 2})
    assert set(wire.ok("GET", f"/allocations/{C1}", mv=mv)) == keys


def test_the_oldest_microversions_write_a_list(wire):
    wire.provider(VCPU=4)
    body = {"allocations": [{"resource_provider": {"uuid": U1}, "resources": {"VCPU": 1}}]}
    wire.ok("PUT", f"/allocations/{C1}", body, mv="1.0")
    wire.ok("PUT", f"/allocations/{C1}", body, mv="1.7")
    shown = wire.ok("GET", f"/allocations/{C1}")
    assert shown["consumer_generation"] == 2
    assert shown["consumer_type"] == "unknown"
    assert shown["project_id"] == "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ({"VCPU": 5}, "The requested amount would exceed the capacity."),
        ({"MEMORY_MB": 3}, "The requested amount would violate inventory constraints."),
        ({"DISK_GB": 1}, "Inventory for 'DISK_GB' on resource provider"),
        ({"VCPU": 10**30}, "The requested amount would violate inventory constraints."),
    ],
)
def test_what_does_not_fit_is_a_conflict(wire, amounts, words):
    wire.provider(VCPU=4, MEMORY_MB={"total": 8, "step_size": 2})
    told = wire.allocate(on_1=amounts)
    assert told.status == 409
    assert words in told.error["detail"]
    assert told.error["code"] == "placement.undefined_code"
    assert wire.ok("GET", f"/allocations/{C1}") == {"allocations": {}}


def test_what_is_unknown_is_a_bad_request(wire):
    wire.provider(VCPU=4)
    assert "does not exist" in wire.allocate(on_2={"VCPU": 1}).error["detail"]
    told = wire.allocate(on_1={"CUSTOM_NONE": 1})
    assert told.status == 400
    assert "No such resource class CUSTOM_NONE" in told.error["detail"]


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (None, None, "expected 1 but got None"),
        (None, 7, "expected 1 but got 7"),
        (None, 10**40, "expected 1 but got 1000000"),
    ],
)
def test_a_consumer_is_written_at_its_generation_only(wire, first, then, words):
    wire.provider(VCPU=4)
    assert wire.allocate(C1, first, on_1={"VCPU": 1}).status == 204
    told = wire.allocate(C1, then, on_1={"VCPU": 2})
    assert told.status == 409
    assert told.error["code"] == "placement.concurrent_update"
    assert f"consumer generation conflict - {words}" in told.error["detail"]
    assert wire.allocate(C1, 1, on_1={"VCPU": 2}).status == 204


def test_a_new_consumer_is_expected_not_to_be_there(wire):
    wire.provider(VCPU=4)
    told = wire.allocate(C1, 3, on_1={"VCPU": 1})
    assert "expected null but got 3" in told.error["detail"]


def test_a_guest_moves_to_a_migration_in_one_write(wire):
    """As Nova does it: the source passes to the migration, the target to the guest."""
    wire.provider(U1, VCPU=4)
    wire.provider(U2, VCPU=4)
    wire.allocate(C1, on_1={"VCPU": 4})
    body = {
        C1: holds({U2: {"resources": {"VCPU": 4}}}, 1),
        C2: holds({U1: {"resources": {"VCPU": 4}}}, None, consumer_type="MIGRATION"),
    }
    assert wire("POST", "/allocations", body).status == 204
    usages = wire.ok("GET", "/usages?project_id=project")["usages"]
    assert usages == {
        "INSTANCE": {"VCPU": 4, "consumer_count": 1},
        "MIGRATION": {"VCPU": 4, "consumer_count": 1},
    }
    back = {C1: holds({U1: {"resources": {"VCPU": 4}}}, 2), C2: holds({}, 1)}
    assert wire("POST", "/allocations", back).status == 204
    assert wire.ok("GET", f"/allocations/{C2}") == {"allocations": {}}
    assert wire.ok("GET", f"{RP}/{U2}/usages")["usages"] == {"VCPU": 0}


def test_nothing_of_several_is_written_if_one_does_not_fit(wire):
    wire.provider(U1, VCPU=4)
    body = {
        C1: holds({U1: {"resources": {"VCPU": 3}}}),
        C2: holds({U1: {"resources": {"VCPU": 3}}}),
    }
    assert wire("POST", "/allocations", body).status == 409
    assert wire.ok("GET", f"{RP}/{U1}/usages")["usages"] == {"VCPU": 0}


@pytest.mark.parametrize(
    ("query", "want"),
    [
        ("project_id=project", {"INSTANCE": {"VCPU": 3, "consumer_count": 2}}),
        ("project_id=project&consumer_type=all", {"all": {"VCPU": 3, "consumer_count": 2}}),
        ("project_id=project&consumer_type=unknown", {}),
        ("project_id=project&user_id=nobody", {}),
    ],
)
def test_usages_are_summed_by_type(wire, query, want):
    wire.provider(VCPU=4)
    wire.allocate(C1, on_1={"VCPU": 1})
    wire.allocate(C2, on_1={"VCPU": 2})
    assert wire.ok("GET", f"/usages?{query}")["usages"] == want
    assert wire.ok("GET", "/usages?project_id=project", mv="1.37")["usages"] == {"VCPU": 3}


def test_letting_go_names_no_provider(wire):
    """Placement moves no provider's generation on a delete, and neither do we."""
    wire.provider(VCPU=4)
    wire.allocate(C1, on_1={"VCPU": 1})
    before = wire.generation()
    assert wire("DELETE", f"/allocations/{C1}").status == 204
    assert wire.generation() == before
    assert wire("DELETE", f"/allocations/{C1}").status == 404


def test_a_write_without_change_still_moves_the_provider_on(wire):
    wire.provider(VCPU=4)
    wire.allocate(C1, on_1={"VCPU": 1})
    before = wire.generation()
    wire.allocate(C1, 1, on_1={"VCPU": 1})
    assert wire.generation() == before + 1


def test_inventory_in_use_moves_to_a_child(wire):
    wire.provider(U1, VGPU=4)
    wire.provider(U2, parent=U1)
    wire.allocate(C1, on_1={"VGPU": 3})
    body = {
        "inventories": {
            U1: {"resource_provider_generation": 2, "inventories": {}},
            U2: {"resource_provider_generation": 0, "inventories": {"VGPU": {"total": 4}}},
        },
        "allocations": {C1: holds({U2: {"resources": {"VGPU": 3}}}, 1)},
    }
    assert wire("POST", "/reshaper", body).status == 204
    assert wire.ok("GET", f"{RP}/{U1}/inventories")["inventories"] == {}
    assert wire.ok("GET", f"{RP}/{U2}/usages")["usages"] == {"VGPU": 3}


def test_a_reshape_that_leaves_something_held_behind_changes_nothing(wire):
    wire.provider(U1, VGPU=4)
    wire.provider(U2, parent=U1)
    wire.allocate(C1, on_1={"VGPU": 3})
    body = {
        "inventories": {
            U1: {"resource_provider_generation": 2, "inventories": {}},
            U2: {"resource_provider_generation": 0, "inventories": {"VGPU": {"total": 4}}},
        },
        "allocations": {},
    }
    told = wire("POST", "/reshaper", body)
    assert told.status == 409
    assert told.error["code"] == "placement.inventory.inuse"
    assert wire.ok("GET", f"{RP}/{U2}/inventories")["inventories"] == {}
    body["inventories"][U3] = {"resource_provider_generation": 0, "inventories": {}}
    told = wire("POST", "/reshaper", body)
    assert told.error["code"] == "placement.resource_provider.not_found"


def test_writers_at_once_never_fill_more_than_there_is(wire):
    """48 clients want 1 of 20 units each; as many succeed as there are, the rest conflict."""
    wire.provider(VCPU=20)
    statuses: list[int] = []

    def claim(number: int) -> None:
        told = wire.allocate(f"{number:08x}-0000-4000-9000-000000000000", on_1={"VCPU": 1})
        statuses.append(told.status)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(48)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [204] * 20 + [409] * 28
    assert wire.ok("GET", f"{RP}/{U1}/usages")["usages"] == {"VCPU": 20}


def modified(wire, path):
    """When something changed last, as its answer says."""
    return wire("GET", path).headers["last-modified"]


def test_claims_of_either_door_tell_when_a_provider_and_its_consumer_changed(make_wire):
    """Clients of Placement poll by it; a guest's claim comes through the service's own door."""
    wire = make_wire()
    clock = iter(range(1_000_000_000, 1_000_100_000, 3600))
    wire.engine.clock = lambda: float(next(clock))
    wire.provider(VCPU=8)
    made = modified(wire, f"{RP}/{U1}")
    wire.allocate(on_1={"VCPU": 1})
    allocated = modified(wire, f"{RP}/{U1}")
    claim = Claim(
        id="claimed",
        holdings=(
            Holding(
                consumer=C1, consumer_type="INSTANCE", project="p", user="u",
                allocations={U1: {"VCPU": 2}},
            ),
        ),
    )  # fmt: skip
    wire.engine.store.write(lambda tx: write_claim(tx, claim, now=1_100_000_000.0))

    assert made != allocated
    assert modified(wire, f"{RP}/{U1}") == "Tue, 09 Nov 2004 11:33:20 GMT"
    assert modified(wire, f"/allocations/{C1}") == "Tue, 09 Nov 2004 11:33:20 GMT"
