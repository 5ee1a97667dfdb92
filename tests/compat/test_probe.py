"""The last resort settles what is unknown of versions, adds what it saw, and takes no `no` away."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FB, a_contract, an_offer
from compat.worlds import pairs, policy_values
from wherry.compat.engine import check
from wherry.compat.guest import check_guest
from wherry.compat.probe import SETTLED, combine, combine_guest, is_called_for, slots_called_for
from wherry.model.checks import CheckResponse, HostFacts, Needs, Policy, ProbeOutcome

LAST_RESORT = Policy(probe="last_resort")
TAKEN = ProbeOutcome(source="read", target="read", write="accepted")
UNTOLD = {"interface": {"policy": "semver"}}
"""An interface whose version nobody publishes."""


def codes(answer: Any) -> list[str]:
    return [reason.code for reason in answer.reasons]


def undecided(policy: Policy = LAST_RESORT, **offer: Any) -> CheckResponse:
    """A pair of which nothing stands in the way but an untold version."""
    return check(a_contract(**UNTOLD), an_offer(**{**UNTOLD, **offer}), policy)


outcomes = st.one_of(
    st.just(TAKEN),
    st.builds(ProbeOutcome, source=st.just("read"), target=st.just("read"),
              write=st.sampled_from(["EINVAL", "EIO"])),
    st.builds(ProbeOutcome, source=st.sampled_from(["absent", "EACCES"]),
              target=st.sampled_from(["read", "absent", "EIO"]), write=st.none()),
)  # fmt: skip


def test_a_successful_probe_takes_away_the_four_unknowns_and_nothing_else():
    before = undecided()

    after = combine(before, LAST_RESORT, TAKEN)

    assert set(codes(before)) == {"VERSION_ABSENT"}
    assert (before.verdict, before.accepted) == ("unknown", False)
    assert (after.verdict, after.accepted, codes(after)) == ("ok", True, [])
    assert after.modes == {**before.modes, "live": "ok"}
    assert after.configure == before.configure


@pytest.mark.parametrize(
    ("outcome", "code", "detail"),
    [
        (("absent", "read", None), "PROBE_ABSENT", {"side": "source"}),
        (("read", "absent", None), "PROBE_ABSENT", {"side": "target"}),
        (("EACCES", "read", None), "PROBE_READ_ERROR", {"side": "source", "errno": "EACCES"}),
        (("read", "read", "EINVAL"), "PROBE_REFUSED", {"errno": "EINVAL"}),
    ],
)
def test_the_three_conditions_of_the_thread_are_a_no(outcome, code, detail):
    source, target, write = outcome
    before = undecided(params={"p": {"type": "int", "value": 2, "allowed": [1, 2],
                                     "settable": True, "off_value": 1}})  # fmt: skip
    assert before.configure.params == {"p": 1}

    after = combine(before, LAST_RESORT, ProbeOutcome(source=source, target=target, write=write))

    assert after.verdict == after.modes["live"] == "no"
    assert not after.accepted
    assert (after.reasons[0].code, after.reasons[0].detail) == (code, detail)
    assert (after.reasons[0].rule, after.reasons[0].stage) == ("R29", "preflight")
    assert set(codes(after)[1:]) == {"VERSION_ABSENT"}
    assert after.configure.params == {}
    assert after.modes["suspend"] == before.modes["suspend"]


@given(pairs(), policy_values, outcomes)
def test_a_probe_never_takes_a_no_away_and_never_hides_another_reason(pair, policy, outcome):
    before = check(*pair, policy)

    after = combine(before, policy, outcome)

    if before.verdict == "no":
        assert after.verdict == "no"
    kept = [r for r in before.reasons if r.code not in SETTLED]
    assert [r for r in after.reasons if r.rule != "R29" and r.code not in SETTLED] == kept
    if policy.mode in {"cold", "replug"}:
        assert after == before
    else:
        others = {mode: verdict for mode, verdict in before.modes.items() if mode != policy.mode}
        assert others.items() <= after.modes.items()
    assert after.modes[policy.mode] == after.verdict


@given(pairs(), policy_values)
def test_a_probe_that_was_not_made_or_was_lost_changes_nothing(pair, policy):
    before = check(*pair, policy)

    assert combine(before, policy, None) is before


def test_a_probe_is_called_for_only_where_it_is_permitted_and_decides():
    assert is_called_for(undecided(), LAST_RESORT)
    assert not is_called_for(undecided(), Policy())
    assert not is_called_for(undecided(kind="vf"), LAST_RESORT)
    accepting = Policy(probe="last_resort", accept=("unknown",))
    assert not is_called_for(undecided(accepting), accepting)
    cold = Policy(probe="last_resort", mode="cold")
    assert not is_called_for(undecided(cold), cold)
    unreadable = undecided(features=None)
    assert not is_called_for(unreadable, LAST_RESORT)


def guest(policy: Policy) -> Any:
    contracts = [a_contract(slot="gpu0", **UNTOLD), a_contract(slot="gpu1")]
    offers = [an_offer(**UNTOLD, pools={FB: {"total": 4096}}), an_offer(provider="other")]
    return check_guest(contracts, Needs(), offers, HostFacts(), policy)


def test_each_row_of_a_guest_is_settled_by_its_own_probe():
    before = guest(LAST_RESORT)
    assert (before.verdict, slots_called_for(before, LAST_RESORT)) == ("unknown", ("gpu0",))

    after = combine_guest(before, LAST_RESORT, {"gpu0": TAKEN, "other": TAKEN})
    lost = combine_guest(before, LAST_RESORT, {"gpu0": None})
    refused = combine_guest(
        before, LAST_RESORT, {"gpu0": ProbeOutcome(source="read", target="read", write="EINVAL")}
    )

    assert (after.verdict, after.accepted, after.modes["live"]) == ("ok", True, "ok")
    assert [row.offer for row in after.mapping] == [row.offer for row in before.mapping]
    assert lost == before
    assert (refused.verdict, refused.mapping[0].verdict) == ("no", "no")
    assert refused.mapping[1] == before.mapping[1]
    assert slots_called_for(before, Policy()) == ()
