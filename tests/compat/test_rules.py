"""The other rules, sentence by sentence: identity, packs, quantity, ability, modes, lints."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET
from msgspec.structs import replace

from builders import FB, a_contract, an_offer
from compat.worlds import full_offers
from wherry.compat.engine import check
from wherry.compat.lints import lint
from wherry.model.checks import Downtime, Pack, Policy
from wherry.model.device import Contract, ForeignRecord, Offer

LIVE = Policy()


def codes(contract: Any, offer: Any, policy: Policy = LIVE) -> list[str]:
    return [reason.code for reason in check(contract, offer, policy).reasons]


def test_gates_ask_nothing_else():
    """What is not recorded is unknown, a provider that offers nothing is a no."""
    other = ForeignRecord(schema="wherry.device/2", record="offer")

    both = check(None, other, LIVE)
    nothing = check(a_contract(), an_offer(type=None, kind="vf"), LIVE, an_offer())

    assert [(r.code, r.detail["side"]) for r in both.reasons] == [
        ("DESCRIPTOR_ABSENT", "source"), ("SCHEMA_UNKNOWN", "target"),
    ]  # fmt: skip
    assert set(both.modes.values()) == {"unknown"}
    assert codes(None, an_offer(type=None)) == ["DESCRIPTOR_ABSENT"]
    assert [reason.code for reason in nothing.reasons] == ["NO_OFFER"]
    assert set(nothing.modes.values()) == {"no"}
    assert nothing.return_path.reasons == nothing.reasons


VF_DOOR = {"kind": "vf", "type": "acme/v"}


@pytest.mark.parametrize(
    ("ours", "doors", "expected"),
    [
        ({"type": "acme/b"}, [], ["TYPE_MISMATCH"]),
        ({"type": "acme/b"}, ["acme/b"], []),
        ({"type": "acme/b"}, ["acme/B", "acme"], ["TYPE_MISMATCH"]),
        ({"kind": "vf", "type": "acme/v"}, [], ["KIND_MISMATCH", "TYPE_MISMATCH"]),
        ({"kind": "vf", "type": "acme/v"}, [VF_DOOR], []),
        ({"kind": "vf", "type": "acme/v"}, ["acme/v"], ["KIND_MISMATCH"]),
        ({"kind": "vf", "type": "acme/gpu-a"}, [VF_DOOR], ["KIND_MISMATCH"]),
        ({"kind": "mdev", "type": "acme/v"}, [VF_DOOR], ["TYPE_MISMATCH"]),
        ({"kind": "mdev", "type": "acme/v"}, [{"kind": "mdev", "type": "acme/v"}], []),
        ({**VF_DOOR, "device_api": "virtio"}, [VF_DOOR], ["DEVICE_API"]),
        ({"model": "m"}, [], []),
    ],
)
def test_a_door_opens_for_just_what_it_names(ours, doors, expected):
    assert codes(a_contract(**ours), an_offer(also_types=doors)) == expected


def test_models_are_compared_only_if_both_are_stated():
    assert codes(a_contract(model="a"), an_offer(model="b")) == ["MODEL_MISMATCH"]
    assert codes(a_contract(model="a"), an_offer(model="a")) == []
    assert codes(a_contract(), an_offer(model="b")) == []


def test_a_parent_is_told_and_never_decides():
    ours = {"vendor": "1", "device": "2", "driver": "d", "driver_version": "5", "address": "a"}
    theirs = {"vendor": "9", "driver": "e", "driver_version": "6", "firmware": "f", "revision": "r"}

    answer = check(a_contract(parent=ours), an_offer(parent=theirs), LIVE)

    assert (answer.verdict, answer.reasons[0].detail["fields"]) == ("ok", ["driver", "vendor"])
    assert codes(a_contract(parent=ours), an_offer(parent={**ours, "address": "b"})) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("4 heads", "4\t \nheads\f", []), (" 4 heads", "4 heads", []),
        ("4 heads", "5 heads", ["D"]),
        ("4 heads", " \n", []), ("4 heads", UNSET, []), ("4\u00a0heads", "4 heads", ["D"]),
        ("Heads", "heads", ["D"]),
    ],
)  # fmt: skip
def test_descriptions_are_folded_and_a_change_is_told(ours, theirs, expected):
    found = check(a_contract(description=ours), an_offer(description=theirs), LIVE)

    assert ["D" for reason in found.reasons if reason.code == "DESCRIPTION_DIFFERS"] == expected
    assert found.verdict == ("warn" if expected else "ok")


def test_the_description_of_another_type_says_nothing_of_this_one():
    ours = a_contract(type="acme/b", description="x")

    assert codes(ours, an_offer(also_types=["acme/b"], description="y")) == []


def a_pack(row: dict[str, Any]) -> Policy:
    document = {"id": "p", "expires": "2001-01-01", "rows": [{"id": "r", "severity": "no", **row}]}
    return Policy(packs=(msgspec.convert(document, Pack),))


@pytest.mark.parametrize(
    ("row", "severity"),
    [
        ({"require": {"target.branch": {"eq": "550"}}}, None),
        ({"require": {"target.branch": {"eq": "535"}}}, "no"),
        ({"require": {"target.branch": {"eq": "535"}}, "severity": "info"}, "info"),
        ({"require": {"target.none": {"eq": "1"}}}, "unknown"),
        ({"require": {"target.none": {"eq": "1"}}, "severity": "warn"}, "warn"),
        ({"require": {"target.none": {"eq": "1"}}, "severity": "info"}, None),
        ({"require": {"target.none": {"eq": "1"}, "source.branch": {"eq": "9"}}}, "no"),
        ({"compare": {"branch": "ge"}}, None),
        ({"compare": {"branch": "eq"}}, "no"),
        ({"compare": {"os": "eq"}}, None),
        ({"compare": {"os": "ge"}}, "unknown"),
        ({"compare": {"none": "eq"}}, "unknown"),
        ({}, "no"),
        ({"require": {}, "compare": {}}, "no"),
        ({"when": {"source.branch": {"ge": "540"}}}, None),
        ({"when": {"source.branch": {"le": "540"}}}, "no"),
        ({"when": {"source.none": {"eq": "1"}}}, "unknown"),
        ({"when": {"source.none": {"eq": "1"}}, "compare": {"branch": "ge"}}, None),
        ({"when": {"source.none": {"eq": "1"}, "source.os": {"eq": "sles"}}}, None),
        ({"types": ["acme/gpu-a"]}, "no"), ({"types": ["acme/*"]}, "no"), ({"types": ["*"]}, "no"),
        ({"types": ["acme/gpu"]}, None), ({"types": ["other/*", "acme/gpu-*"]}, "no"),
    ],
)  # fmt: skip
def test_a_row_of_a_pack_has_a_scope_and_something_to_meet(row, severity):
    """Also of a pack that has expired: it applies until it is taken out."""
    ours = a_contract(env={"branch": "535", "os": "el"})
    theirs = an_offer(env={"branch": "550", "os": "el"})

    found = check(ours, theirs, a_pack(row)).reasons

    assert [reason.severity for reason in found] == ([] if severity is None else [severity])


UNITS = {FB: 4096}
PART = {"type": "acme/half", "units": {FB: 2048, "VGPU": 0}, "count": 2}


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"units": UNITS}, {"composition": [PART]}, []),
        ({"composition": [PART]}, {"composition": [{**PART, "count": 1}] * 2}, []),
        ({"units": UNITS}, {"units": UNITS, "composition": [{**PART, "count": 9}]}, []),
        ({"units": {**UNITS, "X": 0}}, {"units": UNITS}, []),
        ({"units": {FB: 1}}, {"units": UNITS}, ["UNITS_MISMATCH"]),
        ({}, {"units": UNITS}, ["UNITS_ABSENT"]),
        ({"units": {}}, {"units": UNITS}, ["UNITS_MISMATCH"]),
        ({}, {}, []),
    ],
)
def test_what_an_instance_holds_is_equal_and_parts_are_summed(ours, theirs, expected):
    empty = {"units": UNSET, "pools": UNSET}

    assert codes(a_contract(**{**empty, **ours}), an_offer(**{**empty, **theirs})) == expected


@pytest.mark.parametrize(
    ("pools", "expected"),
    [
        ({FB: {"total": 4096}}, []), ({FB: {"total": 4095}}, [FB]), ({}, [FB]),
        ({FB: {"total": 9000, "used": 4000, "reserved": 904}}, []),
        ({FB: {"total": 9000, "used": 4000, "reserved": 905}}, [FB]),
        ({FB: {"total": 1, "used": 5000}}, [FB]), (UNSET, []), ({"OTHER": {"total": 1}}, [FB]),
    ],
)  # fmt: skip
def test_a_pool_has_room_for_the_demand_in_every_mode(pools, expected):
    ours, theirs = a_contract(), an_offer(pools=UNSET)
    theirs = msgspec.convert(
        {**msgspec.to_builtins(theirs), **({} if pools is UNSET else {"pools": pools})}, Offer
    )

    for mode in ("live", "suspend", "cold"):
        reasons = check(ours, theirs, Policy(mode=mode)).reasons
        assert [reason.detail["resource_class"] for reason in reasons] == expected


@pytest.mark.parametrize(
    ("by", "in_use", "ours", "severity"),
    [
        ("type", ["acme/gpu-a"], {}, None), ("type", ["acme/b"], {}, "no"),
        ("p", [1, 1], {"p": 1}, None), ("p", [1, 2], {"p": 1}, "no"), ("p", [1], {"p": True}, "no"),
        ("p", [1], {}, "unknown"), ("p", [1], {"p": None}, "unknown"), ("p", [], {"p": 9}, None),
    ],
)  # fmt: skip
def test_all_instances_on_a_provider_agree(by, in_use, ours, severity):
    theirs = an_offer(
        exclusive={"by": by, "in_use": in_use}, params={"p": {"type": "int", "rule": "ignore"}}
    )
    found = [r.severity for r in check(a_contract(params=ours), theirs, LIVE).reasons]

    assert found == ([] if severity is None else [severity])


@pytest.mark.parametrize(
    ("support", "code"),
    [("yes", None), ("no", "UNSUPPORTED"), ("disabled", "DISABLED"), ("unknown", "UNDETERMINED"),
     (UNSET, "UNDETERMINED")],
)  # fmt: skip
def test_both_sides_say_that_they_can_migrate(support, code):
    spoken = {} if support is UNSET else {"support": support}
    expected = [] if code is None else [f"MIGRATION_{code}"]

    for ours, theirs in (("source", "target"), ("target", "source")):
        said = {ours: spoken, theirs: {"support": "yes"}}
        contract, offer = a_contract(migration=said["source"]), an_offer(migration=said["target"])
        assert codes(contract, offer) == expected
        assert codes(contract, offer, Policy(mode="cold")) == []


def test_untracked_dma_stops_a_live_migration_and_no_other():
    untracked = a_contract(migration={"support": "yes", "dirty_tracking": "none"})

    answer = check(untracked, an_offer(), LIVE)

    assert (answer.modes["live"], answer.modes["suspend"]) == ("no", "ok")
    assert check(untracked, an_offer(), Policy(allow_untracked_dma=True)).verdict == "warn"


def test_blockers_and_postcopy_are_told_before_the_move():
    ours = a_contract(migration={"support": "yes", "blockers": ["b", "a"]})
    reasons = check(ours, an_offer(), Policy(postcopy=True)).reasons

    assert [(r.code, r.detail.get("blocker")) for r in reasons] == [
        ("BLOCKER", "a"), ("BLOCKER", "b"), ("POSTCOPY_REQUESTED", None),
    ]  # fmt: skip
    assert {reason.stage for reason in reasons} == {"preflight"}
    virtio = {"device_api": "virtio"}
    assert codes(a_contract(**virtio), an_offer(**virtio), Policy(postcopy=True)) == []


@pytest.mark.parametrize(
    ("size", "rates", "budget", "verdict", "estimate"),
    [
        (1000, (None, 1000, None), {"budget_ms": 1000}, "ok", 1000),
        (1001, (None, 1000, None), {"budget_ms": 1000}, "warn", 1001),
        (1001, (3000, 2000, 1000), {"budget_ms": 1000, "strict": True}, "no", 1001),
        (1, (None, None, 3), {"budget_ms": 333}, "warn", 334),
        (0, (None, 1, None), {"budget_ms": 0}, "ok", 0),
        (None, (1, 1, 1), {"budget_ms": 0}, "ok", None),
        (None, (1, 1, 1), {"budget_ms": 0, "strict": True}, "unknown", None),
        (10, (None, None, None), {"budget_ms": 0, "strict": True}, "unknown", None),
        (10, (None, 1, 2), None, "ok", 10000),
    ],
)
def test_the_downtime_is_estimated_by_the_least_rate(size, rates, budget, verdict, estimate):
    asked, ours, theirs = ({} if rate is None else {"bytes_per_s": rate} for rate in rates)
    state = {} if size is None else {"stop_copy_bytes": size}
    policy = LIVE if budget is None else Policy(downtime=Downtime(**budget, **asked))

    answer = check(
        a_contract(migration={"support": "yes", **state, **ours}),
        an_offer(migration={"support": "yes", **theirs}), policy,
    )  # fmt: skip

    assert (answer.verdict, answer.downtime_ms) == (verdict, estimate)
    assert answer.modes["suspend"] == "ok"


@pytest.mark.parametrize(
    ("ours", "theirs", "classes", "open_"),
    [
        (UNSET, UNSET, ("network", "network"), "live suspend cold"),
        (["live", "replug"], UNSET, ("network", "network"), "live"),
        (["live", "replug"], ["replug", "cold"], ("network", "network"), "replug"),
        (["live", "replug"], ["replug", "live"], ("network", "display"), "live"),
        (["replug"], ["replug"], (UNSET, UNSET), ""),
        ([], UNSET, ("network", "network"), ""),
    ],
)
def test_a_mode_is_open_only_where_both_sides_have_it(ours, theirs, classes, open_):
    sides = [
        {
            "device_class": kind,
            "migration": {"support": "yes", **({} if m is UNSET else {"modes": m})},
        }
        for m, kind in zip((ours, theirs), classes, strict=True)
    ]
    modes = check(a_contract(**sides[0]), an_offer(**sides[1]), LIVE).modes

    assert [mode for mode, verdict in modes.items() if verdict == "ok"] == open_.split()


IGNORED = {"type": "int", "rule": "ignore"}


@pytest.mark.parametrize(
    ("path", "ours", "theirs", "told"),
    [
        ("migration", {}, {}, True), ("interface.version", {}, {}, True),
        ("features.x", {}, {}, False),
        ("features.x", {"features": ["x"]}, {"features": {"x": {}}}, True),
        ("features.x", {}, {"features": {"x": {}}}, False),
        ("features.x", {}, {"features": {"x": {"maskable": False}}}, True),
        ("features.x", {}, {"features": {"x": {"maskable": False, "guest_visible": False}}}, False),
        ("params.p", {}, {}, False), ("params.p", {"params": {"p": 1}}, {}, True),
        ("params.p", {}, {"params": {"p": {"type": "int", "rule": "ge"}}}, True),
        ("params.p", {"params": {"p": 1}}, {"params": {"p": IGNORED}}, False),
    ],
)  # fmt: skip
def test_what_was_assumed_is_told_if_a_rule_looks_at_it(path, ours, theirs, told):
    for side in ("source", "target"):
        contract = a_contract(**ours, **({"assumed": [path]} if side == "source" else {}))
        offer = an_offer(**theirs, **({"assumed": [path]} if side == "target" else {}))
        found = [r for r in check(contract, offer, LIVE).reasons if r.code == "ASSUMED"]
        assert [r.detail for r in found] == ([{"side": side, "field": path}] if told else [])


V = "interface"


def semver(text: Any, policy: str = "semver") -> dict[str, Any]:
    return {"policy": policy, "supports": text}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({V: semver("1.0")}, {V: semver("1.0.5"), "units": {FB: 1}}, ["LINT_TYPE_AMBIGUOUS"]),
        ({V: semver("1.0")}, {V: semver("1.1"), "units": {FB: 1}}, []),
        ({V: semver("1.0")}, {V: semver("1.0"), "units": UNSET}, []),
        ({V: semver(None)}, {V: {}, "units": {FB: 1}}, ["LINT_TYPE_AMBIGUOUS"]),
        ({V: semver("a", "exact")}, {V: semver("a"), "units": {FB: 1}}, []),
        ({"description": "x"}, {"description": "y"}, ["LINT_TYPE_AMBIGUOUS"]),
        ({"description": "x  y"}, {"description": " x y"}, []),
        ({"description": "x"}, {"description": "y", "kind": "vf"}, []),
        ({"type": None}, {"type": None, "units": {FB: 1}}, []),
        ({"features": {"x": {}}}, {}, ["LINT_FEATURE_REMOVED"]),
        ({"features": {"x": {}}}, {V: semver("3.0")}, []),
        ({"features": {"x": {}}}, {V: semver("2.0")}, []),
        ({"features": {"x": {}}}, {"features": None}, []),
        ({}, {"features": {"x": {}}}, ["LINT_FEATURE_ADDED"]),
        ({}, {"features": {"x": {}}, V: semver("2.2")}, []),
        ({V: semver("1", "major")}, {"features": {"x": {}}, V: semver("1", "major")}, []),
    ],
)
def test_lints_tell_a_name_that_means_two_things(before, after, expected):
    found = lint(an_offer(**before), an_offer(**after)).lints

    assert [reason.code for reason in found] == expected
    assert {(reason.severity, reason.stage) for reason in found} <= {("warn", "filter")}


@given(full_offers)
def test_an_offer_that_did_not_change_has_no_lints(offer):
    assert lint(offer, replace(offer, generation=99, pools=UNSET)).lints == ()


def test_the_founding_example_of_x_and_y_is_answered_with_all_reasons():
    """A guest on version 1.0 with feature X, a target with version 2.0 and feature Y."""
    ours: Contract = a_contract(version="1.0", features=["X"])
    answer = check(ours, an_offer(supports="2.0", features={"Y": {}}), LIVE)

    assert [reason.code for reason in answer.reasons] == ["VERSION_MAJOR", "FEATURE_MISSING"]
    assert answer.modes == {"live": "no", "suspend": "no", "cold": "ok", "replug": "no"}
