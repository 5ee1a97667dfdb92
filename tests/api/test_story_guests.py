"""Guests over HTTP: recorded with what they hold, plugged, rebooted, forgotten."""

from typing import Any

import pytest

from acme_fleet import Fleet, name_of

GUEST = f"/wherry/guests/{name_of('g')}"


def ask(fleet: Fleet, body: dict[str, Any]) -> Any:
    return fleet.service.ask("PUT", GUEST, body)


def slot(fleet: Fleet, host: str = "node-1", **more: Any) -> dict[str, Any]:
    return {"provider": fleet.provider(host), "type": "acme/a1", **more}


def test_a_record_allocates_and_pins(fleet: Fleet) -> None:
    fleet.report("node-1", version="1.2", features="X Y")
    guest = fleet.boot("g", "node-1", version="1.1", features=["X"])
    contract = guest["slots"]["gpu0"]["contract"]

    assert fleet.fits("node-1") == 3
    assert (contract["interface"]["version"], contract["features"]) == ("1.1", ["X"])
    assert fleet.service.get(GUEST) == guest
    assert fleet.service.get("/wherry/hosts/node-1")["guests"] == [name_of("g")]


def test_the_same_record_again_changes_nothing(fleet: Fleet) -> None:
    fleet.report("node-1")
    first = fleet.boot("g", "node-1")
    again = fleet.boot("g", "node-1")

    assert again == first
    assert fleet.fits("node-1") == 3


def test_a_contract_that_is_brought_along_is_kept_as_given(fleet: Fleet) -> None:
    fleet.report("node-1", version="1.2")
    pinned = fleet.boot("g", "node-1")["slots"]["gpu0"]["contract"]
    older = {
        **pinned,
        "consumer": name_of("h"),
        "interface": {"policy": "semver", "version": "1.0"},
    }
    body = {"host": "node-1", "slots": {"gpu0": slot(fleet, contract=older)}}
    guest = fleet.service.put(f"/wherry/guests/{name_of('h')}", body)

    assert guest["slots"]["gpu0"]["contract"]["interface"]["version"] == "1.0"


def test_more_than_there_is_is_refused_and_nothing_is_left_of_it(fleet: Fleet) -> None:
    fleet.report("node-1", free=2)
    slots = {f"gpu{n}": slot(fleet) for n in range(3)}
    refused = ask(fleet, {"host": "node-1", "slots": slots})

    assert (refused.status, refused.error["code"]) == (409, "claim.capacity")
    assert fleet.fits("node-1") == 2
    assert fleet.service.ask("GET", GUEST).status == 404


def test_a_device_is_plugged_and_unplugged(fleet: Fleet) -> None:
    fleet.report("node-1")
    fleet.boot("g", "node-1")
    plugged = fleet.service.post(f"{GUEST}/plug", {"slot": "gpu1", "device": slot(fleet)})
    assert sorted(plugged["slots"]) == ["gpu0", "gpu1"]
    assert fleet.fits("node-1") == 2

    unplugged = fleet.service.post(f"{GUEST}/unplug", {"slot": "gpu0"})
    assert sorted(unplugged["slots"]) == ["gpu1"]
    assert fleet.fits("node-1") == 3


def test_a_slot_is_plugged_once_and_unplugged_if_it_is_there(fleet: Fleet) -> None:
    fleet.report("node-1")
    fleet.boot("g", "node-1")
    other = slot(fleet, chosen={"features": []})
    taken = fleet.service.ask("POST", f"{GUEST}/plug", {"slot": "gpu0", "device": other})
    missing = fleet.service.ask("POST", f"{GUEST}/unplug", {"slot": "gpu7"})

    assert (taken.status, taken.error["code"]) == (409, "already_exists")
    assert (missing.status, missing.error["code"]) == (404, "not_found")
    assert fleet.fits("node-1") == 3


def test_a_guest_that_is_forgotten_frees_all(fleet: Fleet) -> None:
    fleet.report("node-1")
    fleet.boot("g", "node-1")

    assert fleet.service.ask("DELETE", GUEST).status == 204
    assert fleet.service.ask("GET", GUEST).status == 404
    assert fleet.fits("node-1") == 4


def test_guests_are_listed_by_host_and_tenant(fleet: Fleet) -> None:
    fleet.report("node-1")
    fleet.report("node-2")
    fleet.boot("g", "node-1", tenant="alpha")
    fleet.boot("h", "node-2", tenant="beta")

    def uuids(query: str) -> set[str]:
        return {each["uuid"] for each in fleet.service.get(f"/wherry/guests{query}")["guests"]}

    assert uuids("") == {name_of("g"), name_of("h")}
    assert uuids("?host=node-2") == {name_of("h")}
    assert uuids("?tenant=alpha") == {name_of("g")}
    assert uuids("?tenant=alpha&host=node-2") == set()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"type": "acme/none"}, "$.slots.gpu0"),
        ({"chosen": {"version": "9.0"}}, "$.slots.gpu0"),
        ({"chosen": {"features": ["Z"]}}, "$.slots.gpu0"),
    ],
)
def test_what_a_provider_does_not_offer_is_refused_by_its_slot(
    fleet: Fleet, change: dict[str, Any], path: str
) -> None:
    fleet.report("node-1")
    refused = ask(fleet, {"host": "node-1", "slots": {"gpu0": slot(fleet, **change)}})

    assert refused.status == 400
    assert refused.error["path"].startswith(path)
    assert fleet.fits("node-1") == 4


def test_a_provider_of_another_host_is_refused(fleet: Fleet) -> None:
    fleet.report("node-1")
    fleet.report("node-2")
    refused = ask(fleet, {"host": "node-1", "slots": {"gpu0": slot(fleet, "node-2")}})

    assert refused.status in {400, 404}
    assert fleet.fits("node-2") == 4


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "$.host"),
        ({"host": "node-1", "slots": {"gpu0": {"type": "acme/a1"}}}, "$.slots[...].provider"),
        ({"host": "node-1", "slots": {"gpu 0": {}}}, "$.slots"),
        ({"host": "node-1", "colour": "red"}, "$.colour"),
        ({"host": "node-1", "resources": {"VCPU": "4"}}, "$.resources[...]"),
    ],
)
def test_a_record_that_is_not_sound_is_refused_by_its_path(
    sqlite_fleet: Fleet, body: dict[str, Any], path: str
) -> None:
    refused = ask(sqlite_fleet, body)

    assert refused.status == 400
    assert refused.error["path"].startswith(path)


def test_a_reboot_is_previewed_before_it_closes_hosts(fleet: Fleet) -> None:
    """A host whose driver was upgraded under the guest: after a reboot the old ones are closed.

    Source: S. Mooney, 2020-07-14: "if a vm is rebooted its also ok fo the vm to pick up feature Y",
    and then "it could not be migrated back to the 1.0 host".
    """
    fleet.report("node-1", version="2.0.1")
    fleet.report("node-2", version="2.0.1")
    fleet.report("node-3", version="2.1.1", features="X Y")
    fleet.boot("g", "node-1")
    fleet.report("node-1", version="2.1.1", features="X Y", sequence=2)
    before = fleet.service.get(f"/wherry/guests/{name_of('g')}")
    path = f"/wherry/guests/{name_of('g')}/reboot"

    preview = fleet.service.post(path, {"preview": True})

    assert (preview["preview"], preview["pinned"]) == (True, ["gpu0"])
    assert (preview["opened"], preview["closed"]) == ([], ["node-2"])
    after = preview["guest"]["slots"]["gpu0"]["contract"]
    assert after["interface"]["version"] == "2.1.1"
    assert fleet.service.get(f"/wherry/guests/{name_of('g')}") == before

    done = fleet.service.post(path, {})
    assert (done["preview"], done["closed"]) == (False, ["node-2"])
    assert done["guest"]["slots"]["gpu0"]["contract"]["interface"] == after["interface"]


def test_a_host_says_who_holds_what_of_it_and_what_was_read(fleet: Fleet) -> None:
    """A guest, a migration that keeps its old place, and an instance that nobody allocated."""
    stray = name_of("stray")
    for host in ("node-1", "node-2"):
        fleet.report(host)
    fleet.report("node-1", sequence=2, instances=[stray])
    fleet.boot("g", "node-1")
    fleet.claim("m", "g", "node-2")
    there, here = (fleet.service.get(f"/wherry/hosts/node-{n}") for n in (2, 1))

    units = {"CUSTOM_ACME_SLICE": 1}
    guest, move = name_of("g"), name_of("m")
    assert there["holders"][fleet.provider("node-2")] == [
        {"consumer": guest, "kind": "guest", "guest": guest, "units": units}
    ]
    assert here["holders"][fleet.provider("node-1")] == [
        {"consumer": move, "kind": "migration", "guest": guest, "units": units}
    ]
    assert (here["strays"], there["strays"]) == ({fleet.provider("node-1"): [stray]}, {})
    read = fleet.service.get("/wherry/hosts/node-1/report")
    assert (read["sequence"], read["facts"]["devices"][0]["driver"]) == (2, "acme")
    assert fleet.service.ask("GET", "/wherry/hosts/nobody/report").status == 404


def test_guests_are_listed_page_by_page(fleet: Fleet) -> None:
    fleet.report("node-1")
    uuids = sorted(fleet.boot(name, "node-1")["uuid"] for name in ("a", "b", "c"))
    first = fleet.service.get("/wherry/guests?limit=2")["guests"]
    rest = fleet.service.get(f"/wherry/guests?limit=2&marker={uuids[1]}")["guests"]

    assert [[guest["uuid"] for guest in page] for page in (first, rest)] == [uuids[:2], uuids[2:]]
