"""Versions are compared as their policy says, on both axes alike, and never guessed at."""

from typing import Any

import pytest

from builders import a_contract, an_offer
from wherry.compat.engine import check
from wherry.model.checks import Policy

LEFT_OUT = object()


def stated(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not LEFT_OUT}


def ends(policies: tuple[Any, Any], wanted: Any, offered: Any) -> dict[str, list[str]]:
    """The ends of the codes that each axis gives."""
    ours, theirs = policies
    contract = a_contract(
        interface=stated(policy=ours, version=wanted), state=stated(policy=ours, emits=wanted)
    )
    offer = an_offer(
        interface=stated(policy=theirs, supports=offered),
        state=stated(policy=theirs, accepts=offered),
    )
    codes = [reason.code for reason in check(contract, offer, Policy()).reasons]
    return {
        axis: sorted(code.removeprefix(axis) for code in codes if code.startswith(axis))
        for axis in ("VERSION_", "STATE_FORMAT_")
    }


@pytest.mark.parametrize(
    ("policy", "wanted", "offered", "end"),
    [
        # The four pairs of the founding e-mail.
        ("semver", "2.0.1", "2.1.1", None),
        ("semver", "2.1.1", "2.0.1", "MINOR_OLDER"),
        ("semver", "2.0.0", "3.0.0", "MAJOR"),
        ("semver", "2.0.1", "2.0.0", None),
        ("semver", "2.9", "2.10", None),
        ("semver", "2.10", "2.9", "MINOR_OLDER"),
        ("semver", "3.0", "2.9", "MAJOR"),
        ("semver", "02.01", "2.1.99", None),
        ("semver", "2", "2", "OPAQUE"),
        ("semver", "2", "2.0", "INCOMPARABLE"),
        ("semver", "2.0.0.0", "2.0.0.0", "OPAQUE"),
        ("semver", "v2.0", "v2.0", "OPAQUE"),
        ("semver", "2.0", " 2.0", "INCOMPARABLE"),
        ("semver", "2.0-rc1", "2.0", "INCOMPARABLE"),
        ("semver", "2.1234567890", "2.1234567890", "OPAQUE"),
        ("semver", "٢.0", "٢.0", "OPAQUE"),
        ("semver", "2.0", {"min": "1"}, "INCOMPARABLE"),
        ("semver", "2.0", ["2.0"], "INCOMPARABLE"),
        ("exact", "1.0", "1.0", None),
        ("exact", "1.0", "1.00", "NOT_EQUAL"),
        ("exact", "abc", "ABC", "NOT_EQUAL"),
        ("exact", "1.0", ["1.0"], "INCOMPARABLE"),
        ("major", "535.104.05", "535.161", None),
        ("major", "535.104.05", "550.54", "MAJOR"),
        ("major", "7", "7.1.2.3.4.5.6.7", None),
        ("major", "7", "7.1.2.3.4.5.6.7.8", "INCOMPARABLE"),
        ("major", "x", "x", "OPAQUE"),
        ("monotonic", "1", "2", None),
        ("monotonic", "2", "1", "OLDER"),
        ("monotonic", "2", "2.0.0", None),
        ("monotonic", "2.0.1", "2", "OLDER"),
        ("monotonic", "9", "10", None),
        ("monotonic", "a", "b", "INCOMPARABLE"),
        ("range", "7", {"min": "5", "max": "9"}, None),
        ("range", "5", {"min": "5", "max": "9"}, None),
        ("range", "9.0", {"min": "5", "max": "9"}, None),
        ("range", "9.0.1", {"min": "5", "max": "9"}, "OUT_OF_RANGE"),
        ("range", "4.9", {"min": "5"}, "OUT_OF_RANGE"),
        ("range", "999", {"min": "5"}, None),
        ("range", "0", {"max": "9"}, None),
        ("range", "7", {"min": "9", "max": "5"}, "OUT_OF_RANGE"),
        ("range", "x", {"min": "5"}, "INCOMPARABLE"),
        ("range", "7", {"min": "x", "max": "9"}, "INCOMPARABLE"),
        ("range", "7", "7", "INCOMPARABLE"),
        ("range", "7", ["7"], "INCOMPARABLE"),
        ("accepts", "b", ["a", "b"], None),
        ("accepts", "1.0", ["1.00"], "NOT_ACCEPTED"),
        ("accepts", "a", [], "NOT_ACCEPTED"),
        ("accepts", "a", "a", "INCOMPARABLE"),
        ("none", "anything", "else", None),
        ("none", None, ["a"], None),
    ],
)  # fmt: skip
def test_a_policy_compares_alike_on_both_axes(policy, wanted, offered, end):
    """Also if one side alone states the policy, and for semver if neither does."""
    expected = [] if end is None else [end]
    sides = [(policy, policy), (policy, LEFT_OUT), (LEFT_OUT, policy)]
    if policy == "semver":
        sides.append((LEFT_OUT, LEFT_OUT))

    for policies in sides:
        assert ends(policies, wanted, offered) == {"VERSION_": expected, "STATE_FORMAT_": expected}


@pytest.mark.parametrize(("wanted", "offered"), [("1.0", "1.0"), (None, None), (LEFT_OUT, "2.0")])
def test_two_policies_are_not_compared_and_nothing_else_is_asked(wanted, offered):
    found = ends(("semver", "exact"), wanted, offered)

    assert found == {"VERSION_": ["INCOMPARABLE"], "STATE_FORMAT_": ["INCOMPARABLE"]}


@pytest.mark.parametrize("nothing", [None, LEFT_OUT])
@pytest.mark.parametrize("policy", ["semver", "exact", "range", "accepts", LEFT_OUT])
def test_what_one_side_does_not_publish_is_absent_on_that_side(policy, nothing):
    assert ends((policy, LEFT_OUT), nothing, "1.0")["VERSION_"] == ["ABSENT"]
    assert ends((policy, LEFT_OUT), "1.0", nothing)["STATE_FORMAT_"] == ["ABSENT"]


@pytest.mark.parametrize("nothing", [None, LEFT_OUT])
def test_an_interface_that_nobody_publishes_is_unknown_and_a_state_format_is_passed_over(nothing):
    found = ends(("semver", LEFT_OUT), nothing, nothing)

    assert found == {"VERSION_": ["ABSENT", "ABSENT"], "STATE_FORMAT_": []}


def test_records_that_do_not_speak_of_a_state_have_none():
    contract, offer = a_contract(state={}), an_offer(state={})
    assert check(contract, offer, Policy()).verdict == "ok"


def test_a_guest_that_only_moved_may_go_back_and_one_that_rebooted_may_not():
    """The checks run on the contract, not on the host where the guest happens to be."""
    home, ahead = an_offer(supports="2.0.1"), an_offer(supports="2.1.1")

    moved = check(a_contract(version="2.0.1"), ahead, Policy(), home)
    rebooted = check(a_contract(version="2.1.1"), home, Policy())

    assert moved.verdict == "ok"
    assert moved.return_path.verdict == "ok"
    assert [reason.code for reason in rebooted.reasons] == ["VERSION_MINOR_OLDER"]
