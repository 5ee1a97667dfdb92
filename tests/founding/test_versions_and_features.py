"""Founding e-mail, part D: versions, features, reboot.

Each test tells the number of its point and the e-mail's own words, spelled as they stand.
"""

import pytest

from acme_fleet import PROFILES, Fleet, name_of
from founding.desk import Desk, a_contract, an_offer, codes
from founding.story import move
from reports import recorded_report
from service import run_service
from wherry.app.settings import Settings

GUEST = f"/wherry/guests/{name_of('g')}"


def test_a_functions_type_is_vendor_and_device(sqlite_fleet: Fleet) -> None:
    """Point 90: "what defines the type?" "only vendor:device IDs?" "revision?"."""
    report = recorded_report("igb-vfs", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    rows = sqlite_fleet.service.get("/wherry/offers")["offers"]

    assert "pci/8086:10ca" in {row["offer"]["type"] for row in rows}


def generation(fleet: Fleet) -> int:
    """The facts generation of the one offer of host `home`."""
    return int(fleet.service.get("/wherry/offers?host=home")["offers"][0]["offer"]["generation"])


def test_new_firmware_is_a_new_offer(sqlite_fleet: Fleet) -> None:
    """Point 91: "updating the firmware/rom could result in changing a version string"."""
    sqlite_fleet.report("home", firmware="7.7")
    before = generation(sqlite_fleet)
    sqlite_fleet.report("home", firmware="7.7", sequence=2)
    assert generation(sqlite_fleet) == before
    sqlite_fleet.report("home", firmware="7.8", sequence=3)
    assert generation(sqlite_fleet) > before


def test_what_a_vendor_declares_is_compared_blindly(desk: Desk) -> None:
    """Point 92: "which things are relevant to migration?"."""
    offer = an_offer(params={"vendors_own": {"type": "str", "rule": "eq", "value": "blue"}})

    assert desk.codes(a_contract(params={"vendors_own": "blue"}), offer) == []
    assert desk.codes(a_contract(params={"vendors_own": "red"}), offer) == ["PARAM_EQ"]


def test_versions_are_semver_unless_declared_otherwise(desk: Desk) -> None:
    """Point 93: "{major}.{minor}.{bugfix}"."""
    wanted = a_contract(interface={"version": "1.10.0"})

    assert desk.codes(wanted, an_offer(interface={"supports": "1.9.9"})) == ["VERSION_MINOR_OLDER"]


def test_a_forgotten_major_is_told_to_the_vendor(desk: Desk) -> None:
    """Point 94: "break compatiablity … bump the major version"."""
    before = an_offer(features={"X": {}, "Y": {}})
    after = an_offer(features={"X": {}}, interface={"supports": "1.1"})

    assert desk.lint(before, after) == ["LINT_FEATURE_REMOVED"]
    assert desk.lint(before, {**after, "interface": {"supports": "2.0"}}) == []


def test_a_forgotten_minor_is_told_to_the_vendor(desk: Desk) -> None:
    """Point 95: "add optional a feature … bump the minor"."""
    after = an_offer(features={"X": {}, "Y": {}})

    assert desk.lint(an_offer(), after) == ["LINT_FEATURE_ADDED"]
    assert desk.lint(an_offer(), {**after, "interface": {"supports": "1.1"}}) == []


@pytest.mark.parametrize(("at_home", "there"), [("2.0.1", "2.0.0"), ("2.0.0", "2.0.99")])
def test_the_bugfix_number_is_never_compared(desk: Desk, at_home: str, there: str) -> None:
    """Point 96: "fix for a bug … bump the bugfix number"."""
    wanted = a_contract(interface={"version": at_home})

    assert desk.codes(wanted, an_offer(interface={"supports": there})) == []


def test_type_major_and_minor_are_asked_each(desk: Desk) -> None:
    """Point 97: type, major, same or newer: exactly these."""
    offer = an_offer(type="acme/b2", interface={"supports": "0.9"})

    assert desk.codes(a_contract(), offer) == ["TYPE_MISMATCH", "VERSION_MAJOR"]


def pair(fleet: Fleet, desk: Desk, at_home: str, there: str) -> list[str]:
    """Codes against a move between versions: of a stored fleet, and of two bare records."""
    fleet.report("home", version=at_home)
    fleet.report("there", version=there)
    fleet.boot("g", "home")
    told = [code for code in fleet.codes("g", "there") if code != "MAPPING"]
    wanted = a_contract(interface={"version": at_home})
    assert desk.codes(wanted, an_offer(interface={"supports": there})) == told
    return told


def test_from_2_0_1_to_2_1_1(fleet: Fleet, desk: Desk) -> None:
    """Point 98: "2.0.1 -> 2.1.1 (ok"."""
    assert pair(fleet, desk, "2.0.1", "2.1.1") == []


def test_from_2_1_1_to_2_0_1(fleet: Fleet, desk: Desk) -> None:
    """Point 99: "2.1.1 -> 2.0.1 (not ok"."""
    assert pair(fleet, desk, "2.1.1", "2.0.1") == ["VERSION_MINOR_OLDER"]


def test_from_2_0_0_to_3_0_0(fleet: Fleet, desk: Desk) -> None:
    """Point 100: "2.0.0 -> 3.0.0 (not ok"."""
    assert pair(fleet, desk, "2.0.0", "3.0.0") == ["VERSION_MAJOR"]


def test_from_2_0_1_to_2_0_0(fleet: Fleet, desk: Desk) -> None:
    """Point 101: "2.0.1 -> 2.0.0 (ok"."""
    assert pair(fleet, desk, "2.0.1", "2.0.0") == []


def test_a_bugfix_may_change_and_may_be_preferred(sqlite_url: str) -> None:
    """Point 102: "quadratic … liniar in 1.0.1 … performace improvment".

    The verdict is the same with and without the fix; a weigher sends the guest where it is,
    though there is less room.
    """
    asked = Settings(database=sqlite_url, profile_dirs=(PROFILES,), weights=(("bugfix", 5.0),))
    fleet = Fleet(run_service(asked))
    for host, version, free in (("home", "1.0.0", 4), ("same", "1.0.0", 40), ("new", "1.0.1", 1)):
        fleet.report(host, version=version, free=free)
    fleet.boot("g", "home")
    targets = fleet.targets("g")["targets"]
    fleet.service.stop()

    assert [(each["host"], each["verdict"]) for each in targets] == [("new", "ok"), ("same", "ok")]


def test_features_are_asked_beside_versions(desk: Desk) -> None:
    """Point 103: "is it too simple. … whether all features can be hidden behind a minor
    version".
    """
    offer = an_offer(interface={"supports": "1.7"}, features={"Y": {}})

    assert desk.codes(a_contract(), offer) == ["FEATURE_MISSING"]


def test_physical_to_mdev_is_another_operation(desk: Desk) -> None:
    """Point 104: "migration between a phsical device and an mdev would not generally be
    considered a live migration … a different operation".
    """
    answer = desk.check(a_contract(kind="pf"), an_offer())

    assert (answer["verdict"], answer["modes"]["live"]) == ("no", "no")
    assert codes(answer) == ["KIND_MISMATCH"]


def test_the_reason_says_what_the_guest_would_see(desk: Desk) -> None:
    """Point 105: "it would be user visible withing the guest vm"."""
    (reason,) = desk.check(a_contract(kind="pf"), an_offer())["reasons"]

    assert reason["detail"] == {"wanted": "pf", "offered": "mdev"}


def test_older_to_newer_is_allowed(desk: Desk) -> None:
    """Point 106: "Is cross version compatibility something that you'd consider using?" "yes"."""
    assert desk.codes(a_contract(), an_offer(interface={"supports": "1.4"})) == []


def test_a_feature_that_cannot_be_hidden_refuses(desk: Desk) -> None:
    """Point 109: "only … if the device in the guest does not alter … and the behavior does not
    change".
    """
    offer = an_offer(interface={"supports": "1.1"}, features={"X": {}, "Y": {"maskable": False}})

    assert desk.codes(a_contract(), offer) == ["FEATURE_UNMASKABLE"]


def test_more_features_are_fine_with_the_new_one_masked(fleet: Fleet) -> None:
    """Point 110: "1.0 with feature X to verions 1.1 with feature X and Y but only X enabled
    would be fine".
    """
    fleet.report("home", version="1.0", features="X")
    fleet.report("there", version="1.1", features="X Y")
    fleet.boot("g", "home")
    (target,) = fleet.targets("g")["targets"]

    assert (target["host"], target["verdict"]) == ("there", "ok")
    assert target["mapping"][0]["configure"]["mask_features"] == ["Y"]


def test_a_new_major_without_the_feature_is_refused_for_both(fleet: Fleet) -> None:
    """Point 111: "1.0 to 2.0 where thre is only feature Y would not be ok"."""
    fleet.report("home", version="1.0", features="X")
    fleet.report("there", version="2.0", features="Y")
    fleet.boot("g", "home")

    assert fleet.codes("g", "there") == ["FEATURE_MISSING", "MAPPING", "VERSION_MAJOR"]


def test_an_upgrade_below_a_running_guest_changes_nothing_for_it(fleet: Fleet) -> None:
    """Point 112: "transparent to the guest for the lifetime of the qemu process"."""
    fleet.report("home", version="1.0", features="X")
    fleet.report("there", version="1.0", features="X")
    fleet.boot("g", "home")
    fleet.report("home", version="1.1", features="X Y", sequence=2)

    contract = fleet.service.get(GUEST)["slots"]["gpu0"]["contract"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.0", ["X"])
    assert fleet.codes("g", "there") == []


def test_a_reboot_picks_up_the_new_feature(fleet: Fleet) -> None:
    """Point 113: "if a vm is rebooted its also ok fo the vm to pick up feature Y".

    A warm reboot keeps the QEMU process, and the device with it.
    """
    fleet.report("old", version="1.0", features="X")
    fleet.report("new", version="1.1", features="X Y")
    fleet.boot("g", "old")
    move(fleet, "g", "old", "new")
    contract = fleet.service.get(GUEST)["slots"]["gpu0"]["contract"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.0", ["X"])

    warm = fleet.service.post(f"{GUEST}/reboot", {"kind": "warm", "versions": {"gpu0": "1.0"}})
    contract = warm["guest"]["slots"]["gpu0"]["contract"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.0", ["X"])

    anew = fleet.service.post(f"{GUEST}/reboot", {"kind": "new_process"})
    contract = anew["guest"]["slots"]["gpu0"]["contract"]
    assert anew["pinned"] == ["gpu0"]
    assert (contract["interface"]["version"], contract["features"]) == ("1.1", ["X", "Y"])


def test_the_way_back_closes_with_the_reboot(fleet: Fleet) -> None:
    """Point 114: "it could not be migrated back to the 1.0 host"."""
    fleet.report("old", version="1.0", features="X")
    fleet.report("new", version="1.1", features="X Y")
    fleet.boot("g", "old")
    (target,) = fleet.targets("g")["targets"]
    assert target["return_path"]["gpu0"]["verdict"] == "ok"

    move(fleet, "g", "old", "new")
    assert fleet.codes("g", "old") == []

    anew = fleet.service.post(f"{GUEST}/reboot", {"kind": "new_process"})
    assert anew["closed"] == ["old"]
    assert fleet.codes("g", "old") == ["FEATURE_MISSING", "MAPPING", "VERSION_MINOR_OLDER"]


def test_a_dropped_feature_is_named(desk: Desk) -> None:
    """Point 115: "an obserable change if it was drop"."""
    (reason,) = desk.check(a_contract(features=["X", "Y"]), an_offer())["reasons"]

    assert (reason["code"], reason["detail"]["feature"]) == ("FEATURE_MISSING", "Y")


@pytest.mark.parametrize("vendor", ["acme", "intel", "nvidia"])
def test_the_same_declared_comparisons_hold_for_every_vendor(desk: Desk, vendor: str) -> None:
    """Point 116: "declarative version sting comparisons or even simile feature flag check where
    an abstract huristic … across vendors".
    """
    contract = a_contract(type=f"{vendor}/t1")
    older = an_offer(type=f"{vendor}/t1", interface={"supports": "0.9"}, features={})

    assert desk.codes(contract, older) == ["VERSION_MAJOR", "FEATURE_MISSING"]
