"""Every parameter against every value: what is published meets what is asked just where the
rules let it pass, but for the rows that say `superset`.
"""

import pytest
from msgspec.structs import replace

from builders import a_contract, an_offer
from wherry.compat.pair import Pair
from wherry.compat.query.params import ask, publish
from wherry.compat.query.vocabulary import Vocabulary
from wherry.compat.rules import params as rules
from wherry.model.checks import Policy
from wherry.model.device import Offer, Param, ParamValue

KEY = ("vf", "vfio-pci", "a/x")
VALUES = (
    None,
    True,
    False,
    0,
    1,
    2,
    64,
    66,
    "1",
    "1-3",
    "0x1",
    "0x01",
    "0x3",
    ("a",),
    ("a", "b"),
    ("b", "a", "a"),
)
PARAMS = (
    *(Param(type="int", value=v) for v in (0, 1, "1", None)),
    *(Param(type="int", rule="ge", value=v) for v in (0, 1, 2, None)),
    Param(type="int", qos=True, value=1),
    Param(type="int", qos=True, severity="no", value=2),
    Param(type="int", rule="ignore"),
    Param(type="bool", value=True),
    Param(type="bool", value=1),
    Param(type="str", value="1-3"),
    Param(type="str", value="1", severity="warn"),
    Param(type="mask", value="0x01"),
    Param(type="mask", rule="subset", value="0x3"),
    Param(type="set", value=("b", "a")),
    Param(type="set", rule="subset", value=("a",)),
    Param(type="int", allowed=(0, "1-2", True, "x")),
    Param(type="int", allowed=("2-65",)),
    Param(type="int", allowed=("2-66",)),
    Param(type="int", allowed=("3-1",), settable=True),
    Param(type="str", allowed=("1", "1-3", 2)),
    Param(type="mask", allowed=("0x1", "zz")),
)  # fmt: skip


def passes(param: Param, value: ParamValue) -> bool:
    """Whether the rules of parameters have nothing worse than a warning."""
    pair = Pair(replace(a_contract(), params={"p": value}), offer_of(param), Policy())
    return all(cause.severity in {"warn", "info"} for cause, _ in rules.check(pair))


def offer_of(param: Param) -> Offer:
    return replace(an_offer(), params={"p": param})


KNOWN = Vocabulary(mark for param in PARAMS for mark in publish(KEY, "p", param))


@pytest.mark.parametrize("param", PARAMS)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_marks_meet_where_the_rules_let_pass(param, value):
    """A warning is no refusal; `any` leaves the matter to the exact stage."""
    meeting = ask(KEY, "p", value, KNOWN) & {*publish(KEY, "p", param)}

    assert meeting or not passes(param, value)
    assert passes(param, value) or {mark[3] for mark in meeting} <= {"any"}


@pytest.mark.parametrize("param", PARAMS)
def test_what_refuses_a_contract_without_it_is_fixed(param):
    """So that a contract that lacks it can forbid it."""
    pair = Pair(replace(a_contract(), params={}), offer_of(param), Policy())
    refused = any(cause.severity in {"no", "unknown"} for cause, _ in rules.check(pair))

    assert (("fixed", KEY, "p") in {*publish(KEY, "p", param)}) == refused
