"""Laws that hold for every contract, offer and policy."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from compat.mending import mend
from compat.worlds import UUIDS, full_offers, pairs, policy_values
from wherry.compat.engine import check
from wherry.compat.judgement import judge
from wherry.compat.pinning import Choice, pin
from wherry.compat.redact import user_view
from wherry.compat.sentences import explain
from wherry.compat.shapes import complete, shape_digest, shape_of
from wherry.compat.table import BY_CODE, MODES, SEVERITIES, family
from wherry.compat.values import is_allowed, read
from wherry.model.checks import CheckResponse, Policy, Reason
from wherry.model.device import Feature, Offer, Param

# Examples by the hundred go where others' tests have been, at twice the time when traced.
pytestmark = pytest.mark.no_cover
WEIGHT = {"ok": 0, "info": 0, "warn": 1, "unknown": 2, "no": 3}


def name_of(reason: Reason) -> tuple[str, ...]:
    naming = BY_CODE[reason.code].naming
    return (reason.code, *(repr(reason.detail[key]) for key in naming))


@given(pairs(), policy_values)
def test_the_verdict_is_the_worst_of_all_reasons_that_count_in_the_mode(pair, policy):
    response = check(*pair, policy)

    heaviest = max((WEIGHT[r.severity] for r in response.reasons), default=0)
    assert WEIGHT[response.verdict] == heaviest
    assert response.modes[policy.mode] == response.verdict
    assert set(response.modes) == set(MODES)
    assert response.accepted == (response.verdict in {"ok", *policy.accept})


@given(pairs(), policy_values)
def test_reasons_are_named_once_ordered_and_as_the_table_has_them(pair, policy):
    reasons = check(*pair, policy).reasons

    names = [name_of(reason) for reason in reasons]
    assert len(set(names)) == len(names)
    keys = [
        (SEVERITIES.index(r.severity), r.rule, r.code,
         *(r.detail[k] for k in BY_CODE[r.code].naming if k != "fields"))
        for r in reasons
    ]  # fmt: skip
    assert keys == sorted(keys)
    for reason in reasons:
        entry = BY_CODE[reason.code]
        assert (reason.rule, reason.stage) == (entry.rule, entry.stage)
        assert reason.severity in entry.severities
        assert explain(reason)


@given(pairs(), policy_values)
def test_the_verdicts_of_all_modes_are_the_same_whatever_mode_is_asked(pair, policy):
    answers = {mode: check(*pair, replace(policy, mode=mode)) for mode in MODES}

    assert len({repr(answer.modes) for answer in answers.values()}) == 1
    for mode, answer in answers.items():
        assert answer.verdict == answers["live"].modes[mode]


@given(pairs(), policy_values)
def test_a_judged_shape_completed_is_the_check(pair, policy):
    """Section 13, equivalence of shapes: exactly the reasons of the check, in every mode."""
    contract, offer = pair
    judgement = judge(contract, shape_of(offer), policy)

    for mode in MODES:
        asked = replace(policy, mode=mode)
        assert complete(judgement, contract, offer, asked) == check(contract, offer, asked)
    elsewhere = {r.rule for r in check(contract, offer, policy).reasons}
    own = {finding[0].rule for finding in judgement.findings}
    assert elsewhere - own <= {"R51", "R52", "R70"}


@given(full_offers)
def test_a_shape_knows_no_provider(offer):
    other = replace(
        offer,
        provider=UUIDS[3],
        generation=99,
        observed_at="2030-01-01T00:00:00Z",
        pools=UNSET if offer.pools is UNSET else
        {name: replace(pool, used=7, provider=UUIDS[2]) for name, pool in offer.pools.items()},
        exclusive=UNSET if offer.exclusive is UNSET else replace(offer.exclusive, in_use=("q",)),
    )  # fmt: skip

    assert shape_of(offer) == shape_of(other)
    assert shape_digest(offer) == shape_digest(other)
    assert shape_of(shape_of(offer)) == shape_of(offer)
    if offer.migration is not UNSET:
        assert shape_digest(offer) != shape_digest(replace(offer, migration=UNSET))


@given(pairs(), policy_values)
def test_a_feature_that_the_contract_lacks_and_the_offer_cannot_mask_never_helps(pair, policy):
    contract, offer = pair
    assume(offer.type is not None and offer.features is not None)
    assume("new" not in (contract.features or ()))
    more = {**(offer.features or {}), "new": Feature(maskable=False)}

    before = check(contract, offer, policy)
    after = check(contract, replace(offer, features=more), policy)

    for mode in MODES:
        assert WEIGHT[after.modes[mode]] >= WEIGHT[before.modes[mode]]
    if contract.features is not None:
        assert after.modes["live"] == after.modes["suspend"] == "no"


@given(pairs(), policy_values, st.data())
def test_taking_a_reasons_cause_away_takes_the_reason_away(pair, policy, data):
    contract, offer = pair
    response = check(contract, offer, policy)
    assume(response.reasons)
    reason = data.draw(st.sampled_from(response.reasons))

    mended = check(*mend(reason, contract, offer, policy))

    assert name_of(reason) not in {name_of(each) for each in mended.reasons}


def is_sound(name: str, param: Param, offer: Offer) -> bool:
    """A parameter whose value is readable, and allowed where that is asked."""
    value = read(param.type, param.value)
    if value is None or f"params.{name}" in (offer.assumed or ()):
        return False
    return param.allowed is UNSET or is_allowed(param.type, value, param.allowed)


@given(full_offers)
def test_a_contract_pinned_from_an_offer_meets_that_offer(offer):
    """The law of section 9, for what section 6 asks."""
    assume(offer.type is not None and offer.features is not None)
    assume(all(is_sound(n, p, offer) for n, p in (offer.params or {}).items()))
    sound = replace(
        offer,
        assumed=UNSET,
        constraints=UNSET,
        interface=UNSET if offer.interface is UNSET
        else replace(offer.interface, policy="semver", supports="1.2.3"),
        state=UNSET,
    )  # fmt: skip
    contract = pin(sound, Choice(), consumer=UUIDS[0], slot="s0")

    response = check(contract, sound, Policy())

    section_6 = {f"R{n:02}" for n in range(10, 48)}
    met = [r for r in response.reasons if r.rule in section_6 and r.severity != "info"]
    unstated = {"VERSION_ABSENT"} if offer.interface is UNSET else set()
    assert {r.code for r in met} <= unstated


@given(full_offers)
def test_nothing_is_left_to_set_on_the_offer_that_a_contract_was_pinned_from(offer):
    assume(offer.type is not None)
    contract = pin(offer, Choice(), consumer=UUIDS[0], slot="s0")

    configured = check(contract, offer, Policy()).configure

    assert not configured.mask_features
    for name in configured.params:
        assert (offer.params or {})[name].value is UNSET or name not in (contract.params or {})


@given(pairs(), policy_values)
def test_what_was_configured_need_not_be_configured_again(pair, policy):
    contract, offer = pair
    before = check(contract, offer, policy)
    params = dict(offer.params or {})
    for name, value in before.configure.params.items():
        params[name] = replace(params[name], value=value)
    configured = replace(offer, params=params or UNSET)

    after = check(contract, configured, policy)

    for name in before.configure.params:
        if read(params[name].type, params[name].value) is not None:
            assert name not in after.configure.params


@given(pairs(), policy_values)
def test_an_end_user_sees_yes_or_no_and_families(pair, policy):
    response = check(*pair, policy)
    view = user_view(response)

    assert (view.verdict == "ok") == response.accepted
    if not response.accepted:
        seen = {family(r.rule) for r in response.reasons if r.severity != "info"}
        assert view.families == tuple(sorted(seen))
    else:
        assert view.families == ()


@given(pairs(), policy_values)
def test_configure_is_empty_where_nothing_is_to_be_set(pair, policy):
    response: CheckResponse = check(*pair, policy)

    if response.verdict == "no" or policy.mode in {"cold", "replug"}:
        assert response.configure.params == {}
        assert response.configure.mask_features == ()
    assert list(response.configure.mask_features) == sorted(response.configure.mask_features)


@given(pairs(), full_offers, policy_values)
def test_the_return_path_asks_nothing_of_stage_claim_nor_the_targets_address(pair, home, policy):
    response = check(*pair, policy, home)

    assert response.return_path is not UNSET
    assert all(reason.stage != "claim" for reason in response.return_path.reasons)
    assert all(reason.code != "GUEST_ADDRESS" for reason in response.return_path.reasons)
    heaviest = max((WEIGHT[r.severity] for r in response.return_path.reasons), default=0)
    assert WEIGHT[response.return_path.verdict] == heaviest


@given(pairs(), policy_values)
def test_whose_device_it_is_and_when_it_was_pinned_decides_nothing(pair, policy):
    """So a judgement holds for every guest that was given the same."""
    contract, offer = pair
    other = replace(contract, consumer=UUIDS[3], slot="s9", pinned_at="2031-01-01T00:00:00Z")

    assert check(other, offer, policy) == check(contract, offer, policy)
