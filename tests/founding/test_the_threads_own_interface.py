"""Founding e-mail, part C: the thread's own interface, `migration_version`.

Each test tells the number of its point and the e-mail's own words, spelled as they stand.
"""

import pytest

from acme_fleet import Fleet, name_of
from founding.desk import Desk, a_contract, an_offer
from founding.story import NEWEST
from reports import recorded_report

GVT = "i915-v1-8086-591d-i915-GVTg_V5_8-1"
OPAQUE = {"policy": "exact", "version": GVT}


def test_declared_facts_are_compared_and_nothing_is_probed(desk: Desk) -> None:
    """Point 75: "probing for compatibility via writes is basicaly considered an anti patteren"."""
    unknown = desk.check(a_contract(), an_offer(migration={"support": "unknown"}))

    assert (unknown["verdict"], unknown["accepted"]) == ("unknown", False)
    assert [each["code"] for each in unknown["reasons"]] == ["MIGRATION_UNDETERMINED"]


RULES = [
    ({"type": "int", "rule": "eq", "value": 4}, 4, 5),
    ({"type": "str", "rule": "in", "value": "on", "allowed": ["on", "off"]}, "off", "maybe"),
    ({"type": "int", "rule": "ge", "value": 4}, 3, 5),
    ({"type": "set", "rule": "subset", "value": ["aes", "sha"]}, ["aes"], ["des"]),
]


@pytest.mark.parametrize(("param", "met", "unmet"), RULES)
def test_requirements_are_asserted_over_what_is_read(
    desk: Desk, param: dict[str, object], met: object, unmet: object
) -> None:
    """Point 76: "assert compatibility by reading avaiable info and asserting requirement over
    it".
    """
    offer = an_offer(params={"p": param})

    assert desk.codes(a_contract(params={"p": met}), offer) == []
    assert len(desk.codes(a_contract(params={"p": unmet}), offer)) == 1


def test_virtio_features_are_facts(desk: Desk) -> None:
    """Point 77: "virtio feature flag … ovs dpdk … rejected as unacceptable from a performance
    and security point of view".
    """
    virtio = {"kind": "vdpa", "device_api": "virtio", "type": "virtio-net"}
    mask = {"virtio": {"type": "mask", "rule": "subset", "value": "0x7"}}

    assert (
        desk.codes(a_contract(**virtio, params={"virtio": "0x3"}), an_offer(**virtio, params=mask))
        == []
    )
    assert desk.codes(
        a_contract(**virtio, params={"virtio": "0xb"}), an_offer(**virtio, params=mask)
    ) == ["PARAM_SUBSET"]


def test_an_opaque_text_is_compared_for_equality_alone(desk: Desk) -> None:
    """Point 81: "defined by device vendor driver and is completely opaque to the userspace"."""
    opaque = an_offer(interface={"policy": "semver", "supports": "not a version"})
    same = desk.codes(a_contract(interface={"version": "not a version"}), opaque)
    other = desk.codes(a_contract(interface={"version": "nor this"}), opaque)

    assert (same, other) == (["VERSION_OPAQUE"], ["VERSION_INCOMPARABLE"])


def test_no_order_is_read_into_an_opaque_text(desk: Desk) -> None:
    """Point 82: "opaque vendor specific stings … are evil"."""
    offer = an_offer(interface={"policy": "semver", "supports": "build-10"})
    answer = desk.check(a_contract(interface={"version": "build-9"}), offer)

    assert answer["verdict"] == "unknown"


def test_each_part_of_intels_string_is_a_fact(sqlite_fleet: Fleet) -> None:
    """Point 84: "parent device PCI ID", "version of gvt driver", "mdev type", "aggregator
    count".
    """
    report = recorded_report("constructed-gvtg-v5", host="node-1")
    sqlite_fleet.service.put("/wherry/hosts/node-1/report", report)
    rows = sqlite_fleet.service.get("/wherry/offers")["offers"]
    offer = next(r["offer"] for r in rows if r["offer"]["type"] == "i915/GVTg_V5_4")

    assert offer["parent"]["vendor"] == "8086"
    assert offer["units"]["CUSTOM_GVT_LOW_GM_MB"] == 128
    assert {"low_gm_mb", "high_gm_mb", "fence"} <= set(offer["params"])


def test_a_remote_backend_must_be_the_same(desk: Desk) -> None:
    """Point 85: "… configured remote storage URL"."""
    backend = {"backend": {"type": "str", "rule": "eq", "value": "volume-a"}}
    disk = {"kind": "vf", "device_class": "storage", "type": "nvme/vf"}
    offer = an_offer(**disk, params=backend)

    assert desk.codes(a_contract(**disk, params={"backend": "volume-a"}), offer) == []
    assert desk.codes(a_contract(**disk, params={"backend": "volume-b"}), offer) == ["PARAM_EQ"]


def test_encryption_sets_are_subsets(desk: Desk) -> None:
    """Point 86: "supported encryption set"."""
    card = {"kind": "vf", "device_class": "crypto", "type": "qat/vf"}
    has = {"ciphers": {"type": "set", "rule": "subset", "value": ["aes", "sha", "rsa"]}}
    offer = an_offer(**card, params=has)

    assert desk.codes(a_contract(**card, params={"ciphers": ["aes", "sha"]}), offer) == []
    assert desk.codes(a_contract(**card, params={"ciphers": ["aes", "sm4"]}), offer) == [
        "PARAM_SUBSET"
    ]


def test_that_very_text_is_handled(desk: Desk) -> None:
    """Point 87: "prefix a driver name … i915-v1-8086-591d-i915-GVTg_V5_8-1"."""
    contract = a_contract(interface=OPAQUE)

    assert desk.codes(contract, an_offer(interface={"policy": "exact", "supports": GVT})) == []
    other = an_offer(interface={"policy": "exact", "supports": GVT.replace("v1", "v2")})
    assert desk.codes(contract, other) == ["VERSION_NOT_EQUAL"]


def test_ids_packed_into_a_version_are_noted(sqlite_fleet: Fleet) -> None:
    """Point 88: "we dont need vendor to rencode the driver name or vendor id and product id"."""
    answer = sqlite_fleet.report("node-1", version=GVT)

    assert any("packs ids of a device into one text" in f["message"] for f in answer["findings"])


def test_a_version_is_a_tag_that_is_asked_early(sqlite_fleet: Fleet) -> None:
    """Point 78: "tag the inventory with the migration version and only might to devices with the
    same version".
    """
    for host, state in (("home", "1.0"), ("same", "1.0"), ("other", "2.0")):
        sqlite_fleet.report(host, state=state)
    sqlite_fleet.boot("g", "home")
    answer = sqlite_fleet.targets("g")

    assert [each["host"] for each in answer["targets"]] == ["same"]
    assert answer["refused"]["by_reason"]["STATE_FORMAT_MAJOR"] == 1


def test_equal_version_is_not_the_main_way(desk: Desk) -> None:
    """Point 79: "Seems similar to Dan's requirement, … isn't really viable"."""
    newer = an_offer(interface={"supports": "1.4"})

    assert desk.codes(a_contract(), newer) == []


def test_a_guest_of_an_unchanged_nova_has_a_contract(fleet: Fleet) -> None:
    """Point 73: the running guest's record, without anybody putting one.

    The only call is the one that Nova makes when it boots a guest.
    """
    fleet.report("home")
    fleet.report("there")
    body = {
        "allocations": {fleet.provider("home"): {"resources": {"CUSTOM_ACME_SLICE": 1}}},
        "consumer_generation": None,
        "project_id": "alpha",
        "user_id": "ann",
        "consumer_type": "INSTANCE",
    }
    answer = fleet.service.ask("PUT", f"/allocations/{name_of('g')}", body, headers=NEWEST)
    assert answer.status == 204
    guest = fleet.service.get(f"/wherry/guests/{name_of('g')}")
    (slot,) = guest["slots"].values()

    assert (guest["host"], slot["contract"]["type"]) == ("home", "acme/a1")
    assert slot["contract"]["assumed"]
    assert "there" in {each["host"] for each in fleet.targets("g")["targets"]}


def test_an_inventory_is_one_however_many_report_it(sqlite_fleet: Fleet) -> None:
    """Point 72: "nova could integrate it": one device is one inventory, whoever asks."""
    sqlite_fleet.report("node-1")
    provider = sqlite_fleet.provider("node-1")
    before = sqlite_fleet.service.get(f"/resource_providers/{provider}/inventories")
    sqlite_fleet.boot("g", "node-1")
    usages = sqlite_fleet.service.get(f"/resource_providers/{provider}/usages")["usages"]

    assert before["inventories"]["CUSTOM_ACME_SLICE"]["total"] == 4
    assert usages["CUSTOM_ACME_SLICE"] == 1
    assert sqlite_fleet.service.get(f"/allocations/{name_of('g')}")["allocations"]
