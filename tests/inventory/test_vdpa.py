"""vDPA devices of a recorded kernel, with what `vdpa -j` said on it: a NIC and a disk."""

import json
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from host_facts import a_plan, codes_of, providers_of, the_provider
from wherry.compat.engine import check
from wherry.compat.pinning import Choice, pin
from wherry.hosts import recordings
from wherry.hosts.look import look_at
from wherry.model.checks import CheckResponse, Policy
from wherry.model.facts import Device
from wherry.model.inventory import HostPlan

GUEST = "11111111-2222-4333-8444-555555555555"
NIC: dict[str, Any] = {
    "type": "network", "mgmtdev": "vdpasim_net", "vendor_id": 0, "max_vqs": 3, "max_vq_size": 256,
}  # fmt: skip
DISK: dict[str, Any] = {
    "type": "block", "mgmtdev": "vdpasim_blk", "vendor_id": 0, "max_vqs": 1, "max_vq_size": 256,
}  # fmt: skip
FEATURES = [
    "MTU", "MAC", "STATUS", "CTRL_VQ", "CTRL_MAC_ADDR", "ANY_LAYOUT", "VERSION_1",
    "ACCESS_PLATFORM",
]  # fmt: skip
PLAIN = [name for name in FEATURES if name != "CTRL_VQ"]


def devices(
    nic: dict[str, Any] = NIC, mtu: int = 1500, features: list[str] = FEATURES
) -> tuple[Device, ...]:
    """The recorded devices, as the tool could have told of them."""
    managers = {
        "vdpasim_net": {"supported_classes": ["net"], "dev_features": features},
        "vdpasim_blk": {"supported_classes": ["block"], "dev_features": []},
    }
    config = {"vdpa0": {"mac": "52:54:00:bb:00:01", "link ": "up", "mtu": mtu}, "blk0": {}}
    answers = {
        "vdpa-dev.json": {"dev": {"vdpa0": nic, "blk0": DISK}},
        "vdpa-config.json": {"config": config},
        "vdpa-mgmtdev.json": {"mgmtdev": managers},
    }
    texts = {name: json.dumps(answer) for name, answer in answers.items()}
    return look_at(recordings.load("vdpa-sim"), texts).devices


def verdict(
    plan: HostPlan,
    device: str,
    target: HostPlan,
    policy: Policy = Policy(),  # noqa: B008
) -> CheckResponse:
    """What is said of a guest with a device of one host and that device of another."""
    (had,) = the_provider(plan, device).offers
    (offered,) = the_provider(target, device).offers
    return check(pin(had, Choice(), consumer=GUEST, slot="net0"), offered, policy)


def test_a_nic_and_a_disk_are_on_offer_and_are_had_once() -> None:
    plan = a_plan(*devices())
    nic, disk = (the_provider(plan, name) for name in ("vdpa0", "blk0"))

    assert codes_of(plan) == []
    assert (nic.slots, disk.slots) == (("vdpa0",), ("blk0",))
    assert {name: one.total for name, one in nic.inventories.items()} == {"CUSTOM_VDPA_NET": 1}
    assert {name: one.total for name, one in disk.inventories.items()} == {"CUSTOM_VDPA_BLOCK": 1}
    offer = nic.offers[0]
    assert (offer.kind, offer.device_api, offer.type) == ("vdpa", "virtio", "virtio/net")
    assert set(offer.features) == set(FEATURES)
    assert {k: v.value for k, v in offer.params.items()} == {
        "max_vqs": 3, "max_vq_size": 256, "mtu": 1500
    }  # fmt: skip
    assert (disk.offers[0].type, disk.offers[0].device_class) == ("virtio/block", "storage")


def test_without_the_tool_nobody_knows_what_they_are() -> None:
    plan = a_plan(*look_at(recordings.load("vdpa-sim"), {}).devices)

    assert codes_of(plan) == ["NO_PROFILE", "NO_PROFILE"]
    assert [one.offers for name in ("vdpa0", "blk0") for one in providers_of(plan, name)] == [
        (),
        (),
    ]


def test_one_that_the_host_uses_itself_is_given_to_no_guest() -> None:
    plan = a_plan(*(replace(each, driver="virtio_vdpa") for each in devices()))

    assert codes_of(plan) == ["HELD_BY_HOST", "HELD_BY_HOST"]
    assert "vhost_vdpa" in str(the_provider(plan, "vdpa0").note)


@pytest.mark.parametrize(
    ("device", "policy", "found"),
    [
        ("vdpa0", Policy(), "unknown"),
        ("blk0", Policy(), "unknown"),
        ("vdpa0", Policy(mode="replug"), "ok"),
        ("blk0", Policy(mode="replug"), "no"),
        ("vdpa0", Policy(mode="cold"), "ok"),
    ],
)
def test_whether_its_state_moves_is_unknown_and_a_nic_may_be_replugged(
    device: str, policy: Policy, found: str
) -> None:
    answer = verdict(a_plan(*devices()), device, a_plan(*devices(), name="host2"), policy)

    assert answer.verdict == found
    unknown = {reason.code for reason in answer.reasons if reason.severity == "unknown"}
    assert unknown == ({"MIGRATION_UNDETERMINED"} if found == "unknown" else set())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"features": PLAIN}, "FEATURE_MISSING"),
        ({"mtu": 9000}, "PARAM_EQ"),
        ({"nic": {**NIC, "max_vqs": 2}}, "PARAM_GE"),
        ({"nic": {**NIC, "max_vq_size": 128}}, "PARAM_GE"),
    ],
)
def test_what_the_guest_has_the_target_must_serve(changes: dict[str, Any], code: str) -> None:
    less = a_plan(*devices(**changes), name="host2")
    answer = verdict(a_plan(*devices()), "vdpa0", less)

    assert answer.verdict == "no"
    assert code in {reason.code for reason in answer.reasons}


def test_what_the_target_has_besides_is_no_hindrance() -> None:
    here = a_plan(*devices(nic={**NIC, "max_vqs": 2}, features=PLAIN))
    answer = verdict(here, "vdpa0", a_plan(*devices(), name="host2"))

    assert {reason.code for reason in answer.reasons} == {"MIGRATION_UNDETERMINED"}


def test_what_the_tool_left_out_is_not_compared() -> None:
    nic = {key: value for key, value in NIC.items() if key in {"type", "mgmtdev"}}
    (offer,) = the_provider(a_plan(*devices(nic=nic)), "vdpa0").offers

    assert set(offer.params) == {"mtu"}
    assert offer.model is UNSET
