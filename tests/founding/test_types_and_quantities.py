"""Founding e-mail, part E: types, aggregation, quantities.

Each test tells the number of its point and the e-mail's own words, spelled as they stand.
"""

from typing import Any

from acme_fleet import Fleet, name_of
from founding.desk import Desk, a_contract, an_offer
from founding.story import NEWEST, get
from reports import recorded_report

GUEST = f"/wherry/guests/{name_of('g')}"


def mtty(fleet: Fleet, host: str = "node-1", recording: str = "mtty-fresh") -> list[dict[str, Any]]:
    """Report the kernel's own sample driver; gives the rows of its offers."""
    report = recorded_report(recording, host=host)
    report["facts"]["host"].update(cpu={"count": 8, "flags": ["avx"]}, memory_mb=32031)
    fleet.service.put(f"/wherry/hosts/{host}/report", report)
    return list(fleet.service.get(f"/wherry/offers?host={host}")["offers"])


def fits(fleet: Fleet) -> dict[str, int]:
    """Type to how many more fit."""
    rows = fleet.service.get("/wherry/offers")["offers"]
    return {row["offer"]["type"]: row["fits"] for row in rows}


def inventories(fleet: Fleet, provider: str) -> dict[str, Any]:
    """A provider's inventories as Placement's clients read them."""
    return dict(get(fleet, f"/resource_providers/{provider}/inventories")["inventories"])


def test_a_parent_is_a_provider(sqlite_fleet: Fleet) -> None:
    """Point 117: "[parent physical device]"."""
    (first, *_) = mtty(sqlite_fleet)
    provider = sqlite_fleet.service.get(f"/resource_providers/{first['provider']}")

    assert provider["name"] == first["provider_name"]
    assert inventories(sqlite_fleet, first["provider"])["CUSTOM_MTTY_PORT"]["total"] == 24


def test_types_are_read(sqlite_fleet: Fleet) -> None:
    """Point 119: "[mdev_supported_types]", "[<type-id>]"."""
    types = {row["offer"]["type"] for row in mtty(sqlite_fleet)}

    assert types == {"mtty/mtty-1", "mtty/mtty-2"}


def test_available_instances_is_a_view_of_the_pool(fleet: Fleet) -> None:
    """Point 122: "available_instances"."""
    (first, *_) = mtty(fleet)
    seen = inventories(fleet, first["provider"])

    assert (seen["CUSTOM_MTTY_1"]["total"], seen["CUSTOM_MTTY_2"]["total"]) == (24, 12)
    assert fits(fleet) == {"mtty/mtty-1": 24, "mtty/mtty-2": 12}


def test_device_api_is_compared(desk: Desk) -> None:
    """Point 123: "device_api"."""
    assert desk.codes(a_contract(), an_offer(device_api="vfio-ccw")) == ["DEVICE_API"]


def test_a_description_becomes_facts(sqlite_fleet: Fleet) -> None:
    """Point 124: "description"."""
    report = recorded_report("constructed-gvtg-v5", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    rows = sqlite_fleet.service.get("/wherry/offers")["offers"]
    offer = next(r["offer"] for r in rows if r["offer"]["type"] == "i915/GVTg_V5_4")

    assert "low_gm_size: 128MB" in offer["description"]
    assert offer["params"]["low_gm_mb"]["value"] == 128


def test_the_e_mails_own_tree_works(sqlite_fleet: Fleet) -> None:
    """Point 125: mtty-1 and mtty-2, with their "devices"."""
    mtty(sqlite_fleet, recording="mtty-3mdevs")

    assert fits(sqlite_fleet)["mtty/mtty-1"] == 19


def test_instances_count_with_their_type(sqlite_fleet: Fleet) -> None:
    """Point 126: "[$MDEV_UUID]", "mdev_type {link to its type}"."""
    (first, *_) = mtty(sqlite_fleet, recording="mtty-3mdevs")
    seen = inventories(sqlite_fleet, first["provider"])

    assert seen["CUSTOM_MTTY_PORT"]["reserved"] == 5


def test_sets_of_any_size_are_made_of_one_unit(fleet: Fleet) -> None:
    """Point 127: "aggregation … combined into arbitrary sets"."""
    fleet.report("node-1", free=8)
    provider = fleet.provider("node-1")
    for guest, amount, status in (("g", 5, 204), ("h", 4, 409), ("i", 3, 204)):
        body = {
            "allocations": {provider: {"resources": {"CUSTOM_ACME_SLICE": amount}}},
            "consumer_generation": None,
            "project_id": "alpha",
            "user_id": "ann",
            "consumer_type": "INSTANCE",
        }
        path = f"/allocations/{name_of(guest)}"
        assert fleet.service.ask("PUT", path, body, headers=NEWEST).status == status


def test_inventory_is_linear_and_lists_no_combinations(sqlite_fleet: Fleet) -> None:
    """Point 128: "impractical to expose an mdev type for every possible enumeration"."""
    (first, *_) = mtty(sqlite_fleet)
    seen = inventories(sqlite_fleet, first["provider"])

    assert sorted(seen) == ["CUSTOM_MTTY_1", "CUSTOM_MTTY_2", "CUSTOM_MTTY_PORT"]


def test_parameters_in_effect_tell_devices_of_one_type_apart(desk: Desk) -> None:
    """Point 129: "even within an mdev type running on the same driver, there are devices that
    are not directly compatible".
    """
    offer = an_offer(params={"mode": {"type": "str", "rule": "eq", "value": "compute"}})

    assert desk.codes(a_contract(params={"mode": "graphics"}), offer) == ["PARAM_EQ"]


def test_a_type_for_each_combination_works(fleet: Fleet) -> None:
    """Point 130: "mdev type for each enmartion … fine for 1-2 variabley"."""
    rows = mtty(fleet)
    two = next(row for row in rows if row["offer"]["type"] == "mtty/mtty-2")
    slot = {"provider": two["provider"], "type": "mtty/mtty-2"}
    fleet.service.put(GUEST, {"host": "node-1", "slots": {"port": slot}})

    assert fits(fleet) == {"mtty/mtty-1": 22, "mtty/mtty-2": 11}


def test_several_devices_of_one_guest_move_together(fleet: Fleet) -> None:
    """Point 131: "report each of the consomable sub componetns as an mdev type and create
    mupltipel mdevs".
    """
    for host in ("node-1", "node-2"):
        mtty(fleet, host)
    rows = fleet.service.get("/wherry/offers?host=node-1&type=mtty/mtty-1")["offers"]
    slot = {"provider": rows[0]["provider"], "type": "mtty/mtty-1"}
    fleet.service.put(GUEST, {"host": "node-1", "slots": {f"port{n}": slot for n in range(3)}})
    (target,) = fleet.targets("g")["targets"]

    assert target["host"] == "node-2"
    assert sorted(row["slot"] for row in target["mapping"]) == ["port0", "port1", "port2"]


def compose(fleet: Fleet, provider: str) -> dict[str, Any]:
    """Set two of one type aside as one device of a composed type."""
    body = {
        "uuid": name_of("pair"),
        "name": "pair",
        "parts": [{"type": "acme/a1", "count": 2}],
    }
    return dict(fleet.service.post(f"/wherry/providers/{provider}/compositions", body))


def test_a_parent_is_partitioned_into_a_composed_type(fleet: Fleet) -> None:
    """Point 132: "an api to dynamically compose mdevs types which staticaly partion"."""
    fleet.report("node-1", free=4)
    made = compose(fleet, fleet.provider("node-1"))
    types = {r["offer"]["type"]: r["fits"] for r in fleet.service.get("/wherry/offers")["offers"]}

    assert made["type"] == "composed/pair"
    assert types == {"acme/a1": 2, "composed/pair": 1}


def test_a_composed_types_description_is_read_by_people_and_programs(fleet: Fleet) -> None:
    """Point 133: "embeding the resouce infomation in the description filed in a huma/machince
    readable form".
    """
    fleet.report("node-1", free=4)
    made = compose(fleet, fleet.provider("node-1"))

    assert made["description"] == "composed/pair = 2 x acme/a1 CUSTOM_ACME_SLICE:1"
    assert made["units"] == {"CUSTOM_ACME_SLICE": 2}


def test_types_are_not_crossed(desk: Desk) -> None:
    """Point 135: "it does assume no cross mdev_type migration"."""
    assert desk.codes(a_contract(), an_offer(type="acme/a2")) == ["TYPE_MISMATCH"]


def test_one_type_name_that_means_two_things_is_reported(sqlite_fleet: Fleet) -> None:
    """Point 136: "nvida_mdev_type_x on host 1 is the same as nvida_mdev_type_x on host 2"."""
    for host in ("node-1", "node-2"):
        sqlite_fleet.report(host, features="X")
    assert sqlite_fleet.service.get("/wherry/lints") == {"lints": []}

    sqlite_fleet.report("node-3", features="X Y")
    (lint,) = sqlite_fleet.service.get("/wherry/lints")["lints"]
    assert (lint["type"], [each["code"] for each in lint["reasons"]]) == (
        "acme/a1",
        ["LINT_FEATURE_ADDED", "LINT_FEATURE_REMOVED"],
    )
    assert lint["first"].startswith("node-1")
    assert lint["other"].startswith("node-3")


def test_another_parent_of_the_same_type_is_a_remark(desk: Desk) -> None:
    """Point 137: "if the parent device differese but support the same mdev type … should be
    compatiable".
    """
    answer = desk.check(a_contract(parent={"device": "2230"}), an_offer(parent={"device": "2235"}))

    assert answer["verdict"] == "ok"
    assert [(r["code"], r["severity"]) for r in answer["reasons"]] == [("PARENT_DIFFERS", "info")]


def test_a_different_name_is_another_device(desk: Desk) -> None:
    """Point 138: "or a differnt mdev_type name should be used"."""
    answer = desk.check(
        a_contract(parent={"device": "2230"}),
        an_offer(type="acme/a1b", parent={"device": "2235"}),
    )

    assert answer["verdict"] == "no"


def test_the_type_cannot_change_while_a_guest_runs(desk: Desk) -> None:
    """Point 139: "the mdev type cant change as part of a live migration"."""
    modes = desk.check(a_contract(), an_offer(type="acme/b2"))["modes"]

    assert (modes["live"], modes["suspend"], modes["cold"]) == ("no", "no", "no")


def test_what_it_would_be_is_named(desk: Desk) -> None:
    """Point 140: "it would be something else"."""
    (reason,) = desk.check(a_contract(), an_offer(type="acme/b2"))["reasons"]

    assert reason["detail"] == {"wanted": "acme/a1", "offered": "acme/b2"}


def test_the_parents_ids_do_not_decide(desk: Desk) -> None:
    """Point 141: "mdev type is not defined by the vendor:device id of the parent"."""
    answer = desk.check(
        a_contract(parent={"vendor": "10de", "device": "1db4"}),
        an_offer(parent={"vendor": "10de", "device": "1db6"}),
    )

    assert answer["verdict"] == "ok"


def test_the_brand_of_a_board_makes_no_difference(desk: Desk) -> None:
    """Point 142: "evga branded v100 vs an pny branded one"."""
    evga, pny = ({"vendor": "10de", "device": "1db4", "subvendor": s} for s in ("3842", "196e"))

    assert desk.check(a_contract(parent=evga), an_offer(parent=pny))["verdict"] == "ok"


def test_sriov_that_is_off_is_told_as_such(sqlite_fleet: Fleet) -> None:
    """Point 143: "oem sku nics without sriov … deliberatly disabled in the dell firmware"."""
    report = recorded_report("igb-novfs", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    providers = sqlite_fleet.service.get("/wherry/hosts/node-1")["providers"]

    assert [each["plan"].get("note") for each in providers[1:]] == ["SR-IOV off"] * 2


def test_a_changed_description_is_a_signal(desk: Desk) -> None:
    """Point 144: "change the name **or the description filed content** to signal that"."""
    answer = desk.check(a_contract(description="2 lanes"), an_offer(description="4 lanes"))

    assert (answer["verdict"], answer["reasons"][0]["code"]) == ("warn", "DESCRIPTION_DIFFERS")


def test_a_vendor_opens_a_door_between_types(desk: Desk) -> None:
    """Point 145: "desires to allow migration between physical and mdev, … mdev types that might
    be composable to be compatible with other types".
    """
    composed = an_offer(type="acme/2xa1", also_types=["acme/a1"])

    assert desk.codes(a_contract(), composed) == []


def test_features_belong_to_a_type(sqlite_fleet: Fleet) -> None:
    """Point 146: "composable mdev types are really challanging without some kind of feature flag
    concept".
    """
    sqlite_fleet.report("node-1", features="X Y", types=("a1", "a2"))
    rows = sqlite_fleet.service.get("/wherry/offers")["offers"]

    assert {row["offer"]["type"]: sorted(row["offer"]["features"]) for row in rows} == {
        "acme/a1": ["X", "Y"],
        "acme/a2": ["X", "Y"],
    }


def traits(fleet: Fleet, provider: str) -> set[str]:
    """A provider's traits as Placement's clients read them."""
    return set(get(fleet, f"/resource_providers/{provider}/traits")["traits"])


def root_of(fleet: Fleet, host: str) -> str:
    """uuid of a host's own provider."""
    path = f"/resource_providers?name={host}"
    return str(fleet.service.get(path)["resource_providers"][0]["uuid"])


def test_cpu_flags_are_traits(sqlite_fleet: Fleet) -> None:
    """Point 147: "like cpu flags"."""
    mtty(sqlite_fleet)

    assert any(
        t.startswith("HW_CPU_X86_") for t in traits(sqlite_fleet, root_of(sqlite_fleet, "node-1"))
    )


def test_features_have_names(sqlite_fleet: Fleet) -> None:
    """Point 149: "human readable and easily parsable"."""
    sqlite_fleet.report("node-1", version="1.0", features="X ray-tracing")
    offer = sqlite_fleet.service.get("/wherry/offers?host=node-1")["offers"][0]["offer"]

    assert offer["interface"]["supports"] == "1.0"
    assert sorted(offer["features"]) == ["X", "ray-tracing"]


def test_cpu_flags_are_scheduled_by(sqlite_fleet: Fleet) -> None:
    """Point 150: "schedule on cpu flags … using a traits abstraction"."""
    mtty(sqlite_fleet)
    path = "/allocation_candidates?resources=CUSTOM_MTTY_PORT:1&root_required="

    assert get(sqlite_fleet, path + "HW_CPU_X86_AVX")["allocation_requests"]
    assert not get(sqlite_fleet, path + "HW_CPU_X86_AVX2")["allocation_requests"]


def test_gpus_have_their_cuda_level_as_a_trait(sqlite_fleet: Fleet) -> None:
    """Point 151: "or gpu cuda level", "os_traits/hw/gpu/cuda"."""
    report = recorded_report("constructed-nvidia-a6000", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    provider = sqlite_fleet.service.get("/wherry/offers")["offers"][0]["provider"]

    assert "CUSTOM_HW_GPU_CUDA_COMPUTE_CAPABILITY_V8_6" in traits(sqlite_fleet, provider)


def test_a_feature_is_asked_for_and_no_model(desk: Desk) -> None:
    """Point 152: "instead of … intel 2695v3 … capable of using AVX"."""
    guest = {"contracts": [a_contract()], "needs": {"cpu_features": ["avx"]}}
    target = {"offers": [an_offer()], "host": {"cpu_features": ["avx", "sse4_2"]}}
    answer = desk.service.post("/wherry/check", {"guest": guest, "target": target})
    without = {**target, "host": {"cpu_features": ["sse4_2"]}}
    refused = desk.service.post("/wherry/check", {"guest": guest, "target": without})

    assert answer["verdict"] == "ok"
    assert [reason["code"] for reason in refused["reasons"]] == ["CPU_FEATURE_MISSING"]


def test_quality_is_asked_as_placement_asks_it(sqlite_fleet: Fleet) -> None:
    """Point 153: "qualitative schudleing and is why we create teh placement service"."""
    mtty(sqlite_fleet)
    path = "/allocation_candidates?resources=CUSTOM_MTTY_PORT:1&required=CUSTOM_SERIAL_MTTY"

    assert len(get(sqlite_fleet, path)["allocation_requests"]) == 1


def test_quantity_and_quality_stand_in_one_request(sqlite_fleet: Fleet) -> None:
    """Point 154: "decouple quantaitive request such as 4 cpus and 1G of ram form the qunative i
    need AVX".
    """
    mtty(sqlite_fleet)
    path = (
        "/allocation_candidates?resources=VCPU:1,MEMORY_MB:256"
        "&resources_port=CUSTOM_MTTY_PORT:2&required_port=CUSTOM_SERIAL_MTTY"
    )
    (found,) = get(sqlite_fleet, path)["allocation_requests"]

    assert len(found["allocations"]) == 2


def test_a_flavor_is_taken_as_it_stands(sqlite_fleet: Fleet) -> None:
    """Point 155: "resouces:VCPU=4,resouces:MEMORY_MB=1024 triats:required=HW_CPU_X86_AVX"."""
    mtty(sqlite_fleet)
    flavor = "resources:VCPU=4,resources:MEMORY_MB=1024,trait:HW_CPU_X86_AVX=required"
    answer = sqlite_fleet.service.post("/wherry/candidates", {"flavor": flavor})
    (found,) = answer["candidates"]

    (held,) = found["allocations"].values()
    assert (found["host"], held) == ("node-1", {"VCPU": 4, "MEMORY_MB": 1024})


def test_quantity_and_quality_are_declared(sqlite_fleet: Fleet) -> None:
    """Point 156: "declarative quantitive and capablites reporting … fits easily"."""
    (first, *_) = mtty(sqlite_fleet)

    assert "CUSTOM_SERIAL_MTTY" in traits(sqlite_fleet, first["provider"])
    assert (
        inventories(sqlite_fleet, first["provider"])["CUSTOM_MTTY_PORT"]["allocation_ratio"] == 1.0
    )


def test_siblings_follow_in_the_same_transaction(fleet: Fleet) -> None:
    """Point 157: "dynamic quantities that change as other mdev are allocated from the parent"."""
    (first, *_) = mtty(fleet)
    provider = first["provider"]
    before = fleet.service.get(f"/resource_providers/{provider}")["generation"]
    body = {
        "allocations": {provider: {"resources": {"CUSTOM_MTTY_2": 1}}},
        "consumer_generation": None,
        "project_id": "alpha",
        "user_id": "ann",
        "consumer_type": "INSTANCE",
    }
    assert (
        fleet.service.ask("PUT", f"/allocations/{name_of('h')}", body, headers=NEWEST).status == 204
    )
    seen = inventories(fleet, provider)

    assert fits(fleet) == {"mtty/mtty-1": 22, "mtty/mtty-2": 11}
    assert seen["CUSTOM_MTTY_1"]["reserved"] == 2
    assert fleet.service.get(f"/resource_providers/{provider}")["generation"] > before


def test_types_that_are_composed_are_inventory_at_once_and_go_again(fleet: Fleet) -> None:
    """Point 158: "or as new mdevs types are composed on the fly are very challenging"."""
    fleet.report("node-1", free=4)
    provider = fleet.provider("node-1")
    made = compose(fleet, provider)
    path = f"/allocation_candidates?resources={made['resource_class']}:1"
    assert len(get(fleet, path)["allocation_requests"]) == 1

    whole = f"/wherry/providers/{provider}/compositions/{made['uuid']}"
    assert fleet.service.ask("DELETE", whole).status == 204
    assert fits(fleet) == {"acme/a1": 4}
