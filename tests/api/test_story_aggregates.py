"""Aggregates over HTTP: hosts that are for some tenants alone."""

from typing import Any

from acme_fleet import Fleet, name_of
from founding.story import NEWEST, get
from service import expect

RED, BLUE, PLAIN = (name_of(each) for each in ("red", "blue", "plain"))


def belongs_to(fleet: Fleet, host: str, *aggregates: str) -> None:
    """Put a host into aggregates, as a client of Placement does."""
    (root,) = get(fleet, f"/resource_providers?name={host}")["resource_providers"]
    body = {"aggregates": aggregates, "resource_provider_generation": root["generation"]}
    path = f"/resource_providers/{root['uuid']}/aggregates"
    expect(fleet.service.ask("PUT", path, body, headers=NEWEST), 200)


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
