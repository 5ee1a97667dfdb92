"""A driver that changed what a version means is told when its host reports it."""

from builders import FB, an_offer
from store_worlds import a_device, a_plan, report


def codes_after(store, *offers):
    """Report a device with one offer after the other; gives the findings of the last report."""
    outcomes = [
        report(store, a_plan("host1", a_device("gpu0", offers=(offer,))), sequence=number)
        for number, offer in enumerate(offers, 1)
    ]
    return [one.message for one in outcomes[-1].findings if one.code == "LINT"]


def test_a_feature_that_went_without_a_new_major_is_a_finding(store):
    before = an_offer(supports="2.0.0", features={"x": {}, "y": {}})
    after = an_offer(supports="2.1.0", features={"x": {}})

    (message,) = codes_after(store, before, after)

    assert "LINT_FEATURE_REMOVED" in message


def test_a_first_report_and_an_equal_offer_have_nothing_to_be_said_of(store):
    assert codes_after(store, an_offer()) == []
    assert codes_after(store, an_offer(), an_offer(pools={FB: {"total": 8192}})) == []
