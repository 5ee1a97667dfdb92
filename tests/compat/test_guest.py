"""The whole guest: its host, all its devices together, and each mode by itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import FB, a_contract, a_uuid, an_offer
from compat.worlds import contracts, full_offers, policy_values
from wherry.compat.engine import check
from wherry.compat.guest import GUEST_MODES, check_guest
from wherry.model.checks import Downtime, GuestResponse, HostFacts, Needs, Policy
from wherry.model.device import Contract, Offer

NIC: dict[str, Any] = {
    "kind": "vf", "device_class": "network", "type": "acme/nic", "units": UNSET,
    "interface": {"policy": "none"}, "state": UNSET,
}  # fmt: skip
BOTH_WAYS = {"support": "no", "modes": ["cold", "replug"]}


LIVE = Policy()


def ask(
    contracts: list[Contract],
    offers: list[Offer],
    policy: Policy = LIVE,
    **more: Any,
) -> GuestResponse:
    needs, host = more.get("needs", Needs()), more.get("host", HostFacts())
    return check_guest(contracts, needs, offers, host, policy)


def codes(reasons: Any) -> list[str]:
    return [reason.code for reason in reasons]


HOST = HostFacts(
    arch="x86_64", machine_types=("q35",), cpu_models=("EPYC",), cpu_features=("avx2",),
    versions={"qemu": "8.1", "odd": "eight"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("needs", "code", "detail", "modes"),
    [
        ({"arch": "aarch64"}, "ARCH", {}, "live suspend cold"),
        ({"machine_type": "pc"}, "MACHINE_TYPE", {}, "live suspend cold"),
        ({"cpu_model": "Icelake"}, "CPU_MODEL", {}, "live suspend"),
        ({"cpu_features": ("amx",)}, "CPU_FEATURE_MISSING", {"feature": "amx"}, "live suspend"),
        ({"min_versions": {"qemu": "9"}}, "STACK_TOO_OLD", {"component": "qemu"}, "live suspend"),
    ],
)  # fmt: skip
def test_a_host_that_lacks_what_the_guest_needs_is_refused(needs, code, detail, modes):
    answers = {
        mode: ask([a_contract()], [an_offer()], Policy(mode=mode), needs=Needs(**needs), host=HOST)
        for mode in GUEST_MODES
    }

    for mode, answer in answers.items():
        is_counted = mode in modes.split()
        assert codes(answer.reasons) == ([code] if is_counted else [])
        assert answer.verdict == answer.modes[mode] == ("no" if is_counted else "ok")
        for reason in answer.reasons:
            assert detail.items() <= reason.detail.items()
    assert answers["live"].mapping[0].offer == 0


@pytest.mark.parametrize(
    ("needs", "fact", "modes"),
    [
        ({"arch": "x86_64"}, "arch", "live suspend cold"),
        ({"machine_type": "q35"}, "machine_types", "live suspend cold"),
        ({"cpu_model": "EPYC"}, "cpu_models", "live suspend"),
        ({"cpu_features": ("avx2", "amx")}, "cpu_features", "live suspend"),
        ({"min_versions": {"qemu": "1"}}, "versions.qemu", "live suspend"),
    ],
)
def test_what_a_host_does_not_state_is_unknown(needs, fact, modes):
    for mode in GUEST_MODES:
        answer = ask([a_contract()], [an_offer()], Policy(mode=mode), needs=Needs(**needs))
        expected = [fact] if mode in modes.split() else []
        assert [reason.detail["fact"] for reason in answer.reasons] == expected
        assert answer.verdict == ("unknown" if expected else "ok")


def test_a_version_of_a_host_that_does_not_parse_is_not_stated():
    for needs in ({"odd": "1"}, {"qemu": "eight"}):
        answer = ask([a_contract()], [an_offer()], needs=Needs(min_versions=needs), host=HOST)
        assert codes(answer.reasons) == ["HOST_FACT_ABSENT"]


def test_a_host_that_has_all_is_taken():
    needs = Needs(arch="x86_64", machine_type="q35", cpu_model="EPYC", cpu_features=("avx2",),
                  min_versions={"qemu": "8.1.0"})  # fmt: skip

    assert ask([a_contract()], [an_offer()], needs=needs, host=HOST).verdict == "ok"


def vfio(slot: str, **migration: Any) -> Contract:
    return a_contract(slot=slot, migration={"support": "yes", **migration})


def test_several_vfio_devices_must_all_stop_their_peer_traffic():
    with_p2p, without = {"flags": ["stop_copy", "p2p"]}, {"flags": ["stop_copy"]}
    alone = ask([vfio("a", **without)], [an_offer()])
    both = ask([vfio("a", **without), vfio("b", **with_p2p)], [an_offer()])
    silent = ask([vfio("a"), vfio("b", **with_p2p)], [an_offer()])
    cold = ask([vfio("a"), vfio("b")], [an_offer()], Policy(mode="cold"))

    assert alone.verdict == cold.verdict == "ok"
    assert [codes(row.reasons) for row in both.mapping] == [["P2P_REQUIRED"], []]
    assert (both.verdict, silent.verdict) == ("no", "unknown")
    assert silent.mapping[0].reasons[0].detail == {"side": "source"}


def test_a_device_that_is_replugged_does_not_count_among_them():
    """It is unplugged before the others move; nor does a device that is no vfio device."""
    nic = a_contract(slot="nic", **NIC, migration=BOTH_WAYS)
    offers = [an_offer(), an_offer(provider="nic", pools=UNSET, **NIC, migration=BOTH_WAYS)]
    gpu = vfio("gpu", flags=["stop_copy"])

    stays = ask([gpu, nic], offers)
    leaves = ask([gpu, nic], offers, Policy(replug=("nic",)))

    assert stays.verdict == "no"
    assert leaves.verdict == "ok"
    assert [row.mode for row in leaves.mapping] == ["live", "replug"]
    assert [
        row.mode for row in ask([nic], offers, Policy(mode="cold", replug=("nic",))).mapping
    ] == ["cold"]
    virtio = replace(nic, device_api="virtio", slot="v")
    assert codes(ask([gpu, virtio], offers, Policy(mode="suspend")).mapping[0].reasons) == []


def test_downtimes_are_added_up_over_the_slots_that_move_live():
    ours = [
        vfio(slot, flags=["stop_copy", "p2p"], stop_copy_bytes=size, bytes_per_s=1000)
        for slot, size in (("a", 1001), ("b", 500))
    ]
    offers = [an_offer()]

    within = ask(ours, offers, Policy(downtime=Downtime(budget_ms=1501)))
    above = ask(ours, offers, Policy(downtime=Downtime(budget_ms=1500)))
    strict = ask(ours, offers, Policy(downtime=Downtime(budget_ms=1500, strict=True)))
    suspended = ask(ours, offers, Policy(mode="suspend", downtime=Downtime(budget_ms=0)))
    untold = ask([*ours, vfio("c", flags=["p2p"])], offers,
                 Policy(downtime=Downtime(budget_ms=9, strict=True)))  # fmt: skip

    assert (within.verdict, within.downtime_ms) == ("ok", 1501)
    assert (above.verdict, codes(above.reasons)) == ("warn", ["DOWNTIME_BUDGET"])
    assert strict.verdict == "no"
    assert [codes(row.reasons) for row in strict.mapping] == [[], []]
    assert (suspended.verdict, suspended.downtime_ms) == ("ok", None)
    assert (untold.verdict, untold.downtime_ms) == ("unknown", None)


def test_a_guest_without_devices_moves_anywhere_and_stands_still_for_no_device():
    answer = ask([], [], Policy(downtime=Downtime(budget_ms=0, strict=True)))

    assert (answer.verdict, answer.mapping, answer.downtime_ms) == ("ok", (), 0)


def test_a_host_without_offers_has_none_for_any_slot():
    answer = ask([a_contract()], [])

    assert codes(answer.reasons) == ["MAPPING"]
    row = answer.mapping[0]
    assert (row.offer, codes(row.reasons), row.verdict) == (None, ["NO_OFFER"], "no")
    assert answer.downtime_ms is None


def test_what_is_in_the_way_is_named_and_each_row_shows_the_least_severe():
    stranger = a_contract(slot="b", type="acme/other")
    offers = [an_offer(kind="vf"), an_offer(provider="p2", model="m")]

    one = ask([a_contract(slot="a"), stranger], offers)
    crowd = ask([a_contract(slot=s, units={FB: 9000}) for s in "ab"], [an_offer(units={FB: 9000})])

    assert one.reasons[0].detail == {"slots": ["b"]}
    assert [row.offer for row in one.mapping] == [1, 0]
    assert crowd.reasons[0].detail == {"slots": ["a", "b"]}
    assert [row.verdict for row in crowd.mapping] == ["ok", "ok"]
    assert crowd.verdict == "no"


def test_each_slot_is_prepared_at_its_own_address():
    ours = [a_contract(slot=slot, guest_address=f"0000:0{slot}:00.0") for slot in "12"]
    prepared = {"1": "0000:01:00.0", "2": "0000:09:00.0"}

    answer = ask(ours, [an_offer()], Policy(guest_addresses=prepared, guest_address="x"))

    assert [codes(row.reasons) for row in answer.mapping] == [[], ["GUEST_ADDRESS"]]


def test_the_generation_of_one_offer_says_nothing_of_a_guest():
    assert ask([a_contract()], [an_offer()], Policy(offer_generation=9)).verdict == "ok"


def test_each_mode_has_its_own_mapping():
    """Live, the board with the state format; cold, the first one that has room."""
    offers = [an_offer(state={"policy": "exact", "accepts": "2"}), an_offer(provider="p2")]

    live = ask([a_contract()], offers)
    cold = ask([a_contract()], offers, Policy(mode="cold"))

    assert [row.offer for row in live.mapping] == [1]
    assert [row.offer for row in cold.mapping] == [0]
    assert live.modes == cold.modes == {"live": "ok", "suspend": "ok", "cold": "ok"}


@given(contracts, full_offers, policy_values)
def test_a_guest_of_one_device_and_a_host_of_one_offer_is_the_pair(contract, offer, policy):
    """But for R65, which is asked of the sum, and what is not asked of a guest."""
    policy = replace(policy, mode="suspend" if policy.mode == "replug" else policy.mode)
    alone = replace(policy, offer_generation=UNSET, guest_address=UNSET)

    whole = ask([contract], [offer], policy)
    pair = check(contract, offer, replace(alone, downtime=UNSET))

    row = whole.mapping[0]
    assert (row.verdict, row.reasons, row.configure) == (pair.verdict, pair.reasons, pair.configure)
    if pair.verdict != "no":
        full = check(contract, offer, alone)
        assert (whole.verdict, whole.downtime_ms) == (full.verdict, full.downtime_ms)


@given(st.lists(contracts, max_size=3), st.lists(full_offers, max_size=3), policy_values)
def test_the_verdict_of_a_guest_is_the_worst_of_its_reasons_and_rows(ours, offers, policy):
    weight = {"ok": 0, "info": 0, "warn": 1, "unknown": 2, "no": 3}
    ours = [replace(contract, slot=f"s{number}") for number, contract in enumerate(ours)]
    offers = [replace(offer, provider=a_uuid(str(n))) for n, offer in enumerate(offers)]
    policy = replace(policy, mode="live" if policy.mode == "replug" else policy.mode)

    answer = ask(ours, offers, policy)

    heaviest = [weight[r.severity] for r in answer.reasons] + [
        weight[r.verdict] for r in answer.mapping
    ]
    assert weight[answer.verdict] == max(heaviest, default=0)
    assert answer.modes[policy.mode] == answer.verdict
    assert answer.accepted == (answer.verdict in {"ok", *policy.accept})
    assert [row.slot for row in answer.mapping] == [contract.slot for contract in ours]
