"""The founding e-mail's own stories, told over HTTP; each comes out as it tells it.

Source: S. Mooney on libvir-list and openstack-discuss, 2020-07-14, "device compatibility
interface for live migration with assigned devices".
"""

import json
import threading
from typing import Any

import pytest

from acme_fleet import Fleet, a_report, name_of

GUEST = f"/wherry/guests/{name_of('g')}"


def a_contract(**changes: Any) -> dict[str, Any]:
    """A contract as JSON, of version 1.0 with feature X."""
    known = {
        "schema": "wherry.device/1",
        "record": "contract",
        "consumer": name_of("g"),
        "slot": "gpu0",
        "kind": "mdev",
        "device_api": "vfio-pci",
        "type": "acme/a1",
        "interface": {"version": "1.0"},
        "features": ["X"],
        "migration": {"support": "yes"},
    }
    return {**known, **changes}


def an_offer(**changes: Any) -> dict[str, Any]:
    """An offer as JSON, of version 1.0 with feature X."""
    known = {
        "schema": "wherry.device/1",
        "record": "offer",
        "provider": name_of("p"),
        "generation": 1,
        "kind": "mdev",
        "device_api": "vfio-pci",
        "type": "acme/a1",
        "interface": {"supports": "1.0"},
        "features": {"X": {}},
        "migration": {"support": "yes"},
    }
    return {**known, **changes}


def check(fleet: Fleet, contract: dict[str, Any], offer: dict[str, Any]) -> dict[str, Any]:
    answer = fleet.service.post("/wherry/check", {"contract": contract, "offer": offer})
    return dict(answer)


def codes(answer: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in answer["reasons"] if reason["severity"] != "info"]


PAIRS = [
    ("2.0.1", "2.1.1", []),
    ("2.1.1", "2.0.1", ["VERSION_MINOR_OLDER"]),
    ("2.0.0", "3.0.0", ["VERSION_MAJOR"]),
    ("2.0.1", "2.0.0", []),
]


@pytest.mark.parametrize(("at_home", "there", "expected"), PAIRS)
def test_the_four_pairs_of_versions(
    fleet: Fleet, at_home: str, there: str, expected: list[str]
) -> None:
    """The list of the e-mail: ok, not ok, not ok, ok."""
    fleet.report("home", version=at_home)
    fleet.report("there", version=there)
    fleet.boot("g", "home")

    assert [code for code in fleet.codes("g", "there") if code != "MAPPING"] == expected
    pair = check(
        fleet,
        a_contract(interface={"version": at_home}),
        an_offer(interface={"supports": there}),
    )
    assert codes(pair) == expected


def test_a_newer_host_with_more_features_is_fine_with_the_new_one_masked(fleet: Fleet) -> None:
    """ "1.0 with feature X to verions 1.1 with … X and Y but only X enabled would be fine"."""
    fleet.report("home", version="1.0", features="X")
    fleet.report("there", version="1.1", features="X Y")
    fleet.boot("g", "home")
    (target,) = fleet.targets("g")["targets"]

    assert (target["host"], target["verdict"]) == ("there", "ok")
    assert target["mapping"][0]["configure"]["mask_features"] == ["Y"]


def test_a_feature_that_cannot_be_hidden_is_not_fine(fleet: Fleet) -> None:
    """ "only … if the device in the guest does not alter"."""
    offer = an_offer(interface={"supports": "1.1"}, features={"X": {}, "Y": {"maskable": False}})

    assert "FEATURE_UNMASKABLE" in codes(check(fleet, a_contract(), offer))


def test_a_new_major_without_the_feature_is_refused_for_both_reasons(fleet: Fleet) -> None:
    """ "1.0 to 2.0 where thre is only feature Y would not be ok"."""
    fleet.report("home", version="1.0", features="X")
    fleet.report("there", version="2.0", features="Y")
    fleet.boot("g", "home")

    assert fleet.codes("g", "there") == ["FEATURE_MISSING", "MAPPING", "VERSION_MAJOR"]


def move(fleet: Fleet, guest: str, source: str, target: str) -> None:
    """Move a guest, both ends confirming."""
    token = fleet.claim("move", guest, target).json["token"]
    told: list[Any] = []
    thread = threading.Thread(
        target=lambda: told.append(fleet.step("move", "preflight", {"token": token}))
    )
    thread.start()
    for host in (source, target):
        for job in fleet.jobs(host, wait=10):
            assert fleet.answer(job).status == 204
    thread.join(timeout=20)
    token = fleet.step("move", "start", {"token": told[0].json["token"]}).json["token"]
    assert fleet.step("move", "finish", {"token": token}).json["state"] == "finished"


def test_the_story_of_the_reboot(fleet: Fleet) -> None:
    """After the move the guest still has only X and could go back; after a reboot it has Y.

    "if a vm is rebooted its also ok fo the vm to pick up feature Y … it could not be migrated
    back to the 1.0 host".
    """
    fleet.report("old", version="1.0", features="X")
    fleet.report("new", version="1.1", features="X Y")
    fleet.boot("g", "old")
    (target,) = fleet.targets("g")["targets"]
    assert target["return_path"]["gpu0"]["verdict"] == "ok"

    move(fleet, "g", "old", "new")
    contract = fleet.service.get(GUEST)["slots"]["gpu0"]["contract"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.0", ["X"])
    assert fleet.codes("g", "old") == []

    negotiated = {"kind": "warm", "versions": {"gpu0": "1.0"}}
    warm = fleet.service.post(f"{GUEST}/reboot", negotiated)
    contract = warm["guest"]["slots"]["gpu0"]["contract"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.0", ["X"])
    assert warm["closed"] == []
    assert fleet.codes("g", "old") == []

    anew = fleet.service.post(f"{GUEST}/reboot", {"kind": "new_process"})
    contract = anew["guest"]["slots"]["gpu0"]["contract"]
    assert anew["pinned"] == ["gpu0"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.1", ["X", "Y"])
    assert anew["closed"] == ["old"]
    assert fleet.codes("g", "old") == ["FEATURE_MISSING", "MAPPING", "VERSION_MINOR_OLDER"]


def test_an_upgrade_below_a_running_guest_changes_nothing_for_it(fleet: Fleet) -> None:
    """ "transparent to the guest for the lifetime of the qemu process"."""
    fleet.report("home", version="1.0", features="X")
    fleet.report("there", version="1.0", features="X")
    fleet.boot("g", "home")
    fleet.report("home", version="1.1", features="X Y", sequence=2)

    contract = fleet.service.get(GUEST)["slots"]["gpu0"]["contract"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.0", ["X"])
    assert fleet.codes("g", "there") == []


def test_physical_to_mdev_is_another_operation_and_is_named(fleet: Fleet) -> None:
    """ "would not generally be considered a live migration … a different operation"."""
    answer = check(fleet, a_contract(kind="pf"), an_offer())

    assert (answer["verdict"], answer["modes"]["live"]) == ("no", "no")
    assert codes(answer) == ["KIND_MISMATCH"]
    assert answer["reasons"][0]["detail"] == {"wanted": "pf", "offered": "mdev"}


def test_the_type_cannot_change_and_what_it_would_be_is_named(fleet: Fleet) -> None:
    """ "the mdev type cant change as part of a live migration … it would be something else"."""
    answer = check(fleet, a_contract(), an_offer(type="acme/b2"))

    assert (answer["verdict"], codes(answer)) == ("no", ["TYPE_MISMATCH"])
    assert answer["reasons"][0]["detail"] == {"wanted": "acme/a1", "offered": "acme/b2"}


def test_the_parents_ids_do_not_decide(fleet: Fleet) -> None:
    """ "evga branded v100 vs an pny branded one"."""
    evga, pny = ({"vendor": "10de", "device": "1db4", "subvendor": s} for s in ("3842", "196e"))
    answer = check(fleet, a_contract(parent=evga), an_offer(parent=pny))

    assert (answer["verdict"], codes(answer)) == ("ok", [])


def test_new_firmware_is_a_new_offer(fleet: Fleet) -> None:
    """ "updating the firmware/rom could result in changing a version string"."""

    def generation() -> int:
        rows = fleet.service.get("/wherry/offers?host=home")["offers"]
        return int(rows[0]["offer"]["generation"])

    fleet.report("home", firmware="7.7")
    before = generation()
    fleet.report("home", firmware="7.7", sequence=2)
    assert generation() == before
    fleet.report("home", firmware="7.8", sequence=3)
    assert generation() > before


def test_a_device_that_a_host_calls_unmigratable_is_refused_early(fleet: Fleet) -> None:
    """ "better then failing when qemu actully tries to migrate"."""
    answer = check(fleet, a_contract(), an_offer(migration={"support": "no"}))

    assert answer["verdict"] == "no"
    assert answer["modes"]["cold"] == "ok"


def test_two_claims_on_the_last_device_have_one_winner(fleet: Fleet) -> None:
    """ "claim it atomicly to prevent raceces"."""
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


def test_what_a_host_says_is_kept_as_it_says_it(fleet: Fleet) -> None:
    """ "human readable and easily parsable": names, and no packed ids."""
    fleet.report("home", version="1.0", features="X ray-tracing")
    offer = fleet.service.get("/wherry/offers?host=home")["offers"][0]["offer"]

    assert offer["interface"]["supports"] == "1.0"
    assert sorted(offer["features"]) == ["X", "ray-tracing"]
    assert json.dumps(a_report("home"))
