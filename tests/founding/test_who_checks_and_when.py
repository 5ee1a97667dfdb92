"""Founding e-mail, part B: who checks, when, and with what.

Each test tells the number of its point and the e-mail's own words, spelled as they stand.
"""

import threading
from typing import Any

from acme_fleet import PROFILES, Fleet, a_report, name_of
from founding.desk import Desk, a_contract, an_offer
from founding.story import all_codes, belongs_to, get, move, preflight
from reports import recorded_report
from service import run_service
from wherry.app.settings import Settings

GUEST = f"/wherry/guests/{name_of('g')}"


def two_hosts(fleet: Fleet, **there: Any) -> None:
    """A guest on `home`, and another host that may differ."""
    fleet.report("home", version="1.0", features="X")
    fleet.report("there", **{"version": "1.0", "features": "X", **there})
    fleet.boot("g", "home")


def test_no_vendors_tool_is_needed(sqlite_fleet: Fleet) -> None:
    """Point 23: "calling out to a vender sepecific tool … [not] accpetable".

    The recording is sysfs alone.
    """
    report = recorded_report("constructed-nvidia-a6000", host="node-1")
    answer = sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    types = {row["offer"]["type"] for row in sqlite_fleet.service.get("/wherry/offers")["offers"]}

    assert answer["outcome"] == "stored"
    assert any("A6000" in name for name in types)


def test_vendors_knowledge_is_data(sqlite_fleet: Fleet) -> None:
    """Point 24: "vendor specific knowledge rather than actual tools".

    The made-up driver of this fleet is known by one file that an operator added.
    """
    known = {one["id"]: one for one in sqlite_fleet.service.get("/wherry/profiles")["profiles"]}

    assert known["acme"]["source"].endswith("acme.toml")
    assert known["mtty"]["source"] == "built-in mtty.toml"


def test_what_a_driver_publishes_beside_its_types_is_read(sqlite_fleet: Fleet) -> None:
    """Point 25: "the sys filesystem that describs the mdevs that can be created shoudl also
    contain the relevent infomation".
    """
    sqlite_fleet.report("home", version="2.5", features="X Y")
    (row,) = sqlite_fleet.service.get("/wherry/offers")["offers"]

    assert row["offer"]["interface"]["supports"] == "2.5"
    assert set(row["offer"]["features"]) == {"X", "Y"}


def test_a_last_confirmation_exists(sqlite_fleet: Fleet) -> None:
    """Point 28: "as the last step to check … before triggering a real live migration
    procedure".
    """
    two_hosts(sqlite_fleet)
    token = sqlite_fleet.claim("move", "g", "there").json["token"]
    early = sqlite_fleet.step("move", "start", {"token": token})
    assert (early.status, early.error["code"]) == (409, "migration.state")

    assert preflight(sqlite_fleet, ("home", "there"))["state"] == "confirmed"


def test_it_is_decided_while_targets_are_chosen(sqlite_fleet: Fleet) -> None:
    """Point 29: "that is already too late really … much sooneer"."""
    two_hosts(sqlite_fleet, version="2.0")
    answer = sqlite_fleet.targets("g")

    assert answer["targets"] == []
    assert answer["refused"]["by_reason"]["VERSION_MAJOR"] == 1


def test_the_next_alternate_is_tried_by_itself(fleet: Fleet) -> None:
    """Point 30: "if it fails then the live migration is aborted and will not be retired"."""
    two_hosts(fleet)
    fleet.report("other", version="1.0", features="X")
    claimed = fleet.claim("move", "g", "there", alternates=["other"]).json
    went_on = preflight(fleet, ("home", "there"), alternate="other", target={"ok": False})

    assert (went_on["state"], went_on["target"]) == ("confirmed", "other")
    assert went_on["token"] > claimed["token"]


def test_a_refusal_is_seen_and_kept(sqlite_fleet: Fleet) -> None:
    """Point 31: "it basically looks like the migration was ignored"."""
    two_hosts(sqlite_fleet)
    sqlite_fleet.claim("move", "g", "there")
    refused = preflight(
        sqlite_fleet, ("home", "there"), target={"ok": False, "objections": ["no room"]}
    )
    kept = sqlite_fleet.service.get(f"/wherry/migrations/{name_of('move')}")

    assert refused["state"] == kept["state"] == "refused"
    assert "PREFLIGHT_OBJECTION" in all_codes(kept)


def test_devices_are_asked_for_by_a_name_with_several_ids(sqlite_fleet: Fleet) -> None:
    """Point 32: "the pci alias is intended to reference a single vendor id/product id … 1+ alias
    for each type of device".
    """
    report = recorded_report("igb-vfs", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    ids = [("8086", "154c"), ("8086", "10ca")]
    kinds = [{"vendor_id": vendor, "product_id": product} for vendor, product in ids]
    sqlite_fleet.service.put("/wherry/device-requests/nic", {"alternatives": kinds})
    asked = {"devices": [{"name": "nic", "count": 2}]}
    found, *_ = sqlite_fleet.service.post("/wherry/candidates", asked)["candidates"]

    assert (found["host"], [part["request"] for part in found["parts"]]) == ("node-1", ["nic"] * 2)


def test_pci_devices_are_inventory(sqlite_fleet: Fleet) -> None:
    """Point 33: "schedule based on the availability of a compatibale device because we track
    inventories of pci devices".
    """
    report = recorded_report("igb-vfs", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    path = "/allocation_candidates?resources=CUSTOM_PCI_8086_10CA:1"

    assert get(sqlite_fleet, path)["allocation_requests"]


def test_step_1_facts_are_reported(sqlite_fleet: Fleet) -> None:
    """Point 34: "1 interospec the capability of the deivce we manage"."""
    answer = sqlite_fleet.report("home")

    assert (answer["outcome"], answer["providers"]) == ("stored", 2)


def test_step_2_they_become_inventories(sqlite_fleet: Fleet) -> None:
    """Point 35: "2 create inventories of the allocatable devices and there capabilities"."""
    sqlite_fleet.report("home")
    provider = sqlite_fleet.provider("home")
    seen = get(sqlite_fleet, f"/resource_providers/{provider}/inventories")["inventories"]

    assert seen["CUSTOM_ACME_SLICE"]["total"] == 4


def test_step_3_a_guest_that_does_not_run_yet_is_placed(fleet: Fleet) -> None:
    """Point 36: "3 schdule the instance to a host based on the device-type/capabilities"."""
    report = recorded_report("mtty-fresh", host="node-1")
    fleet.service.put("/wherry/hosts/node-1/report", report)
    kinds = {"alternatives": [{"resource_class": "CUSTOM_MTTY_2"}]}
    asked = {
        "devices": [{"name": "port", "request": kinds}],
        "claim": {"consumer": name_of("new"), "project": "alpha"},
    }
    answer = fleet.service.post("/wherry/candidates", asked)

    assert answer["claimed"] is not None
    held = get(fleet, f"/allocations/{name_of('new')}")["allocations"]
    assert [each["resources"] for each in held.values()] == [{"CUSTOM_MTTY_2": 1}]


def test_two_claims_on_the_last_device_have_one_winner(fleet: Fleet) -> None:
    """Point 37: "claim it atomicly to prevent raceces"."""
    fleet.report("home", version="1.0")
    fleet.report("there", version="1.0", free=1)
    for guest in ("g", "h"):
        fleet.boot(guest, "home")
    told: list[Any] = []
    threads = [
        threading.Thread(target=lambda g=guest: told.append(fleet.claim(f"m-{g}", g, "there")))
        for guest in ("g", "h")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(answer.status for answer in told) == [200, 409]
    loser = next(answer for answer in told if answer.status == 409)
    assert loser.error["code"] in {"no_target", "claim.capacity"}


def test_what_the_lower_level_says_is_a_reason(sqlite_fleet: Fleet) -> None:
    """Point 38: "4 have the lower level hyperviors do addtional validation if need"."""
    two_hosts(sqlite_fleet)
    sqlite_fleet.claim("move", "g", "there")
    told = {"ok": False, "objections": ["VFIO migration is not supported in kernel"]}
    refused = preflight(sqlite_fleet, ("home", "there"), source=told)
    (reason,) = refused["history"][-1]["reasons"]

    assert reason["detail"]["message"] == told["objections"][0]
    assert reason["detail"]["side"] == "source"


def test_offers_are_there_to_ask_and_verdicts_are_graded(desk: Desk) -> None:
    """Point 40: "make the information available for a management engine to consume as needed …
    likely compatible target devices".
    """
    offers = {
        "ok": an_offer(),
        "warn": an_offer(description="4 lanes"),
        "unknown": an_offer(migration={"support": "unknown"}),
        "no": an_offer(type="acme/b2"),
    }
    contract = a_contract(description="2 lanes")
    plain = {k: {"description": "2 lanes", **offer} for k, offer in offers.items()}

    assert {k: desk.check(contract, offer)["verdict"] for k, offer in plain.items()} == {
        k: k for k in offers
    }


def test_the_answer_comes_at_once_and_work_goes_on_behind(sqlite_fleet: Fleet) -> None:
    """Point 41: "the api does minimal valaidation then hand the task off to the conductor"."""
    two_hosts(sqlite_fleet)
    claimed = sqlite_fleet.claim("move", "g", "there")

    assert (claimed.status, claimed.json["state"]) == (200, "claimed")
    assert preflight(sqlite_fleet, ("home", "there"))["state"] == "confirmed"


def test_placements_rest_call_is_answered(sqlite_fleet: Fleet) -> None:
    """Point 42: "makes a rest call to the plamcent service"."""
    sqlite_fleet.report("home")
    names = {one["name"] for one in get(sqlite_fleet, "/resource_providers")["resource_providers"]}

    assert "home" in names


def test_candidates_meet_quantity_and_quality(sqlite_fleet: Fleet) -> None:
    """Point 43: "set of allocation candiate for host based on qunataive and qulaitivly
    queries".
    """
    report = recorded_report("mtty-fresh", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    path = "/allocation_candidates?resources=CUSTOM_MTTY_PORT:{}&required={}"

    def found(amount: int, trait: str) -> int:
        return len(get(sqlite_fleet, path.format(amount, trait))["allocation_requests"])

    assert found(24, "CUSTOM_SERIAL_MTTY") == 1
    assert found(25, "CUSTOM_SERIAL_MTTY") == 0
    assert found(24, "HW_GPU_API_VULKAN") == 0


def test_providers_are_trees(sqlite_fleet: Fleet) -> None:
    """Point 44: "abstract resouce provider tree model"."""
    sqlite_fleet.report("home")
    provider = sqlite_fleet.provider("home")
    tree = get(sqlite_fleet, f"/resource_providers?in_tree={provider}")["resource_providers"]
    (root,) = [one for one in tree if one["parent_provider_uuid"] is None]

    assert {one["root_provider_uuid"] for one in tree} == {root["uuid"]}
    assert root["name"] == "home"


def test_passthrough_is_modelled(sqlite_fleet: Fleet) -> None:
    """Point 45: "device pasthough is not modeled in placment"."""
    report = recorded_report("igb-vfs", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    rows = sqlite_fleet.service.get("/wherry/offers")["offers"]
    vf = next(row for row in rows if row["offer"]["type"] == "pci/8086:10ca")
    seen = get(sqlite_fleet, f"/resource_providers/{vf['provider']}/inventories")["inventories"]

    assert seen["CUSTOM_PCI_8086_10CA"]["total"] == vf["fits"]


def with_room(fleet: Fleet, host: str, **room: Any) -> None:
    """Report a host of the made-up driver with processors and memory."""
    report = a_report(host)
    report["facts"]["host"].update({"cpu": {"count": 8}, "memory_mb": 8192, **room})
    fleet.service.put(f"/wherry/hosts/{host}/report", report)


def test_a_move_takes_processors_and_memory_too(fleet: Fleet) -> None:
    """Point 46: "set of host that have enough cpu ram and disk"."""
    with_room(fleet, "home")
    with_room(fleet, "small", memory_mb=1024)
    with_room(fleet, "there")
    guest = {**fleet.a_guest("home"), "resources": {"VCPU": 4, "MEMORY_MB": 4096}}
    fleet.service.put(GUEST, guest)
    answer = fleet.targets("g")
    assert [each["host"] for each in answer["targets"]] == ["there"]
    assert answer["refused"]["by_reason"]["HOST_RESOURCES"] == 1

    fleet.claim("move", "g", "there")
    held = get(fleet, f"/allocations/{name_of('g')}")["allocations"]
    amounts = [name for each in held.values() for name in each["resources"]]
    assert {"VCPU", "MEMORY_MB"} < set(amounts)


def publishing(url: str) -> Fleet:
    """The same fleet on a service that publishes derived traits."""
    settings = Settings(database=url, profile_dirs=(PROFILES,), publish_traits="yes")
    return Fleet(run_service(settings))


def test_compatibility_is_inside_the_candidates(sqlite_url: str) -> None:
    """Point 47: "vGPU they technically are modelled in placement but not in a way that would
    gurarentee compatiablity".

    The question that a guest compiles to, asked of the Placement API, leaves out the host that
    has the type and not the version.
    """
    fleet = publishing(sqlite_url)
    try:
        two_hosts(fleet)
        fleet.report("newer", version="2.0", features="X")
        query = fleet.service.get(f"{GUEST}/query")["query"]
        found = get(fleet, query)["provider_summaries"]
        roots = {row["root_provider_uuid"] for row in found.values()}
        names = {get(fleet, f"/resource_providers/{root}")["name"] for root in roots}
    finally:
        fleet.service.stop()

    assert "there" in names
    assert "newer" not in names


def test_guests_that_stand_in_for_each_other_stay_apart(fleet: Fleet) -> None:
    """Point 49: "anit afintiy"."""
    two_hosts(fleet)
    fleet.boot("h", "there")
    web = {"policy": "anti-affinity", "guests": [name_of("g"), name_of("h")]}
    fleet.service.put("/wherry/groups/web", web)

    assert fleet.codes("g", "there") == ["HOST_APART"]


def test_tenants_are_isolated(sqlite_fleet: Fleet) -> None:
    """Point 50: "tenant isolation"."""
    two_hosts(sqlite_fleet)
    sqlite_fleet.service.ask("PATCH", "/wherry/hosts/there", {"labels": {"tenants": "beta"}})

    assert sqlite_fleet.codes("g", "there") == ["HOST_TENANT"]


def test_devices_of_one_guest_can_be_kept_on_one_numa_node(sqlite_fleet: Fleet) -> None:
    """Point 51: "nuam affintiy".

    Both hosts have a board on each of two nodes, and room for one more device on each board of
    one of them.
    """
    for host, free in (("home", 4), ("one-each", 1), ("both", 2)):
        told = a_report(host, free=free)
        told["facts"]["host"]["numa"] = [{"id": 0}, {"id": 1}]
        (board,) = told["facts"]["devices"]
        second = {**board, "name": "0000:af:00.0", "numa_node": 1}
        told["facts"]["devices"] = [{**board, "numa_node": 0}, second]
        sqlite_fleet.service.put(f"/wherry/hosts/{host}/report", told)
    body = sqlite_fleet.a_guest("home")
    body["slots"]["gpu1"] = body["slots"]["gpu0"]
    for policy, hosts in (("required", ["both"]), ("preferred", ["both", "one-each"])):
        asked = {**body, "numa": {"policy": policy}}
        sqlite_fleet.service.put(f"/wherry/guests/{name_of('g')}", asked)
        told = sqlite_fleet.targets("g")["targets"]
        assert [each["host"] for each in told] == hosts
        assert len({told[0]["providers"][row["offer"]] for row in told[0]["mapping"]}) == 1

    sqlite_fleet.service.put(f"/wherry/guests/{name_of('g')}", {**body, "numa": {}})
    assert sqlite_fleet.codes("g", "one-each") == ["HOST_NUMA"]


def test_a_devices_capacity_counts(sqlite_fleet: Fleet) -> None:
    """Point 52: "pci device avaiablity"."""
    two_hosts(sqlite_fleet, free=1)
    sqlite_fleet.boot("h", "there")

    assert sqlite_fleet.codes("g", "there") == ["CAPACITY", "MAPPING"]


def test_hosts_are_weighed(sqlite_fleet: Fleet) -> None:
    """Point 53: "weigh the listing to select an optimal host"."""
    two_hosts(sqlite_fleet, free=2)
    sqlite_fleet.report("roomy", version="1.0", features="X", free=40)
    targets = sqlite_fleet.targets("g")["targets"]

    assert [each["host"] for each in targets] == ["roomy", "there"]
    assert targets[0]["score"] > targets[1]["score"]


def test_alternates_are_kept_with_the_claim(fleet: Fleet) -> None:
    """Point 54: "and set of alternitive hosts"."""
    two_hosts(fleet)
    for host in ("second", "third"):
        fleet.report(host, version="1.0", features="X")
    claimed = fleet.claim("move", "g", "there", alternates=2).json

    assert sorted(claimed["alternates"]) == ["second", "third"]


def test_the_target_asserts_compatibility_itself(sqlite_fleet: Fleet) -> None:
    """Point 55: "rpc call to the destiation host … to have it assert compatiablity"."""
    two_hosts(sqlite_fleet)
    sqlite_fleet.claim("move", "g", "there")
    moved = a_report("there", version="2.0", features="X", sequence=2)
    refused = preflight(sqlite_fleet, ("home", "there"), target={"report": moved})

    assert refused["state"] == "refused"
    assert "VERSION_MAJOR" in all_codes(refused)


def test_the_source_is_read_again_too(sqlite_fleet: Fleet) -> None:
    """Point 56: "which internaly calls back to the sourc host"."""
    two_hosts(sqlite_fleet)
    sqlite_fleet.claim("move", "g", "there")
    refused = preflight(sqlite_fleet, ("home", "there"), source={"blockers": {"gpu0": ["busy"]}})

    assert refused["state"] == "refused"
    assert "BLOCKER" in all_codes(refused)


def test_late_refusals_are_counted(sqlite_fleet: Fleet) -> None:
    """Point 57: "check_can_live_migrate_destination and failing at this point is considerd quite
    a late failure".
    """
    two_hosts(sqlite_fleet)
    sqlite_fleet.claim("move", "g", "there")
    preflight(sqlite_fleet, ("home", "there"), target={"ok": False})
    text = sqlite_fleet.service.ask("GET", "/metrics").body.decode().splitlines()

    assert 'wherry_preflights_total{outcome="refused"} 1' in text


def test_a_failure_in_the_end_is_kept_beside_the_verdict(sqlite_fleet: Fleet) -> None:
    """Point 58: "better then failing when qemu actully tries to migrate"."""
    two_hosts(sqlite_fleet)
    sqlite_fleet.claim("move", "g", "there")
    token = preflight(sqlite_fleet, ("home", "there"))["token"]
    token = sqlite_fleet.step("move", "start", {"token": token}).json["token"]
    said = {"token": token, "outcome": "failed", "error": "Broken pipe"}
    ended = sqlite_fleet.step("move", "finish", said).json
    kept = sqlite_fleet.service.get(f"/wherry/migrations/{name_of('move')}")

    assert (ended["state"], kept["error"]) == ("aborted", "Broken pipe")
    assert kept["answer"]["verdict"] == "ok"


def needing(fleet: Fleet, **needs: Any) -> None:
    """A guest on `home` that needs something of its host, and what `there` has of it."""
    with_room(fleet, "home")
    fleet.service.put(GUEST, {**fleet.a_guest("home"), "needs": needs})


def test_the_processors_model_is_decided_early(sqlite_fleet: Fleet) -> None:
    """Point 59: "we dont actully check cpu model compatiablity until
    check_can_live_migrate_destination".
    """
    needing(sqlite_fleet, cpu_model="Skylake-Server")
    with_room(sqlite_fleet, "there", cpu_models=["Haswell"])

    assert sqlite_fleet.codes("g", "there") == ["CPU_MODEL"]


def test_sets_of_hosts_with_the_same_processor_are_asked_for(sqlite_fleet: Fleet) -> None:
    """Point 60: "filter hosts by groups sets fo host with the same cpu".

    A set is an aggregate of Placement, which Nova's host aggregates are too.  It is asked for
    where a guest moves and where it is placed first.
    """
    fleet, old, new = sqlite_fleet, name_of("with the old processor"), name_of("with the new one")
    for host, processor in (("home", old), ("there", old), ("newer", new), ("any", "")):
        fleet.report(host, version="1.0", features="X")
        belongs_to(fleet, host, *filter(None, [processor]))
    fleet.boot("g", "home")
    answer = fleet.targets("g", member_of=[old], remedies=True)

    assert [each["host"] for each in answer["targets"]] == ["there"]
    assert answer["refused"]["by_reason"] == {"HOST_MEMBER_OF": 2, "SAME_HOST": 1}
    told = {each["host"]: each["reasons"][0]["detail"] for each in answer["refused"]["hosts"]}
    assert told["newer"] == {"wanted": old, "offered": [new]}
    assert told["any"] == {"wanted": old, "offered": []}
    (remedy,) = answer["refused"]["remedies"]
    assert (remedy["relax"], remedy["hosts"]) == ([{"what": "member_of", "value": old}], 2)

    asked = {"resources": {"CUSTOM_ACME_SLICE": 1}, "member_of": [f"in:{old},{new}"]}
    placed = fleet.service.post("/wherry/candidates", asked)["candidates"]
    assert sorted(each["host"] for each in placed) == ["home", "newer", "there"]


def test_flags_arch_and_machine_type_are_decided_early(sqlite_fleet: Fleet) -> None:
    """Point 61: "filtering on cpu feature flags … in the placment or filter stage … very early
    and cheap".
    """
    needing(sqlite_fleet, cpu_features=["avx2"], machine_type="pc-q35-9.2", arch="x86_64")
    with_room(
        sqlite_fleet, "there", cpu_features=["avx"], machine_types=["pc-q35-8.0"], arch="aarch64"
    )

    assert sqlite_fleet.codes("g", "there") == ["ARCH", "CPU_FEATURE_MISSING", "MACHINE_TYPE"]


def test_a_host_is_chosen_by_stored_records(sqlite_fleet: Fleet) -> None:
    """Point 62: "we track inventories … and can query that when selecting a host"."""
    two_hosts(sqlite_fleet)

    assert [each["host"] for each in sqlite_fleet.targets("g")["targets"]] == ["there"]


def test_no_host_is_ever_connected_to(fleet: Fleet) -> None:
    """Point 63: "the schduler cannot directlly connect to the compute host".

    Nothing listens anywhere for these hosts, and a whole move goes through.
    """
    two_hosts(fleet)
    move(fleet, "g", "home", "there")

    assert fleet.service.get(GUEST)["host"] == "there"
