"""One type name that means two things is found before a guest finds it."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from builders import a_provider, an_offer
from host_facts import STREAM_1_0, a_host_with, a_plan, an_mtty, codes_of
from wherry.compat.lints import lint
from wherry.compat.rules.inventory import version_of
from wherry.inventory.lint import lint_provider, lint_successive, lint_types
from wherry.model.checks import Reason
from wherry.model.device import Offer


def messages(findings: object) -> list[str]:
    """What the findings say after the lint's own words."""
    return [one.message.partition(": ")[2] for one in findings]


def test_equal_hosts_have_nothing_to_be_said_of() -> None:
    assert lint_types((f"host{i}_gpu", an_offer()) for i in range(3)) == []


def test_one_type_with_two_recipes_is_reported_with_the_provider() -> None:
    """A name that means two things: the founding fear of whoever compares names alone."""
    small, large = an_offer(), an_offer(units={"CUSTOM_ACME_FB_MB": 8192})

    (found,) = lint_types([("host1_gpu", small), ("host2_gpu", large), ("host3_gpu", small)])

    assert (found.type, found.first, found.other) == ("acme/gpu-a", "host1_gpu", "host2_gpu")
    assert {reason.code for reason in found.reasons} == {"LINT_TYPE_AMBIGUOUS"}


def test_all_that_claim_one_version_are_compared() -> None:
    """Section 11: "over providers that claim the same version", also if one states nothing."""
    other = {"CUSTOM_ACME_FB_MB": 8192}
    fleet = [
        ("a", an_offer(supports="1.0")),
        ("b", an_offer(supports="2.0", units=UNSET)),
        ("c", an_offer(supports="2.0.3")),
        ("d", an_offer(supports="2.0", units=other)),
    ]

    (found,) = lint_types(fleet)

    assert (found.first, found.other) == ("c", "d")
    assert [reason.code for reason in found.reasons] == ["LINT_TYPE_AMBIGUOUS"]


few_words = st.builds(
    lambda supports, units, description, features: an_offer(
        supports=supports, units=units, description=description, features=features
    ),
    st.sampled_from(["1.0", "1.1", "1.1.2", "2.0"]),
    st.sampled_from([UNSET, {"CUSTOM_ACME_FB_MB": 4096}, {"CUSTOM_ACME_FB_MB": 8192}]),
    st.sampled_from([UNSET, "", "2 lanes", "4  lanes", "4 lanes"]),
    st.sampled_from([UNSET, None, {"x": {}}, {"x": {}, "y": {}}]),
)


@given(st.lists(few_words, max_size=6))
def test_whatever_differs_within_a_version_is_told_of_one_of_the_two(offers: list[Offer]) -> None:
    """Not all pairs are compared; all pairs are the slow twin."""
    told = {
        (found.other, *named(reason))
        for found in lint_types((str(at), offer) for at, offer in enumerate(offers))
        for reason in found.reasons
    }

    for late, after in enumerate(offers):
        for early, before in enumerate(offers[:late]):
            if version_of(before) == version_of(after):
                for reason in (*lint(before, after).lints, *lint(after, before).lints):
                    assert {(str(one), *named(reason)) for one in (early, late)} & told


def named(reason: Reason) -> tuple[str, object, object]:
    return reason.code, reason.detail.get("field"), reason.detail.get("feature")


def test_offers_of_other_types_or_kinds_are_not_compared() -> None:
    large = {"CUSTOM_ACME_FB_MB": 8192}
    others = [an_offer(type="acme/gpu-b", units=large), an_offer(kind="vf", units=large)]

    assert lint_types([("a", an_offer()), *(("b", each) for each in others)]) == []


def test_a_changed_description_is_a_signal() -> None:
    before, after = an_offer(description="2 lanes"), an_offer(description="4 lanes")

    assert "LINT_TYPE_AMBIGUOUS" in messages(lint_successive([before], [after], "gpu"))[0]


def test_a_feature_that_went_without_a_new_major_is_reported() -> None:
    before = an_offer(supports="2.0.0", features={"x": {}, "y": {}})
    after = an_offer(supports="2.1.0", features={"x": {}})

    found = messages(lint_successive([before], [after], "gpu"))

    assert any("LINT_FEATURE_REMOVED" in text for text in found)


def test_what_was_offered_before_is_known_to_be_older() -> None:
    """Section 11: only removed is what went, and a version that went back tells nothing."""
    both, one = {"x": {}, "y": {}}, {"x": {}}
    (went,) = messages(lint_successive([an_offer(features=both)], [an_offer(features=one)], "gpu"))

    assert "LINT_FEATURE_REMOVED" in went
    newer, older = an_offer(supports="2.2.0", features=one), an_offer(features=both)
    assert lint_successive([newer], [older], "gpu") == []


def test_types_that_came_or_went_are_not_compared() -> None:
    assert lint_successive([an_offer()], [an_offer(type="acme/gpu-b")], "gpu") == []


def test_a_version_that_packs_ids_into_one_text_is_reported() -> None:
    """``i915-v1-8086-591d-…``: vendor and device have fields of their own."""
    packed = an_offer(interface={"policy": "exact", "supports": "i915-v1-8086-591d-GVTg_V5_8"})
    (finding,) = lint_provider(a_provider("gpu", host="host1", offers=[packed]).plan)

    assert finding.code == "LINT"
    assert "i915-v1-8086-591d-GVTg_V5_8 packs ids of a device into one text" in finding.message


def test_a_plain_version_or_hash_packs_nothing() -> None:
    plan = a_plan(an_mtty(), host=a_host_with({"mtty": {"srcversion": STREAM_1_0}}))
    hashed = a_plan(
        an_mtty(), host=a_host_with({"mtty": {"srcversion": "0123456789ABCDEF0123456"}})
    )

    assert codes_of(plan) == codes_of(hashed) == []
