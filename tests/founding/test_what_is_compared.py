"""Founding e-mail, part A: what is to be compared, and for whom.

Each test tells the number of its point and the e-mail's own words, spelled as they stand.
"""

from typing import Any

import pytest

from acme_fleet import Fleet, name_of
from founding.desk import Desk, a_contract, an_offer, codes
from founding.story import move
from reports import recorded_report

GUEST = f"/wherry/guests/{name_of('g')}"
VF = {"kind": "vf", "device_class": "network", "type": "mlx5/vf"}
PLAIN = {"support": "no"}
SWAPPED = {"support": "no", "modes": ["cold", "replug"]}


def test_one_place_answers(desk: Desk) -> None:
    """Point 1: "a device migration compatibility interface"."""
    paths = desk.service.get("/wherry/openapi.json")["paths"]

    assert "post" in paths["/wherry/check"]
    assert desk.check(a_contract(), an_offer())["verdict"] == "ok"


def test_openstacks_own_questions_are_answered(desk: Desk) -> None:
    """Point 2: "upper layer stack like openstack"."""
    (version,) = desk.service.get("/")["versions"]

    assert (version["min_version"], version["max_version"]) == ("1.0", "1.39")


def test_two_records_are_compared(desk: Desk) -> None:
    """Point 5: "check if two devices are live migration compatible"."""
    alike = desk.check(a_contract(), an_offer())
    other = desk.check(a_contract(), an_offer(type="acme/b2"))

    assert (alike["verdict"], alike["accepted"]) == ("ok", True)
    assert (other["verdict"], other["accepted"]) == ("no", False)


def test_mdevs_are_devices(sqlite_fleet: Fleet) -> None:
    """Point 6: ""devices" here could be MDEVs"."""
    sqlite_fleet.report("node-1")
    (row,) = sqlite_fleet.service.get("/wherry/offers")["offers"]

    assert (row["offer"]["kind"], row["offer"]["type"]) == ("mdev", "acme/a1")


def report_recorded(fleet: Fleet, host: str, recording: str) -> list[dict[str, Any]]:
    """Report a recorded host; gives what it offers."""
    fleet.service.put(f"/wherry/hosts/{host}/report", recorded_report(recording, host=host))
    return [row["offer"] for row in fleet.service.get(f"/wherry/offers?host={host}")["offers"]]


def test_whole_physical_devices_have_a_kind_and_a_type(sqlite_fleet: Fleet) -> None:
    """Point 7: "physical devices"."""
    report = recorded_report("igb-novfs", host="node-1")
    for device in report["facts"]["devices"]:
        if device.get("role") == "pf" or device.get("driver") == "igb":
            device.update(role="function", driver="vfio-pci")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    offers = [row["offer"] for row in sqlite_fleet.service.get("/wherry/offers")["offers"]]

    assert {"pf"} <= {offer["kind"] for offer in offers}
    assert all(offer["type"].startswith("pci/") for offer in offers if offer["kind"] == "pf")


@pytest.mark.parametrize(("at_home", "there"), [("mdev", "pf"), ("pf", "mdev")])
def test_kinds_are_judged_across_both_ways(desk: Desk, at_home: str, there: str) -> None:
    """Point 8: "or hybrid of the two"."""
    answer = desk.check(a_contract(kind=at_home), an_offer(kind=there))

    assert (answer["verdict"], codes(answer)) == ("no", ["KIND_MISMATCH"])


def test_an_mdev_goes_to_an_mdev(desk: Desk) -> None:
    """Point 9: "a src MDEV can migrate to a target MDEV"."""
    assert desk.codes(a_contract(), an_offer()) == []


def test_a_vf_goes_to_a_vf_where_its_driver_can(desk: Desk) -> None:
    """Point 10: "a src VF in SRIOV can migrate to a target VF in SRIOV"."""
    assert desk.codes(a_contract(**VF), an_offer(**VF)) == []


def test_plain_vfs_are_refused_early_with_what_else_is_possible(sqlite_fleet: Fleet) -> None:
    """Point 11: "vf to vf migration is not possible in the general case"."""
    rows = report_recorded(sqlite_fleet, "node-1", "igb-vfs")
    report_recorded(sqlite_fleet, "node-2", "igb-vfs")
    vf = next(offer for offer in rows if offer["kind"] == "vf")
    slot = {"provider": vf["provider"], "type": vf["type"]}
    sqlite_fleet.service.put(GUEST, {"host": "node-1", "slots": {"net0": slot}})

    assert "MIGRATION_UNSUPPORTED" in sqlite_fleet.codes("g", "node-2")
    assert sqlite_fleet.codes("g", "node-2", mode="cold") == []
    assert sqlite_fleet.codes("g", "node-2", replug=["net0"]) == []


def test_an_mdev_becomes_a_vf_where_the_vendor_says_so(desk: Desk) -> None:
    """Point 12: "a src MDEV can migration to a target VF in SRIOV"."""
    door = [{"kind": "mdev", "type": "acme/a1"}]
    vf = {"kind": "vf", "type": "acme/vf-a1"}

    assert desk.codes(a_contract(), an_offer(**vf, also_types=door)) == []


def test_a_kind_is_not_changed_silently(desk: Desk) -> None:
    """Point 13: "that also makes this unviable"."""
    answer = desk.check(a_contract(), an_offer(kind="vf"))

    assert (answer["verdict"], codes(answer)) == ("no", ["KIND_MISMATCH"])


def test_variant_drivers_are_known_as_data(desk: Desk) -> None:
    """Point 14: "physical devices which have vfio wrappers or hooks with device specific
    knowledge in order to support the vfio migration interface".
    """
    known = {one["id"] for one in desk.service.get("/wherry/profiles")["profiles"]}

    assert {"mlx5_vfio_pci", "hisi_acc_vfio_pci", "pds_vfio_pci", "qat_vfio_pci"} <= known


def test_no_kind_of_device_is_left_out(desk: Desk) -> None:
    """Point 15: "cannot be limited to mdev devices"."""
    for kind in ("mdev", "vf", "pf", "sf", "vdpa", "vfio_user", "virtual"):
        assert desk.codes(a_contract(kind=kind), an_offer(kind=kind)) == []


def test_plain_passthrough_gets_an_honest_no(desk: Desk) -> None:
    """Point 16: "we do not plan to support generic livemigration for passthough devivces"."""
    plain = {"kind": "pf", "device_class": "display", "type": "pci/10de:2230"}
    answer = desk.check(a_contract(**plain), an_offer(**plain, migration=PLAIN))

    assert (answer["verdict"], codes(answer)) == ("no", ["MIGRATION_UNSUPPORTED"])
    assert answer["modes"]["cold"] == "ok"


def test_a_nic_is_replugged_only_when_asked_for(desk: Desk) -> None:
    """Point 17: "we hot unplug the nic before the migration and attach a new one after"."""
    vf = {**VF, "migration": SWAPPED}
    contract, offer = a_contract(**vf), an_offer(**vf)

    assert set(desk.codes(contract, offer)) == {"MIGRATION_UNSUPPORTED", "MODE"}
    assert desk.codes(contract, offer, mode="replug") == []


def test_a_virtual_nic_needs_no_replug(desk: Desk) -> None:
    """Point 18: "where no abstraction layer like an mdev is present or a macvtap device"."""
    virtual = {
        "kind": "virtual",
        "device_api": "virtio",
        "device_class": "network",
        "type": "virtio-net/macvtap",
    }
    assert desk.codes(a_contract(**virtual), an_offer(**virtual)) == []


@pytest.mark.parametrize("device_class", ["display", "crypto", "accelerator"])
def test_gpus_and_crypto_cards_are_not_replugged(desk: Desk, device_class: str) -> None:
    """Point 19: "for gpus or crypto cards this likely would not be viable"."""
    card = {"kind": "pf", "device_class": device_class, "type": "pci/8086:37c8"}

    assert desk.codes(a_contract(**card), an_offer(**card), mode="replug") == ["MODE"]


def test_what_comes_after_mdev_is_inventory_too(sqlite_fleet: Fleet) -> None:
    """Point 21: "convergenca around MDEVs … or some other new mechanisum in the future"."""
    offers = report_recorded(sqlite_fleet, "node-1", "constructed-nvidia-vfio")

    assert {offer["kind"] for offer in offers} == {"vf"}
    assert all(offer["migration"]["support"] == "yes" for offer in offers)


def test_an_mdev_moves_from_end_to_end(sqlite_fleet: Fleet) -> None:
    """Point 22: "mdev live migration is completely possible"."""
    rows = report_recorded(sqlite_fleet, "node-1", "mtty-fresh")
    report_recorded(sqlite_fleet, "node-2", "mtty-fresh")
    slot = {"provider": rows[0]["provider"], "type": rows[0]["type"]}
    sqlite_fleet.service.put(GUEST, {"host": "node-1", "slots": {"port": slot}})
    move(sqlite_fleet, "g", "node-1", "node-2")

    assert sqlite_fleet.service.get(GUEST)["host"] == "node-2"
