"""Reports over HTTP: stored, equal, older, of another host, contradicting themselves."""

from typing import Any

import pytest

from acme_fleet import Fleet, a_report, name_of

PATH = "/wherry/hosts/node-1/report"


def put(fleet: Fleet, **said: Any) -> Any:
    return fleet.service.ask("PUT", PATH, a_report("node-1", **said))


def host(fleet: Fleet) -> dict[str, Any]:
    return dict(fleet.service.get("/wherry/hosts/node-1"))


def test_a_report_becomes_providers_and_offers(fleet: Fleet) -> None:
    told = fleet.report("node-1")
    (offer,) = fleet.service.get("/wherry/offers?host=node-1")["offers"]

    assert (told["outcome"], told["findings"]) == ("stored", [])
    assert told["providers"] == len(host(fleet)["providers"]) == 2
    assert (offer["offer"]["type"], offer["fits"]) == ("acme/a1", 4)


def test_an_equal_report_moves_nothing_but_when_it_was_seen(fleet: Fleet) -> None:
    fleet.report("node-1")
    before = host(fleet)
    again = fleet.report("node-1", sequence=2)
    after = host(fleet)

    assert again["outcome"] == "unchanged"
    assert after["last_seen"] >= before["last_seen"]
    moved = {name for name in after["host"] if after["host"][name] != before["host"].get(name)}
    assert moved <= {"sequence", "observed_at"}
    assert after["providers"] == before["providers"]


def test_an_older_report_is_refused_and_the_stored_one_kept(fleet: Fleet) -> None:
    fleet.report("node-1", sequence=5, free=4)
    before = host(fleet)
    older = put(fleet, sequence=4, free=1)

    assert (older.status, older.error["code"]) == (409, "report.outdated")
    assert host(fleet)["providers"] == before["providers"]


def test_a_report_of_an_earlier_boot_is_refused(fleet: Fleet) -> None:
    fleet.report("node-1", boot_id="b1", sequence=900)
    fleet.report("node-1", boot_id="b2", sequence=1, free=3)
    late = put(fleet, boot_id="b1", sequence=901)

    assert (late.status, late.error["code"]) == (409, "report.outdated")
    assert fleet.fits("node-1") == 3


def test_a_report_of_another_host_is_refused(fleet: Fleet) -> None:
    answer = fleet.service.ask("PUT", PATH, a_report("node-2"))

    assert (answer.status, answer.error["path"]) == (400, "$.host")
    assert fleet.service.get("/wherry/hosts") == {"hosts": []}


def contradicting() -> dict[str, Any]:
    """A host with two devices of one name."""
    report = a_report("node-1", sequence=2)
    report["facts"]["devices"] *= 2
    return report


def in_a_circle() -> dict[str, Any]:
    """A host with two functions, each a VF of the other."""
    report = a_report("node-1", sequence=2)
    (device,) = report["facts"]["devices"]
    one = {**device, "role": "vf", "physfn": "0000:3b:00.1"}
    other = {**device, "name": "0000:3b:00.1", "role": "vf", "physfn": "0000:3b:00.0"}
    report["facts"]["devices"] = [one, other]
    return report


@pytest.mark.parametrize("report", [contradicting(), in_a_circle()], ids=["twice", "circle"])
def test_a_report_that_contradicts_itself_changes_nothing(
    fleet: Fleet, report: dict[str, Any]
) -> None:
    fleet.report("node-1")
    before = host(fleet)
    answer = fleet.service.ask("PUT", PATH, report)

    assert (answer.status, answer.error["code"]) == (422, "report.contradicts")
    assert host(fleet) == before


def test_what_cannot_be_derived_is_a_finding_and_no_guess(fleet: Fleet) -> None:
    told = fleet.report("node-1", version="one point oh")
    (offer,) = fleet.service.get("/wherry/offers?host=node-1")["offers"]

    assert told["outcome"] == "stored"
    assert offer["offer"]["interface"]["supports"] == "one point oh"
    fleet.report("node-2", version="1.0")
    fleet.boot("g", "node-2")
    assert "VERSION_INCOMPARABLE" in fleet.codes("g", "node-1")


def test_a_guest_is_no_reason_to_forget_what_its_host_lost(fleet: Fleet) -> None:
    fleet.report("node-1")
    fleet.boot("g", "node-1")
    gone = a_report("node-1", sequence=2)
    gone["facts"]["devices"] = []
    told = fleet.service.put(PATH, gone)

    assert told["outcome"] == "stored"
    guest = fleet.service.get(f"/wherry/guests/{name_of('g')}")
    assert guest["slots"]["gpu0"]["contract"]["type"] == "acme/a1"


def test_instances_that_nobody_allocated_are_taken_into_account(fleet: Fleet) -> None:
    fleet.report("node-1", free=3, instances=("5eed0000-0000-4000-8000-000000000001",))

    assert fleet.fits("node-1") == 3


def test_hosts_have_states_and_labels(fleet: Fleet) -> None:
    fleet.report("node-1")
    fleet.report("node-2")
    fleet.boot("g", "node-1")
    patched = fleet.service.ask(
        "PATCH", "/wherry/hosts/node-2", {"state": "maintenance", "labels": {"rack": "r3"}}
    )

    assert patched.status == 200
    assert patched.json["host"]["labels"] == {"rack": "r3"}
    assert fleet.codes("g", "node-2") != []
    fleet.service.ask("PATCH", "/wherry/hosts/node-2", {"state": "enabled"})
    assert fleet.codes("g", "node-2") == []
    taken = fleet.service.ask("PATCH", "/wherry/hosts/node-2", {"labels": {"rack": None}})
    assert taken.json["host"].get("labels", {}) == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/wherry/hosts/nobody", None),
        ("PATCH", "/wherry/hosts/nobody", {"state": "enabled"}),
        ("GET", "/wherry/hosts/nobody/jobs", None),
        ("GET", "/wherry/offers?host=nobody", None),
        ("GET", "/wherry/packs/nobody", None),
        ("GET", f"/wherry/guests/{name_of('x')}", None),
        ("DELETE", f"/wherry/guests/{name_of('x')}", None),
        ("POST", f"/wherry/guests/{name_of('x')}/targets", {}),
        ("POST", f"/wherry/guests/{name_of('x')}/reboot", {}),
        ("POST", f"/wherry/guests/{name_of('x')}/unplug", {"slot": "gpu0"}),
        ("PUT", f"/wherry/guests/{name_of('x')}", {"host": "nobody"}),
        ("PUT", f"/wherry/migrations/{name_of('m')}", {"guest": name_of("x")}),
        ("GET", f"/wherry/migrations/{name_of('m')}", None),
        ("POST", f"/wherry/migrations/{name_of('m')}/preflight", {"token": 1}),
        ("POST", "/wherry/hosts/nobody/jobs/j1", {"token": 1, "side": "target", "ok": True}),
    ],
)
def test_what_is_not_there_is_404_by_its_name(
    sqlite_fleet: Fleet, method: str, path: str, body: Any
) -> None:
    answer = sqlite_fleet.service.ask(method, path, body)

    assert (answer.status, answer.error["code"]) == (404, "not_found")
    assert answer.error["message"].startswith("no ")


def test_a_policy_pack_in_force_changes_every_answer(fleet: Fleet) -> None:
    fleet.report("node-1", version="1.0")
    fleet.report("node-2", version="1.0")
    fleet.boot("g", "node-1")
    assert fleet.codes("g", "node-2") == []
    pack = {
        "id": "house",
        "rows": [{"id": "r1", "types": ["acme/*"], "require": {"target.x": {"eq": 1}},
                  "severity": "no", "because": "we say so"}],
    }  # fmt: skip
    put_pack = fleet.service.ask("PUT", "/wherry/packs/house", pack)
    if put_pack.status != 200:
        pytest.fail(str(put_pack.json))
    assert fleet.codes("g", "node-2") != []
    assert fleet.service.get("/wherry/packs/house")["id"] == "house"
    assert "house" in {each["id"] for each in fleet.service.get("/wherry/packs")["packs"]}


def test_a_pack_is_sent_under_its_own_id(sqlite_fleet: Fleet) -> None:
    answer = sqlite_fleet.service.ask("PUT", "/wherry/packs/a", {"id": "b", "rows": []})

    assert (answer.status, answer.error["path"]) == (400, "$.id")


def test_profiles_in_force_are_listed_with_where_they_came_from(sqlite_fleet: Fleet) -> None:
    profiles = sqlite_fleet.service.get("/wherry/profiles")["profiles"]
    sources = {profile["id"]: profile["source"] for profile in profiles}

    assert sources["acme"].endswith("acme.toml")
    assert "mtty/stream-1.0" in sources
