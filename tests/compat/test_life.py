"""A contract is pinned at boot, plug and reboot, follows its guest, and may be kept."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from builders import FB, a_contract, an_offer
from compat.worlds import contracts, full_offers
from wherry.compat.engine import check
from wherry.compat.life import Reboot, in_effect_after_boot, keep, reboot
from wherry.compat.pinning import Choice, OffersNothing, pin
from wherry.compat.rebase import PINNED, rebase
from wherry.model.checks import Configure, Policy
from wherry.model.device import Contract, Offer

HEADS = {"type": "int", "allowed": ["1-4"], "settable": True, "value": 1, "off_value": 0}


def pinned(offer: Offer, **choice: Any) -> Contract:
    return pin(offer, Choice(**choice), consumer="c", slot="gpu0")


def test_a_contract_has_what_was_chosen_and_else_what_is_offered():
    offer = an_offer(features={"y": {}, "x": {}}, params={"heads": HEADS})

    plain = pinned(offer)
    chosen = pinned(offer, version="2.0", features=("x",), params={"heads": 3}, guest_address="a")

    assert plain.interface.version == "2.1.1"
    assert plain.features == ("x", "y")
    assert plain.params == {"heads": 1}
    assert (chosen.interface.version, chosen.features) == ("2.0", ("x",))
    assert (chosen.params, chosen.guest_address) == ({"heads": 3}, "a")
    assert chosen.interface.policy == "semver"
    assert (plain.keep, plain.guest_address) == (False, UNSET)


@pytest.mark.parametrize("supports", [{"min": "1", "max": "9"}, ["1", "2"], None, UNSET])
def test_a_version_that_is_no_text_is_left_to_be_negotiated(supports):
    offer = an_offer(
        interface={"policy": "range", **({} if supports is UNSET else {"supports": supports})}
    )

    assert pinned(offer).interface.version is None
    assert pinned(offer, version="7").interface.version == "7"


def test_parameters_that_are_off_or_not_compared_are_not_in_a_contract():
    params = {
        "off": {"type": "int", "value": 0, "off_value": 0},
        "mask": {"type": "mask", "value": "0x00", "off_value": "0x0"},
        "ignored": {"type": "int", "rule": "ignore", "value": 7},
        "unknown": {"type": "int"},
        "on": {"type": "bool", "value": True},
    }

    assert pinned(an_offer(params=params)).params == {"unknown": None, "on": True}


@pytest.mark.parametrize(("features", "expected"), [(None, None), (UNSET, UNSET), ({}, ())])
def test_null_stays_null_and_what_is_left_out_stays_left_out(features, expected):
    assert pinned(an_offer(features=features)).features == expected


def test_the_description_belongs_to_the_offers_own_type():
    offer = an_offer(
        description="4 heads", also_types=["acme/old", {"kind": "vf", "type": "acme/v"}]
    )

    assert pinned(offer).description == "4 heads"
    assert pinned(offer, type="acme/old").description is UNSET
    other = pinned(offer, kind="vf", type="acme/v")
    assert (other.kind, other.type, other.description) == ("vf", "acme/v", UNSET)
    assert check(other, offer, Policy()).verdict == "ok"


def test_blockers_and_tags_do_not_come_from_an_offer():
    offer = an_offer(
        migration={"support": "yes", "blockers": ["cuda"]}, state={"emits": "1", "tags": ["t"]}
    )

    assert pinned(offer).migration.blockers is UNSET
    assert pinned(offer).state.tags is UNSET
    assert pinned(offer).state.emits == "1"


def test_nothing_is_pinned_from_a_provider_that_offers_nothing():
    with pytest.raises(OffersNothing):
        pinned(an_offer(type=None))
    assert pinned(an_offer(type=None), type="acme/gpu-a").type == "acme/gpu-a"


@given(contracts, full_offers)
def test_a_move_changes_what_follows_the_device_and_nothing_that_is_pinned(contract, offer):
    moved = rebase(contract, offer)

    for field in PINNED | {"consumer", "slot", "pinned_at"}:
        assert getattr(moved, field) == getattr(contract, field)
    assert moved.parent == offer.parent
    assert (moved.env or {}) == {**(contract.env or {}), **(offer.env or {})}
    for field in ("stop_copy_bytes", "blockers"):
        assert getattr(moved.migration or None, field, UNSET) == getattr(
            contract.migration or None, field, UNSET
        )
    for path in moved.assumed or ():
        holder = contract if path.split(".")[0] in PINNED else offer
        assert path in holder.assumed
    assert rebase(moved, offer) == moved


def a_reboot(kind: Any, **fields: Any) -> Reboot:
    return Reboot(kind=kind, **{"in_effect": Configure(), "chosen": Choice(), **fields})


X_AND_Y = an_offer(supports="2.0", features={"x": {}, "y": {}}, params={"heads": HEADS})


def test_a_warm_reboot_shows_nothing_that_the_claim_has_masked_and_sets_nothing_back():
    """The guest booted with X; its target masked Y and set the heads."""
    contract = a_contract(version="1.0", features=["x"], params={"heads": 2}, guest_address="a")
    in_effect = Configure(params={"heads": 2}, mask_features=("y",))

    after = reboot(contract, X_AND_Y, a_reboot("warm", in_effect=in_effect, negotiated="1.9"))

    assert after.is_pinned_anew
    assert after.contract.features == ("x",)
    assert after.contract.params == {"heads": 2}
    assert after.contract.interface.version == "1.9"
    assert after.contract.guest_address == "a"
    assert after.in_effect == in_effect


def test_a_new_process_may_pick_up_a_feature_and_then_the_way_back_may_be_closed():
    """The reboot story of the founding e-mail, told on a claim that had masked Y."""
    contract = a_contract(version="2.0", features=["x"])
    home = an_offer(supports="2.0", features={"x": {}})
    assert check(contract, X_AND_Y, Policy(), home).return_path.verdict == "ok"

    how = a_reboot("new_process", in_effect=Configure(mask_features=("y",)))
    after = reboot(contract, X_AND_Y, how)

    assert after.contract.features == ("x", "y")
    assert after.in_effect == Configure()
    assert [r.code for r in check(after.contract, home, Policy()).reasons] == [
        "FEATURE_MISSING", "PARAM_UNKNOWN",
    ]  # fmt: skip


def test_after_a_boot_the_choice_is_in_effect_and_what_was_not_chosen_is_masked():
    choice = Choice(features=("x",), params={"heads": 3})

    assert in_effect_after_boot(X_AND_Y, choice) == Configure(
        params={"heads": 3}, mask_features=("y",)
    )
    assert in_effect_after_boot(X_AND_Y, Choice()) == Configure()


def test_a_contract_that_is_kept_survives_a_new_process_with_what_must_be_configured():
    contract = a_contract(version="2.0", features=["x"], params={"heads": 2}, keep=True)

    after = reboot(contract, X_AND_Y, a_reboot("new_process"))

    assert not after.is_pinned_anew
    assert after.contract.features == ("x",)
    assert after.in_effect == Configure(params={"heads": 2}, mask_features=("y",))
    assert check(after.contract, X_AND_Y, Policy()).verdict == "ok"


def test_a_kept_contract_in_the_same_process_leaves_in_effect_what_is():
    in_effect = Configure(mask_features=("y",))
    contract = a_contract(version="2.0", features=["x"], params={"heads": 1}, keep=True)

    after = reboot(contract, X_AND_Y, a_reboot("warm", in_effect=in_effect))

    assert (after.is_pinned_anew, after.in_effect) == (False, in_effect)


@pytest.mark.parametrize(
    ("offer", "codes"),
    [
        (an_offer(supports="3.0"), ["VERSION_MAJOR"]),
        (an_offer(features={"z": {"maskable": False}}), ["FEATURE_UNMASKABLE"]),
    ],
)
def test_a_contract_that_cannot_be_kept_is_pinned_anew_and_the_reasons_are_told(offer, codes):
    contract = a_contract(version="2.0", keep=True)

    after = reboot(contract, offer, a_reboot("new_process"))

    assert after.is_pinned_anew
    assert [reason.code for reason in after.reasons] == codes
    assert after.contract.keep


def test_a_contract_whose_settings_could_not_be_applied_is_pinned_anew():
    contract = a_contract(version="2.0", features=["x"], keep=True)

    after = reboot(contract, X_AND_Y, a_reboot("new_process", configure_failed=True))

    assert after.is_pinned_anew
    assert after.contract.features == ("x", "y")


def test_what_moves_is_not_asked_of_a_contract_that_stays():
    """State format, ability to migrate, blockers, room: nothing moves."""
    contract = a_contract(
        keep=True, state={"policy": "exact", "emits": "1"},
        migration={"support": "no", "blockers": ["cuda"]}, guest_address="a",
    )  # fmt: skip
    offer = an_offer(
        migration={"support": "disabled", "modes": ["cold"]}, pools={FB: {"total": 0}},
        state={"policy": "exact", "accepts": "9", "emits": "2"},
    )  # fmt: skip

    kept = keep(contract, offer)

    assert (kept.is_possible, kept.reasons) == (True, ())
    assert kept.contract.state.emits == "2"
    assert kept.contract.migration.blockers == ("cuda",)


@given(contracts, full_offers, st.sampled_from(["warm", "new_process"]), st.booleans())
def test_the_mark_to_keep_stays_whatever_the_reboot_does(contract, offer, kind, is_kept):
    assume(offer.type is not None)
    contract = replace(contract, keep=is_kept)
    after = reboot(contract, offer, a_reboot(kind))

    assert after.contract.keep == contract.keep
    assert (after.contract.consumer, after.contract.slot) == (contract.consumer, contract.slot)
    if not contract.keep:
        assert after.is_pinned_anew
        assert after.reasons == ()
