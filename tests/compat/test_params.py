"""Parameters and conditions, held against a reading of the specification word by word."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_contract, an_offer
from compat.worlds import PARAMS, param_documents, values_for
from wherry.compat.conditions import all_of, holds
from wherry.compat.engine import check
from wherry.model.checks import Policy
from wherry.model.device import Condition

MISSING = object()
Reasons = set[tuple[str, ...]]


def reading(kind: str, value: Any) -> Any:
    """A value by its declared type, as text that can be compared; None if unreadable."""
    if kind == "bool":
        return repr(value) if value is True or value is False else None
    if kind == "int":
        return value if type(value) is int else None
    if kind == "set":
        return frozenset(value) if isinstance(value, list) else None
    if not isinstance(value, str):
        return None
    if kind == "str":
        return value
    return int(value, 16) if re.fullmatch("0x[0-9A-Fa-f]+", value) else None


def allowed_by(kind: str, value: Any, allowed: list[Any]) -> bool:
    if kind == "int":
        for item in allowed:
            match = re.fullmatch(r"(-?\d+)-(-?\d+)", item) if isinstance(item, str) else None
            if match and value in range(int(match[1]), int(match[2]) + 1):
                return True
    return any(reading(kind, item) == value for item in allowed if reading(kind, item) is not None)


def rule_and_severity(param: dict[str, Any]) -> tuple[str, str]:
    """R45."""
    qos = param.get("qos", False)
    rule = "in" if "allowed" in param else "ge" if qos else "eq"
    return param.get("rule", rule), param.get("severity", "warn" if qos else "no")


def told(name: str, wanted: Any, param: Any) -> Reasons:
    """What steps 1 to 5 and *off* say of one parameter."""
    if param is MISSING:
        return {("PARAM_UNKNOWN", "no", name)}
    rule, severity = rule_and_severity(param)
    unreadable = "warn" if severity == "warn" else "unknown"
    if rule == "ignore":
        return set()
    if wanted is MISSING:
        return off(name, param, rule, severity)
    kind = param["type"]
    ours, theirs = reading(kind, wanted), reading(kind, param.get("value"))
    lost = {side for side, is_lost in (
        ("source", ours is None), ("target", rule != "in" and theirs is None)
    ) if is_lost}  # fmt: skip
    if lost:
        return {("PARAM_UNREADABLE", unreadable, name, side) for side in lost}
    passes = {
        "eq": lambda: ours == theirs,
        "in": lambda: allowed_by(kind, ours, param["allowed"]),
        "ge": lambda: theirs >= ours,
        "subset": lambda: ours <= theirs if kind == "set" else ours | theirs == theirs,
    }[rule]
    return set() if passes() else {(f"PARAM_{rule.upper()}", severity, name)}


def off(name: str, param: dict[str, Any], rule: str, severity: str) -> Reasons:
    if rule in {"ge", "subset"}:
        return set()
    cannot = {("PARAM_CANNOT_DISABLE", severity, name)}
    if "off_value" not in param:
        return cannot
    kind = param["type"]
    value, off_value = reading(kind, param.get("value")), reading(kind, param["off_value"])
    if (value is not None and value == off_value) or param.get("settable"):
        return set()
    if value is None and "allowed" in param:
        is_allowed = off_value is not None and allowed_by(kind, off_value, param["allowed"])
        return set() if is_allowed else cannot
    if value is None:
        return {("PARAM_UNREADABLE", "warn" if severity == "warn" else "unknown", name, "target")}
    return cannot


def given_by(ours: dict[str, Any], theirs: dict[str, Any]) -> Reasons:
    answer = check(a_contract(params=ours), an_offer(params=theirs), Policy())
    found = set()
    for reason in answer.reasons:
        if reason.code.startswith("PARAM_"):
            naming = [reason.detail[key] for key in ("param", "side") if key in reason.detail]
            found.add((reason.code, reason.severity, *naming))
    return found


@st.composite
def both_sides(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    theirs = draw(st.dictionaries(st.sampled_from(PARAMS), param_documents(), max_size=3))
    return draw(values_for({name: param["type"] for name, param in theirs.items()})), theirs


@given(both_sides())
def test_parameters_are_compared_as_the_specification_reads(sides):
    ours, theirs = sides
    expected: Reasons = set()
    for name in {*ours, *theirs}:
        expected |= told(name, ours.get(name, MISSING), theirs.get(name, MISSING))

    assert given_by(ours, theirs) == expected


@given(both_sides())
def test_configure_has_what_passed_and_does_not_stand_there_already(sides):
    """R42, for those that can be set; what is to be turned off is set to its off value."""
    ours, theirs = sides
    answer = check(a_contract(params=ours), an_offer(params=theirs), Policy())
    expected = {}
    for name, param in theirs.items():
        wanted = ours.get(name, param.get("off_value"))
        stands = reading(param["type"], param.get("value"))
        if not param.get("settable") or wanted is None:
            continue
        if stands is not None and stands == reading(param["type"], wanted):
            continue
        if name in ours and told(name, wanted, param):
            continue
        expected[name] = tuple(wanted) if isinstance(wanted, list) else wanted

    assert answer.configure.params == ({} if answer.verdict == "no" else expected)


@pytest.mark.parametrize(
    ("allowed", "value", "passes"),
    [
        (["1-4"], 4, True), (["1-4"], 5, False), (["-8--1"], -1, True), (["-8--1"], 0, False),
        (["-1-1"], 0, True), (["4-1"], 2, False), ([3, "7"], 3, True), ([3, "7"], 7, False),
        (["1-4 "], 2, False), (["+1-4"], 2, False), ([True], 1, False), ([], 1, False),
    ],
)  # fmt: skip
def test_integers_may_be_allowed_by_spans(allowed, value, passes):
    found = given_by({"p": value}, {"p": {"type": "int", "allowed": allowed}})

    assert found == (set() if passes else {("PARAM_IN", "no", "p")})


def test_for_a_text_a_span_is_just_text():
    offered = {"p": {"type": "str", "allowed": ["1-4"]}}

    assert given_by({"p": "1-4"}, offered) == set()
    assert given_by({"p": "2"}, offered) == {("PARAM_IN", "no", "p")}


def test_the_names_of_a_masks_bits_are_told_to_people():
    offered = {
        "p": {"type": "mask", "rule": "subset", "value": "0x1", "bits": {"1": "sym", "2": "asym"}}
    }

    answer = check(a_contract(params={"p": "0x7"}), an_offer(params=offered), Policy())

    assert answer.reasons[0].detail["bits"] == {"1": "sym", "2": "asym"}


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ({"eq": 1}, 1, True), ({"eq": 1}, True, False), ({"eq": True}, 1, False),
        ({"eq": "1"}, 1, False), ({"eq": 1}, None, None), ({"eq": 1}, ("1",), None),
        ({"in": [1, "3-5"]}, 4, True), ({"in": [1, "3-5"]}, 2, False),
        ({"in": ["3-5"]}, "4", False), ({"in": ["3-5"]}, True, False), ({"in": []}, 1, False),
        ({"ge": 2}, 2, True), ({"ge": 2}, 1, False), ({"le": 2}, 3, False), ({"le": 2}, 2, True),
        ({"ge": "1.9"}, "1.10", True), ({"ge": "1.10"}, "1.9", False), ({"le": "2"}, "2.0", True),
        ({"ge": 2}, "2", None), ({"ge": "2"}, 2, None), ({"ge": "x"}, "2", None),
        ({"ge": 0}, True, None), ({"ge": "1", "eq": "x"}, "x", None), ({"ge": 1, "le": 3}, 2, True),
        ({"eq": 5, "ge": "x"}, 4, False),
    ],
)  # fmt: skip
def test_a_condition_is_true_false_or_cannot_be_told(condition, value, expected):
    known = {"in": "in_"}
    asked = Condition(**{
        known.get(key, key): tuple(item) if isinstance(item, list) else item
        for key, item in condition.items()
    })  # fmt: skip

    assert holds(asked, value) is expected


@given(st.lists(st.sampled_from([True, False, None])))
def test_all_of_is_false_before_it_cannot_tell_and_cannot_tell_before_true(answers):
    expected = False if False in answers else None if None in answers else True

    assert all_of(answers) is expected


@pytest.mark.parametrize(
    ("mode_is", "heads", "severity"),
    [("wide", 1, "no"), ("wide", 4, None), ("narrow", 1, None), ("wide", None, "unknown"),
     (None, 1, "unknown"), (None, 4, None)],
)  # fmt: skip
def test_a_constraint_is_broken_only_if_it_applies_and_is_not_met(mode_is, heads, severity):
    offer = an_offer(
        params={"mode": {"type": "str", "allowed": ["wide", "narrow"]},
                "heads": {"type": "int", "rule": "ignore"}},
        constraints=[{"name": "c", "if": {"mode": {"eq": "wide"}}, "then": {"heads": {"ge": 2}}}],
    )  # fmt: skip
    answer = check(a_contract(params={"mode": mode_is, "heads": heads}), offer, Policy())

    found = [reason.severity for reason in answer.reasons if reason.code == "CONSTRAINT"]
    assert found == ([] if severity is None else [severity])


def test_a_constraint_looks_at_what_would_be_in_effect():
    """The contract's value, else the off value, else where the parameter stands."""
    then = {"then": {"p": {"eq": 1}}}

    def severity(ours: dict[str, Any], param: dict[str, Any]) -> list[str]:
        offer = an_offer(params={"p": param, "q": {"type": "int", "rule": "ge", "value": 1}},
                         constraints=[{"name": "c", "if": {"q": {"eq": 1}}, **then}])  # fmt: skip
        reasons = check(a_contract(params={"q": 1, **ours}), offer, Policy()).reasons
        return [reason.severity for reason in reasons if reason.code == "CONSTRAINT"]

    assert severity({"p": 1}, {"type": "int", "value": 3, "off_value": 2}) == []
    assert severity({}, {"type": "int", "value": 1, "off_value": 2}) == ["no"]
    assert severity({}, {"type": "int", "value": 1}) == []
    assert severity({}, {"type": "int"}) == ["unknown"]
