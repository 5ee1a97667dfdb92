"""Providers, trees, inventories, traits, aggregates and names, as clients write them."""

import threading

import pytest

from placement_wire import C1, RP, U1, U2, U3

AGGREGATE = "a0000000-0000-4000-8000-000000000000"


def test_a_provider_is_shown_as_it_was_made(wire):
    told = wire("POST", RP, {"uuid": U1, "name": "ragged"})
    assert told.status == 200
    assert told.headers["location"] == f"http://placement.test{RP}/{U1}"
    assert told.json["name"] == "ragged"
    assert told.json["generation"] == 0
    assert told.json["root_provider_uuid"] == U1
    assert wire.ok("GET", f"{RP}/{U1}") == told.json


@pytest.mark.parametrize(
    ("mv", "rels"),
    [
        ("1.0", ["self", "inventories", "usages"]),
        ("1.1", ["self", "inventories", "usages", "aggregates"]),
        ("1.6", ["self", "inventories", "usages", "aggregates", "traits"]),
        ("1.11", ["self", "inventories", "usages", "aggregates", "traits", "allocations"]),
    ],
)
def test_links_are_those_of_the_microversion(wire, mv, rels):
    wire.provider()
    shown = wire.ok("GET", f"{RP}/{U1}", mv=mv)
    assert [link["rel"] for link in shown["links"]] == rels
    assert "root_provider_uuid" not in shown


def test_before_1_20_what_was_made_is_told_by_its_place_alone(wire):
    told = wire("POST", RP, {"uuid": U1, "name": "ragged"}, mv="1.19")
    assert (told.status, told.body) == (201, b"")
    assert told.headers["location"].endswith(U1)


def test_a_name_or_uuid_is_given_once(wire):
    wire.provider()
    told = wire("POST", RP, {"uuid": U2, "name": U1})
    assert told.status == 409
    assert told.error["code"] == "placement.duplicate_name"
    assert f"Conflicting resource provider name: {U1} already exists." in told.error["detail"]


def test_of_many_that_want_one_name_at_once_one_gets_it(wire):
    """On PostgreSQL several writers look before any of them has written."""
    statuses: list[int] = []

    def post(number: int) -> None:
        body = {"name": "same", "uuid": f"{number:08x}-0000-4000-8000-000000000000"}
        statuses.append(wire("POST", RP, body).status)

    threads = [threading.Thread(target=post, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 11


def test_a_rename_to_a_name_that_is_taken_changes_nothing(wire):
    wire.provider(U1)
    wire.provider(U2)
    told = wire("PUT", f"{RP}/{U1}", {"name": U2})
    assert told.status == 409
    assert told.error["code"] == "placement.duplicate_name"
    assert wire.ok("GET", f"{RP}/{U1}")["name"] == U1


def test_a_tree_moves_as_one_and_closes_no_loop(wire):
    wire.provider(U1)
    wire.provider(U2, parent=U1)
    wire.provider(U3, parent=U2)
    loop = wire("PUT", f"{RP}/{U1}", {"name": U1, "parent_provider_uuid": U3})
    assert loop.status == 400
    assert "creating loop in the provider tree is not allowed" in loop.error["detail"]
    early = wire("PUT", f"{RP}/{U2}", {"name": U2, "parent_provider_uuid": None}, mv="1.36")
    assert "un-parenting a provider is not currently allowed" in early.error["detail"]
    wire.ok("PUT", f"{RP}/{U2}", {"name": U2, "parent_provider_uuid": None})
    assert wire.ok("GET", f"{RP}/{U3}")["root_provider_uuid"] == U2
    assert len(wire.ok("GET", f"{RP}?in_tree={U3}")["resource_providers"]) == 2


def test_a_parent_with_children_stays(wire):
    wire.provider(U1)
    wire.provider(U2, parent=U1)
    told = wire("DELETE", f"{RP}/{U1}")
    assert told.status == 409
    assert told.error["code"] == "placement.resource_provider.cannot_delete_parent"
    assert wire("DELETE", f"{RP}/{U2}").status == 204
    assert wire("DELETE", f"{RP}/{U1}").status == 204
    assert wire("GET", f"{RP}/{U1}").status == 404


def test_a_uuid_that_comes_back_begins_at_0_again(wire):
    wire.provider(VCPU=4)
    assert wire.generation() == 1
    wire.ok("DELETE", f"{RP}/{U1}")
    wire.provider()
    assert wire.generation() == 0
    wire.ok("PUT", f"{RP}/{U1}/traits", {"traits": [], "resource_provider_generation": 0})


def test_a_rename_leaves_the_generation_where_it_was(wire):
    wire.provider()
    assert wire.ok("PUT", f"{RP}/{U1}", {"name": "other"})["generation"] == 0


def test_inventories_are_replaced_at_their_generation_only(wire):
    wire.provider(VCPU=4)
    body = {"resource_provider_generation": 0, "inventories": {"DISK_GB": {"total": 9}}}
    told = wire("PUT", f"{RP}/{U1}/inventories", body)
    assert told.status == 409
    assert told.error["code"] == "placement.concurrent_update"
    body["resource_provider_generation"] = 1
    shown = wire.ok("PUT", f"{RP}/{U1}/inventories", body)
    assert shown["resource_provider_generation"] == 2
    assert shown["inventories"] == {
        "DISK_GB": {
            "total": 9,
            "reserved": 0,
            "min_unit": 1,
            "max_unit": 2147483647,
            "step_size": 1,
            "allocation_ratio": 1.0,
        }
    }


def test_all_may_be_reserved_from_1_26_on(wire):
    wire.provider()
    body = {"resource_class": "VCPU", "total": 4, "reserved": 4}
    told = wire("POST", f"{RP}/{U1}/inventories", body, mv="1.25")
    assert told.status == 400
    assert "reserved value is greater than or equal to total" in told.body.decode()
    assert wire("POST", f"{RP}/{U1}/inventories", body, mv="1.26").status == 201


def test_an_inventory_in_use_stays_but_may_shrink(wire):
    wire.provider(VCPU=4)
    assert wire.allocate(on_1={"VCPU": 3}).status == 204
    told = wire("DELETE", f"{RP}/{U1}/inventories")
    assert told.status == 409
    assert told.error["code"] == "placement.inventory.inuse"
    body = {"resource_provider_generation": wire.generation(), "total": 1}
    assert wire("PUT", f"{RP}/{U1}/inventories/VCPU", body).status == 200
    assert wire.ok("GET", f"{RP}/{U1}/usages")["usages"] == {"VCPU": 3}
    assert wire("DELETE", f"/allocations/{C1}").status == 204
    assert wire("DELETE", f"{RP}/{U1}/inventories").status == 204


def test_traits_must_exist_and_are_deleted_when_free(wire):
    wire.provider()
    body = {"traits": ["CUSTOM_A", "HW_CPU_X86_VMX"], "resource_provider_generation": 0}
    told = wire("PUT", f"{RP}/{U1}/traits", body)
    assert told.status == 400
    assert "No such trait CUSTOM_A" in told.error["detail"]
    assert [wire("PUT", "/traits/CUSTOM_A").status for _ in range(2)] == [201, 204]
    assert wire.ok("PUT", f"{RP}/{U1}/traits", body)["resource_provider_generation"] == 1
    assert wire("DELETE", "/traits/CUSTOM_A").status == 409
    assert wire("DELETE", "/traits/HW_CPU_X86_VMX").status == 400
    assert wire.ok("GET", "/traits?associated=true")["traits"] == ["HW_CPU_X86_VMX", "CUSTOM_A"]
    assert wire("DELETE", f"{RP}/{U1}/traits").status == 204
    assert wire("DELETE", "/traits/CUSTOM_A").status == 204


def test_aggregates_move_the_generation_from_1_19_on(wire):
    wire.provider()
    path = f"{RP}/{U1}/aggregates"
    assert wire.ok("PUT", path, [AGGREGATE], mv="1.18") == {"aggregates": [AGGREGATE]}
    assert wire.generation() == 0
    body = {"aggregates": [AGGREGATE], "resource_provider_generation": 0}
    assert wire.ok("PUT", path, body)["resource_provider_generation"] == 1
    assert wire("PUT", path, body).status == 409
    found = wire.ok("GET", f"{RP}?member_of=in:{AGGREGATE},{U3}")["resource_providers"]
    assert [each["uuid"] for each in found] == [U1]


def test_a_custom_class_is_made_once_and_goes_when_free(wire):
    assert [wire("PUT", "/resource_classes/CUSTOM_X").status for _ in range(2)] == [201, 204]
    assert wire("POST", "/resource_classes", {"name": "CUSTOM_X"}).status == 409
    wire.provider(CUSTOM_X=1)
    assert wire("DELETE", "/resource_classes/CUSTOM_X").status == 409
    assert wire("DELETE", "/resource_classes/VCPU").status == 400
    assert wire("DELETE", f"{RP}/{U1}/inventories").status == 204
    assert wire("DELETE", "/resource_classes/CUSTOM_X").status == 204
    assert wire("GET", "/resource_classes/CUSTOM_X").status == 404


def test_before_1_7_a_class_is_renamed(wire):
    wire.ok("PUT", "/resource_classes/CUSTOM_X")
    wire.provider(CUSTOM_X=1)
    told = wire("PUT", "/resource_classes/CUSTOM_X", {"name": "CUSTOM_Y"}, mv="1.6")
    assert told.json["name"] == "CUSTOM_Y"
    assert list(wire.ok("GET", f"{RP}/{U1}/inventories")["inventories"]) == ["CUSTOM_Y"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("resources=VCPU:4", [U1]),
        ("resources=VCPU:5", []),
        ("resources=VCPU:1,DISK_GB:1", []),
        ("required=HW_CPU_X86_VMX", [U1]),
        ("required=!HW_CPU_X86_VMX", [U2]),
        ("required=in:HW_CPU_X86_VMX,HW_CPU_X86_AVX", [U1]),
        (f"uuid={U2}", [U2]),
        (f"in_tree={U3}", []),
    ],
)
def test_providers_are_listed_by_what_they_have(wire, query, found):
    wire.provider(U1, VCPU=4)
    wire.provider(U2, DISK_GB=4)
    body = {"traits": ["HW_CPU_X86_VMX"], "resource_provider_generation": 1}
    wire.ok("PUT", f"{RP}/{U1}/traits", body)
    listed = wire.ok("GET", f"{RP}?{query}")["resource_providers"]
    assert [each["uuid"] for each in listed] == found
