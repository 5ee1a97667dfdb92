"""Aggregates over HTTP: hosts that are for some tenants alone."""

from typing import Any

from acme_fleet import Fleet, name_of
from founding.story import belongs_to, put_into

RED, BLUE, PLAIN = (name_of(each) for each in ("red", "blue", "plain"))


def keep(fleet: Fleet, aggregate: str, *tenants: str) -> Any:
    return fleet.service.put(f"/wherry/aggregates/{aggregate}", {"tenants": tenants})


def hosts(fleet: Fleet) -> list[str]:
    return sorted(each["host"] for each in fleet.targets("g")["targets"])


def placed(fleet: Fleet, **said: Any) -> list[str]:
    body = {"resources": {"CUSTOM_ACME_SLICE": 1}, **said}
    return sorted(
        each["host"] for each in fleet.service.post("/wherry/candidates", body)["candidates"]
    )


def four_hosts(fleet: Fleet) -> None:
    for host in ("home", "one", "two", "three"):
        fleet.report(host)
    fleet.boot("g", "home", tenant="alpha")
    belongs_to(fleet, "one", RED, PLAIN)
    belongs_to(fleet, "two", RED, BLUE)
    belongs_to(fleet, "home", RED)


def test_hosts_of_an_aggregate_are_for_its_tenants(fleet: Fleet) -> None:
    """Nothing is said of PLAIN, so it closes nobody; of several, one that is open will do."""
    four_hosts(fleet)
    assert hosts(fleet) == ["one", "three", "two"]

    assert keep(fleet, RED, "beta", "gamma") == {
        "uuid": RED, "tenants": ["beta", "gamma"], "hosts": ["home", "one", "two"],
    }  # fmt: skip
    assert hosts(fleet) == ["three"]
    assert fleet.codes("g", "one") == ["HOST_AGGREGATE"]
    told = fleet.targets("g", hosts=["two"])["refused"]["hosts"][0]["reasons"][0]["detail"]
    assert told == {"aggregates": [RED], "wanted": "alpha", "offered": ["beta", "gamma"]}

    keep(fleet, BLUE, "alpha")
    assert hosts(fleet) == ["three", "two"]
    remedies = fleet.targets("g", remedies=True)["refused"]["remedies"]
    assert [(each["relax"], each["examples"]) for each in remedies] == [
        ([{"what": "aggregate", "value": "alpha"}], ["one"])
    ]
    keep(fleet, RED, "alpha")
    assert hosts(fleet) == ["one", "three", "two"]


def test_label_and_aggregate_must_both_allow(sqlite_fleet: Fleet) -> None:
    four_hosts(sqlite_fleet)
    keep(sqlite_fleet, RED, "alpha")
    label = {"labels": {"tenants": "beta"}}
    sqlite_fleet.service.ask("PATCH", "/wherry/hosts/one", label)
    assert sqlite_fleet.codes("g", "one") == ["HOST_TENANT"]

    keep(sqlite_fleet, RED, "beta")
    assert sqlite_fleet.codes("g", "one") == ["HOST_AGGREGATE", "HOST_TENANT"]
    assert sqlite_fleet.codes("g", "two") == ["HOST_AGGREGATE"]


def test_a_new_guest_goes_where_its_tenant_may(fleet: Fleet) -> None:
    """Also one that is nobody's goes to no host of an aggregate; the claim takes an open one."""
    four_hosts(fleet)
    keep(fleet, RED, "beta")

    assert placed(fleet, tenant="beta") == ["home", "one", "three", "two"]
    assert placed(fleet, tenant="alpha") == ["three"]
    assert placed(fleet) == ["three"]
    claim = {"consumer": name_of("new"), "project": "alpha"}
    assert placed(fleet, claim=claim) == ["three"]


def test_a_question_keeps_to_aggregates_as_placement_has_it(fleet: Fleet) -> None:
    """A host is in one by its root alone; a device that is in one makes it no member."""
    four_hosts(fleet)
    board = fleet.provider("three")
    put_into(fleet, board, RED)
    for member_of, found in (
        ([RED], ["one", "two"]),
        ([f"in:{BLUE},{PLAIN}"], ["one", "two"]),
        ([RED, BLUE], ["two"]),
        ([f"!{BLUE}"], ["one", "three"]),
        ([RED, f"!in:{PLAIN},{name_of('other')}"], ["two"]),
        ([name_of("other")], []),
    ):
        answer = fleet.targets("g", member_of=member_of)
        assert sorted(each["host"] for each in answer["targets"]) == found
        outside = answer["refused"]["by_reason"].get("HOST_MEMBER_OF", 0)
        assert outside == 3 - len(found)

    asked = fleet.targets("g", member_of=[BLUE, f"!{PLAIN}", BLUE], remedies=True)["refused"]
    (one,) = (each["reasons"] for each in asked["hosts"] if each["host"] == "one")
    there = sorted([RED, PLAIN])
    assert sorted((each["detail"]["wanted"], each["detail"]["offered"]) for each in one) == [
        (f"!{PLAIN}", there),
        (BLUE, there),
    ]
    opened = {
        tuple(change["value"] for change in each["relax"]): each["examples"]
        for each in asked["remedies"]
    }
    assert opened == {(BLUE,): ["three"], (BLUE, f"!{PLAIN}"): ["one"]}
    path = f"/wherry/guests/{name_of('g')}/targets"
    for odd in ("red", f"{RED},{BLUE}", f"in:!{RED}", "in:", f"{RED}\n"):
        refused = fleet.service.ask("POST", path, {"member_of": [odd]}).error
        assert refused["code"] == "invalid_request"


def test_a_migration_keeps_to_aggregates_alternates_and_all(sqlite_fleet: Fleet) -> None:
    """A target outside that is named is refused, an alternate that is named left out."""
    four_hosts(sqlite_fleet)
    begun = sqlite_fleet.claim("m", "g", alternates=9, member_of=[RED]).json
    assert {begun["target"], *begun["alternates"]} == {"one", "two"}
    ended = sqlite_fleet.step("m", "abort", {"token": begun["token"]})
    assert ended.status == 200

    refused = sqlite_fleet.claim("n", "g", "three", member_of=[RED])
    assert refused.error["code"] == "no_target"
    assert refused.error["detail"]["refused"]["by_reason"] == {"HOST_MEMBER_OF": 1}
    named = {"alternates": ["three", "two"], "member_of": [RED]}
    assert sqlite_fleet.claim("n", "g", "one", **named).json["alternates"] == ["two"]


def test_a_new_guest_keeps_to_aggregates_too(sqlite_fleet: Fleet) -> None:
    """Its queries are those of Placement, by which a device may be in one by itself."""
    four_hosts(sqlite_fleet)
    put_into(sqlite_fleet, sqlite_fleet.provider("three"), PLAIN)

    assert placed(sqlite_fleet, member_of=[RED]) == ["home", "one", "two"]
    assert placed(sqlite_fleet, member_of=[RED, f"!{PLAIN}"]) == ["home", "two"]
    assert placed(sqlite_fleet, member_of=[f"in:{BLUE},{PLAIN}"]) == ["one", "three", "two"]
    body = {"resources": {"CUSTOM_ACME_SLICE": 1}, "member_of": [name_of("other")]}
    answer = sqlite_fleet.service.post("/wherry/candidates", body)
    (counted,) = answer["counts"]
    assert [(each["cause"], each["hosts"]) for each in counted["by_reason"]] == [("aggregate", 4)]


def test_aggregates_are_listed_and_let_go(sqlite_fleet: Fleet) -> None:
    four_hosts(sqlite_fleet)
    ask, path = sqlite_fleet.service.ask, f"/wherry/aggregates/{RED}"
    keep(sqlite_fleet, RED, "beta")
    keep(sqlite_fleet, RED, "delta")
    keep(sqlite_fleet, name_of("empty"), "beta")
    found = sqlite_fleet.service.get("/wherry/aggregates")["aggregates"]
    told = {each["uuid"]: (each["tenants"], len(each.get("hosts", ()))) for each in found}
    assert told == {RED: (["delta"], 3), name_of("empty"): (["beta"], 0)}

    assert ask("DELETE", path).status == 204
    assert (ask("DELETE", path).status, ask("GET", path).error["code"]) == (404, "not_found")
    assert hosts(sqlite_fleet) == ["one", "three", "two"]
    for odd in ([], [""], ["a", "a"]):
        assert ask("PUT", path, {"tenants": odd}).error["code"] == "invalid_request"
    assert ask("PUT", "/wherry/aggregates/red", {"tenants": ["a"]}).status in {400, 404}
