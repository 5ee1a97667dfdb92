"""One type name that means two things is found before a guest finds it."""

from builders import a_provider, an_offer
from host_facts import STREAM_1_0, a_host_with, a_plan, an_mtty, codes_of
from wherry.inventory.lint import lint_provider, lint_successive, lint_types


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
